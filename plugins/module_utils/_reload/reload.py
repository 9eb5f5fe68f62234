# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The reload: look, choose, decide, send or restart, await, tell for one server after another."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from .._drain.notes import NoteBook
from .._facts.results import Outcome, ReloadResult, iso
from .._messages import failed, refused, timeout
from .._messages.code import Problem
from .._messages.host import CLOCK_MOVED
from .._processes.classify import Instance, State
from .._processes.look import Look
from .._server.complete import reloaded
from .._server.health import HealthCheck, is_not_accepted
from .._server.host import Host
from .._server.operation import ServerOperation, begin_each, run_all
from .._server.server import Ended
from .._supervisors.restart import Plan
from .._system.clock import Pending
from .._system.errors import Refused, TimedOut
from .decide import Act, Decision, Policy, ReloadWish, decide_reload
from .failing import Failing
from .prepare import Effort, Way, prepare

#: Lines of the log that a failed result carries, and that its message shows.
_LOG_LINES, _LOG_LINES_IN_MESSAGE = 200, 12


@dataclass(frozen=True)
class ReloadOrder:
    """Options of a reload. ``health`` None: no request is made. ``timeout`` is in seconds, for each server."""

    wish: ReloadWish
    health: t.Optional[HealthCheck]
    timeout: float
    #: on Odoo.sh, which uses signals itself, and without room for it nothing is done without it
    force: bool = False
    #: the start-up check imports the changed addons
    imports: bool = False


def reload_all(
    host: Host, seen: Look, identities: t.Sequence[str], order: ReloadOrder, *, check_mode: bool
) -> t.List[ReloadResult]:
    """Bring the chosen servers to the wished load, one after the other.

    :raises OperationFailed: one of them was refused or failed.
    """

    begins = begin_each(seen, identities, lambda first: _Reload(host, seen, first, order))
    return run_all(begins, ReloadResult, check_mode=check_mode)


class _Reload(ServerOperation[ReloadResult]):
    """One server on its way."""

    deed, doing = "reload", "reloading"

    def __init__(self, host: Host, seen: Look, first: Instance, order: ReloadOrder) -> None:
        result = ReloadResult(first.identity, first.master.pid, Outcome.NOTHING, "")
        super().__init__(host, seen, first, order.health, order.timeout, result)
        self._order = order
        self._book = NoteBook(host.store)
        self._failing = Failing(self, self.step)
        self.probe()
        result.before = self.summary()

    def predict(self) -> None:
        """Put into the result what :meth:`act` would do."""
        decision = self._decide(None)
        if decision.kind == Act.WAIT:
            self.result.reason = "%s: the module would wait for that and then look again" % decision.reason
            return
        self.result.reason = decision.reason
        if decision.kind == Act.ACT:
            way = self._prepare(decision)
            self._explain(way)
            if way.plan is not None:
                self.result.did = Outcome.RESTARTED
                return
            self.host.door.check(self.proc, "HUP", self.target(), force=self._order.force)
            self.result.did, self.result.signals = Outcome.SIGNALLED, ["HUP"]

    def act(self) -> None:
        """Wait for what is in progress, then act if it is still needed, and wait until it has worked."""
        self.host.store.open()
        waited_for = self._take_lock()
        way: t.Optional[Way] = None
        settled = False
        while True:
            decision = self._decide(waited_for)
            self.result.reason = decision.reason
            if decision.kind == Act.ACT:
                if way is not None and (not self._asks_the_code(waited_for) or self._covers(way, decision)):
                    break
                if way is not None and self.clock.monotonic() >= self.deadline:
                    raise TimedOut(timeout.CODE_CHANGES())
                way = self._prepare(decision)
                # That took its time, and another call may have begun something meanwhile.
                self.look()
                continue
            # What needs no reload must serve nevertheless: it may be what a failed call has left behind.
            if decision.kind == Act.WAIT or not settled:
                self._await_complete()
                settled = True
            if decision.kind == Act.NOTHING:
                self.result.after = self.summary()
                return
            if decision.load:
                waited_for = decision.reason
        self._explain(way)
        if way.plan is None:
            self._hang_up()
        else:
            self._restart(way.plan)
        self.host.store.forget_others(self.proc.lives)

    def _explain(self, way: Way) -> None:
        self.result.reason += way.note
        for problem in way.warnings:
            self.warn(problem)

    def _decide(self, waited_for: t.Optional[str]) -> Decision:
        if self._book.state_of(self.now, self.options) != self.now.state and not self._order.force:
            raise Refused(refused.DRAINING())
        staleness = self.facts().staleness if self._asks_the_code(waited_for) else None
        load = self.load()
        if load.clock_moved:
            self.warn(CLOCK_MOVED(pid=self.now.master.pid))
        decision = decide_reload(self.now, load, staleness, self._order.wish, waited_for, iso, self.differences())
        if decision.kind == Act.REFUSE:
            raise Refused(refused.NEEDS_RESTART(reasons=decision.reason))
        return decision

    def _prepare(self, decision: Decision) -> Way:
        if is_not_accepted(self.health) and not self._order.force:
            # What it answers before, it answers afterwards too, and then the reload would have failed for nothing.
            raise Refused(refused.HEALTH_NOT_ACCEPTED(answer=self.health))
        effort = Effort(self._order.force, self._order.imports)
        return prepare(self, self._order.wish.method, effort, restart=decision.restart)

    def _asks_the_code(self, waited_for: t.Optional[str]) -> bool:
        """Return whether the decision depends on files that have changed.

        With the policy ``always`` it does so after a wait only: files may have changed since that load began.
        """
        policy = self._order.wish.policy
        return policy == Policy.STALE or (policy == Policy.ALWAYS and waited_for is not None)

    def _covers(self, way: Way, decision: Decision) -> bool:
        """Return whether the start-up check covers the code as it is now."""
        return (way.plan is not None or not decision.restart) and way.compiled.issuperset(self.changed_code())

    def _take_lock(self) -> t.Optional[str]:
        """Wait until no other call acts on the server; return what the call waited for, if anything."""
        first, first_marker = self.now, self.host.store.recall(self.now.master)
        decision = decide_reload(self.now, self.load(), None, self._order.wish, None, iso)
        contested: t.List[bool] = []

        def attempt() -> t.Union[bool, Pending]:
            if not self.locks and not self.keep(self.host.store.try_lock(self.now.master)):
                contested.append(True)
            try:
                self.look()
            except Ended:
                if not contested or (not self._follow() and self.locks):
                    raise
                # The other call is restarting it, or has done so. What counts now is the lock of the new server.
                self.release()
                return Pending(timeout.RESTARTING())
            return bool(self.locks) or Pending(timeout.LOCKED())

        self.wait(attempt)
        if decision.load:
            return decision.reason
        if first.identity != self.now.identity:
            return "another call was restarting it"
        executed = first.master.fingerprint != self.now.master.fingerprint
        if executed or self.host.store.recall(self.now.master) != first_marker:
            return "another call was reloading it"
        return None

    def _follow(self) -> bool:
        """Continue with the new server in place of the one that has ended; False while there is none."""
        found = self.host.find_successor(self.now, self.seen, self.supervisor)
        if found is None:
            return False
        self.turn_to(*found)
        self.result.successor = self.now.identity
        return True

    def _await_complete(self) -> None:
        """Wait until a start, reload or drain that another program began has ended."""

        def attempt() -> t.Union[bool, Pending]:
            self.look()
            pending = self.pending(as_loaded=True)
            self._failing.check(pending)
            # What the other one has not applied is for us to do.
            return pending if pending and pending.problem.code != timeout.CONFIGURATION.name else True

        self.wait(attempt)

    def _hang_up(self) -> None:
        before = self.now
        links = self.trace().links
        sent_at = self.clock.time()
        lifted = self.host.door.send(self.proc, "HUP", self.target(), force=self._order.force)
        self.result.did, self.result.signals = Outcome.SIGNALLED, ["HUP"]
        self.step("HUP was sent to pid %d" % before.master.pid)
        for one in lifted:
            self.warn(one.problem)
        executed: t.List[float] = []
        self._watch_anew()

        def attempt() -> t.Union[bool, Pending]:
            self.look()
            if not executed:
                if not reloaded(before, self.now):
                    return Pending(timeout.NEW_EXEC())
                executed.append(self.clock.time())
                self.step("the master executed itself again")
            return self._lacking()

        try:
            self.wait(attempt)
        finally:
            if executed:
                self._remember(sent_at, executed[0], links)
        self._conclude()

    def _restart(self, plan: Plan) -> None:
        old = self.now
        if not self.alive:
            raise Ended
        job = self.host.restarts.Job(plan, self.deadline - self.clock.monotonic())
        self.result.did = Outcome.RESTARTED
        links = self.trace().links
        self.step("%s was asked to restart %s" % (plan.supervisor.kind, plan.supervisor.unit))
        self._watch_anew()

        def attempt() -> t.Union[bool, Pending]:
            if self.now is not old:
                try:
                    self.look()
                    return self._lacking()
                except Ended:
                    pass  # It has died while it booted; its supervisor may start another one.
            elif self.host.is_alive(old.master):
                problem = job.problem(stopped=False)
                if problem:
                    # The old server still runs, so nothing was restarted.
                    self.result.did = Outcome.NOTHING
                    raise Refused(problem)
                return Pending(timeout.OLD_SERVER())
            if self._follow():
                return self._lacking()
            problem = job.problem(stopped=True)
            if problem:
                raise Ended(failed.NOT_BACK(supervisor=plan.supervisor.kind, why=problem.text))
            return Pending(timeout.NEW_SERVER(supervisor=plan.supervisor.kind))

        try:
            self.wait(attempt)
        finally:
            job.close()
        # It has loaded its code between its start and now.
        self._remember(self.host.start_time(self.now.master), self.clock.time(), links)
        self._conclude()

    def _watch_anew(self) -> None:
        """Forget what the earlier generation wrote and answered: a HUP keeps the pid of the master."""
        self._failing.close()
        self._failing = Failing(self, self.step)

    def _lacking(self) -> t.Union[bool, Pending]:
        """Return what the new generation lacks, True if nothing.

        :raises Failure: it cannot become healthy.
        """
        pending = self.pending()
        self._failing.check(pending)
        return pending or True

    def _conclude(self) -> None:
        self.step("the server is complete and healthy")
        self.result.after = self.summary()

    def _remember(self, not_before: float, not_after: float, links: t.Mapping[str, str]) -> None:
        trace = self.trace(whole=True)
        # One that was switched meanwhile may have been followed before or after it.
        same = {path: real for path, real in links.items() if trace.links.get(path) == real}
        try:
            self.host.store.remember(self.now.master, not_before, not_after, replace(trace, links=same))
        except OSError as exc:
            # The reload itself succeeded. Without the record the next call knows less, and may reload once more.
            self.warn(failed.LOAD_NOT_RECORDED(error=exc.strerror or str(exc)))

    def close(self) -> None:
        """Release the locks and the logs."""
        super().close()
        self._failing.close()

    # When it fails.

    def after(self) -> str:
        """Return the time of a failure for its message."""
        if self.result.did == Outcome.RESTARTED:
            return "after its restart by %s" % self.supervisor.kind
        return super().after()

    def describe_end(self, ended: Ended) -> Problem:
        """Say that the server ended, by the reload or by a drain that was in progress."""
        drained = not self.result.signals and (self.now.state == State.DRAINING or self._book.told_to_end(self.now))
        if drained and self.result.did == Outcome.NOTHING:
            return failed.DRAINED_AWAY()
        problem = super().describe_end(ended)
        self._follow()
        return problem

    def fail(self, exc: Exception) -> t.Tuple[str, Problem]:
        """Put the failure and the last words of the server into the result."""
        self.result.log = self.log.tail(_LOG_LINES)
        if not self.alive:
            # A new server that came has died again.
            self.result.successor = None
        return super().fail(exc)

    def last_words(self) -> str:
        """Return the last lines of its log."""
        lines = self.result.log[-_LOG_LINES_IN_MESSAGE:]
        return "\nLast lines of %s:\n%s" % (self.log.source, "\n".join(lines)) if lines else ""
