# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""The report of dumps as one page of HTML that needs no network. Pure.

It works with the keyboard and without its script, which only filters the rows of the tables.
"""

from __future__ import annotations

import typing as t

import jinja2

#: Rows of the tables, so that the page of a thousand hosts stays below 10 MB.
_ROWS = {"servers": 2000, "work": 2000, "stacks": 100, "findings": 200}

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>Stack dumps, explained</title>
<style>
:root { color-scheme: light dark; --line: #767676; --busy: #b3261e; --free: #2e6b34; --soft: #f2f2f2; }
@media (prefers-color-scheme: dark) { :root { --busy: #f2b8b5; --free: #a5d6a7; --soft: #2a2a2a; } }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 75rem; margin: 0 auto; padding: 1rem; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; padding: .3rem 0; }
th, td { border-bottom: 1px solid var(--line); padding: .25rem .5rem; text-align: left; vertical-align: top; }
td { overflow-wrap: anywhere; }
pre { background: var(--soft); padding: .5rem; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
meter { width: 6rem; }
summary { cursor: pointer; }
:focus-visible { outline: 3px solid currentColor; outline-offset: 2px; }
.full { color: var(--busy); font-weight: bold; }
li { margin-bottom: .75rem; }
@media print { form { display: none; } body { max-width: none; } }
</style>
</head>
<body>
<main>
<h1>Stack dumps, explained</h1>
<p>{{ report.lines[0] }}</p>

<h2 id="findings">Findings</h2>
{% if report.findings %}
<ol>
{% for one in report.findings[:rows.findings] %}
<li>{{ one.sentence }}
{% if one.stack %}<details><summary>Stack{{ " of the longest" if one.count > 1 }}, the innermost last</summary>
<pre tabindex="0" aria-label="Stack of finding {{ loop.index }}">{{ one.stack | join("\\n") }}</pre></details>
{% endif %}
</li>
{% endfor %}
</ol>
{% else %}
<p>Nobody is at work: every thread in these dumps waits for something to do.</p>
{% endif %}

{% if report.postgres.unsaid %}
<h2 id="postgres">Not said by PostgreSQL</h2>
<ul>
{% for host, why in report.postgres.unsaid.items() %}
<li>{{ host }}: {{ why }}</li>
{% endfor %}
</ul>
{% endif %}

<form onsubmit="return false"><label for="filter">Show only rows with </label>
<input id="filter" type="search" autocomplete="off"> <span id="shown" role="status"></span></form>

<h2 id="servers">Servers</h2>
<table>
<caption>Who was at work in the last sample</caption>
<thead><tr><th scope="col">Server</th><th scope="col">http</th><th scope="col">cron</th><th scope="col">gevent</th>
<th scope="col">threaded</th><th scope="col">Databases</th><th scope="col">Samples</th></tr></thead>
<tbody>
{% for one in report.servers[:rows.servers] %}
<tr><th scope="row">{{ one.server }}{% if one.starved %} <span class="full">no free worker</span>{% endif %}</th>
{% for role in ("http", "cron", "gevent", "threaded") %}
<td>{% if one[role].pids %}<meter min="0" max="{{ one[role].pids | length }}" value="{{ one[role].busy | length }}"
aria-label="{{ role }} of {{ one.server }} busy"></meter>
{{ one[role].busy | length }} of {{ one[role].pids | length }}{% endif %}</td>
{% endfor %}
<td>{{ one.databases | join(", ") }}</td><td>{{ one.samples }} at {{ one.began }}</td></tr>
{% endfor %}
</tbody>
</table>

<h2 id="work">Work</h2>
<table>
<caption>Requests and jobs under way, the longest first</caption>
<thead><tr><th scope="col">Seconds</th><th scope="col">Server, pid</th><th scope="col">Request or job</th>
<th scope="col">Database, user</th><th scope="col">Waits for</th><th scope="col">At</th></tr></thead>
<tbody>
{% for one in report.work[:rows.work] %}
<tr><td>{{ "%.1f" | format(one.seconds) if one.seconds is not none else "?" }}{{ ", not moved" if one.stuck }}</td>
<td>{{ one.server }}, {{ one.pid }}</td><td>{{ one.url or (one.jobs | join(" or ")) or one.kind }}</td>
<td>{{ one.database or "?" }}{{ ", " ~ one.user if one.user }}</td>
<td>{{ one.wait }}{{ ": " ~ one.query if one.query }}</td><td>{{ one.at }}</td></tr>
{% endfor %}
</tbody>
</table>

<h2 id="stacks">Stacks</h2>
<table>
<caption>The same stacks put together, the most frequent first</caption>
<thead><tr><th scope="col">Times</th><th scope="col">Threads</th><th scope="col">Hosts</th>
<th scope="col">Stack</th></tr></thead>
<tbody>
{% for one in report.stacks[:rows.stacks] %}
<tr><td>{{ one.count }}</td><td>{{ one.threads }}</td>
<td>{{ one.hosts[:10] | join(", ") }}{{ " and " ~ (one.hosts | length - 10) ~ " more" if one.hosts | length > 10 }}</td>
<td><details><summary>{{ one.wait }}: {{ one.at }}</summary>
<pre tabindex="0" aria-label="Stack {{ loop.index }}">{{ one.frames | join("\\n") }}</pre></details></td></tr>
{% endfor %}
</tbody>
</table>
</main>
<script>
"use strict";
const rows = [...document.querySelectorAll("tbody tr")];
document.getElementById("filter").addEventListener("input", (event) => {
  const wanted = event.target.value.toLowerCase();
  let left = 0;
  for (const row of rows) {
    row.hidden = !row.textContent.toLowerCase().includes(wanted);
    left += row.hidden ? 0 : 1;
  }
  document.getElementById("shown").textContent = `${left} of ${rows.length} rows`;
});
</script>
</body>
</html>
"""

# Logs are written by strangers, so every text is escaped.
_TEMPLATE = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True).from_string(_PAGE)


def page(report: t.Mapping[str, t.Any]) -> str:
    """The page of a report as :func:`analyse` makes it."""
    return _TEMPLATE.render(report=report, rows=_ROWS)
