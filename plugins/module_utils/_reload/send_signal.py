# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""One signal to the processes of one role: look, choose, decide, send, await, tell without a goal of its own."""

from __future__ import annotations

import functools
import os
import typing as t
from dataclasses import dataclass

from .._drain.notes import NoteBook
from .._facts.gather import rehearsal_inputs
from .._facts.results import Outcome, Result, counts
from .._processes.classify import Instance, Role
from .._processes.look import Look, look_again
from .._processes.proc import is_alive
from .._rehearsal.rehearsal import rehearse, rehearse_spawn
from .._server.complete import missing, reloaded
from .._server.host import Host
from .._signals.rules import Refusal, Rule
from .._signals.send import Refused, Target, check, send
from .._system.clock import Pending, TimedOut, wait_until
from .._system.errors import WouldFail

#: After these a master is not what it was, so one call at a time may send one.
_CHANGING = frozenset(["HUP", "INT", "TERM", "TTIN", "TTOU"])
#: After these to a worker its master starts another one.
_ENDING = frozenset(["INT", "XCPU"])


class SignalFailed(Exception):
    """A signal was refused or did not do what was waited for; ``results`` hold what was done."""

    def __init__(self, message: str, results: t.Sequence[Result]) -> None:
        super().__init__(message)
        self.results = list(results)


@dataclass(frozen=True)
class SignalOrder:
    """``timeout`` is in seconds, for the effects of all signals together."""

    signal: str
    role: Role
    wait: bool
    timeout: float
    force: bool


@dataclass
class _Shot:
    """One signal on its way: the instance and process as they were, and the result."""

    instance: Instance
    target: Target
    result: Result


def signal_all(
    host: Host, seen: Look, identities: t.Sequence[str], order: SignalOrder, *, check_mode: bool
) -> t.List[Result]:
    """Send the signal to every process of the role in the chosen instances, or to none of them.

    :raises SignalFailed: a rule forbids it for one of them (nothing was sent then), or an effect did not come.
    """
    shots = [shot for identity in identities for shot in _shots(host, seen, identity, order)]
    results = [shot.result for shot in shots]
    if check_mode:
        _ask_all(host, seen, shots, order, results)
        for shot in shots:
            shot.result.did, shot.result.signals = Outcome.SIGNALLED, [order.signal]
        return results
    locks = _locks(host, shots, order, results)
    try:
        if _is_rehearsed(order):
            _ask_all(host, seen, shots, order, results)
            # Rehearsals take their time: what was seen before them is old.
            for shot in shots:
                _look_at(host, shot)
        _ask_all(host, seen, shots, order, results, rehearsed=True)
        for shot in shots:
            try:
                send(host.proc, order.signal, shot.target, force=order.force)
            except Refused as exc:
                raise _refused(shot, order, exc, results) from exc
            shot.result.did, shot.result.signals = Outcome.SIGNALLED, [order.signal]
        if order.wait:
            _await_effects(host, shots, order, results)
    finally:
        _let_go(locks)
    return results


def _look_at(host: Host, shot: _Shot) -> None:
    seen = look_again(host.proc, shot.instance)
    now = seen.instance(shot.instance.identity)
    if now is not None:
        shot.instance = now
        state = NoteBook(host.store).state_of(now, seen.options[now.identity])
        shot.target = Target(shot.target.process, shot.target.role, now.mode, state)


def _ask_all(
    host: Host,
    seen: Look,
    shots: t.Sequence[_Shot],
    order: SignalOrder,
    results: t.List[Result],
    *,
    rehearsed: bool = False,
) -> None:
    done: t.Set[str] = set()
    for shot in shots:
        # One rehearsal for all workers of a server.
        known = rehearsed or shot.instance.identity in done
        _ask(host, seen, shot, order, results, rehearsed=known)
        done.add(shot.instance.identity)


def _is_rehearsed(order: SignalOrder) -> bool:
    """A HUP makes a new server, and the others make the master start a worker, or do so when one has ended."""
    starts = ("HUP", "TTIN") if order.role == Role.MASTER else _ENDING
    return order.signal in starts and not order.force


def _refused(shot: _Shot, order: SignalOrder, why: Exception, results: t.List[Result]) -> SignalFailed:
    shot.result.did, shot.result.reason = Outcome.REFUSED, str(why)
    rule = " (rule: %s)" % why.refusal.rule if isinstance(why, Refused) else ""
    return SignalFailed("%s is not sent to pid %d: %s%s" % (order.signal, shot.result.pid, why, rule), results)


def _shots(host: Host, seen: Look, identity: str, order: SignalOrder) -> t.List[_Shot]:
    instance = t.cast(Instance, seen.instance(identity))
    state = NoteBook(host.store).state_of(instance, seen.options[identity])
    children = [child.process for child in instance.having(order.role)]
    processes = [instance.master] if order.role == Role.MASTER else children
    return [
        _Shot(
            instance,
            Target(process, order.role, instance.mode, state),
            Result(process.identity, process.pid, Outcome.NOTHING, "", before=_process_summary(instance, alive=True)),
        )
        for process in processes
    ]


def _ask(host: Host, seen: Look, shot: _Shot, order: SignalOrder, results: t.List[Result], *, rehearsed: bool) -> None:
    """Have the rules and the rehearsal say no before anything is sent to anybody."""
    try:
        lifted = check(host.proc, order.signal, shot.target, force=order.force)
        if _is_rehearsed(order) and not rehearsed:
            _rehearse(host, seen, shot.instance, order)
    except (Refused, WouldFail) as exc:
        raise _refused(shot, order, exc, results) from exc
    shot.result.reason = "it was asked for"
    if lifted:
        shot.result.reason = "forced against: " + "; ".join(one.reason for one in lifted)


def _rehearse(host: Host, seen: Look, instance: Instance, order: SignalOrder) -> None:
    if order.signal == "HUP":
        rehearse(host.proc, instance, *rehearsal_inputs(host.proc, seen, instance, host.store))
    else:
        config_file, release = seen.options[instance.identity].config_file, seen.releases[instance.identity]
        rehearse_spawn(host.proc, instance, config_file, release.version)


def _locks(host: Host, shots: t.Sequence[_Shot], order: SignalOrder, results: t.List[Result]) -> t.List[int]:
    if order.role != Role.MASTER or order.signal not in _CHANGING:
        return []
    locks: t.List[int] = []
    try:
        host.store.open()
        for shot in shots:
            lock = host.store.try_lock(shot.target.process)
            if lock is not None:
                locks.append(lock)
            elif not order.force:
                why = Refused(Refusal(Rule.STATE, "another call is at work on this server"))
                raise _refused(shot, order, why, results)
    except SignalFailed:
        _let_go(locks)
        raise
    except OSError as exc:
        _let_go(locks)
        raise SignalFailed("%s is not sent, since no lock can be taken: %s" % (order.signal, exc), results) from exc
    return locks


def _let_go(locks: t.Iterable[int]) -> None:
    for lock in locks:
        os.close(lock)


def _await_effects(host: Host, shots: t.Sequence[_Shot], order: SignalOrder, results: t.List[Result]) -> None:
    begun = host.clock.monotonic()
    try:
        for shot in shots:
            try:
                wait_until(functools.partial(_effect, host, shot, order), host.clock, begun + order.timeout)
            except TimedOut as exc:
                raise SignalFailed(
                    "%s was sent to pid %d, but within %g s it did not do its work: still waiting for %s"
                    % (order.signal, shot.result.pid, order.timeout, exc.reason),
                    results,
                ) from exc
            finally:
                shot.result.seconds = host.clock.monotonic() - begun
    finally:
        # All of them got it, those too that were not waited for any more.
        for shot in shots:
            now = look_again(host.proc, shot.instance).instance(shot.instance.identity)
            alive = is_alive(host.proc, shot.target.process)
            shot.result.after = _process_summary(now or shot.instance, alive=alive)


def _effect(host: Host, shot: _Shot, order: SignalOrder) -> t.Union[bool, Pending]:
    """Whether a signal has done what it does; True at once for those that leave the processes as they are."""
    process = shot.target.process
    ends = order.signal in ("INT", "TERM") or (order.signal == "XCPU" and order.role != Role.MASTER)
    if ends and is_alive(host.proc, process):
        return Pending("process %d to end" % process.pid)
    if order.role == Role.MASTER and ends:
        return True
    if not ends and order.signal not in ("HUP", "TTIN"):
        return True
    seen = look_again(host.proc, shot.instance)
    now = seen.instance(shot.instance.identity)
    if now is None:
        if not is_alive(host.proc, shot.instance.master):
            raise TimedOut("the master with pid %d, which has ended" % shot.instance.master.pid)
        return Pending("the master with pid %d to show itself" % shot.instance.master.pid)
    if order.signal == "TTIN":
        return len(now.having(Role.HTTP)) > len(shot.instance.having(Role.HTTP)) or Pending("one more http worker")
    if order.signal == "HUP" and not reloaded(shot.instance, now):
        return Pending("the master to execute itself anew")
    lacking = missing(now, seen.options[now.identity], host.store.scaled(now.master))
    return Pending(lacking) if lacking else True


def _process_summary(instance: Instance, *, alive: bool) -> t.Dict[str, t.Any]:
    return {"alive": alive, "state": instance.state, "mode": instance.mode, "workers": counts(instance)}
