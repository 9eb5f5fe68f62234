# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""A server on its way out: what was sent, what is written down, and what is done about work that does not end."""

from __future__ import annotations

import contextlib
import typing as t

from .._facts.results import Outcome
from .._messages import failed, timeout
from .._messages.code import Problem
from .._messages.host import DUMPS_HIDDEN
from .._processes.classify import Instance, State
from .._processes.look import Look
from .._server.host import Host
from .._server.operation import OnTimeout, ServerOperation
from .._server.server import Ended
from .._supervisors.hold import Hold
from .._system.clock import Pending
from .._system.errors import Failure, Refused, TimedOut
from .notes import Note, NoteBook, key_in
from .order import DrainOrder, DrainResult
from .second_look import SecondLook
from .time_limits import Overdue, Work

#: Seconds that a server gets to end after it was forced.
FORCED = 8.0
#: Lines of the log that a failed result carries.
_LOG_LINES = 100


class Leaving(ServerOperation[DrainResult]):
    """One server that drains."""

    deed, doing = "drain", "draining"

    def __init__(self, host: Host, seen: Look, first: Instance, order: DrainOrder) -> None:
        result = DrainResult(first.identity, first.master.pid, Outcome.NOTHING, "")
        super().__init__(host, seen, first, None, order.timeout, result)
        self.order = order
        self.book = NoteBook(host.store)
        self.key = key_in(seen, first)
        self.work = Work(self, order)
        self.second_look = SecondLook(host.proc, seen, first)
        self.note: t.Optional[Note] = None
        #: by this call
        self.has_sent = False
        #: a second INT or a KILL was sent
        self.cut_off = False
        result.before = self.summary()

    def refuse_paused(self) -> None:
        """Refuse a server with stopped or frozen processes. Wait for a server that already drains."""
        if self.now.state != State.DRAINING and self.noted() is None:
            super().refuse_paused()

    def interrupt(self) -> None:
        """Send the INT, unless the server has begun to end meanwhile."""
        note = t.cast(Note, self.note)
        if self.now.state != State.RUNNING:
            return
        # Written before it is sent: a call that comes after a cut must not send a second one.
        note.sent, note.busy = self.clock.uptime(), []
        try:
            self.book.write(note)
            lifted = self.host.door.send(self.proc, "INT", self.target(), force=self.order.force)
        except (Refused, OSError):
            note.sent = None
            raise
        self.work.begin(note.sent)
        self.has_sent = True
        self.result.did, self.result.signals = Outcome.SIGNALLED, ["INT"]
        for one in lifted:
            self.warn(one.problem)
        self.step("INT was sent to pid %d" % self.now.master.pid)

    def tell_busy(self) -> None:
        """Put what is at work into the result, and into the note for calls that ask meanwhile."""
        self.result.busy = [one.told() for one in self.work.busy]
        if self.note is not None and self.note.busy != self.result.busy:
            self.note.busy = self.result.busy
            with contextlib.suppress(OSError):  # a call that asks sees what was seen before
                self.book.write(self.note)

    def noted(self) -> t.Optional[Note]:
        """Return the note of this server, from this or an earlier call."""
        note = self.note or self.book.read(self.key)
        return note if note is not None and note.identity == self.now.identity else None

    def be_late(self, late: Overdue) -> None:
        """Do what the caller wants done when a time limit has passed.

        :raises Overdue: nothing; or what was done did not end it.
        :raises Refused: not even the first INT may be sent.
        """
        self.tell_busy()
        self.step("%s passed; at work: %s" % (" and ".join(late.options), late.work))
        if self.order.on_timeout == OnTimeout.FAIL:
            raise late
        try:
            if not self.work.leaving:
                self.interrupt()
                if not self._ends_within(FORCED):
                    self.step("the server still ran %g s after that" % FORCED)
            if self.order.on_timeout == OnTimeout.ABORT:
                with contextlib.suppress(Refused):  # it is about to end, and has given up its handlers
                    self._abort(late)
        except Ended:
            return
        if self.order.on_timeout == OnTimeout.KILL:
            self._kill(late)

    def _abort(self, late: Overdue) -> None:
        """Send a second INT.

        :raises Overdue: it did not end.
        """
        self.host.door.send(self.proc, "INT", self.target(), force=True)
        self.result.did = Outcome.SIGNALLED
        self.result.signals.append("INT")
        self.step("a second INT was sent to pid %d, which cuts off: %s" % (self.now.master.pid, late.work))
        self._cut_off("a second INT", late)
        if not self._ends_within(FORCED):
            raise Overdue(timeout.WORK_AFTER_ABORT, late.options, late.work)

    def _ends_within(self, seconds: float) -> bool:
        """Return False when it did not.

        :raises Ended: it did.
        """

        def attempt() -> t.Union[bool, Pending]:
            self.look()
            return Pending(timeout.PROCESS_ENDS(pid=self.now.master.pid))

        self.deadline = self.clock.monotonic() + seconds
        with contextlib.suppress(TimedOut):
            self.wait(attempt)
        return False

    def _kill(self, late: Overdue) -> None:
        """Kill the master first, so that it starts no worker, and then its workers, which would go on without it."""
        for process, role in self.now.everybody:
            try:
                self.host.door.kill(self.proc, process)
            except Refused:
                continue  # it has ended
            self.result.did = Outcome.SIGNALLED
            self.result.signals.append("KILL")
            self.step("KILL was sent to pid %d (%s)" % (process.pid, role))
        self._cut_off("KILL", late)

    def _cut_off(self, signal: str, late: Overdue) -> None:
        self.cut_off = True
        problem = failed.WORK_CUT_OFF(signal=signal, work=late.work)
        self.warn(problem)
        self.result.reason += "; " + problem.text

    def undo(self, note: Note) -> None:
        """Remove the hold and the note."""
        if self.host.holds.take_away(note.held, made=note.made):
            self.step("the module released the supervisor")
        self.book.forget(note)
        self.note = None
        self.result.hold_changed = False

    def ask_supervisor(self, hold: Hold) -> t.Optional[Problem]:
        """Return what the supervisor still does about the server that has ended; None once it is at rest."""
        answer: t.Tuple[t.Optional[Problem], t.Optional[str]] = self.host.holds.rest(hold)
        lacking, done = answer
        if done:
            self.step(done)
        return lacking

    def successor(self) -> t.Optional[t.Tuple[Instance, Problem]]:
        """Return the server that has taken its place, and the failure; None while there is none."""
        return self.second_look.successor(self.host.look())

    def fail_replaced(self, successor: Instance, problem: Problem) -> t.NoReturn:
        """:raises Failure: another server has taken its place. That one is not held, and there is no note of it."""
        self.result.successor = successor.identity
        if self.note is not None:
            self.undo(self.note)
        raise Failure(problem)

    # When it fails.

    def limit(self, late: TimedOut) -> str:
        """Name the options whose time has passed."""
        if not isinstance(late, Overdue):
            return super().limit(late)
        limits = {
            **{"%s_timeout" % role: limit for role, limit in self.order.limits().items()},
            "timeout": self.timeout,
        }
        return " and ".join("%s (%g s)" % (name, limits[name]) for name in late.options)

    def fail(self, exc: Exception) -> t.Tuple[str, Problem]:
        """Put the failure and the last words of the server into the result."""
        if not isinstance(exc, Refused):
            self.result.log = self.log.tail(_LOG_LINES)
        why = self.work.hidden if isinstance(exc, Overdue) and self.alive else None
        if why:
            self.warn(DUMPS_HIDDEN(why=why))
        return super().fail(exc)
