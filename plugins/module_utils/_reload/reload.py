# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""The reload: look, choose, decide, send or restart, await, tell for one server after another."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass

from .._drain.notes import NoteBook
from .._facts.gather import find_successor, start_time, succeeded_by
from .._facts.results import Outcome, ReloadResult, Result, iso
from .._processes.classify import Instance, Role, State
from .._processes.look import Look
from .._processes.proc import is_alive
from .._server.complete import reloaded
from .._server.health import HealthCheck
from .._server.host import Host
from .._server.server import Ended, Subject
from .._signals.send import Refused, Target, check, send
from .._supervisors.restart import Job, Plan
from .._system.clock import Pending, TimedOut
from .._system.errors import WouldFail
from .._system.state_dir import TAKEN
from .decide import Act, Decision, Policy, ReloadWish, decide_reload
from .prepare import Way, prepare

#: Lines of the log that a failed result carries, and that its message shows.
_LOG_LINES, _LOG_LINES_IN_MESSAGE = 200, 12


class ReloadFailed(Exception):
    """A reload was refused or did not end well; ``results`` hold what was done until then."""

    def __init__(self, message: str, results: t.Sequence[Result]) -> None:
        super().__init__(message)
        self.results = list(results)


@dataclass(frozen=True)
class ReloadOrder:
    """What the caller wants. ``health`` None: no request is made. ``timeout`` is in seconds, for each instance."""

    wish: ReloadWish
    health: t.Optional[HealthCheck]
    timeout: float
    #: on Odoo.sh, which uses signals itself, and without room for it nothing is done without it
    force: bool = False


def reload_all(
    host: Host, seen: Look, identities: t.Sequence[str], order: ReloadOrder, *, check_mode: bool
) -> t.List[Result]:
    """Bring the chosen instances to the wished load, one after the other; the first failure ends it.

    :raises ReloadFailed: with the results so far, the failed one last.
    """
    results: t.List[Result] = []
    for identity in identities:
        one = _Reload(host, seen, t.cast(Instance, seen.instance(identity)), order)
        results.append(one.result)
        try:
            one.predict() if check_mode else one.run()
        except (WouldFail, Refused) as exc:
            one.result.did, one.result.reason = Outcome.REFUSED, str(exc)
            one.keep_log()
            raise ReloadFailed("Odoo with pid %d is not reloaded: %s" % (one.result.pid, exc), results) from exc
        except (Ended, TimedOut, OSError) as exc:
            one.keep_log()
            raise ReloadFailed(one.failure(exc), results) from exc
        finally:
            one.close()
    return results


class _Reload(Subject):
    """One instance on its way. It holds what the steps share: the lock and the result."""

    def __init__(self, host: Host, seen: Look, first: Instance, order: ReloadOrder) -> None:
        super().__init__(host, seen, first, order.health, order.timeout)
        self._order = order
        self._lock: t.Optional[int] = None
        self._book = NoteBook(host.store)
        self.probe()
        self.result = ReloadResult(first.identity, first.master.pid, Outcome.NOTHING, "", before=self.summary())

    def close(self) -> None:
        """Let go of the lock and the log."""
        self.result.seconds = self.clock.monotonic() - self.begun
        self.log.close()
        if self._lock is not None:
            os.close(self._lock)

    def keep_log(self) -> None:
        """Put what the server has written since this began into the result, which has failed."""
        self.result.log = self.log.tail(_LOG_LINES)
        if not is_alive(self.proc, self.now.master):
            # It came, and died again.
            self.result.successor = None

    def predict(self) -> None:
        """What :meth:`run` would do, without doing it."""
        decision = self._decide(None)
        if decision.kind == Act.WAIT:
            if self._order.wish.policy in (Policy.SINCE, Policy.STALE):
                self.result.reason = "%s: it would be waited for and then looked at again" % decision.reason
            else:
                self.result.reason = "%s: that would be waited for, and no signal sent" % decision.reason
            return
        self.result.reason = decision.reason
        if decision.kind == Act.ACT:
            way = self._prepare(decision)
            self.result.reason += way.note
            if way.plan is not None:
                self.result.did = Outcome.RESTARTED
                return
            check(self.proc, "HUP", self._target(), force=self._order.force)
            self.result.did, self.result.signals = Outcome.SIGNALLED, ["HUP"]

    def run(self) -> None:
        """Wait for what is under way, then act if it is still needed, and wait until it has worked."""
        self.host.store.open()
        waited_for = self._take_lock()
        way: t.Optional[Way] = None
        settled = False
        while True:
            decision = self._decide(waited_for)
            self.result.reason = decision.reason
            if decision.kind == Act.ACT:
                if way is not None and self._covers(way, decision):
                    break
                if way is not None and self.clock.monotonic() >= self.deadline:
                    raise TimedOut("its code to stay as it is")
                way = self._prepare(decision)
                # That took its time, and somebody else may have begun something meanwhile.
                self.look()
                continue
            # What needs no reload must serve all the same: it may be what a failed call has left behind.
            if decision.kind == Act.WAIT or not settled:
                self._settle()
                settled = True
            if decision.kind == Act.NOTHING:
                self.result.after = self.summary()
                return
            if decision.load:
                waited_for = decision.reason
        self.result.reason += way.note
        if way.plan is None:
            self._hang_up()
        else:
            self._restart(way.plan)
        self.host.store.forget_others(self.proc.lives)

    def _decide(self, waited_for: t.Optional[str]) -> Decision:
        if self._book.state_of(self.now, self.options) != self.now.state and not self._order.force:
            raise WouldFail("it was told to end by a drain, and without HTTP it does not show how far that is")
        staleness = self.facts().staleness if self._order.wish.policy == Policy.STALE else None
        decision = decide_reload(self.now, self.load(), staleness, self._order.wish, waited_for, iso)
        if decision.kind == Act.REFUSE:
            raise WouldFail(decision.reason)
        return decision

    def _prepare(self, decision: Decision) -> Way:
        return prepare(self, self._order.wish.method, force=self._order.force, restart=decision.restart)

    def _covers(self, way: Way, decision: Decision) -> bool:
        """Whether what was rehearsed is what is to be done now. With other policies the code is not looked at twice."""
        if self._order.wish.policy != Policy.STALE:
            return True
        return (way.plan is not None or not decision.restart) and way.compiled.issuperset(self.changed_code())

    def _take_lock(self) -> t.Optional[str]:
        """One call at a time acts on a server. Returns what had to be waited for, if anything."""
        first, first_marker = self.now, self.host.store.recall(self.now.master)
        decision = decide_reload(self.now, self.load(), None, self._order.wish, None, iso)
        contested: t.List[bool] = []

        def attempt() -> t.Union[bool, Pending]:
            self._lock = self.host.store.try_lock(self.now.master)
            if self._lock is None:
                contested.append(True)
            try:
                self.look()
            except Ended:
                if not contested or (not self._follow() and self._lock is not None):
                    raise
                # The other call is restarting it, or has done so. What counts now is the lock of the new server.
                self._let_go()
                return Pending("another call that is restarting it")
            return Pending(TAKEN) if self._lock is None else True

        self.wait(attempt)
        if decision.load:
            return decision.reason
        if first.identity != self.now.identity:
            return "another call was restarting it"
        executed = first.master.fingerprint != self.now.master.fingerprint
        if executed or self.host.store.recall(self.now.master) != first_marker:
            return "another call was reloading it"
        return None

    def _let_go(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _follow(self) -> bool:
        """Go on with the server that has taken the place of the one that is gone; False while there is none."""
        found = find_successor(self.proc, self.now, self.seen, self.supervisor)
        if found is None:
            return False
        self.turn_to(*found)
        self.result.successor = self.now.identity
        return True

    def _settle(self) -> None:
        """Wait until a start, reload or drain that somebody else began has come to its end."""

        def attempt() -> t.Union[bool, Pending]:
            self.look()
            return self.pending() or True

        self.wait(attempt)

    def _hang_up(self) -> None:
        before = self.now
        sent_at = self.clock.time()
        lifted = send(self.proc, "HUP", self._target(), force=self._order.force)
        self.result.did, self.result.signals = Outcome.SIGNALLED, ["HUP"]
        if lifted:
            self.result.reason += "; forced against: " + "; ".join(one.reason for one in lifted)
        executed: t.List[float] = []

        def attempt() -> t.Union[bool, Pending]:
            self.look()
            if not executed:
                if not reloaded(before, self.now):
                    return Pending("the master to execute itself anew")
                executed.append(self.clock.time())
            return self.pending() or True

        try:
            self.wait(attempt)
        finally:
            if executed:
                self._remember(sent_at, executed[0])
        self.result.after = self.summary()

    def _restart(self, plan: Plan) -> None:
        old = self.now
        if not is_alive(self.proc, old.master):
            raise Ended
        job = Job(plan, self.deadline - self.clock.monotonic())
        self.result.did = Outcome.RESTARTED

        def attempt() -> t.Union[bool, Pending]:
            if self.now is not old:
                try:
                    self.look()
                    return self.pending() or True
                except Ended:
                    pass  # It has died while it booted; its supervisor may start another one.
            elif is_alive(self.proc, old.master):
                problem = job.problem(stopped=False)
                if problem:
                    raise WouldFail(problem)
                return Pending("the old server to end")
            if self._follow():
                return self.pending() or True
            problem = job.problem(stopped=True)
            if problem:
                raise Ended(problem)
            return Pending("%s to start a new server" % plan.supervisor.kind)

        try:
            self.wait(attempt)
        finally:
            job.close()
        # It has loaded its code between its start and now.
        self._remember(start_time(self.now.master), self.clock.time())
        self.result.after = self.summary()

    def _target(self) -> Target:
        return Target(self.now.master, Role.MASTER, self.now.mode, self.now.state)

    def _remember(self, not_before: float, not_after: float) -> None:
        try:
            self.host.store.remember(self.now.master, not_before, not_after)
        except OSError as exc:
            # The reload itself went well. Without the marker the next call knows less, and may reload once more.
            self.result.reason += " (when it loaded could not be written down: %s)" % (exc.strerror or exc)

    def failure(self, exc: Exception) -> str:
        """One message for a person: what happened, what was done, and the server's last words."""
        pid, restarted = self.result.pid, self.result.did == Outcome.RESTARTED
        done = "after the HUP" if self.result.signals else "before any signal was sent"
        if restarted:
            done = "after its restart by %s" % self.supervisor.kind
        if isinstance(exc, Ended) and restarted:
            what = "Odoo with pid %d was restarted by %s and did not come back: %s" % (pid, self.supervisor.kind, exc)
        elif isinstance(exc, Ended):
            drained = not self.result.signals and (self.now.state == State.DRAINING or self._book.told_to_end(self.now))
            what = "Odoo with pid %d ended %s" % (pid, "its drain and is gone" if drained else done)
            if self._follow():
                what += succeeded_by(self.supervisor, self.now)
        elif isinstance(exc, TimedOut):
            what = "Odoo with pid %d was not ready within %g s %s: still waiting for %s" % (
                pid,
                self._order.timeout,
                done,
                exc.reason,
            )
        else:
            what = "Odoo with pid %d was not reloaded: %s" % (pid, exc)
        self.result.reason = what
        lines = self.result.log[-_LOG_LINES_IN_MESSAGE:]
        return what + (".\nLast lines of %s:\n%s" % (self.log.source, "\n".join(lines)) if lines else "")
