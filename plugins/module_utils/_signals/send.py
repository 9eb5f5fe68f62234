# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""send: the one door for signals. Nothing else in this collection signals a process."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import signal
import typing as t

from .._messages import dump, refused
from .._processes.proc import Gone, Proc
from .._processes.process import (
    Process,
    Stat,
    parse_stat,
    parse_status,
    signal_number,
)
from .._system.clock import Clock
from .._system.errors import Refused
from .rest import Watch
from .rules import Objection, Rule, Target, objections, sift
from .still import Moved, NotAllowed, calls_of, still


class SignalRefused(Refused):
    """The door stayed shut; ``rule`` says which rule forbids the signal."""

    def __init__(self, objection: Objection) -> None:
        super().__init__(objection.problem)
        self.rule = objection.rule


class NotAtRest(SignalRefused):
    """A QUIT may end the process at this moment. A moment later it may be at rest."""


def send(proc: Proc, signal_name: str, target: Target, *, force: bool = False) -> t.List[Objection]:
    """Send one signal to one process that an earlier look saw, if it is still that process and may have the signal.

    The process is held by a pidfd from before the checks until the signal is sent, so its pid cannot pass to another
    one in between. Kernels before 5.3 and Python before 3.9 have no pidfd: there the kill follows the checks at once.

    A QUIT goes to a process that may end of it only when the watch of the target has seen it at rest (see ``rest``),
    and its threads are kept still meanwhile (see ``still``).

    :param force: lift the rules of role, mode, state and platform.
    :returns: the objections that were lifted, by force or because the caller accepts the risk of a QUIT.
    :raises SignalRefused: with the rule that forbids it; nothing was sent.
    """
    watch = target.watch or Watch(proc, Clock())
    with _held(target.process) as handle:
        lifted = check(proc, signal_name, target, force=force)
        if signal_name == "QUIT":
            lifted += _quit(proc, watch, target, handle)
            watch.sent(target.process)
        else:
            _deliver(handle, target.process, signal_number(signal_name))
    return lifted


def _quit(proc: Proc, watch: Watch, target: Target, handle: t.Optional[int]) -> t.List[Objection]:
    """Send a QUIT; where it may end the process, none of its other threads runs until its handler is done.

    :returns: the objection that the caller accepts.
    :raises NotAtRest: it would run into a thread at work.
    """
    process, number = target.process, signal_number("QUIT")
    calls: t.Mapping[int, t.Any] = {}
    endangers = watch.endangers(process)
    if endangers:
        with contextlib.suppress(Gone, OSError):
            calls = calls_of(proc, process.pid)
    lifted = _at_rest(watch, target)
    if not endangers or lifted:
        _deliver(handle, process, number)
        return lifted
    try:
        with still(proc, process.pid, calls, Clock()) as threads:
            _deliver(handle, process, number)
            threads.await_handler()
    except NotAllowed:
        # All threads slept a moment ago, and that must do.
        _deliver(handle, process, number)
    except Moved:
        raise NotAtRest(Objection(Rule.REST, watch.at_work(process))) from None
    except (Gone, OSError):
        raise SignalRefused(_gone(process)) from None
    return lifted


def _at_rest(watch: Watch, target: Target) -> t.List[Objection]:
    """Make sure that a QUIT does not end the process; return the objection that its caller accepts.

    :raises NotAtRest: it might, or the process got one a moment ago.
    """
    doubt = watch.doubt(target.process, target.role, target.mode, target.state)
    if doubt is None:
        return []
    if target.accepts_risk and doubt.code != refused.ASKED_LATELY.name:
        return [Objection(Rule.REST, dump.RISK_ACCEPTED(pid=target.process.pid))]
    raise NotAtRest(Objection(Rule.REST, doubt))


def kill(proc: Proc, process: Process) -> None:
    """Kill a process of an earlier look at once.

    The rules allow KILL for no process. This function is for the remaining processes of a server that did not end, if
    the caller has requested that. It checks the identity as :func:`send` does.

    :raises SignalRefused: the process has ended, or we must not kill it.
    """
    with _held(process) as handle:
        _make_sure(proc, process)
        _deliver(handle, process, signal_number("KILL"))


@contextlib.contextmanager
def _held(process: Process) -> t.Iterator[t.Optional[int]]:
    """Yield a pidfd of the process while the block runs; None if the kernel has no pidfds."""
    handle = _open_pidfd(process)
    try:
        yield handle
    finally:
        if handle is not None:
            os.close(handle)


def _deliver(handle: t.Optional[int], process: Process, number: int) -> None:
    try:
        if handle is None:
            os.kill(process.pid, number)
        else:
            signal.pidfd_send_signal(handle, number)  # type: ignore[attr-defined,unused-ignore]
    except ProcessLookupError:
        raise SignalRefused(_gone(process)) from None
    except PermissionError:
        raise SignalRefused(_forbidden(process)) from None


def check(proc: Proc, signal_name: str, target: Target, *, force: bool = False) -> t.List[Objection]:
    """Look at the target once more and ask the rules; what :func:`send` does before it sends.

    :returns: the objections that ``force`` lifts.
    :raises SignalRefused: with the first rule that forbids it.
    """
    process = target.process
    stat, caught = _make_sure(proc, process)
    if stat.run_state in ("T", "t"):
        raise SignalRefused(Objection(Rule.STATE, refused.STOPPED(pid=process.pid)))
    if proc.is_frozen(process.pid):
        raise SignalRefused(Objection(Rule.STATE, refused.FROZEN(pid=process.pid)))
    now = dataclasses.replace(process, caught=caught)
    holding, lifted = sift(objections(signal_name, now, target.role, target.mode, target.state), force=force)
    if holding:
        raise SignalRefused(holding[0])
    return lifted


def _make_sure(proc: Proc, process: Process) -> t.Tuple[Stat, int]:
    """Return the present record of the process with the signals that it catches, if we may signal it."""
    try:
        stat = parse_stat(proc.text(process.pid, "stat"))
        status = parse_status(proc.text(process.pid, "status"))
    except (Gone, ValueError):
        raise SignalRefused(_gone(process)) from None
    if stat.start != process.start:
        raise SignalRefused(Objection(Rule.IDENTITY, refused.PID_REUSED(pid=process.pid)))
    if stat.run_state in ("Z", "X"):
        raise SignalRefused(_gone(process))
    if not status.has_one_user or status.uid != process.uid:
        raise SignalRefused(Objection(Rule.IDENTITY, refused.OTHER_USER_NOW(pid=process.pid)))
    if os.geteuid() not in (0, process.uid):
        raise SignalRefused(_forbidden(process))
    return stat, status.caught


def _open_pidfd(process: Process) -> t.Optional[int]:
    if not hasattr(os, "pidfd_open") or not hasattr(signal, "pidfd_send_signal"):
        return None
    try:
        return os.pidfd_open(process.pid)
    except ProcessLookupError:
        raise SignalRefused(_gone(process)) from None
    except OSError as exc:
        if exc.errno in (errno.ENOSYS, errno.EPERM):  # an old kernel, or a seccomp filter that does not know the call
            return None
        raise


def _forbidden(process: Process) -> Objection:
    return Objection(Rule.PRIVILEGE, refused.NOT_PERMITTED(pid=process.pid, uid=process.uid))


def _gone(process: Process) -> Objection:
    return Objection(Rule.IDENTITY, refused.PROCESS_ENDED(pid=process.pid))
