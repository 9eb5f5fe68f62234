# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The earlier rolls in a folder of reports, from the newest on."""

from __future__ import annotations

import json
import pathlib
import re
import stat
import typing as t

from ..names import some_of

#: The name of a roll is the time of its begin.
_NAME = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z")
#: Rolls that are listed, and bytes of reports that are read for them. A report grows with the fleet, and the list must
#: not take longer than the rest of the summary.
_MOST, _BYTES = 50, 32 << 20
#: Hosts that a row names.
_NAMED = 5

#: Outcomes of hosts for which nothing is left to do.
DONE = ("reloaded", "restarted", "up to date", "skipped", "would reload", "would restart")


def earlier(folder: str, most: int = _MOST, most_bytes: int = _BYTES) -> list[dict[str, t.Any]]:
    """Return the rolls before this one, the newest first.

    :param folder: the folder of this roll; its neighbours are the others.
    :param most: how many are listed.
    :param most_bytes: size of all reports that are read. Of the others only the begin is known.
    :returns: for each roll ``name``, ``started``, ``link`` (empty without a page) and ``known``; where that is true,
        also those of :func:`entry`, otherwise ``why``.
    """
    own = pathlib.Path(folder)
    try:
        names = sorted((one.name for one in own.parent.iterdir() if _NAME.fullmatch(one.name)), reverse=True)
    except OSError:
        return []
    found = []
    for name in [one for one in names if one < own.name][:most]:
        path = own.parent / name
        report, why, size = _read(path / "report.json", most_bytes)
        most_bytes -= size
        known = None if why else entry(report)
        if known is None:
            why = why or "the report has another format"
        link = f"../{name}/report.html" if (path / "report.html").is_file() else ""
        started = _NAME.sub(r"\1-\2-\3T\4:\5:\6Z", name)
        row = {"name": name, "started": started, "link": link, "known": known is not None}
        found.append({**row, **(known or {"why": why})})
    return found


def entry(report: t.Any) -> dict[str, t.Any] | None:
    """Return the row of a report: ``outcome``, ``seconds``, ``by``, ``reason``, ``done``, ``all``, ``lost``, ``why``.

    None where it is not the report of a roll. Reports of before this page existed do not tell whose roll it was. Pure.
    """
    try:
        hosts = [(str(one["host"]), str(one["outcome"])) for one in report["hosts"]]
        by, stopped = report.get("by") or {}, report.get("stopped") or {}
        bad = [host for host, outcome in hosts if outcome in ("failed", "unreachable")]
        return {
            "outcome": str(report["outcome"]),
            "check": bool(report.get("check")),
            "seconds": float(report["seconds"]),
            "by": str(by.get("owner") or ""),
            "reason": str(by.get("reason") or ""),
            "done": sum(outcome in DONE for _host, outcome in hosts),
            "all": len(hosts),
            "names": some_of([host for host, _outcome in hosts], _NAMED),
            "lost": some_of(bad, _NAMED),
            "why": str(stopped.get("reason") or ""),
        }
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _read(path: pathlib.Path, most: int) -> tuple[t.Any, str, int]:
    """Return a report, why there is none, and how many bytes were read."""
    try:
        status = path.stat()
    except OSError:
        return None, "it was interrupted, or it still runs", 0
    if not stat.S_ISREG(status.st_mode):
        return None, "the report is not a file", 0
    if status.st_size > most:
        return None, "the reports together are too large to read", 0
    try:
        return json.loads(path.read_bytes()), "", status.st_size
    except (OSError, ValueError, RecursionError):
        return None, "the report cannot be read", status.st_size
