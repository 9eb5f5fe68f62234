# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the tables of docs/signals.md from what was recorded: ``python -m tests.signals.table``."""

from __future__ import annotations

import pathlib
import sys
import typing as t

from . import cases

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "signals.md"
BEGIN = "<!-- From here on made by tests/signals/table.py from tests/signals/recorded. -->"
END = "<!-- Until here. -->"
_TITLES = {
    ("master", "serving"): "To a {mode} master with a request under way",
    ("master", "booting"): "To a {mode} master that boots and has a handler for INT only",
    ("master", "stopping"): "To a {mode} master that got an INT and waits for a request",
    ("http", "at work"): "To an http worker with a request",
    ("http", "idle"): "To an idle http worker",
    ("cron", "idle"): "To an idle cron worker",
    ("gevent", "idle"): "To a gevent process",
}
#: A table mentions a closed port from this many seconds on.
_NOTICED = 0.3
_EFFECTS = {
    "nothing": "nothing",
    "killed": "**kills it**",
    "executes itself": "executes itself again",
    "one more": "one http worker more",
    "stopped": "**stops it** (state T)",
    "stacks": "writes its stacks",
    "stacks and greenlets": "writes its stacks and greenlets",
    "statistics": "writes cache statistics",
}


def words(row: cases.Row) -> str:
    """Return what a signal did to a process, as the text of a cell of a table."""
    effect = cases.facts(row).get("effect", "")
    told = [_effect(part.strip(), row) for part in effect.split(", then ")]
    if "request" in row and row["effect"] != "nothing":
        told.append(_request(row["request"]))
    if row.get("serves again"):
        told.append("its port is closed for a while" if row.get("closed", 0) >= _NOTICED else "the port stays open")
    if row.get("replaced"):
        told.append("is replaced")
    if row.get("replaced") is False:
        told.append("**is not replaced**")
    if row.get("serves again") is False:
        told.append("**does not serve again**")
    if row["state"] == "booting" and row["effect"] == "nothing":
        return "nothing, it starts" if row.get("comes up") else "**it does not start**"
    return ", ".join(told)


def _effect(effect: str, row: cases.Row) -> str:
    if effect.startswith("ended"):
        status = effect.partition(":")[2]
        return "ends" if status in ("", "0") else f"**ends** with status {status}"
    if effect == "gone":
        return "ends" if row["signal"] in row["caught"] else "**kills it**"
    return _EFFECTS.get(effect, effect)


def _request(status: t.Union[int, str]) -> str:
    if status == 200:
        return "its request is answered"
    return "**its request is lost**" if status == "cut" else f"its request ends with {status}"


def tables(records: t.Mapping[str, cases.Row]) -> str:
    """Return all tables; versions that did the same share a column."""
    places = [(mode, place) for mode, places in cases.PLACES.items() for place in places]
    parts = [f"### {_TITLES[place].format(mode=mode)}\n\n{_table(records, mode, place)}" for mode, place in places]
    return "\n\n".join([_runs(records), _handlers(records), *parts])


def _runs(records: t.Mapping[str, cases.Row]) -> str:
    rows = [f"| {one['version']} | {one['tree']} | {one['python']} | {one['date']} |" for one in records.values()]
    return "\n".join(["| Odoo | from | Python | run on |", "|---|---|---|---|", *rows])


def _handlers(records: t.Mapping[str, cases.Row]) -> str:
    """Return the table of the signals that a process has a handler for."""
    columns: t.Dict[str, t.Dict[str, str]] = {}
    for name, record in records.items():
        for row in record["rows"]:
            who = (
                f"{row['mode']} master, {row['state']}" if row["role"] == "master" else f"{row['role']}, {row['state']}"
            )
            if row["signal"] == cases.SIGNALS[0]:
                columns.setdefault(name, {})[who] = " ".join(row["caught"]) or "none"
    return "### Handlers, by /proc/PID/status\n\n" + _grid("process", columns)


def _table(records: t.Mapping[str, cases.Row], mode: str, place: t.Tuple[str, str]) -> str:
    columns: t.Dict[str, t.Dict[str, str]] = {}
    for name, record in records.items():
        for row in record["rows"]:
            if (row["mode"], row["role"], row["state"]) == (mode, *place):
                columns.setdefault(name, {})[row["signal"]] = words(row)
    return _grid("", columns)


def _grid(corner: str, columns: t.Mapping[str, t.Mapping[str, str]]) -> str:
    """Return a table with a column for each run of neighbouring versions that have the same cells."""
    groups: t.List[t.Tuple[t.List[str], t.Mapping[str, str]]] = []
    for name, cells in columns.items():
        if groups and groups[-1][1] == cells:
            groups[-1][0].append(name)
        else:
            groups.append(([name], cells))
    heads = [", ".join(names) for names, _cells in groups]
    lines = [f"| {corner} | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for row in dict.fromkeys(row for cells in columns.values() for row in cells):
        shown = [cells.get(row, "not tried") for _names, cells in groups]
        lines.append(f"| {row} | {' | '.join(shown)} |")
    return "\n".join(lines)


def rewritten(text: str, records: t.Mapping[str, cases.Row]) -> str:
    """Return the document with new tables."""
    before, _begin, rest = text.partition(BEGIN)
    _old, _end, after = rest.partition(END)
    assert _end, f"the document has lost {BEGIN!r} or {END!r}"
    return f"{before}{BEGIN}\n\n{tables(records)}\n\n{END}{after}"


def main() -> None:
    """Rewrite the document."""
    text = rewritten(DOCUMENT.read_text(encoding="utf-8"), cases.records())
    DOCUMENT.write_text(text, encoding="utf-8")
    print(DOCUMENT, file=sys.stderr)


if __name__ == "__main__":
    main()
