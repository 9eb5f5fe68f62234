# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The signals and processes of the trials, and the records of their effects."""

from __future__ import annotations

import json
import pathlib
import typing as t

RECORDED = pathlib.Path(__file__).parent / "recorded"
SIGNALS = ("HUP", "INT", "TERM", "QUIT", "USR1", "USR2", "TTIN", "TTOU", "XCPU")
#: Role and state. A serving master has a request in flight, as has an http worker at work.
PLACES = {
    "prefork": (
        ("master", "serving"),
        ("master", "booting"),
        ("master", "stopping"),
        ("http", "at work"),
        ("http", "idle"),
        ("cron", "idle"),
        ("gevent", "idle"),
    ),
    "threaded": (("master", "serving"), ("master", "booting"), ("master", "stopping")),
}
#: What must be the same each time. Seconds are not.
FACTS = ("caught", "effect", "request", "replaced", "serves again", "comes up")
Row = t.Dict[str, t.Any]


def trials(mode: str) -> t.List[Row]:
    """All trials of a mode, in the order in which they are run."""
    return [
        {"role": role, "state": state, "signal": signal}
        for role, state in PLACES[mode]
        for signal in SIGNALS
        # An http worker differs by its work where it is asked to end.
        if (role, state) != ("http", "idle") or signal == "INT"
    ]


def facts(row: Row) -> Row:
    """The part of a result that must be the same each time."""
    found = {name: row[name] for name in FACTS if name in row}
    if row["state"] == "booting" and row["signal"] == "INT" and row["effect"].startswith(("ended:", "killed")):
        # An INT ends the import that it meets, with the status of that, or Python ends itself by the same signal.
        found["effect"] = "ended"
    return found


def differences(before: t.List[Row], now: t.List[Row]) -> t.List[str]:
    """Return the differences between two runs, one line each."""
    known = {_key(row): facts(row) for row in before}
    found = []
    for row in now:
        old, new = known.get(_key(row)), facts(row)
        if old != new:
            said = [
                f"{name}: {(old or {}).get(name)} -> {new.get(name)}"
                for name in FACTS
                if (old or {}).get(name) != new.get(name)
            ]
            found.append(f"{' '.join(_key(row))}: {'; '.join(said)}")
    return found


def _key(row: Row) -> t.Tuple[str, str, str, str]:
    return row["mode"], row["role"], row["state"], row["signal"]


def write(record: Row, place: pathlib.Path) -> None:
    """Write a record: what was run, and one row a line."""
    head = json.dumps({name: value for name, value in record.items() if name != "rows"})
    rows = ",\n".join(json.dumps(row) for row in record["rows"])
    place.parent.mkdir(exist_ok=True)
    place.write_text(f'{head[:-1]}, "rows": [\n{rows}\n]}}\n', encoding="utf-8")


def read(place: pathlib.Path) -> Row:
    """Read a record."""
    return t.cast("Row", json.loads(place.read_text(encoding="utf-8")))


def records() -> t.Dict[str, Row]:
    """All records by version, the oldest first."""
    found = {place.stem: read(place) for place in RECORDED.glob("*.json")}
    return dict(sorted(found.items(), key=lambda item: [int(n) for n in item[1]["version"].lstrip("sa~").split(".")]))
