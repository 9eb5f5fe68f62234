# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The report of dumps as one page of HTML that needs no network. Pure but for the page's own templates.

Findings, tables and chains of locks are there without its script too; with it come filters, sorting, the flame graph
and the dumps themselves.
"""

from __future__ import annotations

import re
import typing as t
from collections import Counter

from .._analysis.incidents import incidents
from .._analysis.sentences import path_of
from .._analysis.work import Source
from .lock_graph import HEIGHT, WIDTH, lock_graphs
from .raw import raw_dumps
from .render import render

#: Rows of the tables, so that the page of a thousand hosts stays below 10 MB.
_ROWS = {"servers": 2000, "work": 2000, "stacks": 100, "findings": 200, "silent": 2000, "graphs": 20}

#: Where the gist of a sentence ends.
_GIST = {
    "starved": re.compile(r": "),
    "blocked": re.compile(r": "),
    "work": re.compile(r", (?=at ['\"]|called by |for \d|the longest for |/|an unknown url)"),
}
#: Roles of processes; the last one where no dump shows it.
ROLES = ("http", "cron", "gevent", "threaded", "unknown")
HEALTH = ("no free worker", "busy", "not understood", "idle")


def page(
    report: t.Mapping[str, t.Any],
    sources: t.Iterable[Source] = (),
    files: t.Mapping[str, str] | None = None,
) -> str:
    """Return the page of a report of :func:`analyse`.

    :param sources: the dumps for the page.
    :param files: paths of the logs beside the page, by host.
    """
    servers = sorted(
        ({**one, "health": _health(one)} for one in report["servers"]),
        key=lambda one: (HEALTH.index(one["health"]), -len(one["http"]["busy"]), one["server"]),
    )
    silent, found = report.get("silent", []), incidents(report["findings"])
    return render(
        "dumps.html.j2",
        ["cards.css", "dumps.css"],
        ["flame.js", "raw.js"],
        report=report,
        servers=servers,
        roles=[role for role in ROLES if any(one[role]["pids"] for one in servers)],
        health=Counter(one["health"] for one in servers),
        lost=len({one["host"] for one in silent if one["pid"] is None}),
        silent=silent,
        unread=report["unread"],
        findings=[{**one, **_parted(one)} for one in found[: _ROWS["findings"]]],
        all_findings=len(found),
        graphs=lock_graphs(report["findings"])[: _ROWS["graphs"]],
        box={"width": WIDTH, "height": HEIGHT},
        raw=raw_dumps(sources, _first(report)),
        files=files or {},
        rows=_ROWS,
        path=path_of,
    )


def _health(server: t.Mapping[str, t.Any]) -> str:
    if server["starved"]:
        return HEALTH[0]
    if any(server[role]["busy"] for role in ROLES):
        return HEALTH[1]
    return HEALTH[2] if server["unread"] else HEALTH[3]


def _parted(finding: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Return the core of a sentence, and the rest of it without the line of code, which is shown separately."""
    sentence = finding["sentence"]
    found = _GIST.get(finding["kind"], _GIST["work"]).search(sentence)
    if found is None:
        return {"gist": sentence, "rest": ""}
    rest = sentence[found.end() :]
    code = (finding["evidence"][0].get("at") or "" if finding["evidence"] else "").partition(": ")[2]
    return {
        "gist": sentence[: found.start()],
        "rest": rest.replace(f", at {code!r}", "").removeprefix(f"at {code!r}, "),
    }


def _first(report: t.Mapping[str, t.Any]) -> list[str]:
    """Return the hosts of the findings, the most costly first."""
    hosts = (one.get("host") for finding in report["findings"] for one in finding["evidence"])
    return list(dict.fromkeys(host for host in hosts if host))
