# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Cache statistics of every process of the chosen servers that survives being asked for them."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass, field

from .._facts.results import AskedResult, Outcome, printable
from .._log.follow import STATISTICS, Unreachable, follow
from .._messages import dump as codes
from .._messages.code import Problem
from .._processes.classify import Instance, Role
from .._processes.look import Look
from .._processes.proc import Gone, Proc
from .._processes.process import Process
from .._processes.release import major
from .._server.host import Host
from .ask import Asked, Asking, Question, chosen, collect, signals, silence
from .case import MOST, Case, excuse
from .collect import Collector, StatisticsCollector
from .statistics import Statistics, parse_statistics

ROLES = (Role.MASTER, Role.HTTP, Role.CRON)

#: The first version that counts in a thread of its own, over copies of its caches (seen on 19.0; those before count
#: in the handler, over the caches themselves: seen on 14.0).
_COPIES = 19


@dataclass(frozen=True)
class CacheOrder:
    """Options of the module cache_stats.

    :ivar memory: ask for the size of the entries.
    :ivar timeout: seconds for each server; all servers are asked at the same time.
    :ivar most: bytes that one call returns.
    """

    memory: bool
    timeout: float
    roles: t.Tuple[Role, ...] = ROLES
    most: int = MOST


@dataclass
class CacheResult(AskedResult):
    """The result of one server. ``left_out`` are processes that never get a signal."""

    version: t.Optional[str] = None
    statistics: t.List[t.Dict[str, t.Any]] = field(default_factory=list)
    left_out: t.List[t.Dict[str, t.Any]] = field(default_factory=list)

    def told(self) -> t.Dict[str, t.Any]:
        """Return the result as the module returns it."""
        return {
            **super().told(),
            "version": self.version,
            "statistics": self.statistics,
            "left_out": self.left_out,
        }


class CacheQuestion(Question):
    """The request for cache statistics.

    Before Odoo 19 the handler runs over the caches themselves, in the main thread. If another thread uses them at that
    moment, even for a hit, the handler raises: a worker ends with its request, a threaded server ends (both seen on
    14.0). So these processes get the signal only in a moment in which all of their threads have slept since the
    look before.
    """

    what = STATISTICS

    def __init__(self, proc: Proc, version: t.Optional[str], *, memory: bool) -> None:
        self._proc, self._memory = proc, memory
        #: whether its version counts over copies
        self.copies = (major(version) or 0) >= _COPIES
        self._threads: t.Dict[int, t.Dict[int, t.Tuple[str, int]]] = {}

    def signal(self, process: Process) -> str:
        """USR2, which tells the sizes too, where it is wanted and does no harm."""
        return "USR2" if self._memory and self.copies and process.catches("USR2") else "USR1"

    def is_safe(self, process: Process) -> bool:
        """Return whether no thread of it can use the caches while it counts them."""
        # The door refuses this one, so it does not have to wait.
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
        """Return the collector of the statistics in the log."""
        return StatisticsCollector(pids, whole=whole)


def ask_all(
    host: Host, seen: Look, identities: t.Sequence[str], order: CacheOrder, *, check_mode: bool
) -> t.List[CacheResult]:
    """Make the processes of the chosen servers write their statistics, all servers at the same time.

    A process gets no signal if it would not survive it, or if its answer could not be read.
    """
    begun = host.clock.monotonic()
    cases = [_Case(host, seen, t.cast(Instance, seen.instance(identity)), order) for identity in identities]
    with contextlib.ExitStack() as stack:
        askings = [asking for case in cases for asking in case.prepare(stack, check_mode=check_mode)]
        if askings:
            collect(host.clock, askings, order.timeout)
    room = order.most
    for case in cases:
        room = case.take(room)
        case.conclude(host.clock.monotonic() - begun, len(case.result.statistics), check_mode=check_mode)
    return [case.result for case in cases]


class _Case(Case[CacheResult]):
    """One server."""

    question: CacheQuestion

    def __init__(self, host: Host, seen: Look, instance: Instance, order: CacheOrder) -> None:
        version = seen.releases[instance.identity].version
        result = CacheResult(instance.identity, instance.master.pid, Outcome.REFUSED, "")
        result.version = version
        super().__init__(host, seen, instance, result, CacheQuestion(host.proc, version, memory=order.memory))
        self._order = order
        #: answers that may be incomplete
        self._doubtful = 0
        self._may_drop = False

    def prepare(self, stack: contextlib.ExitStack, *, check_mode: bool) -> t.List[Asking]:
        """Mark the end of its log. Empty if no process of the server will be asked."""
        host, result = self.host, self.result
        people = chosen(self.instance, self._order.roles)
        result.left_out = [
            excuse(child.process, child.role, codes.GEVENT()) for child in self.instance.having(Role.GEVENT)
        ]
        if not people:
            return []
        pids = [process.pid for process, _role in people]
        try:
            follower = follow(host.proc, self.instance, self.place, pids, host.clock.time(), STATISTICS)
        except Unreachable as exc:
            self.refuse(exc.problem)
            for process, role in people:
                self.miss(process, role, exc.problem)
            return []
        stack.callback(follower.close)
        result.log_source, self._may_drop = follower.source, follower.may_drop
        if check_mode:
            self.only_look(people, 1)
            return []
        self.asking = Asking(host, self.instance, people, follower, self.question)
        return [self.asking]

    def take(self, room: int) -> int:
        """Take over what was written. Returns how many bytes more may be."""
        doubtful = 0
        for one in self.asking.finish() if self.asking else []:
            if one.signals:
                self.count(one.process, one.role, one.signals)
            found = next(iter(parse_statistics(one.text.splitlines())), None)
            if found is None or not found.complete or (found.other and not found.rows):
                self.miss(one.process, one.role, self._why(one, found))
            elif one.cut or len(one.raw or b"") > room:
                self.miss(one.process, one.role, codes.TOO_LARGE())
            else:
                room -= len(one.raw or b"")
                self.result.statistics.append(self._told(one, found))
                if found.other:
                    self.result.warnings.append(codes.STATISTICS_PART(pid=one.process.pid, line=_line(found)))
                if self._may_lack_lines(one, found):
                    doubtful += 1
                    because = " (journald: %s)" % one.dropped if one.dropped else ""
                    cut = codes.STATISTICS_CUT(pid=one.process.pid, source=self.result.log_source, because=because)
                    self.result.warnings.append(cut)
        self._doubtful = doubtful
        return room

    def _may_lack_lines(self, one: Asked, found: Statistics) -> bool:
        """Return whether journald may have dropped lines of an answer. Other logs are whole."""
        return bool(one.dropped) or (self._may_drop and found.cut)

    def conclude(self, seconds: float, written: int, *, check_mode: bool) -> None:
        """Say what came of it."""
        super().conclude(seconds, written, check_mode=check_mode)
        if self._doubtful and not self.result.missing:
            self.result.reason = codes.DOUBTFUL(doubtful=self._doubtful, written=written, what=STATISTICS).text

    def _told(self, one: Asked, found: Statistics) -> t.Dict[str, t.Any]:
        signal = self.question.signal(one.process)
        return {"pid": one.process.pid, "log_pid": found.pid, "role": str(one.role), "signal": signal, **found.told()}

    def _why(self, one: Asked, found: t.Optional[Statistics]) -> Problem:
        pid, seconds = one.process.pid, self._order.timeout
        if one.refused:
            return one.refused
        if not one.signals:
            return codes.AT_WORK(pid=pid, seconds=seconds)
        if found is not None and found.other and not found.rows:
            return codes.STATISTICS_FORM(pid=pid, line=_line(found))
        if found is not None:
            stopped = codes.COUNT_STOPPED(pid=pid)
            return stopped if found.stopped else codes.UNFINISHED(pid=pid, seconds=seconds, what=STATISTICS)
        problem = silence(self.host, one, seconds, STATISTICS)
        if problem.code != codes.NOT_WRITTEN.name or self.question.copies:
            return problem
        return codes.NO_STATISTICS(pid=pid, signals=signals(one.signals), seconds=seconds)


def _line(found: Statistics) -> str:
    """Return the first line that cannot be parsed."""
    return t.cast(str, printable(found.other[0].strip()[:160]))
