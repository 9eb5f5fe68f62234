# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Draw chains of locks: places of boxes and lines between them. Pure.

Known locks come from the findings of the kind ``blocked``. Without rows of PostgreSQL the drawing shows possible
holders, as far as dumps allow a guess.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

#: Sizes of a box and the room around it, in pixels; how many characters a line in it has; and how many boxes one
#: drawing has at most.
WIDTH, HEIGHT, _ACROSS, _DOWN = 300, 66, 70, 16
_LINE, _BOXES = 42, 40


@dataclass
class _Box:
    title: str
    what: str
    how: str
    blockers: list[t.Any] = field(default_factory=list)
    x: int = 0
    y: int = 0


def lock_graphs(findings: t.Sequence[t.Mapping[str, t.Any]]) -> list[dict[str, t.Any]]:
    """Return a drawing for each chain of locks: ``boxes``, ``lines`` with ``points``, ``width``, ``height``, ``known``.

    Rows of PostgreSQL may have more keys than are used. The holder of a lock is drawn also without its row.
    """
    known = [_of_rows(one) for one in findings if one["kind"] == "blocked"]
    if known:
        return [_drawn(boxes, known=True) for boxes in known if boxes]
    guessed = [_of_work(one) for one in findings if one["kind"] == "work" and one.get("holder")]
    return [_drawn(boxes, known=False) for boxes in guessed]


def _of_rows(finding: t.Mapping[str, t.Any]) -> dict[t.Any, _Box]:
    boxes: dict[t.Any, _Box] = {}
    rows = [row for row in finding["evidence"] if row.get("pid") is not None]
    holding = {(row.get("server"), pid) for row in rows for pid in row.get("blocked_by") or []}
    # Without room for all, keep those for which others wait.
    rows.sort(key=lambda row: (row.get("server"), row["pid"]) not in holding)
    for row in rows[:_BOXES]:
        # Two clusters may have sessions of the same pid.
        server = row.get("server")
        blockers = [(server, pid) for pid in row.get("blocked_by") or [] if pid != row["pid"]]
        seconds = row.get("waited") if blockers and row.get("waited") is not None else row.get("seconds")
        how = "waits" if blockers else row.get("state") or "holds the lock"
        boxes[server, row["pid"]] = _Box(
            _name(row), row.get("query") or "", how + (f", {seconds:.1f} s" if seconds is not None else ""), blockers
        )
    for key in [key for box in boxes.values() for key in box.blockers]:
        boxes.setdefault(key, _Box(f"backend {key[1]}", "", "holds the lock"))
    return boxes


def _name(row: t.Mapping[str, t.Any]) -> str:
    if row.get("worker") is not None:
        return f"worker {row['worker']} on {row.get('host') or 'an unknown host'}"
    told = row.get("application")
    return f"backend {row['pid']}" + (f" ({told})" if told else "")


def _of_work(finding: t.Mapping[str, t.Any]) -> dict[t.Any, _Box]:
    holder = finding["holder"]
    boxes: dict[t.Any, _Box] = {"holder": _Box(*_about(holder, "may hold it"))}
    for number, one in enumerate(finding["evidence"][: _BOXES - 1]):
        boxes[number] = _Box(*_about(one, "waits"), blockers=["holder"])
    return boxes


def _about(work: t.Mapping[str, t.Any], how: str) -> tuple[str, str, str]:
    seconds = f", {work['seconds']:.1f} s" if work["seconds"] is not None else ""
    return (
        f"pid {work['pid']} on {work['host']}",
        work["url"] or " or ".join(work["jobs"]) or work["at"] or "",
        how + seconds,
    )


def _drawn(boxes: dict[t.Any, _Box], *, known: bool) -> dict[str, t.Any]:
    row, deepest = 0, 0
    placed: set[t.Any] = set()

    def place(key: t.Any, depth: int) -> None:
        nonlocal row, deepest
        placed.add(key)
        box = boxes[key]
        box.x, box.y = depth * (WIDTH + _ACROSS), row * (HEIGHT + _DOWN)
        deepest = max(deepest, depth)
        waiters = [one for one, other in boxes.items() if key in other.blockers]
        below = 0
        for waiter in waiters:
            if waiter not in placed:
                place(waiter, depth + 1)
                below += 1
        row += 0 if below else 1

    # A circle has no end, so any of it may be the first.
    for key in sorted(boxes, key=lambda one: bool(boxes[one].blockers)):
        if key not in placed:
            place(key, 0)
    return {
        "known": known,
        "boxes": [
            {
                **{key: vars(box)[key] for key in ("x", "y", "title", "what", "how")},
                "short": {key: _cut(vars(box)[key]) for key in ("title", "what", "how")},
                "holds": not box.blockers,
            }
            for box in boxes.values()
        ],
        "lines": [_line(box, boxes[key]) for box in boxes.values() for key in box.blockers],
        "waits": [
            f"{box.title} {'waits' if known else 'may wait'} for {boxes[key].title}"
            for box in boxes.values()
            for key in box.blockers
        ],
        "width": (deepest + 1) * WIDTH + deepest * _ACROSS,
        "height": row * (HEIGHT + _DOWN) - _DOWN,
    }


def _line(waiter: _Box, holder: _Box) -> str:
    """From who waits to who holds."""
    begin, end = (waiter.x, waiter.y + HEIGHT // 2), (holder.x + WIDTH + 7, holder.y + HEIGHT // 2)
    bend = _ACROSS // 2
    return f"M{begin[0]} {begin[1]}C{begin[0] - bend} {begin[1]} {end[0] + bend} {end[1]} {end[0]} {end[1]}"


def _cut(text: str) -> str:
    return text if len(text) <= _LINE else text[: _LINE - 1] + "…"
