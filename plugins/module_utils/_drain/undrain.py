# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The way back from a drain: release the supervisor, have it start the server, and wait until it is healthy."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass

from .._facts.ports import conflicts, holder_of, listeners
from .._facts.results import Outcome, iso, summary
from .._messages import failed, refused, supervisor, timeout
from .._processes.classify import Instance
from .._processes.container import provable_container
from .._processes.look import Look
from .._processes.rights import as_user
from .._server.health import HealthCheck
from .._server.host import Host
from .._server.operation import Begin, Operation, run_all
from .._server.watch import WatchOrder, watch_all
from .._supervisors.find import SupervisorKind
from .._supervisors.hold import Hold
from .._system.clock import Pending
from .._system.errors import Failure, OperationFailed, Refused, TimedOut
from .notes import Note, NoteBook, key_in
from .order import DrainResult

#: Seconds that the last watch gets at least, so that a server that is up is seen to be.
_LAST_WATCH = 2.0
#: Looks that must not find a server before it is started, and seconds between two of them.
_LOOKS, _BETWEEN_LOOKS = 4, 0.15

_Found = t.Tuple[Look, Instance]


@dataclass(frozen=True)
class UndrainOrder:
    """Options of an undrain. ``health`` None: no request is made. Times are in seconds, for each server."""

    health: t.Optional[HealthCheck]
    min_healthy_time: float
    timeout: float
    #: start the recorded command where nothing else would start the server
    start_recorded: bool = False


def undrain_all(
    host: Host,
    seen: Look,
    identities: t.Sequence[str],
    notes: t.Sequence[Note],
    order: UndrainOrder,
    *,
    check_mode: bool,
) -> t.List[DrainResult]:
    """Bring back what was drained, one server after the other.

    :param identities: of chosen servers that run.
    :param notes: of what was drained, whether something runs in its place or not.
    :raises OperationFailed: one of them was refused or failed.
    """

    def begin(identity: str, pid: int, note: t.Optional[Note], running: t.Optional[Instance]) -> Begin:
        return Begin(identity, pid, lambda: _Undrain(host, order, identity, pid, note, running))

    noted = {note.key for note in notes}
    running = [t.cast(Instance, seen.instance(identity)) for identity in identities]
    servers = [begin(note.identity, note.pid, note, None) for note in notes]
    servers += [begin(one.identity, one.master.pid, None, one) for one in running if key_in(seen, one) not in noted]
    return run_all(servers, DrainResult, check_mode=check_mode)


class _Undrain(Operation[DrainResult]):
    """One server on its way back: drained, with a note, or one that runs without one."""

    deed, doing = "undrain", "undraining"

    def __init__(
        self,
        host: Host,
        order: UndrainOrder,
        identity: str,
        pid: int,
        note: t.Optional[Note],
        running: t.Optional[Instance],
    ) -> None:
        super().__init__(host, DrainResult(identity, pid, Outcome.NOTHING, ""), order.timeout)
        self._order, self._note, self._running = order, note, running
        self._book = NoteBook(host.store)
        self._launched: t.Any = None
        if note is not None:
            self.result.hold = note.held.told()

    @property
    def name(self) -> str:
        """The name of the server in messages."""
        return super().name if self._note is None else self._note.name

    def after(self) -> str:
        """Return the time of a failure for its message."""
        return "after its start" if self.result.did == Outcome.STARTED else "before it was started"

    def predict(self) -> None:
        """Put into the result what :meth:`act` would do."""
        if self._note is None:
            self._nothing()
            hold = self._left_behind()
            if hold is not None:
                self._would(hold)
            return
        hold = self._note.held
        self._would(hold)
        if self._find() is not None:
            self._came_back()
            return
        self._explain()
        if not self._alive():
            self._may_start()
        self.result.did = Outcome.STARTED
        by_command = self._note.is_launched
        self.step("it would be started" if by_command else "the module would ask %s to start %s" % _starter_of(hold))

    def act(self) -> None:
        """Release the supervisor, start what does not run, wait, and remove the note."""
        if self._note is None:
            self._nothing()
            hold = self._left_behind()
            if hold is not None:
                self._let_go(hold, made=True)
            self._watch(t.cast(Instance, self._running).identity)
            return
        self.host.store.open()
        self._take_lock()
        note = self._book.read(self._note.key)
        if note is None:
            self.result.reason = "another call has brought the server back"
            return
        self._note = note
        self._await_end()
        found = self._find_surely()
        if found is None:
            self._may_start()
            self._explain()
        else:
            self._came_back()
        self._let_go(note.held, made=note.made)
        if found is None:
            self._start(note)
            found = self._await_start(note)
        self._watch(found[1].identity)
        self._start_bound(note.held)
        self._book.forget(note)

    # Its steps.

    def _take_lock(self) -> None:
        key = t.cast(Note, self._note).key

        def attempt() -> t.Union[bool, Pending]:
            return self.keep(self._book.try_lock(key)) or Pending(timeout.LOCKED())

        self.wait(attempt)

    def _alive(self) -> bool:
        note = t.cast(Note, self._note)
        return note.drained is None and self.host.proc.lives(note.pid, note.start)

    def _await_end(self) -> None:
        """Wait for a drain whose call has given up. A server that was never told to end is left alone."""
        note = t.cast(Note, self._note)
        if note.sent is not None:
            self.wait(lambda: Pending(timeout.PROCESS_ENDS(pid=note.pid)) if self._alive() else True)

    def _find(self) -> t.Optional[_Found]:
        """Return what runs in its place."""
        note = t.cast(Note, self._note)
        now = self.host.look()
        same = [one for one in now.instances if key_in(now, one) == note.key]
        if not same and note.kind not in (SupervisorKind.NONE, SupervisorKind.CONTAINER):
            # Its odoo.conf may say another port by now.
            same = [one for one in now.instances if self._is_kept_as_before(note, one)]
        if not same and note.kind == SupervisorKind.CONTAINER:
            # It may have been made again under its name (docker compose up), with another id.
            held = note.held.container
            unit = held.id_now() if held is not None else None
            same = [one for one in now.instances if unit and self._is_in_container(unit, one)]
        if not same and note.is_launched:
            # A command may be run from anywhere.
            same = [one for one in now.instances if note.is_of(one, now.options[one.identity])]
        chosen = max(same, key=lambda one: one.master.start, default=None)
        return None if chosen is None else (now, chosen)

    def _is_kept_as_before(self, note: Note, one: Instance) -> bool:
        """Return whether a server has the supervisor of the drained one.

        Any user may be in the unit of cron, or name a supervisord in its environment.
        """
        proved = note.kind == SupervisorKind.SYSTEMD and not note.is_launched
        return (proved or one.master.uid == note.uid) and self.host.supervisor_of(one.master) == note.supervisor

    def _is_in_container(self, id_: str, one: Instance) -> bool:
        """Return whether a server is in this container. Its user may give a cgroup the name of any container."""
        found = provable_container(one.master)
        named = found is None or found.id == id_
        return named and self.host.supervisor_of(one.master).unit == id_

    def _find_surely(self) -> t.Optional[_Found]:
        """Return the same, not missed in the moment of its exec: a second server must not be started beside it."""
        for _look in range(_LOOKS):
            found = self._find()
            if found is not None:
                return found
            self.clock.sleep(_BETWEEN_LOOKS)
        return None

    def _may_start(self) -> None:
        """Make sure that it can be started.

        :raises Refused: nothing that is known would start it.
        """
        note = t.cast(Note, self._note)
        hold = note.held
        if hold.external:
            raise Refused(refused.EXTERNAL_HOLD())
        self._check_ports(note)
        if not note.is_launched:
            if os.geteuid() not in (0, hold.uid):
                raise Refused(supervisor.NEEDS_ROOT_TO_START(kind=hold.kind, unit=hold.unit))
            if hold.kind == SupervisorKind.CONTAINER:
                self.host.holds.check_container(hold)
            return
        if not self._order.start_recorded:
            raise Refused(supervisor.TRANSIENT(unit=hold.unit) if hold.transient else supervisor.NOTHING_STARTS_IT())
        why = self.host.commands.why_not_launch(note) or self.host.commands.rehearse(note)
        if why:
            raise Refused(why)

    def _check_ports(self, note: Note) -> None:
        """Make sure that no other process has a port of the server. A changed odoo.conf may name others.

        :raises Refused: one has.
        """
        if not note.places or _has_changed(note):
            return
        heard = listeners(self.host.proc, os.getpid())
        for option, address, port in note.places:
            taken = conflicts(address, port, heard, ())
            if taken:
                holder = holder_of(self.host.proc, {inode for inode, _address, _port in taken})
                raise Refused(refused.PORT_TAKEN(option=option, address=address, port=port, holder=holder))

    def _let_go(self, hold: Hold, *, made: bool) -> None:
        if self.host.holds.take_away(hold, made=made):
            self.result.hold_changed = True
            what = [hold.drop_in + " was removed, and systemd has read that"] if hold.drop_in else []
            self.step("; ".join([*what, *("%s was started" % name for name in hold.sockets)]))

    def _start_bound(self, hold: Hold) -> None:
        if not hold.bound:
            return
        try:
            started = self.host.holds.start_bound(hold)
        except Refused as exc:
            raise Failure(exc.problem) from exc
        for name in started:
            self.result.hold_changed = True
            self.step("%s was started, which systemd had stopped with the server" % name)

    def _start(self, note: Note) -> None:
        try:
            if note.is_launched:
                self._launched = self.host.commands.launch(note)
                done = "its recorded command was run as %s" % note.user
            else:
                self.host.holds.start(note.held)
                done = "%s was asked to start %s" % _starter_of(note.held)
        except Refused as exc:
            # Its supervisor was released, so that nothing was done would not be true.
            raise Failure(exc.problem) from exc
        self.step(done)
        self.result.did = Outcome.STARTED

    def _await_start(self, note: Note) -> _Found:
        def attempt() -> t.Union[_Found, Pending]:
            one = self._find()
            if one is not None:
                return one
            if self._launched is not None and self._launched.status is not None:
                self.result.did = Outcome.NOTHING
                if self._launched.status and self._launched.tells_more:
                    self.step("the command ended, and was run once more for what it prints")
                    self._launched = self.host.commands.launch(note, keep=True)
                    self.result.did = Outcome.STARTED
                    return Pending(timeout.STARTED())
                raise Failure(failed.COMMAND_ENDED(status=self._launched.status, said=self._launched.said()))
            why = None if note.is_launched else self.host.holds.why_down(note.held)
            if why:
                raise Failure(why)
            return Pending(timeout.STARTED())

        return self.wait(attempt)

    def _watch(self, identity: str) -> None:
        seen = self.host.look()
        now = seen.instance(identity)
        if now is None:
            raise Failure(failed.MASTER_ENDED(pid=int(identity.partition(":")[0])))
        left = max(self.deadline - self.clock.monotonic(), _LAST_WATCH)
        order = WatchOrder(self._order.health, self._order.min_healthy_time, left)
        try:
            (watched,) = watch_all(self.host, seen, [identity], order)
        except OperationFailed as exc:
            if exc.code == timeout.ALL_HEALTHY.name:
                raise TimedOut(timeout.HEALTHY_TIME(seconds=self._order.min_healthy_time)) from exc
            raise (TimedOut if exc.code.startswith("timeout.") else Failure)(exc.problem) from exc
        self.step(watched.reason)
        seen = self.host.look()
        now = seen.instance(identity)
        if now is not None:
            if self._note is not None and identity != self._note.identity:
                self.result.successor = identity
            place = self.host.log_place(now.master, seen.options[identity], self.host.supervisor_of(now.master))
            load = self.host.load(now.master, place)
            self.result.after = summary(now, seen.releases[identity].version, load)

    # What is told.

    def _would(self, hold: Hold) -> None:
        if hold.drop_in and os.path.exists(hold.drop_in):
            self.result.hold_changed = True
            self.step("the module would remove %s, and make systemd read that" % hold.drop_in)

    def _explain(self) -> None:
        note = t.cast(Note, self._note)
        self.result.reason = (
            "the server was drained at %s" % iso(note.drained)
            if note.drained is not None
            else "its drain began at %s" % iso(note.begun)
        )

    def _came_back(self) -> None:
        note = t.cast(Note, self._note)
        self.result.reason = (
            "the server still runs: it never got the INT"
            if note.sent is None
            else "the server runs again: another program has started it"
        )

    def _nothing(self) -> None:
        self.result.reason = "the server runs and was not drained"

    def _left_behind(self) -> t.Optional[Hold]:
        """Return a hold on a running server that no note knows of any more."""
        unit = self.host.supervisor_of(t.cast(Instance, self._running).master).systemd_unit
        if not unit:
            return None
        path = self.host.holds.drop_in_of(unit)
        return Hold(SupervisorKind.SYSTEMD, unit, drop_in=path) if os.path.exists(path) else None


def _starter_of(hold: Hold) -> t.Tuple[str, t.Optional[str]]:
    """Return what is asked to start a server, and how that calls the server."""
    held = hold.container
    return (held.runtime, held.name) if held is not None else (str(hold.kind), hold.unit)


def _has_changed(note: Note) -> bool:
    """Return whether the odoo.conf of a drained server has changed since its drain; True where that is not visible."""
    if note.config_file is None:
        return False
    try:
        with as_user(note.uid, note.gid, note.groups):
            return os.stat(note.config_file).st_ctime > note.begun
    except OSError:
        return True
