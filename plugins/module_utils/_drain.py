# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""The drain: hold the supervisor, let a server end its work, one INT, and watch until it is gone."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.fleetops.odoo.plugins.module_utils._await import Pending, TimedOut
from ansible_collections.fleetops.odoo.plugins.module_utils._drain_types import (
    ABORT,
    FAIL,
    ON_KILL,
    DrainFailed,
    DrainOrder,
    DrainResult,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._hold import Hold, find_hold, put, rest, take_away
from ansible_collections.fleetops.odoo.plugins.module_utils._host import Host
from ansible_collections.fleetops.odoo.plugins.module_utils._instances import (
    DRAINING,
    MASTER,
    RUNNING,
    THREADED,
    UNKNOWN,
    Instance,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._look import Look, is_alive
from ansible_collections.fleetops.odoo.plugins.module_utils._notes import Note, NoteBook, key_in, new_note
from ansible_collections.fleetops.odoo.plugins.module_utils._rehearsal import WouldFail
from ansible_collections.fleetops.odoo.plugins.module_utils._roll_lock import uptime
from ansible_collections.fleetops.odoo.plugins.module_utils._rules import KILL
from ansible_collections.fleetops.odoo.plugins.module_utils._send import Refused, Target, check, send
from ansible_collections.fleetops.odoo.plugins.module_utils._subject import Ended, Subject
from ansible_collections.fleetops.odoo.plugins.module_utils._tell import (
    NOTHING,
    REFUSED,
    SIGNALLED,
    iso,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._work import Overdue, Work

#: Seconds between two looks into a server that is still at work before its INT.
_QUIET_PAUSE = 1.0
#: Seconds within which an INT shows. A drain that was cut off between its note and its signal sends it after that.
_SHOWS = 10.0
#: Seconds that a server gets to end after it was forced.
_FORCED = 8.0
#: Lines of the log that a failed result carries.
_LOG_LINES = 100


class _GoesOn(Exception):
    """It looked as if it ended, and it has not: Odoo 14 stops before it executes itself anew."""


def drain_all(
    host: Host, seen: Look, identities: t.Sequence[str], notes: t.Sequence[Note], order: DrainOrder, *, check_mode: bool
) -> t.List[DrainResult]:
    """Drain the chosen servers one after the other; the first failure ends it.

    :param notes: of servers that are chosen as well and have no process any more.
    :raises DrainFailed: with the results so far, the failed one last.
    """
    book = NoteBook(host.store)
    results = [_gone(host, note, book, check_mode=check_mode) for note in notes]
    for identity in identities:
        one = _Drain(host, seen, t.cast(Instance, seen.instance(identity)), order)
        results.append(one.result)
        try:
            one.predict() if check_mode else one.run()
        except (WouldFail, Refused) as exc:
            one.result.did = REFUSED if one.result.did == NOTHING else one.result.did
            one.result.reason = str(exc)
            raise DrainFailed("Odoo with pid %d is not drained: %s" % (one.result.pid, exc), results) from exc
        except (Overdue, TimedOut, OSError) as exc:
            raise DrainFailed(one.failure(exc), results) from exc
        finally:
            one.close()
    return results


def _gone(host: Host, note: Note, book: NoteBook, *, check_mode: bool) -> DrainResult:
    """The result of a server that has no process any more."""
    result = DrainResult(note.identity, note.pid, NOTHING, "", hold=note.held.told(), after={"state": "gone"})
    if note.drained is not None:
        result.reason = "it was drained at %s and has been gone since" % iso(note.drained)
        return result
    # The call that drained it did not see the end of it.
    result.reason = "its drain, which was begun at %s, has come to its end" % iso(note.begun)
    if not check_mode:
        note.drained, note.busy = host.clock.time(), []
        book.write(note)
    return result


class _Drain(Subject):
    """One server on its way out."""

    def __init__(self, host: Host, seen: Look, first: Instance, order: DrainOrder) -> None:
        super().__init__(host, seen, first, None, order.timeout)
        self._order = order
        self._book = NoteBook(host.store)
        self._key = key_in(seen, first)
        self._locks: t.List[int] = []
        self._work = Work(self, order)
        self._note: t.Optional[Note] = None
        #: by this call
        self._sent = False
        self.result = DrainResult(first.identity, first.master.pid, NOTHING, "", before=self.summary())

    def close(self) -> None:
        """Let go of locks and log."""
        self.result.seconds = self.clock.monotonic() - self.begun
        self.log.close()
        for lock in self._locks:
            os.close(lock)

    # What is done, from the outside.

    def predict(self) -> None:
        """What :meth:`run` would do, without doing it."""
        note = self._book.read(self._key)
        self._explain(note)
        ours = note is not None and note.identity == self.now.identity
        if note is not None and ours:
            alive = {process.pid for process in [self.now.master, *(c.process for c in self.now.children)]}
            self.result.busy = [one for one in note.busy if one["pid"] in alive]
        if self.now.state == DRAINING or (note is not None and ours and note.sent is not None):
            self.result.reason = "it is draining already: that would be waited for, and no signal sent"
            self.result.hold = note.hold if note is not None and ours else None
            self._work.sent = note.sent if note is not None and ours else None
            self.result.busy = self.result.busy or [one.told() for one in self._work.left()]
            return
        hold = self._find_hold()
        if self.now.state == RUNNING:
            self._why_not_quiet()
            check(self.proc, "INT", self._target(), force=self._order.force)
        else:
            self.result.reason += "; it is %s, and that would be waited for first" % self.now.state
        self.result.did, self.result.signals, self.result.changed = SIGNALLED, ["INT"], True
        if hold.drop_in:
            self._step("%s would be put there, and systemd made to read it" % hold.drop_in)
        if self._work.to_end_first():
            self._step("its work (%s) would be waited for" % " and ".join(sorted(self._work.to_end_first())))
        self._step("INT would be sent to pid %d" % self.now.master.pid)

    def run(self) -> None:
        """Hold, send, watch. A drain that somebody else has begun is watched only."""
        self.host.store.open()
        try:
            self._take_locks()
            note = self._book.read(self._key)
            self._explain(note)
            if note is not None and note.identity == self.now.identity:
                self._note, self._work.sent = note, note.sent
            while True:
                self._settle()
                self._keep()
                if self._begun_before():
                    if not self._sent:
                        self.result.reason = "it was draining when this call came, and that was waited for"
                else:
                    self._quiet()
                    self._interrupt()
                try:
                    self.wait(self._attempt_end)
                    break
                except _GoesOn:
                    self._explain(None)
        except Ended:
            if self._note is None:
                self._note = self._noted()
            if not self._sent:
                self.result.reason = "it was draining when this call came, and has ended"
        except Overdue as exc:
            self._overdue(exc)
        except TimedOut:
            note = self._noted()
            if note is not None:
                self.result.busy = self.result.busy or note.busy
            raise
        self._rest()
        self.host.store.forget_others(self.proc.lives)

    # Its steps.

    def _explain(self, note: t.Optional[Note]) -> None:
        self.result.reason = "a drain was asked for"
        if note is not None and note.identity != self.now.identity and note.drained is not None:
            self.result.reason = "it was drained at %s with pid %d, and has come back by itself since" % (
                iso(note.drained),
                note.pid,
            )

    def _take_locks(self) -> None:
        """One call at a time drains a server, and none while another one reloads it."""

        def attempt() -> t.Union[bool, Pending]:
            if not self._locks:
                lock = self._book.try_lock(self._key)
                if lock is not None:
                    self._locks.append(lock)
            if self._locks:
                lock = self.host.store.try_lock(self.now.master)
                if lock is not None:
                    self._locks.append(lock)
            self.look()
            return len(self._locks) == 2 or Pending("another call that is at work on this server")

        self.wait(attempt)

    def _settle(self) -> None:
        """Wait until a start or a reload that is under way has come to its end. Old workers end with it.

        When the main process of a unit ends, systemd kills what else is in its cgroup, so none may be left.
        """

        def attempt() -> t.Union[bool, Pending]:
            self.look()
            starting = any(c.role == UNKNOWN and c.process.catches("HUP") for c in self.now.children)
            if self.now.state == DRAINING or (self.now.state == RUNNING and not starting):
                return True
            return Pending("it to run (it is %s)" % self.now.state)

        self.wait(attempt)

    def _begun_before(self) -> bool:
        """Whether it got its INT already. A server without HTTP does not show that, so there our note has to do."""
        note = self._note
        if self.now.state == DRAINING:
            return True
        if note is None or note.sent is None:
            return False
        return not self.options.http_enable or uptime() - note.sent < _SHOWS

    def _find_hold(self) -> Hold:
        hold = find_hold(self.proc, self.now, self.supervisor, self._order.hold)
        self.result.hold, self.result.warnings = hold.told(), list(hold.warnings)
        limit = self.options.limit_time_real
        if self._work.ends_impatiently and self._order.cron_timeout > limit:
            self.result.warnings.append(
                "Odoo before 19 ends whatever is left of its work %d s after the INT (its limit_time_real), so cron"
                " jobs are waited for before it" % limit
            )
        return hold

    def _keep(self) -> None:
        """Have a note of it and hold its supervisor, before anything is sent."""
        again = self._note
        hold = self._find_hold()
        if again is None:
            # An INT that somebody has sent by hand has no note, but the supervisor is held all the same.
            self._why_not_quiet()
            self._note = new_note(self.seen, self.now, hold, self.clock.time())
            self._book.write(self._note)
        note = t.cast(Note, self._note)
        if hold.drop_in is None or os.path.exists(hold.drop_in):
            return
        try:
            note.made = put(hold) or note.made
        except (WouldFail, OSError):
            if again is None:
                self._book.forget(note)
            raise
        self._book.write(note)
        self.result.changed = True
        self._step("%s was put there, and systemd has read it: Restart is no and not %s" % (hold.drop_in, hold.policy))

    def _why_not_quiet(self) -> None:
        """:raises WouldFail: it must be seen to be idle, and nothing shows that."""
        if self.now.mode != THREADED or self._order.force or self.now.state == DRAINING:
            return
        hidden = self._work.hidden
        if hidden:
            raise WouldFail(
                "it is threaded, so an INT would cut off its requests and cron jobs, and whether there are any cannot"
                " be seen: " + hidden,
                "have it log to a file or the journal with log_level=info, or set force",
            )

    def _quiet(self) -> None:
        """Wait for what an INT would cut off: in a threaded server everything, before Odoo 19 long cron jobs."""
        self._work.begin()
        roles = self._work.to_end_first()
        if not roles or self._work.hidden:
            return
        waited = False
        while True:
            self.look()
            if self.now.state != RUNNING:
                return
            self._work.ask()
            self._work.busy = [one for one in self._work.busy if one.role in roles]
            self._tell_busy()
            if not self._work.busy:
                break
            waited = True
            self._work.check()
            self.clock.sleep(_QUIET_PAUSE)
        if waited:
            self._step("its work has ended: it is idle")

    def _interrupt(self) -> None:
        note = t.cast(Note, self._note)
        if self.now.state != RUNNING:
            return  # it has begun to end by another hand meanwhile
        # Written before it is sent: whoever comes after a cut must not send a second one.
        note.sent, note.busy = uptime(), []
        self._book.write(note)
        try:
            lifted = send(self.proc, "INT", self._target(), force=self._order.force)
        except Refused:
            self._undo()
            raise
        self._work.begin(note.sent)
        self._sent = self.result.changed = True
        self.result.did, self.result.signals = SIGNALLED, ["INT"]
        if lifted:
            self.result.reason += "; forced against: " + "; ".join(one.reason for one in lifted)
        self._step("INT was sent to pid %d" % self.now.master.pid)

    def _attempt_end(self) -> t.Union[bool, Pending]:
        try:
            self.look()
        except Ended:
            return True
        note = self._noted()
        if self.now.state != DRAINING and not self._sent and not (note and self._begun_before()):
            if note is not None:
                note.sent = None
            raise _GoesOn
        if self._work.ask_in_time():
            self._tell_busy()
        self._work.check()
        return Pending("%d processes to end" % (1 + len(self.now.children)))

    def _attempt_left(self) -> t.Union[bool, Pending]:
        everybody = [self.now.master, *(c.process for c in self.now.children)]
        left = [process.pid for process in everybody if is_alive(self.proc, process)]
        return Pending("what is left of it, pid %s" % ", ".join(map(str, left))) if left else True

    def _rest(self) -> None:
        """The master is gone. Its children must be too, and its supervisor at rest; then it is drained."""
        self.deadline = max(self.deadline, self.clock.monotonic() + _FORCED)
        self.wait(self._attempt_left)
        note = self._note
        if note is not None:
            hold = note.held

            def attempt() -> t.Union[bool, Pending]:
                lacking, done = rest(hold)
                if done:
                    self._step(done)
                return Pending(lacking) if lacking else True

            self.wait(attempt)
            note.drained, note.busy = self.clock.time(), []
            self._book.write(note)
            self.result.hold = hold.told()
        self.result.busy, self.result.after = [], {"state": "gone"}
        self._step("it is gone")

    def _tell_busy(self) -> None:
        """For this call's result, and for those who ask meanwhile."""
        self.result.busy = [one.told() for one in self._work.busy]
        if self._note is not None and self._note.busy != self.result.busy:
            self._note.busy = self.result.busy
            self._book.write(self._note)

    def _noted(self) -> t.Optional[Note]:
        note = self._note or self._book.read(self._key)
        return note if note is not None and note.identity == self.now.identity else None

    # What is done about who takes too long.

    def _overdue(self, late: Overdue) -> None:
        """Do what the caller wants done then.

        :raises Overdue: nothing; or what was done did not end it.
        """
        self._tell_busy()
        self._step("%s passed; at work: %s" % (" and ".join(late.options), late))
        if self._order.on_timeout == FAIL:
            if not self._work.leaving:
                self._undo()
            raise late
        try:
            if not self._work.leaving:
                self._interrupt()
                self._end_within(_FORCED)
            if self._order.on_timeout == ABORT:
                send(self.proc, "INT", self._target(), force=True)
                self.result.did, self.result.changed = SIGNALLED, True
                self.result.signals.append("INT")
                self.result.reason += "; a second INT cut off: %s" % late
                self._step("a second INT was sent to pid %d, which cuts off: %s" % (self.now.master.pid, late))
                self._end_within(_FORCED)
        except (Ended, Refused):
            pass  # it has ended meanwhile, or is about to and has given up its handlers
        except TimedOut:
            raise late from None
        if self._order.on_timeout == ON_KILL:
            self._kill(late)

    def _end_within(self, seconds: float) -> None:
        """:raises Ended: it did.

        :raises TimedOut: it did not.
        """

        def attempt() -> t.Union[bool, Pending]:
            self.look()
            return Pending("it to end")

        self.deadline = self.clock.monotonic() + seconds
        self.wait(attempt)

    def _kill(self, late: Overdue) -> None:
        """The master first, so that it starts nobody anew, and then its workers, which would go on without it."""
        everybody = [(self.now.master, MASTER), *((c.process, c.role) for c in self.now.children)]
        for process, role in everybody:
            try:
                send(self.proc, KILL, Target(process, role, self.now.mode, DRAINING))
            except Refused:
                continue  # it has ended
            self.result.did, self.result.changed = SIGNALLED, True
            self.result.signals.append(KILL)
            self._step("KILL was sent to pid %d (%s)" % (process.pid, role))
        self.result.reason += "; KILL cut off: %s" % late

    def _undo(self) -> None:
        """Nothing was sent: nothing of ours may stay."""
        note = t.cast(Note, self._note)
        if take_away(note.held, made=note.made):
            self._step("the hold was taken away again, since no signal was sent")
        self._book.forget(note)
        self._note = None
        self.result.changed = False

    def _step(self, what: str) -> None:
        self.result.steps.append({"seconds": round(self.clock.monotonic() - self.begun, 2), "what": what})

    def _target(self) -> Target:
        return Target(self.now.master, MASTER, self.now.mode, self.now.state)

    def failure(self, exc: Exception) -> str:
        """One message for a person."""
        pid = self.result.pid
        if isinstance(exc, Overdue):
            limits = {**{"%s_timeout" % k: v for k, v in self._order.limits().items()}, "timeout": self._order.timeout}
            names = " and ".join("%s (%g s)" % (name, limits[name]) for name in exc.options)
            what = "Odoo with pid %d was not drained within its %s. At work: %s." % (pid, names, exc)
            if not self._work.leaving:
                what += " No INT was sent, since that would cut it off; the server goes on."
            elif self._order.on_timeout == FAIL:
                what += " It goes on draining; another call waits for it, and on_timeout=abort would cut that off."
            hidden = self._work.hidden if is_alive(self.proc, self.now.master) else None
            if hidden:
                what += " What they do is not known: %s." % hidden
        elif isinstance(exc, TimedOut):
            what = "Odoo with pid %d was not drained within its timeout (%g s): still waiting for %s" % (
                pid,
                self._order.timeout,
                exc.reason,
            )
        else:
            what = "Odoo with pid %d was not drained: %s" % (pid, exc)
        self.result.reason = what
        self.result.log = self.log.tail(_LOG_LINES)
        return what
