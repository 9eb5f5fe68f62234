# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Findings that are one incident: the same work seen as a full server, as a chain of locks and by its place. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..names import some_of

Finding = dict[str, t.Any]
#: Servers that a sentence names.
_NAMED = 4


@dataclass(frozen=True)
class Seen:
    """A finding with keys of its work. ``cause`` is the part of the work that explains the finding."""

    finding: Finding
    work: frozenset[int]
    cause: frozenset[int]


def joined(seen: t.Sequence[Seen]) -> list[Finding]:
    """Return findings, the most costly first, each with ``part_of``: the index of the head of its incident, or None.

    Two findings are one incident if the cause of the one is among the work of the other. Work that is all within one
    incident belongs to it, too. The most costly finding is the head. One without work, such as a lock among other
    clients, stays alone.
    """
    ordered = sorted(seen, key=lambda one: one.finding["cost"], reverse=True)
    heads = _heads(ordered)
    #: the incident of each piece of work that is part of only one
    inside: dict[int, set[int]] = {}
    for number, one in enumerate(ordered):
        for key in one.work:
            inside.setdefault(key, set()).add(heads[number])
    sizes = {head: heads.count(head) for head in heads}
    for number, one in enumerate(ordered):
        if heads[number] != number or sizes[number] > 1 or not one.work:
            continue
        around = set.intersection(*(inside[key] for key in one.work)) - {number}
        heads[number] = min(around, default=number)
    # The head is the most costly one, also of an incident that has grown by that.
    first: dict[int, int] = {}
    for number, head in enumerate(heads):
        first.setdefault(head, number)
    return [
        {**one.finding, "part_of": None if first[heads[number]] == number else first[heads[number]]}
        for number, one in enumerate(ordered)
    ]


def _heads(ordered: t.Sequence[Seen]) -> list[int]:
    heads = list(range(len(ordered)))

    def head(number: int) -> int:
        while heads[number] != number:
            number = heads[number]
        return number

    #: findings by each piece of their work, so that only those that share some are compared
    by_work: dict[int, list[int]] = {}
    for number, one in enumerate(ordered):
        for other in sorted({other for key in one.work for other in by_work.get(key, ())}):
            if one.cause <= ordered[other].work or ordered[other].cause <= one.work:
                low, high = sorted((head(number), head(other)))
                heads[high] = low
        for key in one.work:
            by_work.setdefault(key, []).append(number)
    return [head(number) for number in heads]


def incidents(findings: t.Sequence[t.Mapping[str, t.Any]]) -> list[Finding]:
    """Return the heads of incidents, the most costly first, each with ``also`` and all that is ``todo``.

    ``also`` are the sentences of its other findings; those of several full servers are one. The remedy of a lock comes
    first: a full server has room again once the lock is gone.

    :param findings: as :func:`joined` returns them.
    """
    parts: dict[int, list[t.Mapping[str, t.Any]]] = {}
    for one in findings:
        if one.get("part_of") is not None:
            parts.setdefault(one["part_of"], []).append(one)
    found = []
    for number, one in enumerate(findings):
        if one.get("part_of") is None:
            others = parts.get(number, [])
            whole = sorted([one, *others], key=lambda each: each.get("kind") != "blocked")
            todo = list(dict.fromkeys(text for each in whole for text in each.get("todo") or []))
            found.append({**one, "also": _also(others), "todo": todo})
    return found


def _also(parts: t.Sequence[t.Mapping[str, t.Any]]) -> list[str]:
    full = [one for one in parts if one["kind"] == "starved"]
    rest = [one["sentence"] for one in parts if one["kind"] != "starved"]
    if len(full) < 2:
        return [*(one["sentence"] for one in full), *rest]
    names = some_of([one["server"] for one in full], _NAMED)
    return [f"{len(full)} servers have no http worker left for new requests: {names}", *rest]
