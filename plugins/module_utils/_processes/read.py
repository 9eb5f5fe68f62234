# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Read the processes of Odoo from /proc: each of them in one piece, and all of them within bounds of time."""

from __future__ import annotations

import threading
import time
import typing as t

from .._config.cmdline import GEVENT, SERVER, could_be_odoo, parse_command
from .._messages import host
from .._messages.code import Problem
from .limits import ALL_PROCESSES, ONE_PROCESS
from .proc import Gone, Proc, TooLarge
from .process import MARKS, Process, Stat, Status, parse_cgroup, parse_cmdline, parse_environ, parse_stat, parse_status

_T = t.TypeVar("_T")


class _Pass(threading.Thread):
    """One pass over processes. What it reads may never come, so it runs in a thread that can be left to itself."""

    def __init__(self, proc: Proc, pids: t.Sequence[int]) -> None:
        super().__init__(daemon=True)
        self._proc, self._pids = proc, pids
        self.found: t.List[Process] = []
        self.hidden: t.Set[int] = set()
        self.unseen: t.List[Problem] = []
        #: the number in the list of what it reads now, and since when
        self.at: t.Tuple[int, float] = (0, time.monotonic())
        self.left = False
        self.failed: t.Optional[Exception] = None

    def run(self) -> None:
        """Read one process after the other, until none is left or another thread continues."""
        try:
            self.found.extend(_processes(self._proc, self._counted(), self.hidden, self.unseen))
        except Exception as exc:  # it is raised again by the one who waits
            self.failed = exc

    def _counted(self) -> t.Iterator[int]:
        for number, pid in enumerate(self._pids):
            self.at = (number, time.monotonic())
            if self.left:
                return
            yield pid


def read_processes(proc: Proc, pids: t.Iterable[int], hidden: t.Set[int], unseen: t.List[Problem]) -> t.List[Process]:
    """Read processes within bounds of time; ``unseen`` names those that are left out for it."""
    end = time.monotonic() + ALL_PROCESSES
    waiting = list(pids)
    found: t.List[Process] = []
    while waiting:
        one = _Pass(proc, waiting)
        one.start()
        stuck = True
        while stuck:
            one.join(max(0.01, min(ONE_PROCESS, end - time.monotonic())))
            stuck = one.is_alive()
            number, since = one.at
            if stuck and (time.monotonic() - since > ONE_PROCESS or time.monotonic() >= end):
                break
        one.left = True
        if one.failed is not None:
            raise one.failed
        found += list(one.found)
        hidden |= set(one.hidden)
        unseen += list(one.unseen)
        if not stuck:
            break
        unseen.append(host.PROCESS_TIMEOUT(pid=waiting[number], seconds=ONE_PROCESS))
        waiting = waiting[number + 1 :]
        if waiting and time.monotonic() >= end:
            unseen.append(host.LOOK_TIMEOUT(count=len(waiting), seconds=ALL_PROCESSES))
            break
    return found


def _processes(proc: Proc, pids: t.Iterable[int], hidden: t.Set[int], unseen: t.List[Problem]) -> t.Iterator[Process]:
    # A process that executes itself again shows no arguments for a moment (seen on Linux 6.18), so those without get a
    # second chance at the end of the pass. Kernel threads, which never have any, cost next to nothing there.
    blank: t.List[int] = []
    for group in (pids, blank):
        for pid in group:
            try:
                cmdline = proc.read(pid, "cmdline")
                if could_be_odoo(cmdline):
                    process = _whole(proc, pid, cmdline, hidden, unseen)
                    if process is not None:
                        yield process
                elif not cmdline and group is not blank:
                    blank.append(pid)
            except TooLarge as exc:
                if exc.name != "cmdline" or could_be_odoo(exc.begin):
                    unseen.append(host.PROCESS_TOO_LARGE(pid=exc.pid, name=exc.name))
            except (Gone, PermissionError, ValueError):
                continue


def _whole(proc: Proc, pid: int, cmdline: bytes, hidden: t.Set[int], unseen: t.List[Problem]) -> t.Optional[Process]:
    """Return a process read consistently: the same process, in the same exec, before and after; None otherwise.

    Also None if it has only the arguments of a server; ``unseen`` gets the reason then.
    """
    for _attempt in range(5):
        before = parse_stat(proc.text(pid, "stat"))
        status = parse_status(proc.text(pid, "status"))
        process = _process(proc, pid, parse_cmdline(cmdline), before, status, hidden)
        why = _forged(proc, process, status)
        again = proc.read(pid, "cmdline")
        stat = parse_stat(proc.text(pid, "stat"))
        if (again, stat.start, stat.fingerprint) == (cmdline, process.start, process.fingerprint):
            if why is None:
                if process.catches_as_master and _is_strange(proc, process):
                    unseen.append(host.LOOKS_LIKE_ODOO(pid=pid))
                return process
            command = parse_command(process.argv)
            if command is not None and command.kind in (SERVER, GEVENT):
                unseen.append(why)
            return None
        cmdline = again
        if not could_be_odoo(cmdline):
            break
    return None


def _forged(proc: Proc, process: Process, status: Status) -> t.Optional[Problem]:
    """Return why a process is not what its arguments say; None if nothing contradicts them.

    Any user can write any arguments for a new process, also for sudo. The kernel reports the IDs and the
    program.
    """
    pid = process.pid
    if not status.has_one_user:
        ids = ", ".join("%s %s" % (what, " ".join(map(str, four))) for what, four in _named(status))
        return host.OTHER_RIGHTS(pid=pid, ids=ids)
    if parse_command(process.argv) is None:
        return None
    try:
        return None if proc.runs_python(pid) else host.NOT_PYTHON(pid=pid, path=process.executable)
    except PermissionError:
        return host.PROGRAM_HIDDEN(pid=pid) if process.uid == 0 else None
    except OSError as exc:
        return host.PROGRAM_UNREADABLE(pid=pid, error=str(exc))


def _is_strange(proc: Proc, process: Process) -> bool:
    try:
        return parse_command(process.argv) is None and proc.runs_python(process.pid)
    except OSError:
        return False


def _named(status: Status) -> t.Iterator[t.Tuple[str, t.Tuple[int, ...]]]:
    for what, four in (("user IDs", status.uids), ("group IDs", status.gids)):
        if len(set(four)) > 1:
            yield what, four


def _process(proc: Proc, pid: int, argv: t.Tuple[str, ...], stat: Stat, status: Status, hidden: t.Set[int]) -> Process:

    def seen(read: t.Callable[[], _T]) -> t.Optional[_T]:
        try:
            return read()
        except TooLarge:
            raise
        except PermissionError:
            hidden.add(pid)
            return None

    environ = seen(lambda: parse_environ(proc.read(pid, "environ"))) or {}
    return Process(
        pid=pid,
        ppid=stat.ppid,
        start=stat.start,
        argv=argv,
        run_state=stat.run_state,
        uid=status.uid,
        gid=status.gid,
        groups=status.groups,
        nice=stat.nice,
        threads=stat.threads,
        caught=status.caught,
        fingerprint=stat.fingerprint,
        executable=seen(lambda: proc.link(pid, "exe")),
        cwd=seen(lambda: proc.link(pid, "cwd")),
        cgroup=parse_cgroup(proc.text(pid, "cgroup")),
        sockets=seen(lambda: proc.sockets(pid)),
        marks={name: environ[name] for name in MARKS if name in environ},
        rss_pages=stat.rss_pages,
        cpu_ticks=stat.cpu_ticks,
        namespace_pids=status.namespace_pids,
        capabilities=status.capabilities,
        ignored=status.ignored,
        session=stat.session,
    )
