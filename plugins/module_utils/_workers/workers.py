# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""The workers of one server, for whoever ends or adds some: when they are at rest, who is at work, and their INT."""

from __future__ import annotations

import contextlib
import os
import typing as t

from .._dumps.ask import Stacks
from .._dumps.stack import Dump
from .._dumps.work import Busy, find_busy
from .._facts.gather import find_successor, succeeded_by
from .._facts.results import Outcome, StepsResult
from .._processes.classify import Child, Generation, Instance, Mode, Role, State
from .._processes.look import Look
from .._processes.proc import is_alive
from .._rehearsal.rehearsal import rehearse_spawn
from .._server.host import Host
from .._server.server import Ended, Subject
from .._signals.send import Refused, Target, check, send
from .._system.clock import Pending, TimedOut
from .._system.errors import WouldFail
from .._system.state_dir import TAKEN

#: What is waited for before workers are counted, and afterwards.
UNSTEADY = "its workers to stay the same"


R = t.TypeVar("R", bound=StepsResult)


class CrewFailed(Exception):
    """It was refused or did not end well; ``results`` hold what was done until then, the failed one last."""

    def __init__(self, message: str, results: t.Sequence[StepsResult]) -> None:
        super().__init__(message)
        self.results = list(results)


class Crew(Subject, t.Generic[R]):
    """One server whose workers are worked on.

    :param goal: what was not reached when it fails, as a clause that follows "Odoo with pid 1".
    """

    goal = ""

    def __init__(self, host: Host, seen: Look, first: Instance, timeout: float, result: R, *, force: bool) -> None:
        super().__init__(host, seen, first, None, timeout)
        self._force, self._timeout = force, timeout
        self._lock: t.Optional[int] = None
        self._stacks = Stacks(self.proc, self.clock, self.place, self.supervisor.systemd_unit)
        self.result = result
        result.before = self.summary()

    def predict(self) -> None:
        """What :meth:`act` would do, without doing it."""
        raise NotImplementedError

    def act(self) -> None:
        """Do it. The lock is held, and the server runs."""
        raise NotImplementedError

    def work(self, *, check_mode: bool) -> None:
        """Do it, or say what would be done.

        :raises WouldFail, Refused: it is not to be done.
        :raises TimedOut, Ended, OSError: it did not end well.
        """
        if check_mode:
            if self.now.state != State.RUNNING:
                self.result.reason = "it is %s: that would be waited for, and then looked at again" % self.now.state
                return
            self.make_sure_of_mode()
            self.predict()
            return
        self.host.store.open()
        self._take_lock()
        self._settle()
        self.make_sure_of_mode()
        try:
            self.act()
        finally:
            # Whatever has failed matters more than that it cannot be looked at any more.
            with contextlib.suppress(Ended, TimedOut):
                self.look()
                self.result.after = self.summary()
        self.host.store.forget_others(self.proc.lives)

    def close(self) -> None:
        """Let go of lock and log."""
        self.result.seconds = self.clock.monotonic() - self.begun
        self.log.close()
        if self._lock is not None:
            os.close(self._lock)

    def make_sure_of_mode(self) -> None:
        """:raises WouldFail: it has no workers."""
        if self.now.mode == Mode.THREADED:
            raise WouldFail(
                "it is threaded (workers = 0): all its work is done by threads of one process, which cannot be added or"
                " replaced one by one"
            )

    def make_sure_of_databases(self) -> None:
        """:raises WouldFail: its master would end, and the server with it, when it starts a worker."""
        doubt = rehearse_spawn(self.proc, self.now, self.options.config_file, self.version)
        if doubt:
            self.warn(doubt)

    def _take_lock(self) -> None:
        """One call at a time acts on a server."""

        def attempt() -> t.Union[bool, Pending]:
            self._lock = self.host.store.try_lock(self.now.master)
            self.look()
            return Pending(TAKEN) if self._lock is None else True

        self.wait(attempt)

    def _settle(self) -> None:
        """Wait until a start, a reload or a drain that is under way has come to its end."""

        def attempt() -> t.Union[bool, Pending]:
            self.look()
            return self.now.state == State.RUNNING or Pending("it to run (it is %s)" % self.now.state)

        self.wait(attempt)

    def crew(self, role: Role) -> t.List[Child]:
        """Its processes of this role and of the current generation, the oldest first."""
        return sorted(self.now.having(role, Generation.CURRENT), key=lambda c: (c.process.start, c.process.pid))

    def steady(self, roles: t.Sequence[Role], seconds: float) -> None:
        """Wait until its processes of these roles have been the same for so long, and no other is just being started.

        A worker that has ended is replaced within milliseconds, so in between their number means nothing.

        :raises TimedOut: they never were.
        """
        same: t.Optional[t.List[str]] = None
        since = 0.0

        def attempt() -> t.Union[bool, Pending]:
            nonlocal same, since
            self.look()
            if self.now.state != State.RUNNING or self.now.having(Role.UNKNOWN):
                same = None
                return Pending("it to be at rest (it is %s)" % self.now.state)
            found = [child.process.identity for role in roles for child in self.crew(role)]
            if found != same:
                same, since = found, self.clock.monotonic()
            return self.clock.monotonic() - since >= seconds or Pending(UNSTEADY)

        self.wait(attempt)

    def pause(self, seconds: float) -> None:
        """Let time pass, but not beyond the deadline."""
        self.clock.sleep(max(0.0, min(seconds, self.deadline - self.clock.monotonic())))

    @property
    def late(self) -> bool:
        """The time is up."""
        return self.clock.monotonic() >= self.deadline

    @property
    def hidden(self) -> t.Optional[str]:
        """Why its dumps cannot be seen, as a clause; None when they can."""
        return self._stacks.hidden(self.now)

    def ask(self, chosen: t.Sequence[Child]) -> t.Tuple[t.Dict[int, Dump], t.List[Busy]]:
        """Have some of its processes write their stacks: the dumps by pid, and who of them is at work.

        Who writes nothing is taken for one who is at work.
        """
        pids = {child.process.pid for child in chosen}
        dumps, lines = self._stacks.take(self.now, pids)
        busy = [one for one in find_busy(self.now, dumps, lines, 0.0, leaving=False) if one.pid in pids]
        self.result.busy = [one.told() for one in busy]
        return dumps, busy

    def send_to_master(self, name: str) -> None:
        """Send a signal to the master, if it is at rest.

        :raises Refused: it is not, or has ended.
        """
        self._send(name, Target(self.now.master, Role.MASTER, self.now.mode, self.now.state), Role.MASTER)

    def send_to(self, child: Child, name: str) -> bool:
        """Send a signal to one of its processes; False where that has just ended by itself."""
        try:
            self._send(name, self._target(child), child.role)
        except Refused:
            self.look()
            same = [c for c in self.now.children if c.process.identity == child.process.identity]
            # Without its handlers it is about to end.
            if any(c.process.catches("QUIT") for c in same):
                raise
            return False
        return True

    def may_send(self, child: t.Optional[Child], name: str) -> None:
        """:raises Refused: a rule forbids it. None: to the master."""
        master = Target(self.now.master, Role.MASTER, self.now.mode, self.now.state)
        check(self.proc, name, self._target(child) if child else master, force=self._force)

    def _target(self, child: Child) -> Target:
        return Target(child.process, child.role, self.now.mode, self.now.state)

    def _send(self, name: str, target: Target, role: Role) -> None:
        lifted = send(self.proc, name, target, force=self._force)
        self.result.did = Outcome.SIGNALLED
        self.result.signals.append(name)
        self.step("%s was sent to pid %d (%s)" % (name, target.process.pid, role))
        for one in lifted:
            self.warn("forced against: " + one.reason)

    def await_end(self, children: t.Sequence[Child]) -> None:
        """Wait until these have ended.

        :raises TimedOut: they have not; whoever is at work then is in the result.
        """

        def attempt() -> t.Union[bool, Pending]:
            self.look()
            left = self.left_of(children)
            return Pending(_ends(left)) if left else True

        self.wait(attempt)

    def left_of(self, children: t.Iterable[Child]) -> t.List[Child]:
        """Those that live still."""
        return [child for child in children if is_alive(self.proc, child.process)]

    def name_busy(self, children: t.Sequence[Child]) -> str:
        """Who of these is at work, and on what, as far as their dumps tell."""
        left = self.left_of(children)
        _dumps, busy = self.ask(left)
        return "; ".join(map(str, busy)) or _ends(left)

    def warn(self, what: str) -> None:
        """Have the caller warned, once."""
        if what not in self.result.warnings:
            self.result.warnings.append(what)

    def step(self, what: str) -> None:
        """Put down what was done, as a clause."""
        self.result.step(self.clock.monotonic() - self.begun, what)

    def failure(self, exc: Exception) -> str:
        """One message for a person."""
        what = "Odoo with pid %d %s" % (self.result.pid, self.goal)
        if isinstance(exc, Ended):
            sent = "after %s" % ", ".join(self.result.signals) if self.result.signals else "before any signal was sent"
            what += ": the server ended " + sent
            found = find_successor(self.proc, self.now, self.seen, self.supervisor)
            if found is not None:
                what += succeeded_by(self.supervisor, found[1])
        elif isinstance(exc, TimedOut):
            what += " within its timeout (%g s): still waiting for %s" % (self._timeout, exc.reason)
        else:
            what += ": %s" % exc
        self.result.reason = what
        return what


def _ends(children: t.Sequence[Child]) -> str:
    return "%s to end" % ", ".join("pid %d (%s)" % (child.process.pid, child.role) for child in children)


def work_all(crews: t.Iterable[Crew[R]], *, check_mode: bool) -> t.List[R]:
    """Have servers worked on one after the other; the first failure ends it.

    :raises CrewFailed: with the results so far, the failed one last.
    """
    results: t.List[R] = []
    for one in crews:
        results.append(one.result)
        try:
            one.work(check_mode=check_mode)
        except (WouldFail, Refused) as exc:
            one.result.did = Outcome.REFUSED if one.result.did == Outcome.NOTHING else one.result.did
            one.result.reason = str(exc)
            raise CrewFailed("Odoo with pid %d %s: %s" % (one.result.pid, one.goal, exc), results) from exc
        except (Ended, TimedOut, OSError) as exc:
            raise CrewFailed(one.failure(exc), results) from exc
        finally:
            one.close()
    return results
