# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""The way back from a drain: let go of the supervisor, have him start the server, and wait until it is healthy."""

from __future__ import annotations

import os
import subprocess
import typing as t
from dataclasses import dataclass

from .._facts.gather import find_load, log_place
from .._facts.results import Outcome, iso, summary
from .._processes.classify import Instance
from .._processes.look import Look, look
from .._server.health import HealthCheck
from .._server.host import Host
from .._server.watch import WatchFailed, WatchOrder, watch_all
from .._supervisors.find import SupervisorKind, supervisor_of
from .._supervisors.hold import Hold, drop_in_of, start, take_away
from .._supervisors.systemd import show_units
from .._system.clock import Pending, TimedOut, wait_until
from .._system.errors import WouldFail
from .notes import Note, NoteBook, key_in
from .order import DrainFailed, DrainResult
from .start_command import launch, why_not_launch

#: Seconds that the last watch gets at least, so that a server that is up is seen to be.
_LAST_WATCH = 2.0
#: Looks that must not find a server before it is started, and seconds between two of them.
_LOOKS, _BETWEEN_LOOKS = 4, 0.15


@dataclass(frozen=True)
class UndrainOrder:
    """What the caller wants. ``health`` None: no request is made. Times are in seconds, for each server."""

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
    """Bring back what was drained, one after the other; the first failure ends it.

    :param identities: of chosen servers that run.
    :param notes: of what was drained, whether something runs in its place or not.
    :raises DrainFailed: with the results so far, the failed one last.
    """
    results: t.List[DrainResult] = []
    noted = {note.key for note in notes}
    running = [t.cast(Instance, seen.instance(identity)) for identity in identities]
    jobs = [_Undrain(host, order, note, None) for note in notes]
    jobs += [_Undrain(host, order, None, one) for one in running if key_in(seen, one) not in noted]
    for job in jobs:
        results.append(job.result)
        try:
            job.predict() if check_mode else job.run()
        except (WouldFail, OSError) as exc:
            if isinstance(exc, WouldFail) and not job.result.changed:
                job.result.did = Outcome.REFUSED
            job.result.reason = str(exc)
            raise DrainFailed("%s is not brought back: %s" % (job.name, exc), results) from exc
        except (TimedOut, WatchFailed) as exc:
            why = "still waiting for %s" % exc.reason if isinstance(exc, TimedOut) else str(exc)
            job.result.reason = "%s was not back within %g s: %s" % (job.name, order.timeout, why)
            raise DrainFailed(job.result.reason, results) from exc
        finally:
            job.close()
    return results


class _Undrain:
    """One server on its way back: drained, with a note, or one that runs without one."""

    def __init__(self, host: Host, order: UndrainOrder, note: t.Optional[Note], running: t.Optional[Instance]) -> None:
        self._host, self._order, self._note, self._running = host, order, note, running
        self._book = NoteBook(host.store)
        self._lock: t.Optional[int] = None
        self._launched: t.Optional[subprocess.Popen[bytes]] = None
        self.begun = host.clock.monotonic()
        self.deadline = self.begun + order.timeout
        if note is not None:
            self.name = note.name
            self.result = DrainResult(note.identity, note.pid, Outcome.NOTHING, "", hold=note.held.told())
        else:
            one = t.cast(Instance, running)
            self.name = "Odoo with pid %d" % one.master.pid
            self.result = DrainResult(one.identity, one.master.pid, Outcome.NOTHING, "")

    def close(self) -> None:
        """Let go of the lock."""
        self.result.seconds = self._host.clock.monotonic() - self.begun
        if self._lock is not None:
            os.close(self._lock)

    def predict(self) -> None:
        """What :meth:`run` would do, without doing it."""
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
        self.result.did, self.result.changed = Outcome.STARTED, True
        self._step(
            "%s would be asked to start it" % hold.kind if hold.kind != SupervisorKind.NONE else "it would be started"
        )

    def run(self) -> None:
        """Let go, start what does not run, wait, and drop the note."""
        if self._note is None:
            self._nothing()
            hold = self._left_behind()
            if hold is not None:
                self._let_go(hold, made=True)
            self._watch(t.cast(Instance, self._running).identity)
            return
        self._host.store.open()
        self._take_lock()
        note = self._note = self._book.read(self._note.key)
        if note is None:
            self.result.reason = "another call has brought it back"
            found = None
        else:
            self._await_end()
            found = self._find_surely()
            if found is None:
                self._may_start()
                self._explain()
            else:
                self._came_back()
            self._let_go(note.held, made=note.made)
        if found is None and note is not None:
            self._start(note)
            found = self._await_start(note)
        elif found is None:
            return
        self._watch(found[1].identity)
        if note is not None:
            self._book.forget(note)

    # Its steps.

    def _take_lock(self) -> None:
        key = t.cast(Note, self._note).key

        def attempt() -> t.Union[bool, Pending]:
            self._lock = self._book.try_lock(key)
            return self._lock is not None or Pending("another call that drains it, or brings it back")

        self._wait(attempt)

    def _alive(self) -> bool:
        note = t.cast(Note, self._note)
        return note.drained is None and self._host.proc.lives(note.pid, note.start)

    def _await_end(self) -> None:
        """A drain whose call has given up may be under way still. A server that was never told to end is left alone."""
        note = t.cast(Note, self._note)
        if note.sent is not None:
            self._wait(lambda: Pending("its drain to end (pid %d)" % note.pid) if self._alive() else True)

    def _find(self) -> t.Optional[t.Tuple[Look, Instance]]:
        """What runs in its place."""
        note = t.cast(Note, self._note)
        now = look(self._host.proc)
        same = [one for one in now.instances if key_in(now, one) == note.key]
        if not same and note.kind in (SupervisorKind.SYSTEMD, SupervisorKind.SUPERVISORD):
            # Its odoo.conf may say another port by now.
            same = [one for one in now.instances if supervisor_of(one.master) == note.supervisor]
        if not same and SupervisorKind.NONE in (note.kind, note.held.kind):
            # A command may be run from anywhere.
            same = [one for one in now.instances if note.is_of(one, now.options[one.identity])]
        chosen = max(same, key=lambda one: one.master.start, default=None)
        return None if chosen is None else (now, chosen)

    def _find_surely(self) -> t.Optional[t.Tuple[Look, Instance]]:
        """The same, and not missed in the moment of its exec: a second server must not be started beside it."""
        for _look in range(_LOOKS):
            found = self._find()
            if found is not None:
                return found
            self._host.clock.sleep(_BETWEEN_LOOKS)
        return None

    def _may_start(self) -> None:
        """:raises WouldFail: nothing that is known would start it."""
        note = t.cast(Note, self._note)
        hold = note.held
        if hold.external:
            raise WouldFail("it was drained with hold=external, so whoever kept it down starts it")
        if hold.kind == SupervisorKind.CONTAINER:
            raise WouldFail("containers are not started here", "start the container %s" % (hold.unit or "yourself"))
        if hold.kind in (SupervisorKind.SYSTEMD, SupervisorKind.SUPERVISORD):
            if os.geteuid() != 0:
                raise WouldFail("%s is asked to start it by root only" % hold.kind, "have root start %s" % hold.unit)
            return
        if not self._order.start_recorded:
            raise WouldFail(
                "nothing that is known started it, so nothing can be asked to start it again",
                "start it yourself, or set start_recorded to have the command run that it was running",
            )
        why = why_not_launch(note)
        if why:
            raise WouldFail("its recorded command is not run: " + why)

    def _let_go(self, hold: Hold, *, made: bool) -> None:
        if take_away(hold, made=made):
            self.result.changed = True
            self._step("%s was taken away, and systemd has read that" % hold.drop_in)

    def _start(self, note: Note) -> None:
        if SupervisorKind.NONE in (note.kind, note.held.kind):
            self._launched = launch(note)
            self._step("its recorded command was run as %s, with its output discarded" % note.user)
        else:
            start(note.held)
            self._step("%s was asked to start %s" % (note.held.kind, note.unit))
        self.result.did, self.result.changed = Outcome.STARTED, True

    def _await_start(self, note: Note) -> t.Tuple[Look, Instance]:
        found: t.List[t.Tuple[Look, Instance]] = []

        def attempt() -> t.Union[bool, Pending]:
            one = self._find()
            if one is not None:
                found.append(one)
                return True
            if self._launched is not None and self._launched.poll() is not None:
                raise WouldFail("its recorded command was run, and ended with code %d" % self._launched.returncode)
            name = note.unit if note.held.kind == SupervisorKind.SYSTEMD else None
            unit = show_units([name]).get(name) if name else None
            if unit is not None and unit.active_state in ("failed", "inactive") and not unit.has_job:
                raise WouldFail(
                    "systemd was asked to start %s, and says that it is %s" % (note.unit, unit.active_state)
                )
            return Pending("a new server to show itself")

        self._wait(attempt)
        return found[0]

    def _watch(self, identity: str) -> None:
        seen = look(self._host.proc)
        now = seen.instance(identity)
        if now is None:
            raise WouldFail("the server with identity %s has ended again" % identity)
        left = max(self.deadline - self._host.clock.monotonic(), _LAST_WATCH)
        (watched,) = watch_all(
            self._host, seen, [identity], WatchOrder(self._order.health, self._order.min_healthy_time, left)
        )
        self._step(watched.reason)
        seen = look(self._host.proc)
        now = seen.instance(identity)
        if now is not None:
            if self._note is not None and identity != self._note.identity:
                self.result.successor = identity
            place = log_place(self._host.proc, now.master, seen.options[identity], supervisor_of(now.master))
            load = find_load(self._host.proc, now.master, self._host.store, place)
            self.result.after = summary(now, seen.releases[identity].version, load)

    # What is told.

    def _would(self, hold: Hold) -> None:
        if hold.drop_in and os.path.exists(hold.drop_in):
            self.result.changed = True
            self._step("%s would be taken away, and systemd made to read that" % hold.drop_in)

    def _explain(self) -> None:
        note = t.cast(Note, self._note)
        self.result.reason = (
            "it was drained at %s" % iso(note.drained)
            if note.drained is not None
            else "its drain was begun at %s" % iso(note.begun)
        )

    def _came_back(self) -> None:
        note = t.cast(Note, self._note)
        self.result.reason = (
            "it runs: it was never told to end" if note.sent is None else "it runs again: somebody else has started it"
        )

    def _nothing(self) -> None:
        self.result.reason = "it runs, and was not drained"

    def _left_behind(self) -> t.Optional[Hold]:
        """A hold on a running server that no note knows of any more."""
        supervisor = supervisor_of(t.cast(Instance, self._running).master)
        if supervisor.kind != SupervisorKind.SYSTEMD or not supervisor.unit:
            return None
        path = drop_in_of(supervisor.unit)
        return Hold(SupervisorKind.SYSTEMD, supervisor.unit, drop_in=path) if os.path.exists(path) else None

    def _step(self, what: str) -> None:
        self.result.step(self._host.clock.monotonic() - self.begun, what)

    def _wait(self, attempt: t.Callable[[], t.Union[bool, Pending]]) -> None:
        wait_until(attempt, self._host.clock, self.deadline)
