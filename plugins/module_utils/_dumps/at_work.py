# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Find out from the kernel, without a signal, whether a process is idle, and what its threads wait for."""

from __future__ import annotations

import contextlib
import typing as t

from .._postgres.peers import unix_peers
from .._processes.classify import Instance, Mode, Role
from .._processes.limits import DESCRIPTORS
from .._processes.proc import Gone, Proc
from .._processes.process import Process, parse_established
from .._signals.waits import SELECT, Wait, listening_links, waits_of
from .._system.namespaces import network_of

#: Threads of one process that a message names.
_NAMED = 4


def is_idle(role: Role, waits: t.Sequence[Wait], listening: t.FrozenSet[str], masters: t.FrozenSet[str]) -> bool:
    """Return whether a prefork worker is known to wait for work. Pure.

    An http worker waits in a select that has the listening socket of its master, a cron worker in one that has the pipe
    by which its master wakes it and a socket to PostgreSQL (seen on Odoo 19.0, Python 3.11; a cron worker of 14.0
    sleeps, as a job may do). Master and worker share these, so that nothing a request opens is taken for them.

    :param listening: sockets of the network that take connections, as links.
    :param masters: what the master has open, as links.
    """
    selects = [wait.on or frozenset() for wait in waits if wait.call in SELECT and wait.state == "S"]
    if role == Role.HTTP:
        return any(on & listening & masters for on in selects)
    if role == Role.CRON:
        return any(_is_wake_up(on, masters) for on in selects)
    return False


def _is_wake_up(on: t.FrozenSet[str], masters: t.FrozenSet[str]) -> bool:
    kinds = sorted(one.partition(":")[0] for one in on)
    return kinds == ["pipe", "socket"] and any(one in masters for one in on if one.startswith("pipe:"))


class Idle:
    """Tells which workers of one prefork server wait for work, without asking them."""

    def __init__(self, proc: Proc, instance: Instance) -> None:
        self._proc = proc
        self._listening: t.FrozenSet[str] = frozenset()
        self._masters: t.FrozenSet[str] = frozenset()
        if instance.mode == Mode.PREFORK:
            pid = instance.master.pid
            self._listening = listening_links(proc, pid)
            with contextlib.suppress(Gone, OSError):
                self._masters = frozenset(proc.descriptors(pid, DESCRIPTORS))

    def knows(self, process: Process, role: Role) -> t.Optional[bool]:
        """Return whether a worker is idle at this moment; None where the kernel does not tell."""
        if not self._masters or role not in (Role.HTTP, Role.CRON):
            return None
        waits = waits_of(self._proc, process.pid)
        if not waits or any(wait.call is None and wait.state != "R" for wait in waits):
            return None
        if is_idle(role, waits, self._listening, self._masters):
            return True
        # A cron worker of Odoo 14 sleeps between its rounds, and so may a job.
        return None if role == Role.CRON else False


def told_waits(proc: Proc, process: Process, slept: t.Mapping[int, float]) -> t.Tuple[str, t.List[t.Dict[str, t.Any]]]:
    """Return what the threads of a process wait for, as a clause and as modules return it.

    :param slept: for how many seconds each thread was seen not to run.
    """
    waits = waits_of(proc, process.pid)
    ends = _ends(proc, process)
    told = [
        {
            "thread": wait.thread,
            "name": wait.name,
            "state": wait.state,
            "call": wait.call,
            "on": sorted(ends.get(one, one) for one in wait.on or ()),
            "seconds": round(slept.get(wait.thread, 0.0), 1),
        }
        for wait in waits
    ]
    if not told:
        return "the kernel does not show what its threads do", []
    clauses = [_clause(one) for one in told[:_NAMED]]
    more = len(told) - _NAMED
    return "the kernel shows: %s%s" % ("; ".join(clauses), "; and %d more threads" % more if more > 0 else ""), told


def _clause(one: t.Mapping[str, t.Any]) -> str:
    if one["state"] == "R":
        return "thread %d runs" % one["thread"]
    what = "waits in %s" % one["call"] if one["call"] else "has state %s" % one["state"]
    on = " on %s" % " and ".join(one["on"][:2]) if one["on"] else ""
    return "thread %d %s%s for at least %.1f s" % (one["thread"], what, on, one["seconds"])


def _ends(proc: Proc, process: Process) -> t.Dict[str, str]:
    """Return what the sockets of a process are connected to, by their links."""
    found: t.Dict[str, str] = {}
    for name in ("net/tcp", "net/tcp6"):
        try:
            for inode, near, far in parse_established(proc.text(process.pid, name)):
                found["socket:[%d]" % inode] = "a connection from port %d to %s port %d" % (near[1], *far)
        except (Gone, OSError):
            continue
    found.update((link, "a listening socket") for link in listening_links(proc, process.pid))
    try:
        paths = parse_unix(proc.text(process.pid, "net/unix"))
        with network_of(proc.root, process.pid):
            for inode, peer in unix_peers():
                if peer in paths:
                    found["socket:[%d]" % inode] = "a connection to %s" % paths[peer]
    except (Gone, OSError):
        pass
    return found


def parse_unix(text: str) -> t.Dict[int, str]:
    """Return the paths of the unix sockets in /proc/PID/net/unix, by their inodes. Pure."""
    rows = (line.split(None, 7) for line in text.splitlines()[1:])
    return {int(row[6]): row[7] for row in rows if len(row) == 8 and row[6].isdigit()}
