# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""Having processes write their stacks, or something else, and picking these out of the log."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass

from .._log.follow import DUMPS, Follower, Unreachable, follow
from .._log.place import LogPlace
from .._log.read import LogMark
from .._messages import dump as codes
from .._messages.code import Problem
from .._processes.classify import Instance, Role
from .._processes.proc import Gone
from .._processes.process import Process, Stat, parse_stat
from .._server.host import Host
from .._signals.rules import Target
from .._system.clock import Clock
from .._system.errors import Refused
from .._system.redact import redact_text
from .collect import Collector
from .parse import parse_dumps
from .stack import Dump
from .work import workers

#: Those that can be asked for their stacks.
ROLES = (Role.MASTER, Role.HTTP, Role.CRON, Role.GEVENT, Role.OTHER)

#: A process that has not answered is asked a second time: a threaded server under load may miss the first (5 of 40 on
#: Odoo 14.0, 2 of 40 on 19.0). In seconds, and as a part of the time there is.
_SECOND, _PART = 2.0, 0.4
#: Seconds between two looks at a log, and for which the others wait where one is asked after the other.
_PAUSE, _TURN = 0.02, 0.5
#: Seconds for the workers of a server that drains, and how much of its log is searched for the names of their jobs.
_PATIENCE, _JOB_LINES, _JOB_BYTES = 4.0, 4000, 1 << 19


#: Characters of a line that are shown.
_WIDTH = 160


@dataclass
class Asked:
    """A process that is asked, and its answer."""

    process: Process
    role: Role
    signals: int = 0
    #: why it got no signal
    refused: t.Optional[Problem] = None
    #: its answer, byte for byte
    raw: t.Optional[bytes] = None
    #: there was no room for the end of its answer
    cut: bool = False
    #: the end of its answer has not come yet
    unfinished: bool = False
    #: a line that looks like its answer, and was not understood; what journald says of entries that it left out
    strange: t.Optional[str] = None
    dropped: str = ""

    @property
    def text(self) -> str:
        """What it wrote, secrets hidden; bytes that are not UTF-8 are shown as escapes."""
        lines = (self.raw or b"").decode("utf-8", "backslashreplace").split("\n")
        return "\n".join(redact_text(line) for line in lines)

    @property
    def dump(self) -> t.Optional[Dump]:
        """Its answer as a dump; None where it is none."""
        return next(iter(parse_dumps(self.text.splitlines())), None)

    @property
    def understood(self) -> t.Optional[Dump]:
        """Its answer as a dump that tells all that the process does; None where it is none."""
        found = None if self.cut or self.unfinished else self.dump
        return found if found and found.is_understood and found.is_whole else None


class Question:
    """What processes are asked for, by which signal, and how their answers are known in a log: here their stacks."""

    what = DUMPS

    def signal(self, process: Process) -> str:
        """The signal that asks this process."""
        del process
        return "QUIT"

    def is_safe(self, process: Process) -> bool:
        """Whether it may be asked at this moment. Else it is asked later, as soon as it may."""
        del process
        return True

    def collector(self, pids: t.Iterable[int], *, whole: bool) -> Collector:
        """What picks the answers of these processes out of the log; see :class:`Collector`."""
        return Collector(pids, whole=whole)


def chosen(instance: Instance, roles: t.Sequence[Role]) -> t.List[t.Tuple[Process, Role]]:
    """Processes of a server with these roles. Those without a role that we know are among them, to be named. Pure."""
    return [(process, role) for process, role in instance.everybody if role in roles or role not in ROLES]


def foreseen(
    host: Host, instance: Instance, people: t.Iterable[t.Tuple[Process, Role]], question: Question
) -> t.Iterator[t.Tuple[Process, Role, t.Optional[Problem]]]:
    """Yield each of these processes, and why it would not be asked; None where it would."""
    for process, role in people:
        try:
            host.door.check(host.proc, question.signal(process), Target(process, role, instance.mode, instance.state))
        except Refused as exc:
            yield process, role, exc.problem
        else:
            yield process, role, None


class Asking:
    """Asks processes of one server for their stacks, once. As a rule none of them is harmed by it (docs/signals.md).

    :param follower: its log, marked. None where it is out of reach: then they are asked, and nothing is waited for.
    :param question: what they are asked for, where it is not their stacks.
    """

    def __init__(
        self,
        host: Host,
        instance: Instance,
        chosen: t.Iterable[t.Tuple[Process, Role]],
        follower: t.Optional[Follower],
        question: t.Optional[Question] = None,
    ) -> None:
        self._host, self._clock, self._instance, self._follower = host, host.clock, instance, follower
        self._question = question or Question()
        self.asked = [Asked(process, role) for process, role in chosen]
        whole = follower is None or follower.whole
        self._collector = self._question.collector((one.process.shown_pid for one in self.asked), whole=whole)
        #: Where the log mixes what two processes write at the same time, one is asked after the other.
        self._one_by_one = not whole
        self._waiting = list(self.asked)
        self._next = self._clock.monotonic()

    def ask(self) -> None:
        """Send the signals to those who wait for theirs, or the first of them."""
        self._go_on(self._clock.monotonic())

    def again(self) -> None:
        """Ask those once more who have not answered."""
        if self._follower is not None:
            lacking = [one for one in self.asked if one.refused is None and not self._has_begun(one)]
            self._waiting = [one for one in lacking if one not in self._waiting] + self._waiting
            self.ask()

    def look(self) -> bool:
        """Read what has come, and ask those whose turn it is. Returns whether all have answered."""
        now = self._clock.monotonic()
        if self._follower is not None:
            for carrier, line in self._follower.read():
                self._collector.take(carrier, line, now)
        self._go_on(now)
        return not self._waiting and all(self._is_done(one) for one in self.asked if one.refused is None)

    def finish(self) -> t.List[Asked]:
        """What has become of each of them."""
        for one in self.asked:
            pid = one.process.shown_pid
            one.raw, one.cut = self._collector.raw(pid), self._collector.cut(pid)
            one.unfinished = one.raw is not None and not self._is_done(one)
            one.strange = self._collector.strange(pid)
            one.dropped = self._follower.dropped if self._follower else ""
        return self.asked

    def _go_on(self, now: float) -> None:
        if not self._one_by_one:
            waiting, self._waiting = self._waiting, []
            for one in waiting:
                if self._question.is_safe(one.process):
                    self._send(one)
                else:
                    self._waiting.append(one)
            return
        # Who has begun to write has put all of it into the pipe, as far as there is room (64 kB).
        before = [one for one in self.asked if one.signals and not self._has_begun(one) and not self._is_gone(one)]
        while self._waiting and (not before or now >= self._next):
            safe = next((one for one in self._waiting if self._question.is_safe(one.process)), None)
            if safe is None:
                return
            one = safe
            self._waiting.remove(one)
            if not self._has_begun(one) and self._send(one):
                self._next = now + _TURN
                return

    def _send(self, one: Asked) -> bool:
        target = Target(one.process, one.role, self._instance.mode, self._instance.state)
        try:
            self._host.door.send(self._host.proc, self._question.signal(one.process), target)
        except Refused as exc:
            if not one.signals:
                one.refused = exc.problem
            return False
        one.signals += 1
        return True

    def _has_begun(self, one: Asked) -> bool:
        return self._collector.begun(one.process.shown_pid)

    def _is_done(self, one: Asked) -> bool:
        if self._follower is None:
            return True
        if self._collector.complete(one.process.shown_pid, self._clock.monotonic(), self._follower.rest):
            return True
        return bool(one.signals) and not self._has_begun(one) and self._is_gone(one)

    def _is_gone(self, one: Asked) -> bool:
        return not self._host.is_alive(one.process)


def collect(clock: Clock, askings: t.Sequence[Asking], seconds: float) -> None:
    """Ask the processes of several servers at the same time, and wait until all have answered or the time is up."""
    begun = clock.monotonic()
    second = begun + min(_SECOND, seconds * _PART)
    for asking in askings:
        asking.ask()
    asked_again = False
    while True:
        late = clock.monotonic() >= begun + seconds
        pending = [asking for asking in askings if not asking.look()]
        if not pending or late:
            return
        if not asked_again and clock.monotonic() >= second:
            asked_again = True
            for asking in pending:
                asking.again()
        clock.sleep(_PAUSE)


def silence(host: Host, one: Asked, seconds: float, what: str = DUMPS) -> Problem:
    """Return what a process shows of itself that has written nothing for this many seconds."""
    try:
        now: t.Optional[Stat] = parse_stat(host.proc.text(one.process.pid, "stat"))
    except (Gone, ValueError):
        now = None
    return why_silent(one, now, seconds, what)


def why_silent(one: Asked, now: t.Optional[Stat], seconds: float, what: str = DUMPS) -> Problem:
    """Return what is known of a process that has written nothing, as far as the kernel tells. Pure.

    :param now: None where it has ended.
    :param seconds: for which it was waited.
    """
    pid = one.process.pid
    if now is None or now.start != one.process.start or now.run_state in ("Z", "X"):
        return codes.PROCESS_ENDED(pid=pid, what=what)
    if now.run_state == "D":
        return codes.IN_KERNEL(pid=pid, what=what, seconds=seconds)
    if now.run_state in ("T", "t"):
        return codes.STOPPED(pid=pid, what=what, seconds=seconds, state=now.run_state)
    if one.strange is not None:
        line = redact_text(one.strange.strip())[:_WIDTH]
        return codes.NOT_UNDERSTOOD_LINE(pid=pid, signals=signals(one.signals), seconds=seconds, line=line)
    cpu = (now.cpu_ticks - one.process.cpu_ticks) / os.sysconf("SC_CLK_TCK")
    return codes.NOT_WRITTEN(
        pid=pid, signals=signals(one.signals), what=what, seconds=seconds, state=now.run_state, cpu=cpu
    )


def signals(number: int) -> str:
    """Return a number of signals in words."""
    return "%d signal%s" % (number, "" if number == 1 else "s")


class Stacks:
    """Asks the workers of one server for their stacks, and its log for their jobs."""

    def __init__(self, host: Host, place: LogPlace, unit: t.Optional[str]) -> None:
        self._host, self._place, self._unit = host, place, unit

    def hidden(self, instance: Instance) -> t.Optional[Problem]:
        """Return why a dump would not be seen; None where it would."""
        try:
            self._follow(instance).close()
        except Unreachable as exc:
            return exc.problem
        return None

    def take(
        self, instance: Instance, pids: t.Optional[t.Collection[int]] = None
    ) -> t.Tuple[t.Dict[int, Dump], t.List[str]]:
        """Return a dump of each worker by its pid, and the last lines of the log.

        A worker whose dump did not come, or was not understood, has none: what it does is not known.

        :param pids: ask these only.
        """
        try:
            follower = self._follow(instance)
        except Unreachable:
            return {}, []
        host = self._host
        asked = [one for one in workers(instance) if pids is None or one[0].pid in pids]
        asking = Asking(host, instance, asked, follower)
        try:
            collect(host.clock, [asking], _PATIENCE)
        finally:
            follower.close()
        log = LogMark(host.proc, instance.master, self._place, self._unit, host.clock.time())
        try:
            lines = log.last(_JOB_LINES, _JOB_BYTES)
        finally:
            log.close()
        dumps = {one.process.pid: one.understood for one in asking.finish()}
        return {pid: dump for pid, dump in dumps.items() if dump}, lines

    def _follow(self, instance: Instance) -> Follower:
        pids = [process.pid for process, _role in workers(instance)]
        return follow(self._host.proc, instance, self._place, pids, self._host.clock.time())
