# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Having processes write their stacks, or something else, and picking these out of the log."""

from __future__ import annotations

import contextlib
import os
import typing as t
from dataclasses import dataclass

from .._forms.line import NO_PID
from .._log.follow import DUMPS, Follower
from .._messages import dump as codes
from .._messages import refused
from .._messages.code import Problem
from .._processes.classify import Instance, Mode, Role
from .._processes.proc import Gone
from .._processes.process import Process, Stat, parse_stat
from .._server.host import Host
from .._signals.python import named
from .._signals.rest import PACE, REST, Watch
from .._signals.rules import Target
from .._signals.send import NotAtRest
from .._system.clock import Clock
from .._system.errors import Refused
from .._system.redact import redact_text
from .at_work import told_waits
from .collect import Collector
from .parse import parse_dumps
from .stack import Dump

#: Those that can be asked for their stacks.
ROLES = (Role.MASTER, Role.HTTP, Role.CRON, Role.GEVENT, Role.OTHER)

#: A process that has not answered is asked a second time: a threaded server under load may miss the first (5 of 40 on
#: Odoo 14.0, 2 of 40 on 19.0). In seconds, and as a part of the time there is.
_SECOND, _PART = 2.0, 0.4
#: Seconds between two looks at a log, and for which the others wait where one is asked after the other.
_PAUSE, _TURN = 0.02, 0.5
#: Seconds between two questions whether a process is at rest, and for which a master waits for the others.
_REST_LOOK, _OTHERS_FIRST = 0.1, 2.2
#: Seconds after which a process that was not at rest is asked in another way, or left out. An idle worker wakes every
#: four seconds, so it has been at rest for one within two.
PATIENCE = 2.2


#: Characters of a line that are shown.
_WIDTH = 160


@dataclass
class Asked:
    """A process that is asked, and its answer."""

    process: Process
    role: Role
    signals: int = 0
    #: it is asked when the others have answered, and never a second time
    last: bool = False
    #: why it got no signal, for good or until now
    refused: t.Optional[Problem] = None
    kept: t.Optional[Problem] = None
    #: what its threads wait for, where it got no signal because it was at work
    waits: t.Sequence[t.Mapping[str, t.Any]] = ()
    #: what the caller has accepted
    lifted: t.Sequence[Problem] = ()
    #: when the door is asked again, on the clock's monotonic()
    not_before: float = 0.0
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
    def was_at_work(self) -> bool:
        """True if it got no signal because it was never at rest."""
        return not self.signals and self.refused is not None and self.refused.code == codes.NOT_AT_REST.name

    @property
    def text(self) -> str:
        """The text that it wrote, secrets hidden; bytes that are not UTF-8 are shown as escapes."""
        lines = (self.raw or b"").decode("utf-8", "backslashreplace").split("\n")
        return "\n".join(redact_text(line) for line in lines)

    @property
    def dump(self) -> t.Optional[Dump]:
        """Return the answer of the process as a dump; None without one."""
        return next(iter(parse_dumps(self.text.splitlines())), None)

    @property
    def understood(self) -> t.Optional[Dump]:
        """Return the answer as a dump that shows everything that the process does; None without one."""
        found = None if self.cut or self.unfinished else self.dump
        return found if found and found.is_understood and found.is_whole else None


class Question:
    """The request to processes: its signal, and how to find the answers in a log. Here: their stacks."""

    what = DUMPS

    def signal(self, process: Process) -> str:
        """Return the signal for this process."""
        del process
        return "QUIT"

    def is_safe(self, process: Process) -> bool:
        """Return whether the process may be asked at this moment. Otherwise it is asked as soon as it may."""
        del process
        return True

    def collector(self, pids: t.Iterable[int], *, whole: bool) -> Collector:
        """Return the collector of the answers of these processes in the log; see :class:`Collector`."""
        return Collector(pids, whole=whole)


def chosen(instance: Instance, roles: t.Sequence[Role]) -> t.List[t.Tuple[Process, Role]]:
    """Return the processes of a server with these roles, and those with an unknown role, which the result names.
    Pure."""
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


@dataclass(frozen=True)
class Caution:
    """Options for processes that may end while they are at work.

    :ivar watch: since when processes have been at rest, and when they got the last signal.
    :ivar patience: seconds after which a process that was never at rest is left out; None: no limit.
    :ivar accepts_risk: the process gets the signal nevertheless.
    """

    watch: Watch
    patience: t.Optional[float] = None
    accepts_risk: bool = False


class Asking:
    """Asks processes of one server for their stacks, once. None of them is harmed by it (docs/signals.md).

    A QUIT that may end a process at work waits until that process is at rest. A master of such a server is asked when
    the others have answered, unless nothing else is asked.

    :param follower: its log, marked. None where it is out of reach: then they are asked, and the call does not wait.
    :param question: what they are asked for, where it is not their stacks.
    """

    def __init__(
        self,
        host: Host,
        instance: Instance,
        chosen: t.Iterable[t.Tuple[Process, Role]],
        follower: t.Optional[Follower],
        question: t.Optional[Question] = None,
        caution: t.Optional[Caution] = None,
    ) -> None:
        self._host, self._clock, self._instance, self._follower = host, host.clock, instance, follower
        self._question = question or Question()
        self._caution = caution or Caution(Watch(host.proc, host.clock))
        self._watch = self._caution.watch
        people = list(chosen)
        alone = instance.mode != Mode.PREFORK or all(role == Role.MASTER for _process, role in people)
        self.asked = [
            Asked(process, role, last=role == Role.MASTER and not alone and self.endangers(process))
            for process, role in people
        ]
        whole = follower is None or follower.whole
        self._collector = self._question.collector((one.process.shown_pid for one in self.asked), whole=whole)
        own = {one.role: one.process.shown_pid for one in self.asked if one.role in (Role.MASTER, Role.GEVENT)}
        self._collector.expect(master=own.get(Role.MASTER, NO_PID), gevent=own.get(Role.GEVENT, NO_PID))
        #: Where the log mixes what two processes write at the same time, one is asked after the other.
        self._one_by_one = not whole
        self._waiting = list(self.asked)
        self._next = self._begun = self._clock.monotonic()

    def endangers(self, process: Process) -> bool:
        """Return whether the question may end this process when it is at work."""
        return self._question.signal(process) == "QUIT" and self._watch.endangers(process)

    def ask(self) -> None:
        """Send the signals to those who wait for theirs, or the first of them."""
        self._begun = self._clock.monotonic()
        self._go_on(self._begun)

    def again(self) -> None:
        """Ask those once more who have not answered."""
        if self._follower is not None:
            lacking = [one for one in self.asked if one.refused is None and not one.last and not self._has_begun(one)]
            self._waiting = [one for one in lacking if one not in self._waiting] + self._waiting
            self._go_on(self._clock.monotonic())

    def look(self) -> bool:
        """Read what has come, and ask those whose turn it is. Returns whether all have answered."""
        now = self._clock.monotonic()
        if self._follower is not None:
            for carrier, line in self._follower.read():
                self._collector.take(carrier, line, now)
        self._go_on(now)
        return not self._waiting and all(
            self._is_done(one) for one in self.asked if one.refused is None and one.signals
        )

    def finish(self) -> t.List[Asked]:
        """Return the result of each process."""
        for one in self.asked:
            pid = one.process.shown_pid
            one.raw, one.cut = self._collector.raw(pid), self._collector.cut(pid)
            one.unfinished = one.raw is not None and not self._is_done(one)
            one.strange = self._collector.strange(pid)
            one.dropped = self._follower.dropped if self._follower else ""
            if not one.signals and one.refused is None and self.endangers(one.process):
                self._explain(one)
        return self.asked

    def _explain(self, one: Asked) -> None:
        """Say what a process is at that was not asked because of it."""
        process = one.process
        if one.kept is not None and one.kept.code != refused.AT_WORK.name:
            one.refused = one.kept
            return
        waits, one.waits = told_waits(self._host.proc, process, self._watch.slept(process))
        python = named(self._watch.python(process))
        one.refused = codes.NOT_AT_REST(pid=process.pid, python=python, rest=REST, waits=waits)

    def _go_on(self, now: float) -> None:
        # Who has begun to write has put all of it into the pipe, as far as there is room (64 kB).
        if self._one_by_one and now < self._next and any(self._may_write(one) for one in self.asked):
            return
        for one in list(self._waiting):
            if self._has_begun(one):
                self._waiting.remove(one)
                continue
            if not self._is_its_turn(one, now):
                continue
            sent = self._send(one, now)
            if sent is None:
                one.not_before = now + _REST_LOOK
                continue
            self._waiting.remove(one)
            if sent and self._one_by_one:
                self._next = now + _TURN
                return

    def _is_its_turn(self, one: Asked, now: float) -> bool:
        if now < one.not_before or not self._question.is_safe(one.process):
            return False
        if not one.last or now - self._begun >= _OTHERS_FIRST:
            return True
        if all(other.last or other.refused or (other.signals and self._is_done(other)) for other in self.asked):
            return True
        one.not_before = now + _REST_LOOK
        with contextlib.suppress(Gone, OSError):
            self._watch.look(one.process, one.role, self._instance.mode)
        return False

    def _send(self, one: Asked, now: float) -> t.Optional[bool]:
        """Return whether it got its signal; None where it may get it later."""
        patience = self._caution.patience
        impatient = patience is not None and now - self._begun >= patience
        accepts = self._caution.accepts_risk and impatient
        target = Target(one.process, one.role, self._instance.mode, self._instance.state, self._watch, accepts)
        try:
            lifted = self._host.door.send(self._host.proc, self._question.signal(one.process), target)
        except NotAtRest as exc:
            one.kept = exc.problem
            return False if impatient and not one.last else None
        except Refused as exc:
            if not one.signals:
                one.refused = exc.problem
            return False
        one.signals += 1
        one.lifted = [*one.lifted, *(objection.problem for objection in lifted)]
        return True

    def _may_write(self, one: Asked) -> bool:
        return bool(one.signals) and not self._has_begun(one) and not self._is_gone(one)

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
    second = begun + max(PACE, min(_SECOND, seconds * _PART))
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
    because = "; journald has dropped entries: %s" % one.dropped if one.dropped else ""
    shown = {"signals": signals(one.signals), "what": what, "seconds": seconds}
    return codes.NOT_WRITTEN(pid=pid, **shown, state=now.run_state, cpu=cpu, because=because)


def signals(number: int) -> str:
    """Return a number of signals in words."""
    return "%d signal%s" % (number, "" if number == 1 else "s")
