# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""The report of caches as one page of HTML that needs no network. Pure."""

from __future__ import annotations

import typing as t

import jinja2
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis_page import FILTER, SCRIPT, STYLE
from ansible_collections.fleetops.odoo.plugins.plugin_utils._cache_merge import name_of, size_of

#: Rows of the tables, so that the page of a large fleet stays below 10 MB.
_ROWS = 2000

_PAGE = (
    """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>Caches</title>
<style>
"""
    + STYLE
    + """td.number, th.number { text-align: right; }
</style>
</head>
<body>
<main>
<h1>Caches</h1>
<p>{{ report.lines[0] }}</p>

"""
    + FILTER
    + """
<h2 id="caches">Caches</h2>
<table>
<caption>Cost is the number of misses times their share of the lookups, twice where the cache is full</caption>
<thead><tr><th scope="col">Method</th><th scope="col">Database</th><th scope="col">Odoo</th>
<th scope="col" class="number">Cost</th><th scope="col" class="number">Hits</th>
<th scope="col" class="number">Misses</th><th scope="col" class="number">Hit ratio</th>
<th scope="col" class="number">Entries</th><th scope="col">Cache</th><th scope="col" class="number">Memory</th>
<th scope="col" class="number">Seconds</th><th scope="col" class="number">Processes</th>
<th scope="col">Hosts</th></tr></thead>
<tbody>
{% for one in report.caches[:rows] %}
<tr><th scope="row">{{ name(one) }}</th><td>{{ one.database or "" }}</td><td>{{ one.version or "?" }}</td>
<td class="number">{{ "%.1f" | format(one.cost) }}</td><td class="number">{{ one.hits }}</td>
<td class="number">{{ one.misses }}</td><td class="number">{{ "%.1f" | format(one.ratio) }} %</td>
<td class="number">{{ one.entries }}</td>
<td>{{ one.cache or "" }}{% if one.fill is not none %} <meter min="0" max="1" value="{{ one.fill }}"
aria-label="how full it is"></meter> {{ "%.0f" | format(100 * one.fill) }} %{% endif %}
{% if one.full %} <span class="full">full</span>{% endif %}</td>
<td class="number">{{ size(one.memory) }}</td>
<td class="number">{{ "%.3f" | format(one.seconds) if one.seconds is not none }}</td>
<td class="number">{{ one.processes }}</td>
<td>{{ one.hosts[:10] | join(", ") }}{{ " and " ~ (one.hosts | length - 10) ~ " more" if one.hosts | length > 10 }}</td>
</tr>
{% endfor %}
</tbody>
</table>

{% if report.silent %}
<h2 id="silent">Processes without statistics</h2>
<table>
<caption>Why they have none</caption>
<thead><tr><th scope="col">Host</th><th scope="col">Process</th><th scope="col">Reason</th></tr></thead>
<tbody>
{% for one in report.silent[:rows] %}
<tr><th scope="row">{{ one.host }}</th><td>{{ one.role }}, {{ one.pid }}</td><td>{{ one.reason }}</td></tr>
{% endfor %}
</tbody>
</table>
{% endif %}
</main>
<script>
"""
    + SCRIPT
    + """</script>
</body>
</html>
"""
)

# Logs are written by strangers, so every text is escaped.
_TEMPLATE = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True).from_string(_PAGE)


def page(report: t.Mapping[str, t.Any]) -> str:
    """The page of a report as :func:`merge` makes it."""
    return _TEMPLATE.render(report=report, rows=_ROWS, name=name_of, size=size_of)
