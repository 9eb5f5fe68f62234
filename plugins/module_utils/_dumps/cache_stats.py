# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""Cache statistics of every process of the chosen servers that survives being asked for them."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass, field

from .._facts.gather import log_place
from .._facts.results import AskedResult, Outcome, counts, printable
from .._log.follow import STATISTICS, Unreachable, follow
from .._processes.classify import Instance, Role
from .._processes.look import Look
from .._processes.proc import Gone, Proc
from .._processes.process import Process
from .._processes.release import major
from .._server.host import Host
from .._supervisors.find import supervisor_of
from .ask import (
    Asked,
    Asking,
    Question,
    chosen,
    collect,
    foreseen,
    silence,
)
from .collect import Collector, StatisticsCollector
from .statistics import Statistics, parse_statistics

ROLES = (Role.MASTER, Role.HTTP, Role.CRON)

#: The first version that counts in a thread of its own, over copies of its caches (seen on 19.0; those before count
#: in the handler, over the caches themselves: seen on 14.0).
_COPIES = 19
#: Bytes of statistics that one call returns.
_MOST = 2 << 20

_GEVENT = "it is the gevent process: USR1 ends that of Odoo 19 with some versions of gevent, and nothing tells which"
_AT_WORK = (
    "it was at work all the time, so it was not asked: before Odoo 19 a process counts its caches in the middle of "
    "its work, and ends if that uses them at this moment"
)
_STOPPED = "another signal, which somebody else sent meanwhile, made it stop counting"
_UNFINISHED = "it had not counted all of its caches within %g s"
_EMPTY = "; before Odoo 19 one whose caches are empty writes nothing"


@dataclass(frozen=True)
class CacheOrder:
    """What the caller wants. ``memory``: of what size the entries are. ``timeout`` is in seconds for all together."""

    memory: bool
    timeout: float
    roles: t.Tuple[Role, ...] = ROLES


@dataclass
class CacheResult(AskedResult):
    """What came of one server. ``left_out`` are processes that are never asked."""

    version: t.Optional[str] = None
    statistics: t.List[t.Dict[str, t.Any]] = field(default_factory=list)
    left_out: t.List[t.Dict[str, t.Any]] = field(default_factory=list)

    def told(self) -> t.Dict[str, t.Any]:
        """As the module returns it."""
        return {
            **super().told(),
            "version": self.version,
            "statistics": self.statistics,
            "left_out": self.left_out,
        }

    def miss(self, process: Process, role: Role, why: str) -> None:
        """Name a process without statistics."""
        self.missing.append({"pid": process.pid, "role": role, "reason": printable(why)})


class CacheQuestion(Question):
    """What the caches of processes hold.

    Before Odoo 19 the handler runs over the caches themselves, in the main thread. When another thread uses them
    meanwhile, a hit included, it raises there: a worker ends with the request that it serves, a threaded server ends
    altogether (both seen on 14.0). So these are asked only in a moment in which all of their threads have slept since
    the look before.
    """

    def __init__(self, proc: Proc, version: t.Optional[str], *, memory: bool) -> None:
        self._proc, self._memory = proc, memory
        #: whether its version counts over copies
        self.copies = (major(version) or 0) >= _COPIES
        self._threads: t.Dict[int, t.Dict[int, t.Tuple[str, int]]] = {}

    def signal(self, process: Process) -> str:
        """USR2, which tells the sizes too, where it is wanted and does no harm."""
        return "USR2" if self._memory and self.copies and process.catches("USR2") else "USR1"

    def is_safe(self, process: Process) -> bool:
        """Whether no thread of it can use the caches while it counts them."""
        # What the door refuses anyway need not wait.
        if not process.catches("USR1") or (self.copies and process.catches("USR2")):
            return True
        try:
            now = self._proc.threads(process.pid)
        except Gone:  # the door says so
            return True
        before, self._threads[process.pid] = self._threads.get(process.pid), now
        # One with a single thread does nothing else meanwhile.
        return len(now) == 1 or (now == before and all(state == "S" for state, _stops in now.values()))

    def collector(self, pids: t.Iterable[int], *, whole: bool) -> Collector:
        """What picks them out of the log."""
        return StatisticsCollector(pids, whole=whole)


def ask_all(
    host: Host, seen: Look, identities: t.Sequence[str], order: CacheOrder, *, check_mode: bool
) -> t.List[CacheResult]:
    """Have the processes of the chosen servers write their statistics, all servers at the same time.

    None is asked that would not survive it, or whose answer could not be seen.
    """
    begun = host.clock.monotonic()
    cases = [_Case(host, seen, t.cast(Instance, seen.instance(identity)), order) for identity in identities]
    with contextlib.ExitStack() as stack:
        askings = [asking for case in cases for asking in case.prepare(stack, check_mode=check_mode)]
        if askings:
            collect(host.clock, askings, order.timeout)
    room = _MOST
    for case in cases:
        room = case.take(room)
        case.conclude(host.clock.monotonic() - begun, check_mode=check_mode)
    return [case.result for case in cases]


class _Case:
    """One server."""

    def __init__(self, host: Host, seen: Look, instance: Instance, order: CacheOrder) -> None:
        self._host, self._instance, self._order = host, instance, order
        options = seen.options[instance.identity]
        self._place = log_place(host.proc, instance.master, options, supervisor_of(instance.master))
        version = seen.releases[instance.identity].version
        self._question = CacheQuestion(host.proc, version, memory=order.memory)
        self._asking: t.Optional[Asking] = None
        self.result = CacheResult(instance.identity, instance.master.pid, Outcome.REFUSED, "", version=version)
        self.result.before = {"state": instance.state, "mode": instance.mode, "workers": counts(instance)}

    def prepare(self, stack: contextlib.ExitStack, *, check_mode: bool) -> t.List[Asking]:
        """Mark the end of its log. Empty where nobody of it is to be asked."""
        host, result = self._host, self.result
        people = chosen(self._instance, self._order.roles)
        result.left_out = [
            {"pid": child.process.pid, "role": child.role, "reason": _GEVENT}
            for child in self._instance.having(Role.GEVENT)
        ]
        if not people:
            return []
        pids = [process.pid for process, _role in people]
        try:
            follower = follow(host.proc, self._instance, self._place, pids, host.clock.time(), STATISTICS)
        except Unreachable as exc:
            result.reason = "nobody was asked: %s" % exc
            for process, role in people:
                result.miss(process, role, "%s, so it was not asked" % exc)
            return []
        stack.callback(follower.close)
        result.log_source = follower.source
        if check_mode:
            self._only_look(people)
            return []
        self._asking = Asking(host.proc, host.clock, self._instance, people, follower, self._question)
        return [self._asking]

    def _only_look(self, people: t.Sequence[t.Tuple[Process, Role]]) -> None:
        for process, role, why in foreseen(self._host.proc, self._instance, people, self._question):
            if why:
                self.result.miss(process, role, why)
            else:
                self._count(process, role, 1)

    def _count(self, process: Process, role: Role, signals: int) -> None:
        self.result.count(process, role, signals)
        self.result.signals = sorted({*self.result.signals, self._question.signal(process)})

    def take(self, room: int) -> int:
        """Take over what was written. Returns how many bytes more may be."""
        for one in self._asking.finish() if self._asking else []:
            if one.signals:
                self._count(one.process, one.role, one.signals)
            found = next(iter(parse_statistics(one.text.splitlines())), None)
            if found is None or not found.complete:
                self.result.miss(one.process, one.role, self._why(one, found))
            elif one.cut or len(one.raw or b"") > room:
                why = "the statistics of one call may not be larger than %d MB in all" % (_MOST >> 20)
                self.result.miss(one.process, one.role, why)
            else:
                room -= len(one.raw or b"")
                self.result.statistics.append(self._told(one, found))
        return room

    def _told(self, one: Asked, found: Statistics) -> t.Dict[str, t.Any]:
        signal = self._question.signal(one.process)
        return {"pid": one.process.pid, "log_pid": found.pid, "role": one.role, "signal": signal, **found.told()}

    def _why(self, one: Asked, found: t.Optional[Statistics]) -> str:
        if one.refused:
            return one.refused
        if not one.signals:
            return _AT_WORK
        if found is not None:
            return _STOPPED if found.stopped else _UNFINISHED % self._order.timeout
        return silence(self._host.proc, one, self._order.timeout) + ("" if self._question.copies else _EMPTY)

    def conclude(self, seconds: float, *, check_mode: bool) -> None:
        """Say what came of it."""
        result = self.result
        result.seconds = seconds
        if not result.asked:
            result.did = Outcome.REFUSED if result.missing else Outcome.NOTHING
            why = "nobody could be asked" if result.missing else "it has no process of these roles"
            result.reason = result.reason or why
            return
        result.did = Outcome.SIGNALLED
        if check_mode:
            result.reason = "%d processes would be asked" % len(result.asked)
        elif result.missing:
            result.reason = "%d processes have written their statistics, %d have not" % (
                len(result.statistics),
                len(result.missing),
            )
        else:
            result.reason = "every process that was asked has written its statistics"
