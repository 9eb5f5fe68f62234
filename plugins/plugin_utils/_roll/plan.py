# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Divide hosts into batches. Pure."""

from __future__ import annotations

import collections
import random
import re
import typing as t
from dataclasses import dataclass

from ...module_utils._messages import option as _option
from ...module_utils._system.errors import Refused


@dataclass(frozen=True)
class Places:
    """``of``: what tells the host of each name from other hosts. ``most``: names of one host in a batch, at least 1."""

    of: t.Mapping[str, str]
    most: int = 1


NO_PLACES = Places({})

ORDERS = ("inventory", "reverse_inventory", "sorted", "reverse_sorted", "shuffle", "apart")


def ordered(hosts: t.Sequence[str], order: str, option: str = "order") -> list[str]:
    """Return hosts in an order that has one of Ansible's names for it; V(apart) leaves the inventory's.

    :param option: the name of the order, for messages.
    :raises Refused: there is no such order.
    """
    if order not in ORDERS:
        raise Refused(_option.NOT_A_CHOICE(option=option, choices=", ".join(ORDERS), value=order))
    found = list(hosts)
    if order == "shuffle":
        random.shuffle(found)
    elif order.endswith("sorted"):
        found.sort()
    if order.startswith("reverse"):
        found.reverse()
    return found


def cut(
    hosts: t.Sequence[str],
    sizes: t.Sequence[str],
    total: int,
    keys: t.Mapping[str, t.Collection[t.Hashable]],
    places: Places = NO_PLACES,
) -> list[list[str]]:
    """Cut hosts into batches.

    :param sizes: as ``parse_batches`` returns them; the last one repeats.
    :param total: hosts of which a percentage is a part: the whole fleet, also if the roll needs only some of them.
    :param keys: what no two hosts of a batch may share, such as databases. A batch is made smaller for it.
    :param places: names that stand for one host. A batch has so many of them as it allows, and is made smaller for it.
    """
    waiting = list(hosts)
    batches: list[list[str]] = []
    while waiting:
        size = part_of(sizes[min(len(batches), len(sizes) - 1)], total, least=1)
        batch: list[str] = []
        taken: set[t.Hashable] = set()
        there: collections.Counter[str] = collections.Counter()
        for host in waiting:
            wanted = set(keys.get(host, ()))
            place = places.of.get(host, "")
            if len(batch) < size and not (batch and wanted & taken) and there[place] < places.most:
                batch.append(host)
                taken |= wanted
                there.update([place] if place else [])
        waiting = [host for host in waiting if host not in batch]
        batches.append(batch)
    return batches


def part_of(text: str, total: int, *, least: int = 0) -> int:
    """A number of hosts from ``3`` or ``25%``, which is rounded down as Ansible does; ``least`` is its lower bound."""
    number = total * int(text[:-1]) // 100 if text.endswith("%") else int(text)
    return max(number, least)


def parse_budget(value: t.Any, total: int, option: str = "budget") -> int:
    """Return how many hosts may fail before a roll stops.

    :param option: the name of the value, for messages.
    :raises Refused: it is neither a number nor a percentage up to 100.
    """
    text = "" if isinstance(value, (bool, float)) else str(value).strip()
    found = re.fullmatch(r"(\d+)(%?)", text, re.ASCII)
    if not found or (found.group(2) and int(found.group(1)) > 100):
        raise Refused(_option.BAD_BUDGET(option=option, value=value))
    return part_of(text, total)
