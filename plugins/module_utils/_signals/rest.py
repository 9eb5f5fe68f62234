# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Check whether a process may get a QUIT now: whether all of its threads have slept for a while, if that matters."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._messages import refused
from .._messages.code import Problem
from .._processes.classify import Mode, Role, State
from .._processes.limits import THREADS
from .._processes.proc import Gone, Proc
from .._processes.process import Process
from .._system.clock import Clock
from .python import may_end_of_quit, named, python_of
from .waits import is_accept_loop, listening_links, waits_of

#: Seconds for which all threads must have slept, and between two QUITs to one process.
REST, PACE = 1.0, 1.0
#: How often a thread that waits for connections may have woken in a second (twice seen: werkzeug looks around so).
_LOOKS_AROUND = 4

_Threads = t.Mapping[int, t.Tuple[str, int]]


@dataclass
class _Seen:
    """A process at the moment from which on it has been at rest."""

    since: float
    threads: _Threads
    #: of a master: a worker that ends or starts wakes it, and it is at work then
    children: t.Tuple[int, ...]
    #: when each thread was seen to run last
    ran: t.Dict[int, float] = field(default_factory=dict)


class Watch:
    """Remembers for how long processes have been at rest, and when they got their last QUIT.

    On Python 3.10 and 3.11 the handler of QUIT raises where it meets a frame of any thread, its own included, that has
    no line number at that moment, which a frame may have while it runs. So a process is asked only when its threads
    have all slept for a second: each in state S, with the same number of context switches as before.
    docs/signals.md has what was measured.
    """

    def __init__(self, proc: Proc, clock: Clock) -> None:
        self._proc, self._clock = proc, clock
        self._seen: t.Dict[str, _Seen] = {}
        self._sent: t.Dict[str, float] = {}
        self._pythons: t.Dict[t.Tuple[str, t.Optional[int]], t.Optional[t.Tuple[int, int]]] = {}

    def python(self, process: Process) -> t.Optional[t.Tuple[int, int]]:
        """Return the version of Python that a process runs; None where that cannot be told."""
        key = (process.identity, process.fingerprint)
        if key not in self._pythons:
            self._pythons[key] = python_of(self._proc, process.pid)
        return self._pythons[key]

    def endangers(self, process: Process) -> bool:
        """Return whether a QUIT may end this process when it is at work."""
        return may_end_of_quit(self.python(process))

    def slept(self, process: Process) -> t.Mapping[int, float]:
        """Return for how many seconds each thread was seen not to run, as far as this watch has looked at it."""
        seen, now = self._seen.get(process.identity), self._clock.monotonic()
        return {thread: now - ran for thread, ran in seen.ran.items()} if seen else {}

    def look(self, process: Process, role: Role, mode: t.Optional[Mode]) -> float:
        """Look at a process, and return for how many seconds it has been at rest.

        :raises Gone: it has ended.
        """
        now, seen = self._clock.monotonic(), self._seen.get(process.identity)
        threads = self._proc.threads(process.pid)
        workers = role == Role.MASTER and mode == Mode.PREFORK
        children = tuple(self._proc.children(process.pid)) if workers else ()
        ran = dict.fromkeys(threads, now)
        if seen is not None:
            same = {thread for thread in threads if seen.threads.get(thread) == threads[thread]}
            ran.update((thread, seen.ran[thread]) for thread in same if threads[thread][0] == "S")
            if children == seen.children and self._is_at_rest(process, seen, threads, now):
                seen.ran = ran
                return now - seen.since
        self._seen[process.identity] = _Seen(now, threads, children, ran)
        return 0.0

    def _is_at_rest(self, process: Process, seen: _Seen, threads: _Threads, now: float) -> bool:
        if threads.keys() != seen.threads.keys() or len(threads) >= THREADS:
            return False
        if any(state != "S" for state, _switches in (*threads.values(), *seen.threads.values())):
            return False
        moved = {thread for thread, there in threads.items() if there != seen.threads[thread]}
        if not moved:
            return True
        # The thread that takes the connections of a threaded server wakes twice a second to look around.
        most = _LOOKS_AROUND * (now - seen.since + 1.0)
        if len(moved) > 1 or any(threads[one][1] - seen.threads[one][1] > most for one in moved):
            return False
        waits = [wait for wait in waits_of(self._proc, process.pid) if wait.thread in moved]
        listening = listening_links(self._proc, process.pid)
        return len(waits) == 1 and is_accept_loop(waits[0], listening)

    def doubt(self, process: Process, role: Role, mode: t.Optional[Mode], state: State) -> t.Optional[Problem]:
        """Return why this process must not get a QUIT now; None if it may.

        :param state: of its server.
        """
        sent = self._sent.get(process.identity)
        if sent is not None and self._clock.monotonic() - sent < PACE:
            return refused.ASKED_LATELY(pid=process.pid, seconds=PACE)
        version = self.python(process)
        if not may_end_of_quit(version):
            return None
        if role == Role.MASTER and state != State.RUNNING:
            return refused.MASTER_AT_WORK(pid=process.pid, python=named(version), state=state)
        try:
            rest = self.look(process, role, mode)
        except (Gone, OSError):
            rest = 0.0
        return None if rest >= REST else self.at_work(process)

    def at_work(self, process: Process) -> Problem:
        """Return the refusal of a process that is not at rest."""
        return refused.AT_WORK(pid=process.pid, python=named(self.python(process)), seconds=REST)

    def sent(self, process: Process) -> None:
        """Remember that a process got a QUIT."""
        self._sent[process.identity] = self._clock.monotonic()
