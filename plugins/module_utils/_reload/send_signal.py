# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""A single signal: to every process of a role in the chosen servers, or to none of them."""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import dataclass

from .._drain.notes import NoteBook
from .._facts.gather import rehearsal_inputs
from .._facts.results import Outcome, StepsResult, counts
from .._messages import failed, refused, timeout
from .._processes.classify import Instance, Role
from .._processes.look import Look
from .._server.complete import missing, reloaded
from .._server.host import Host
from .._server.operation import Operation, not_reached
from .._signals.rest import Watch
from .._signals.rules import Objection, Rule, Target
from .._signals.send import NotAtRest, SignalRefused
from .._system.clock import Pending
from .._system.errors import Failure, OperationFailed, Refused, TimedOut
from .prepare import check_hup

#: After these a master is not what it was, so one call at a time may send one.
_CHANGING = frozenset(["HUP", "INT", "TERM", "TTIN", "TTOU"])
#: After these to a worker its master starts another one.
_ENDING = frozenset(["INT", "XCPU"])
#: Seconds within which a process must be at rest that may end of a QUIT, and between two looks.
_REST, _REST_LOOK = 5.0, 0.1


@dataclass(frozen=True)
class SignalOrder:
    """``timeout`` is in seconds, for the effect of one signal."""

    signal: str
    roles: t.Tuple[Role, ...]
    wait: bool
    timeout: float
    force: bool
    #: whether a process gets a QUIT that may end it
    accepts_risk: bool = False


def signal_all(
    host: Host, seen: Look, identities: t.Sequence[str], order: SignalOrder, *, check_mode: bool
) -> t.List[StepsResult]:
    """Send the signal to every process of the role in the chosen servers, or to none of them.

    :raises OperationFailed: a rule forbids it for one of them (nothing was sent then), or an effect did not show.
    """
    shots = [
        shot for identity in identities for shot in _shots(host, seen, t.cast(Instance, seen.instance(identity)), order)
    ]
    try:
        _fire(shots, order, check_mode=check_mode)
    finally:
        for shot in shots:
            shot.close()
    return [shot.result for shot in shots]


def _fire(shots: t.Sequence[_Shot], order: SignalOrder, *, check_mode: bool) -> None:
    # One rehearsal for all processes of a server that need it.
    rehearsed = {shot.instance.identity: shot for shot in reversed(shots) if shot.is_rehearsed}
    if check_mode:
        _each(shots, shots, _Shot.ask)
        _each(rehearsed.values(), shots, _Shot.rehearse)
        for shot in shots:
            shot.result.did, shot.result.signals = Outcome.SIGNALLED, [order.signal]
        return
    _each(shots, shots, _Shot.take_lock)
    if rehearsed:
        _each(shots, shots, _Shot.ask)
        _each(rehearsed.values(), shots, _Shot.rehearse)
        # A rehearsal takes its time: what was seen before it is old.
        for shot in shots:
            shot.look()
    _each(shots, shots, _Shot.ask)
    _each(shots, shots, _Shot.act)
    if order.wait:
        try:
            _each(shots, shots, _Shot.await_effect)
        finally:
            # All of them got it, also those for which the call did not wait any more.
            for shot in shots:
                shot.tell_after()


def _each(chosen: t.Iterable[_Shot], shots: t.Sequence[_Shot], do: t.Callable[[_Shot], object]) -> None:
    """Do the same with one after the other.

    :raises OperationFailed: one of them was refused or failed.
    """
    for shot in chosen:
        try:
            do(shot)
        except (Failure, OSError) as exc:
            message, problem = shot.fail(exc)
            results = [one.result for one in shots]
            for other in results:
                if other.did == Outcome.NOTHING:
                    not_reached(other)
            raise OperationFailed(message, problem, results) from exc


def _shots(host: Host, seen: Look, instance: Instance, order: SignalOrder) -> t.List[_Shot]:
    state = NoteBook(host.store).state_of(instance, seen.options[instance.identity])
    watch = Watch(host.proc, host.clock)
    return [
        _Shot(host, seen, instance, Target(process, role, instance.mode, state, watch), order)
        for process, role in instance.everybody
        if role in order.roles
    ]


class _Shot(Operation[StepsResult]):
    """One signal to one process."""

    def __init__(self, host: Host, seen: Look, instance: Instance, target: Target, order: SignalOrder) -> None:
        process = target.process
        result = StepsResult(process.identity, process.pid, Outcome.NOTHING, "")
        super().__init__(host, result, order.timeout)
        self.doing = "sending %s to" % order.signal
        self.instance = instance
        self._seen, self._target, self._order = seen, target, order
        result.before = self._summary(alive=True)

    @property
    def title(self) -> str:
        """The name of the operation in messages."""
        return "%s to %s" % (self._order.signal, self.name)

    @property
    def is_rehearsed(self) -> bool:
        """A HUP makes a new server; others make the master start a worker, at once or when one has ended."""
        starts = ("HUP", "TTIN") if self._target.role == Role.MASTER else _ENDING
        return self._order.signal in starts and not self._order.force

    @property
    def _ends(self) -> bool:
        """The process ends of it."""
        signal = self._order.signal
        return signal in ("INT", "TERM") or (signal == "XCPU" and self._target.role != Role.MASTER)

    def look(self) -> None:
        """Look at its server again."""
        seen = self.host.look_again(self.instance)
        now = seen.instance(self.instance.identity)
        if now is not None:
            self.instance = now
            state = NoteBook(self.host.store).state_of(now, seen.options[now.identity])
            self._target = dataclasses.replace(self._target, mode=now.mode, state=state)

    def take_lock(self) -> None:
        """Take the lock of its server, where the signal changes the master.

        :raises Refused: another call has it.
        """
        if self._target.role != Role.MASTER or self._order.signal not in _CHANGING:
            return
        try:
            self.host.store.open()
            taken = self.keep(self.host.store.try_lock(self._target.process))
        except OSError as exc:
            raise Refused(refused.NO_LOCK(error=str(exc))) from exc
        if not taken and not self._order.force:
            raise SignalRefused(Objection(Rule.STATE, refused.LOCKED()))

    def ask(self) -> None:
        """Ask the rules.

        :raises Refused: one of them forbids it.
        """
        lifted = self.host.door.check(self.host.proc, self._order.signal, self._target, force=self._order.force)
        self.result.reason = "the signal was requested"
        for one in lifted:
            self.warn(one.problem)

    def rehearse(self) -> None:
        """Run the start-up check for the effect of the signal.

        :raises Refused: the server would not survive the signal.
        """
        host, instance = self.host, self.instance
        if self._order.signal == "HUP":
            host.rehearsal.rehearse(host.proc, instance, *rehearsal_inputs(host.proc, self._seen, instance, host.store))
            version = self._seen.releases[instance.identity].version
            check_hup(instance, version, host.differences(self._seen, instance))
            return
        config_file = self._seen.options[instance.identity].config_file
        doubt = host.rehearsal.rehearse_spawn(
            host.proc, instance, config_file, self._seen.releases[instance.identity].version
        )
        if doubt:
            self.warn(doubt)

    def act(self) -> None:
        """Send it.

        :raises Refused: a rule forbids it by now, or it may end the process, which was never at rest.
        """
        self.deadline = self.clock.monotonic() + _REST
        while not self._is_sent():
            self.clock.sleep(_REST_LOOK)
        self.result.did, self.result.signals = Outcome.SIGNALLED, [self._order.signal]
        self.step("%s was sent to pid %d (%s)" % (self._order.signal, self.result.pid, self._target.role))

    def _is_sent(self) -> bool:
        late = self.clock.monotonic() >= self.deadline
        target = dataclasses.replace(self._target, accepts_risk=late and self._order.accepts_risk)
        try:
            lifted = self.host.door.send(self.host.proc, self._order.signal, target, force=self._order.force)
        except NotAtRest:
            if late:
                raise
            return False
        for one in lifted:
            self.warn(one.problem)
        return True

    def await_effect(self) -> None:
        """Wait until the signal has done what it does.

        :raises Failure: it did not.
        """
        self.deadline = self.clock.monotonic() + self.timeout
        try:
            self.wait(self._effect)
        except TimedOut as exc:
            raise Failure(
                failed.NO_EFFECT(
                    signal=self._order.signal, pid=self.result.pid, seconds=self.timeout, missing=exc.problem.text
                )
            ) from exc

    def _effect(self) -> t.Union[bool, Pending]:
        """Return whether the signal has had its effect; True at once for signals that do not change the processes."""
        order, process, role = self._order, self._target.process, self._target.role
        if self._ends and self.host.is_alive(process):
            return Pending(timeout.PROCESS_ENDS(pid=process.pid))
        if role == Role.MASTER and self._ends:
            return True
        if not self._ends and order.signal not in ("HUP", "TTIN"):
            return True
        seen = self.host.look_again(self.instance)
        now = seen.instance(self.instance.identity)
        if now is None:
            if not self.host.is_alive(self.instance.master):
                raise Failure(failed.MASTER_ENDED(pid=self.instance.master.pid))
            return Pending(timeout.NOT_SHOWN())
        if order.signal == "TTIN":
            more = len(now.having(Role.HTTP)) > len(self.instance.having(Role.HTTP))
            return more or Pending(timeout.ONE_MORE_WORKER())
        if order.signal == "HUP" and not reloaded(self.instance, now):
            return Pending(timeout.NEW_EXEC())
        lacking = missing(now, seen.options[now.identity], self.host.store.scaled(now.master))
        return Pending(lacking) if lacking else True

    def tell_after(self) -> None:
        """Put into the result how the process is afterwards."""
        now = self.host.look_again(self.instance).instance(self.instance.identity)
        self.instance = now or self.instance
        self.result.after = self._summary(alive=self.host.is_alive(self._target.process))

    def _summary(self, *, alive: bool) -> t.Dict[str, t.Any]:
        one = self.instance
        return {"alive": alive, "state": str(one.state), "mode": one.mode and str(one.mode), "workers": counts(one)}
