# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The processes that stand above a process: its parent, the parent of that, and so on."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._processes.proc import Gone, Proc
from .._processes.process import parse_cgroup, parse_stat

#: No chain of launchers that was seen has more.
_MOST = 16


@dataclass(frozen=True)
class Ancestor:
    """One process above another one. ``start`` is in clock ticks since boot."""

    pid: int
    start: int
    name: str
    cgroup: str

    def __str__(self) -> str:
        return "%s (pid %d)" % (self.name, self.pid)


def ancestors(proc: Proc, pid: int) -> t.Tuple[Ancestor, ...]:
    """Return the processes above a process, its parent first, without the init of its PID namespace.

    What may not be seen, or has ended, ends the list.
    """
    found: t.List[Ancestor] = []
    while len(found) < _MOST:
        try:
            pid = parse_stat(proc.text(pid, "stat")).ppid
            if pid <= 1 or any(one.pid == pid for one in found):
                break
            head, _bracket, _tail = proc.text(pid, "stat").rpartition(")")
            stat = parse_stat(proc.text(pid, "stat"))
            found.append(Ancestor(pid, stat.start, head.partition("(")[2], parse_cgroup(proc.text(pid, "cgroup"))))
        except (Gone, PermissionError, ValueError):
            break
    return tuple(found)
