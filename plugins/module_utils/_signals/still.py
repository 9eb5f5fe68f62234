# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Keep all threads of a process but the main thread still while the main thread handles a QUIT.

Between the last look at a process at rest and the end of its handler a request may arrive. Its thread would run while
the handler reads its frames, which is what ends a process on Python 3.10 and 3.11 (seen: a threaded Odoo 19 ended at
the 262nd QUIT, by a request that came within 0.1 s). So each of these threads is stopped by ptrace, as py-spy and
debuggers do, for the milliseconds that the handler takes. A thread that is in the same system call as before has not
begun to run. If our process ends meanwhile, the kernel lets the threads go on.
"""

from __future__ import annotations

import contextlib
import errno
import os
import typing as t

from .._processes.proc import Gone, Proc
from .._processes.process import parse_thread
from .._system.clock import Clock
from .._system.libc import ptrace
from .waits import parse_syscall

#: From linux/ptrace.h and linux/wait.h.
_DETACH, _SEIZE, _INTERRUPT, _WALL = 17, 0x4206, 0x4207, 0x40000000
#: Seconds for all threads to stop, for the handler, and for a main thread that sleeps elsewhere without a move; a look
#: in between takes a fraction of a millisecond.
_STOPS, _HANDLES, _BLOCKED, _PAUSE = 0.5, 10.0, 1.0, 0.001
#: Seconds for a thread that did not stop in time, such as one that waits for a disk.
_LET_GO = 5.0
#: Looks in a row that must show the main thread asleep where it was before.
_LOOKS = 3
#: How often new threads are looked for.
_ROUNDS = 3

_Call = t.Tuple[int, t.Tuple[int, ...]]


class Moved(Exception):
    """A thread has begun to run."""


class NotAllowed(Exception):
    """This user must not stop threads of the process, or another program traces it."""


@contextlib.contextmanager
def still(proc: Proc, pid: int, calls: t.Mapping[int, _Call], clock: Clock) -> t.Iterator[Still]:
    """Keep all threads of a process but the main thread still while the block runs.

    :param calls: what :func:`calls_of` returned before the process was found at rest.
    :raises Moved: one of them is not where it was.
    :raises NotAllowed: they cannot be stopped.
    :raises Gone: the process has ended.
    """
    threads = Still(proc, pid, calls, clock)
    try:
        threads.stop()
        yield threads
    finally:
        threads.let_go()


class Still:
    """The threads of one process."""

    def __init__(self, proc: Proc, pid: int, calls: t.Mapping[int, _Call], clock: Clock) -> None:
        self._proc, self._pid, self._calls, self._clock = proc, pid, calls, clock
        self._seized: t.List[int] = []
        #: signals that came to a thread meanwhile, which it gets when it goes on
        self._signals: t.Dict[int, int] = {}
        self._runs = ("S", 0)

    def stop(self) -> None:
        """Stop all threads but the main thread, see :func:`still`."""
        if self._proc.root != "/proc":
            raise NotAllowed("not the processes of this machine")
        self._runs = self._main()
        for _round in range(_ROUNDS):
            new = [one for one in self._others() if one not in self._seized]
            if not new:
                break
            self._stop(new)
        else:
            raise Moved
        if self._signals or not all(self._is_where_it_was(one) for one in self._seized):
            raise Moved

    def _is_where_it_was(self, thread: int) -> bool:
        """Return whether a thread is in the system call in which it slept. One that ran has none, and may be new."""
        now = self._now(thread)
        return now is not None and now == self._calls.get(thread)

    def let_go(self) -> None:
        """Let the threads go on."""
        while self._seized:
            thread = self._seized.pop()
            if not _detach(thread, self._signals.get(thread, 0)):
                # It has not stopped yet: only a stopped thread can be let go.
                self._wait_for(thread)

    def await_handler(self) -> bool:
        """Wait until the main thread has run and sleeps again where it slept before; False if it takes too long.

        With no other thread it returns at once.
        """
        if not self._seized:
            return True
        agreed, before = 0, self._runs
        begun = changed = self._clock.monotonic()
        while agreed < _LOOKS:
            try:
                main = self._main()
                done = main[0] == "S" and main[1] > self._runs[1] and self._same_place()
            except (Gone, OSError, ValueError):
                return True
            now = self._clock.monotonic()
            # While it runs or waits for a CPU it is on its way, however long that takes on a busy machine.
            if main != before or main[0] != "S":
                changed = now
            agreed = agreed + 1 if done and main == before else 0
            before = main
            if now - changed > _BLOCKED or now - begun > _HANDLES:
                return False
            self._clock.sleep(_PAUSE)
        return True

    def _main(self) -> t.Tuple[str, int]:
        return parse_thread(self._proc.text(self._pid, "task/%d/status" % self._pid))

    def _same_place(self) -> bool:
        """Return whether the main thread is in the system call in which it slept; a lock is told by its address."""
        now, before = self._now(self._pid), self._calls.get(self._pid)
        return bool(now and before and now[0] == before[0] and now[1][0] == before[1][0])

    def _now(self, thread: int) -> t.Optional[_Call]:
        return _call_of(self._proc, self._pid, thread)

    def _others(self) -> t.List[int]:
        return [one for one in self._proc.threads(self._pid) if one != self._pid]

    def _stop(self, threads: t.Sequence[int]) -> None:
        for thread in threads:
            if _ptrace(_SEIZE, thread):
                self._seized.append(thread)
                _ptrace(_INTERRUPT, thread)
        until = self._clock.monotonic() + _STOPS
        for thread in threads:
            while thread in self._seized and not self._has_stopped(thread):
                if self._clock.monotonic() > until:
                    raise Moved
                self._clock.sleep(_PAUSE)

    def _has_stopped(self, thread: int) -> bool:
        try:
            found, status = os.waitpid(thread, os.WNOHANG | _WALL)
        except ChildProcessError:
            self._seized.remove(thread)
            return True
        if not found:
            return False
        if not os.WIFSTOPPED(status):
            self._seized.remove(thread)
        elif not status >> 16:
            # It stopped to get a signal, and not because of us.
            self._signals[thread] = os.WSTOPSIG(status)
        return True

    def _wait_for(self, thread: int) -> None:
        """Let a thread go on that has not stopped yet. If that takes too long, the end of our process does it."""
        until = self._clock.monotonic() + _LET_GO
        with contextlib.suppress(ChildProcessError):
            while self._clock.monotonic() < until:
                found, status = os.waitpid(thread, os.WNOHANG | _WALL)
                if found:
                    if os.WIFSTOPPED(status):
                        _detach(thread, 0 if status >> 16 else os.WSTOPSIG(status))
                    return
                self._clock.sleep(_PAUSE)


def calls_of(proc: Proc, pid: int) -> t.Dict[int, _Call]:
    """Return the system call in which each thread of a process sleeps; one that runs is left out.

    :raises Gone: the process has ended.
    """
    found = {thread: _call_of(proc, pid, thread) for thread in proc.threads(pid)}
    return {thread: call for thread, call in found.items() if call is not None}


def _call_of(proc: Proc, pid: int, thread: int) -> t.Optional[_Call]:
    try:
        return parse_syscall(proc.text(pid, "task/%d/syscall" % thread))
    except (Gone, OSError):
        return None


def _ptrace(request: int, thread: int, data: int = 0) -> bool:
    """Make a request about a thread; False if it has ended.

    :raises NotAllowed: the kernel refuses it.
    """
    try:
        ptrace(request, thread, data)
    except OSError as exc:
        if exc.errno == errno.ESRCH:
            return False
        raise NotAllowed(exc.strerror) from None
    return True


def _detach(thread: int, signal_number: int) -> bool:
    try:
        return _ptrace(_DETACH, thread, signal_number)
    except NotAllowed:
        return False
