# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The common parts of scaling and recycling: when workers are at rest, which are busy, and their signals."""

from __future__ import annotations

import contextlib
import typing as t

from .._dumps.stack import Dump
from .._dumps.work import Busy, find_busy
from .._facts.results import BusyResult, Outcome
from .._facts.worker_classes import class_in_dump
from .._messages import refused, timeout
from .._messages.code import Problem
from .._processes.classify import Child, Generation, Instance, Mode, Role, State
from .._processes.look import Look
from .._server.host import Host
from .._server.operation import ServerOperation
from .._server.server import Ended
from .._signals.rules import Target
from .._system.clock import Pending
from .._system.errors import Refused, TimedOut

R = t.TypeVar("R", bound=BusyResult)

#: Seconds for which a line of a worker may be on its way into the log.
_ON_ITS_WAY = 0.5


class WorkersOperation(ServerOperation[R]):
    """An operation on the workers of one server."""

    def __init__(
        self, host: Host, seen: Look, first: Instance, timeout_seconds: float, result: R, *, force: bool
    ) -> None:
        super().__init__(host, seen, first, None, timeout_seconds, result)
        self._force = force
        self._stacks = host.stacks.Stacks(host, self.place, self.supervisor.systemd_unit)
        result.before = self.summary()

    def foresee(self) -> None:
        """Put into the result what :meth:`work` would do. The server runs and has workers."""
        raise NotImplementedError

    def work(self) -> None:
        """Do it. The lock is held, and the server runs and has workers."""
        raise NotImplementedError

    def predict(self) -> None:
        """Put into the result what :meth:`act` would do."""
        if self.now.state != State.RUNNING:
            self.result.reason = (
                "the server is %s: the module would wait until it runs, and then look again" % self.now.state
            )
            return
        self._refuse_threaded()
        self.foresee()

    def act(self) -> None:
        """Wait until the server is at rest, then work on its workers."""
        self.host.store.open()
        self.take_lock()
        self.settle()
        self._refuse_threaded()
        try:
            self.work()
        finally:
            # An earlier failure matters more than that the server cannot be looked at any more.
            with contextlib.suppress(Ended, TimedOut):
                self.look()
                self.result.after = self.summary()
        self.host.store.forget_others(self.proc.lives)

    def _refuse_threaded(self) -> None:
        if self.now.mode == Mode.THREADED:
            raise Refused(refused.THREADED())
        if self.now.mode == Mode.GEVENT:
            raise Refused(refused.GEVENT_ALONE(deed="it has no workers"))

    def check_databases(self) -> None:
        """Make sure that the server survives the start of a worker.

        :raises Refused: a database does not answer, and the server would end.
        """
        doubt = self.host.rehearsal.rehearse_spawn(self.proc, self.now, self.options.config_file, self.version)
        if doubt:
            self.warn(doubt)

    def current(self, role: Role) -> t.List[Child]:
        """Return its processes of this role and of the current generation, the oldest first."""
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
            if self.now.state != State.RUNNING:
                same = None
                return Pending(timeout.RUNNING(state=self.now.state))
            if self.now.having(Role.UNKNOWN):
                same = None
                return Pending(timeout.NEW_PROCESS())
            found = [child.process.identity for role in roles for child in self.current(role)]
            if found != same:
                same, since = found, self.clock.monotonic()
            return self.clock.monotonic() - since >= seconds or Pending(timeout.STEADY())

        self.wait(attempt)

    def tell_apart(self) -> None:
        """Make sure that all of its http workers are http workers, by dumps where nothing else tells.

        :raises Refused: nothing tells.
        """
        doubtful = self._doubtful()
        if doubtful:
            # Its line may still be on its way into the log.
            self.pause(_ON_ITS_WAY)
            self.look()
            doubtful = self._doubtful()
        if doubtful and not self.hidden:
            dumps, _busy = self.ask(doubtful)
            for process in (child.process for child in doubtful if child.process.pid in dumps):
                name = class_in_dump((thread.name for thread in dumps[process.pid].threads), process.shown_pid)
                if name:
                    self.proc.classes[process.identity] = name
            self.look()
            doubtful = self._doubtful()
        if doubtful:
            raise Refused(refused.NOT_TOLD_APART(workers=named(doubtful)))

    def check_told(self) -> None:
        """Make sure that a dump can tell where nothing else does, without asking for one.

        :raises Refused: nothing tells.
        """
        doubtful = self._doubtful()
        if doubtful and self.hidden:
            raise Refused(refused.NOT_TOLD_APART(workers=named(doubtful)))

    def _doubtful(self) -> t.List[Child]:
        return [child for child in self.current(Role.HTTP) if not child.told and child.ready]

    def pause(self, seconds: float) -> None:
        """Sleep, but not beyond the deadline."""
        self.clock.sleep(max(0.0, min(seconds, self.deadline - self.clock.monotonic())))

    @property
    def late(self) -> bool:
        """The time is up."""
        return self.clock.monotonic() >= self.deadline

    @property
    def hidden(self) -> t.Optional[Problem]:
        """The reason why its dumps cannot be read, as a clause; None if they can."""
        hidden: t.Optional[Problem] = self._stacks.hidden(self.now)
        return hidden

    def ask(self, chosen: t.Sequence[Child], *, names: bool = True) -> t.Tuple[t.Dict[int, Dump], t.List[Busy]]:
        """Find out what some of its processes do; return their dumps by pid, and the work of the busy ones.

        A process that writes nothing counts as busy.

        :param names: False where it only counts which are busy: then the kernel is asked, as far as it tells.
        """
        pids = {child.process.pid for child in chosen}
        dumps, lines = self._stacks.take(self.now, pids, names=names)
        busy = [one for one in find_busy(self.now, dumps, lines, 0.0, leaving=False) if one.pid in pids]
        self.result.busy = [one.told() for one in busy]
        return dumps, busy

    def send_to_master(self, name: str) -> None:
        """Send a signal to the master, if it is at rest.

        :raises Refused: it is not, or has ended.
        """
        self._send(name, self.target(), Role.MASTER)

    def send_to(self, child: Child, name: str) -> bool:
        """Send a signal to one of its processes; False where that has just ended by itself."""
        try:
            self._send(name, self.target(child.process, child.role), child.role)
        except Refused:
            self.look()
            same = [c for c in self.now.children if c.process.identity == child.process.identity]
            # Without its handlers it is about to end.
            if any(c.process.catches("QUIT") for c in same):
                raise
            return False
        return True

    def check_signal(self, name: str, child: t.Optional[Child] = None) -> None:
        """Ask the rules whether a signal may be sent, to the master unless a child is given.

        :raises Refused: a rule forbids it.
        """
        target = self.target(child.process, child.role) if child else self.target()
        self.host.door.check(self.proc, name, target, force=self._force)

    def _send(self, name: str, target: Target, role: Role) -> None:
        lifted = self.host.door.send(self.proc, name, target, force=self._force)
        self.result.did = Outcome.SIGNALLED
        self.result.signals.append(name)
        self.step("%s was sent to pid %d (%s)" % (name, target.process.pid, role))
        for one in lifted:
            self.warn(one.problem)

    def await_end(self, children: t.Sequence[Child]) -> None:
        """Wait until these have ended.

        :raises TimedOut: they have not.
        """

        def attempt() -> t.Union[bool, Pending]:
            self.look()
            left = self.left_of(children)
            return Pending(timeout.WORKERS_END(workers=named(left))) if left else True

        self.wait(attempt)

    def left_of(self, children: t.Iterable[Child]) -> t.List[Child]:
        """Return those that still live."""
        return [child for child in children if self.host.is_alive(child.process)]

    def name_busy(self, children: t.Sequence[Child]) -> str:
        """Return which of these are busy, and with what, as far as their dumps tell."""
        left = self.left_of(children)
        _dumps, busy = self.ask(left)
        return "; ".join(map(str, busy)) or named(left)


def named(children: t.Sequence[Child]) -> str:
    """Return what processes are called in messages."""
    return ", ".join("pid %d (%s)" % (child.process.pid, child.role) for child in children)
