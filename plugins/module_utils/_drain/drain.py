# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The drain: hold the supervisor, let a server end its work, send one INT, and watch until it is gone."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from .._facts.ports import places_of
from .._facts.results import Outcome, iso
from .._messages import failed, option, refused, supervisor, timeout
from .._messages.code import Problem
from .._processes.classify import Mode, State
from .._processes.look import Look
from .._processes.process import Process
from .._server.host import Host
from .._server.operation import begin_each, run_all
from .._server.server import Ended
from .._supervisors.find import SupervisorKind
from .._supervisors.hold import Hold
from .._system.clock import Pending
from .._system.errors import Failure, Refused, TimedOut
from .leaving import FORCED, Leaving
from .notes import Note, NoteBook, new_note
from .order import DrainOrder, DrainResult
from .time_limits import Overdue

#: Seconds between two looks into a server that is still at work before its INT.
_QUIET_PAUSE = 1.0
#: Seconds that a container gets to end after its server.
_CONTAINER_ENDS = 5.0
#: Seconds within which an INT shows. A drain that was cut off between its note and its signal sends it after that.
_SHOWS = 10.0


class _GoesOn(Exception):
    """The server did not end: Odoo 14 stops before it executes itself again."""


def drain_all(
    host: Host, seen: Look, identities: t.Sequence[str], notes: t.Sequence[Note], order: DrainOrder, *, check_mode: bool
) -> t.List[DrainResult]:
    """Drain the chosen servers one after the other.

    :param notes: of servers that are chosen as well and have no process any more.
    :raises OperationFailed: one of them was refused or failed.
    """
    book = NoteBook(host.store)

    done = [_gone(host, note, book, check_mode=check_mode) for note in notes]
    begins = begin_each(seen, identities, lambda first: _Drain(host, seen, first, order))
    return run_all(begins, DrainResult, check_mode=check_mode, done=done)


def _gone(host: Host, note: Note, book: NoteBook, *, check_mode: bool) -> DrainResult:
    """Return the result of a server that has no process any more."""
    result = DrainResult(
        note.identity, note.pid, Outcome.NOTHING, "", hold=note.held.told(), after={"state": State.GONE}
    )
    if note.drained is not None:
        result.reason = "the server was drained at %s and has not run since" % iso(note.drained)
        return result
    # The call that drained it did not see the end of it.
    result.reason = "the server has ended; its drain began at %s" % iso(note.begun)
    if not check_mode:
        note.drained, note.busy = host.clock.time(), []
        try:
            book.write(note)
        except OSError as exc:
            result.warnings.append(_not_recorded(exc))
    return result


def _not_recorded(exc: OSError) -> Problem:
    return failed.DRAIN_NOT_RECORDED(error=exc.strerror or str(exc))


class _Drain(Leaving):
    """One server that is drained."""

    def predict(self) -> None:
        """Put into the result what :meth:`act` would do."""
        self._refuse_gevent()
        self._explain(self.book.read(self.key))
        note = self.note = self.noted()
        if note is not None:
            alive = {process.pid for process, _role in self.now.everybody}
            self.result.busy = [one for one in note.busy if one["pid"] in alive]
        if self._begun_before():
            self.result.reason = "the server is already draining: the module would wait for that and send no signal"
            if note is not None:
                self.result.hold, self.work.sent = note.held.told(), note.sent
            else:
                self._foresee(self._find_hold())
            self.result.busy = self.result.busy or [one.told() for one in self.work.left()]
            return
        hold = self._find_hold()
        if self.now.state == State.RUNNING:
            self._why_not_quiet()
            for one in self.host.door.check(self.proc, "INT", self.target(), force=self.order.force):
                self.warn(one.problem)
        else:
            self.result.reason += "; the server is %s, and the module would wait for that first" % self.now.state
        self.result.did, self.result.signals = Outcome.SIGNALLED, ["INT"]
        self._new_note(hold)
        self._foresee(hold)
        if self.work.to_end_first():
            self.step("the module would wait for its work (%s)" % " and ".join(sorted(self.work.to_end_first())))
        self.step("INT would be sent to pid %d" % self.now.master.pid)

    def _foresee(self, hold: Hold) -> None:
        if hold.drop_in and not os.path.exists(hold.drop_in):
            self.result.hold_changed = True
            self.step("the module would write %s, and make systemd read it" % hold.drop_in)
        for name in hold.sockets:
            self.step("the module would stop %s after the INT" % name)

    def act(self) -> None:
        """Hold, send, watch. A drain that another call has begun is watched only."""
        self._refuse_gevent()
        self.host.store.open()
        try:
            self._hold_and_send()
        except (Failure, OSError):
            if self.note is not None and not self.has_sent and not self._begun_before():
                self.undo(self.note)
            raise
        self._rest()
        self.host.store.forget_others(self.proc.lives)

    def _refuse_gevent(self) -> None:
        if self.now.mode == Mode.GEVENT:
            raise Refused(refused.GEVENT_ALONE(deed="it does not wait for its websockets, so it cannot be drained"))

    def _hold_and_send(self) -> None:
        """Do all of it until the master is gone."""
        try:
            self._take_both_locks()
            note = self.book.read(self.key)
            self._explain(note)
            if note is not None and note.identity == self.now.identity:
                self.note, self.work.sent = note, note.sent
            while True:
                self._settle()
                self._keep()
                if self._begun_before():
                    if not self.has_sent:
                        self.result.reason = (
                            "the server was already draining when this call began, and the module waited for it"
                        )
                else:
                    self._quiet()
                    self.interrupt()
                self._stop_sockets()
                try:
                    self.wait(self._attempt_end)
                    break
                except _GoesOn:
                    self._explain(None)
        except Ended:
            if self.note is None:
                self.note = self.noted()
            if not self.has_sent:
                self.result.reason = "the server was already draining when this call began, and has ended"
        except Overdue as exc:
            self.be_late(exc)
        except TimedOut:
            note = self.noted()
            if note is not None:
                self.result.busy = self.result.busy or note.busy
            raise

    # The steps of the drain, in the order of the calls above.

    def _explain(self, note: t.Optional[Note]) -> None:
        self.result.reason = "a drain was requested"
        if note is not None and note.identity != self.now.identity and note.drained is not None:
            self.result.reason = (
                "the server was drained at %s with pid %d, and has started again since, without undrained"
                % (
                    iso(note.drained),
                    note.pid,
                )
            )

    def _take_both_locks(self) -> None:
        """Wait until no other call drains the server, and none works on it."""

        def attempt() -> t.Union[bool, Pending]:
            if self.locks or self.keep(self.book.try_lock(self.key)):
                self.keep(self.host.store.try_lock(self.now.master))
            self.look()
            return self.locks == 2 or Pending(timeout.LOCKED())

        self.wait(attempt)

    def _settle(self) -> None:
        """Wait until a start or a reload that is in progress has ended. Old workers end with it.

        When the main process of a unit ends, systemd kills what else is in its cgroup, so none may be left.
        """

        def attempt() -> t.Union[bool, Pending]:
            self.look()
            starting = any(child.starting for child in self.now.children)
            if self.now.state == State.DRAINING or (self.now.state == State.RUNNING and not starting):
                return True
            return Pending(timeout.RUNNING(state=self.now.state))

        self.wait(attempt)

    def _begun_before(self) -> bool:
        """Return whether it got its INT already. A server without HTTP does not show that, so there its note counts."""
        note = self.note
        if self.now.state == State.DRAINING:
            return True
        if note is None or note.sent is None:
            return False
        return not self.options.http_enable or self.clock.uptime() - note.sent < _SHOWS

    def _find_hold(self) -> Hold:
        hold: Hold = self.host.holds.find_hold(
            self.proc, self.now, self.supervisor, self.order.hold, self.order.timeout
        )
        note = self.noted()
        if note is not None and hold.drop_in is not None:
            # With the drop-in in its place systemd does not tell any more what the unit itself says.
            hold = dataclasses.replace(hold, policy=note.held.policy)
        self.result.hold = hold.told()
        for problem in hold.warnings:
            self.warn(problem)
        limit = self.options.limit_time_real
        if self.work.ends_impatiently and self.order.cron_timeout > limit:
            self.warn(option.BEYOND_LIMIT_TIME_REAL(seconds=limit))
        return hold

    def _keep(self) -> None:
        """Write a note of it and hold its supervisor, before anything is sent."""
        again = self.note
        hold = self._find_hold()
        if again is None:
            # An INT that was sent by hand has no note, and then the supervisor is held nevertheless.
            self._why_not_quiet()
            self.note = self._new_note(hold)
            self.book.write(self.note)
        note = t.cast(Note, self.note)
        if hold.drop_in is None or os.path.exists(hold.drop_in):
            return
        try:
            note.made = self.host.holds.put(hold) or note.made
        except (Refused, OSError):
            if again is None:
                self.book.forget(note)
                self.note = None
            raise
        self.book.write(note)
        self.result.hold_changed = True
        self.step("%s was written, and systemd has read it: Restart=no instead of %s" % (hold.drop_in, hold.policy))

    def _new_note(self, hold: Hold) -> Note:
        """Make its note, and have the caller warned where its recorded command would not start it again."""
        settings = self.host.commands.read_settings(self.proc, self.now.master)
        note = new_note(self.seen, self.now, hold, self.clock.time(), self.supervisor, settings)
        note.places, note.by = [*places_of(self.proc, self.now, self.options)], self.order.owner
        if note.is_launched and not hold.external:
            why = self.host.commands.why_not_launch(note) or self.host.commands.rehearse(note)
            if why:
                self.warn(supervisor.NO_WAY_BACK(why=why.text))
        return note

    def _stop_sockets(self) -> None:
        note = self.note
        if note is None or not note.held.sockets or not self._begun_before():
            return
        stopped = self.host.holds.stop_sockets(note.held)
        if stopped:
            self.result.hold_changed = True
            self.step("%s was stopped" % " and ".join(stopped))

    def _why_not_quiet(self) -> None:
        """Make sure that it can be seen to be idle, where it must be.

        :raises Refused: nothing shows that.
        """
        if self.now.mode != Mode.THREADED or self.order.force or self.now.state == State.DRAINING:
            return
        hidden = self.work.hidden
        if hidden:
            raise Refused(refused.WORK_HIDDEN(why=hidden.text))

    def _quiet(self) -> None:
        """Wait for what an INT would cut off: in a threaded server everything, before Odoo 19 long cron jobs."""
        self.work.begin()
        roles = self.work.to_end_first()
        if not roles or self.work.hidden:
            return
        waited = False
        while True:
            self.look()
            if self.now.state != State.RUNNING:
                return
            self.work.ask()
            self.work.busy = [one for one in self.work.busy if one.role in roles]
            self.tell_busy()
            if not self.work.busy:
                break
            waited = True
            self.work.check()
            self.clock.sleep(_QUIET_PAUSE)
        if waited:
            self.step("the server is idle")

    def _attempt_end(self) -> t.Union[bool, Pending]:
        try:
            self.look()
        except Ended:
            return True
        note = self.noted()
        if self.now.state != State.DRAINING and not self.has_sent and not (note and self._begun_before()):
            if note is not None:
                note.sent = None
            raise _GoesOn
        if self.work.ask_in_time():
            self.tell_busy()
        self.work.check()
        return _processes_end([process for process, _role in self.now.everybody])

    def _attempt_left(self) -> t.Union[bool, Pending]:
        left = [process for process, _role in self.now.everybody if self.host.is_alive(process)]
        return _processes_end(left) if left else True

    def _rest(self) -> None:
        """Wait until the children of the master have ended, its supervisor is inactive, and no server replaces it.

        :raises Failure: another server has started in its place, or systemd ended the unit.
        """
        self.deadline = max(self.deadline, self.clock.monotonic() + FORCED)
        self.wait(self._attempt_left)
        self.result.busy, self.result.after = [], {"state": State.GONE}
        self.step("it is gone")
        note = self.note
        hold = note.held if note is not None else Hold(SupervisorKind.NONE)
        seconds = self.order.min_gone_time
        until = self.clock.monotonic() + seconds
        self.deadline = max(self.deadline, until + FORCED)

        # A container ends a moment after its server, unless its first process is another program.
        patience = _CONTAINER_ENDS if hold.kind == SupervisorKind.CONTAINER else 0.0
        has_ended, by_supervisord = False, hold.kind == SupervisorKind.SUPERVISORD

        def attempt() -> t.Union[bool, Pending]:
            nonlocal has_ended
            lacking = None if has_ended else self.ask_supervisor(hold)
            has_ended = not lacking and hold.kind == SupervisorKind.CONTAINER
            found = None if lacking and by_supervisord else self.successor()
            if found and by_supervisord:
                lacking = self.ask_supervisor(hold)  # it has started one since it was asked, and stops that now
            if found and not (lacking and by_supervisord):
                self.fail_replaced(*found)
            if lacking and self.clock.monotonic() >= until + patience and self._outlived(hold):
                return True
            if lacking:
                return Pending(lacking)
            return self.clock.monotonic() >= until or Pending(timeout.STAYS_GONE(seconds=seconds))

        self.wait(attempt)
        if note is not None:
            note.drained, note.busy = self.clock.time(), []
            try:
                self.book.write(note)
            except OSError as exc:
                self.warn(_not_recorded(exc))
            self.result.hold = note.held.told()
        self.step("no other server started in its place within %g s" % seconds)
        bad = None if self.cut_off else self.host.holds.bad_end(hold)
        if bad:
            raise Failure(bad)

    def _outlived(self, hold: Hold) -> bool:
        """Release a unit whose main process goes on without the server; return whether that is so."""
        warning, note = self.host.holds.outlived(hold), self.note
        if not warning or note is None:
            return False
        if hold.kind == SupervisorKind.CONTAINER:
            self.warn(warning)
            return True
        if self.host.holds.take_away(hold, made=note.made):
            self.step("the module released the supervisor")
        self.warn(warning)
        note.hold, note.made = dataclasses.asdict(Hold(SupervisorKind.NONE)), False
        return True


def _processes_end(left: t.Sequence[Process]) -> Pending:
    return Pending(timeout.PROCESSES_END(count=len(left), pids=", ".join(str(one.pid) for one in left)))
