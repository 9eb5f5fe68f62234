# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""A server on its way out: what it has been told, what is written down of it, and what is done about who stays."""

from __future__ import annotations

import contextlib
import os
import typing as t

from .._facts.results import Outcome
from .._processes.classify import Instance, Role, State
from .._processes.look import Look
from .._processes.proc import is_alive
from .._server.host import Host
from .._server.server import Ended, Subject
from .._signals.send import Refused, Target, kill, send
from .._supervisors.hold import take_away
from .._system.boot import uptime
from .._system.clock import Pending, TimedOut
from .notes import Note, NoteBook, key_in
from .order import DrainOrder, DrainResult, OnTimeout
from .time_limits import Overdue, Work

#: Seconds that a server gets to end after it was forced.
FORCED = 8.0
#: Lines of the log that a failed result carries.
_LOG_LINES = 100


class Leaving(Subject):
    """One server on its way out."""

    def __init__(self, host: Host, seen: Look, first: Instance, order: DrainOrder) -> None:
        super().__init__(host, seen, first, None, order.timeout)
        self.order = order
        self.book = NoteBook(host.store)
        self.key = key_in(seen, first)
        self.locks: t.List[int] = []
        self.work = Work(self, order)
        self.note: t.Optional[Note] = None
        #: by this call
        self.has_sent = False
        self.result = DrainResult(first.identity, first.master.pid, Outcome.NOTHING, "", before=self.summary())

    def close(self) -> None:
        """Let go of locks and log."""
        self.result.seconds = self.clock.monotonic() - self.begun
        self.log.close()
        for lock in self.locks:
            os.close(lock)

    def interrupt(self) -> None:
        """Send the INT, unless it has begun to end by another hand."""
        note = t.cast(Note, self.note)
        if self.now.state != State.RUNNING:
            return  # it has begun to end by another hand meanwhile
        # Written before it is sent: whoever comes after a cut must not send a second one.
        note.sent, note.busy = uptime(), []
        try:
            self.book.write(note)
            lifted = send(self.proc, "INT", self.target(), force=self.order.force)
        except (Refused, OSError):
            note.sent = None
            raise
        self.work.begin(note.sent)
        self.has_sent = self.result.changed = True
        self.result.did, self.result.signals = Outcome.SIGNALLED, ["INT"]
        if lifted:
            self.result.reason += "; forced against: " + "; ".join(one.reason for one in lifted)
        self.step("INT was sent to pid %d" % self.now.master.pid)

    def tell_busy(self) -> None:
        """For this call's result, and for those who ask meanwhile."""
        self.result.busy = [one.told() for one in self.work.busy]
        if self.note is not None and self.note.busy != self.result.busy:
            self.note.busy = self.result.busy
            with contextlib.suppress(OSError):  # whoever asks sees what was seen before
                self.book.write(self.note)

    def noted(self) -> t.Optional[Note]:
        """What is written down of this very server, by whichever call."""
        note = self.note or self.book.read(self.key)
        return note if note is not None and note.identity == self.now.identity else None

    def be_late(self, late: Overdue) -> None:
        """Do what the caller wants done then.

        :raises Overdue: nothing; or what was done did not end it.
        :raises Refused: not even the first INT may be sent.
        """
        self.tell_busy()
        self.step("%s passed; at work: %s" % (" and ".join(late.options), late))
        if self.order.on_timeout == OnTimeout.FAIL:
            raise late
        try:
            if not self.work.leaving:
                self.interrupt()
                if not self._ends_within(FORCED):
                    self.step("it was still there %g s after that" % FORCED)
            if self.order.on_timeout == OnTimeout.ABORT:
                with contextlib.suppress(Refused):  # it is about to end, and has given up its handlers
                    self._abort(late)
        except Ended:
            return
        if self.order.on_timeout == OnTimeout.KILL:
            self._kill(late)

    def _abort(self, late: Overdue) -> None:
        """A second INT.

        :raises Overdue: it did not end.
        """
        send(self.proc, "INT", self.target(), force=True)
        self.result.did, self.result.changed = Outcome.SIGNALLED, True
        self.result.signals.append("INT")
        self.result.reason += "; a second INT cut off: %s" % late
        self.step("a second INT was sent to pid %d, which cuts off: %s" % (self.now.master.pid, late))
        if not self._ends_within(FORCED):
            raise late

    def _ends_within(self, seconds: float) -> bool:
        """False when it did not.

        :raises Ended: it did.
        """

        def attempt() -> t.Union[bool, Pending]:
            self.look()
            return Pending("it to end")

        self.deadline = self.clock.monotonic() + seconds
        with contextlib.suppress(TimedOut):
            self.wait(attempt)
        return False

    def _kill(self, late: Overdue) -> None:
        """The master first, so that it starts nobody anew, and then its workers, which would go on without it."""
        for process, role in self.now.everybody:
            try:
                kill(self.proc, process)
            except Refused:
                continue  # it has ended
            self.result.did, self.result.changed = Outcome.SIGNALLED, True
            self.result.signals.append("KILL")
            self.step("KILL was sent to pid %d (%s)" % (process.pid, role))
        self.result.reason += "; KILL cut off: %s" % late

    def undo(self, note: Note) -> None:
        """Nothing was sent: nothing of ours may stay."""
        if take_away(note.held, made=note.made):
            self.step("the hold was taken away again, since no signal was sent")
        self.book.forget(note)
        self.note = None
        self.result.changed = False

    def step(self, what: str) -> None:
        """Put down what was done, as a clause."""
        self.result.step(self.clock.monotonic() - self.begun, what)

    def target(self) -> Target:
        """The master, as it was seen last."""
        return Target(self.now.master, Role.MASTER, self.now.mode, self.now.state)

    def failure(self, exc: Exception) -> str:
        """One message for a person."""
        pid = self.result.pid
        if isinstance(exc, Overdue):
            limits = {**{"%s_timeout" % k: v for k, v in self.order.limits().items()}, "timeout": self.order.timeout}
            names = " and ".join("%s (%g s)" % (name, limits[name]) for name in exc.options)
            what = "Odoo with pid %d was not drained within its %s. At work: %s." % (pid, names, exc)
            if not self.work.leaving:
                what += " No INT was sent, since that would cut it off; the server goes on."
            elif self.order.on_timeout == OnTimeout.FAIL:
                what += " It goes on draining; another call waits for it, and on_timeout=abort would cut that off."
            hidden = self.work.hidden if is_alive(self.proc, self.now.master) else None
            if hidden:
                what += " What they do is not known: %s." % hidden
        elif isinstance(exc, TimedOut):
            what = "Odoo with pid %d was not drained within its timeout (%g s): still waiting for %s" % (
                pid,
                self.order.timeout,
                exc.reason,
            )
        else:
            what = "Odoo with pid %d was not drained: %s" % (pid, exc)
        self.result.reason = what
        self.result.log = self.log.tail(_LOG_LINES)
        return what
