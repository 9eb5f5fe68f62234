# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The live /proc, for all that is asked of processes. Most of what it returns is text for the pure parsers."""

from __future__ import annotations

import errno
import itertools
import os
import time
import typing as t

from .._system.clock import uptime
from .._system.psutil import psutil
from .limits import DESCRIPTORS, PROC, PROC_LINES, THREADS
from .process import AtSocket, Process, parse_select, parse_stat, parse_thread, waits_idly
from .program import is_python


def root_of(proc_root: str, process: Process) -> str:
    """Return the prefix of a path to read the file that a process sees there: its own root, also in containers.

    If we must not look through that root (another user, or root of a container, which lacks the capability), the
    prefix is empty, if the process has no PID namespace of its own and so most likely no other files.
    """
    root = "%s/%d/root" % (proc_root, process.pid)
    try:
        os.stat(root + "/")
    except PermissionError:
        return root if len(process.namespace_pids) > 1 else ""
    except OSError:
        pass
    return root


_DESCRIPTORS = "fd"
#: Bytes that one read takes: more than nearly every file here has.
_BLOCK = 1 << 16
#: Seconds between two looks at the threads of a process. One that waits for Python's lock wakes every 5 ms.
_STILL = 0.03
#: The same of the main thread of a server. In a prefork server that drains it wakes every 0.1 s.
_RESTS = 0.35

#: From /proc, a server, its options and its workers to the class of a worker by its identity.
ClassesInLog = t.Callable[..., t.Mapping[str, str]]


class Gone(Exception):
    """The process ended while it was read. This is not an error."""


def start_time(process: Process) -> float:
    """Return when a process was started, in seconds since the epoch, to the clock tick.

    From the clock that counts since boot and not from ``btime`` of /proc/stat, which is in whole seconds.
    """
    return time.time() - uptime() + process.start / os.sysconf("SC_CLK_TCK")


class TooLarge(PermissionError):
    """A file of a process has more than we read (see limits.py). To most callers it is as if they might not look."""

    def __init__(self, pid: int, name: str, begin: bytes = b"") -> None:
        super().__init__(errno.EFBIG, os.strerror(errno.EFBIG), "/proc/%d/%s" % (pid, name))
        self.pid, self.name, self.begin = pid, name, begin


class Proc:
    """Reader of /proc. psutil lists the processes; the rest is what psutil does not have or would cut short.

    (psutil has no SigCgt and no startstack, drops the ``(deleted)`` of a link, and reads sockets of its own network
    namespace only.)
    """

    def __init__(self, root: str = "/proc", classes_in_log: t.Optional[ClassesInLog] = None) -> None:
        self.root = root
        #: classes of workers, by their identity, as their log or their dumps have told
        self.classes: t.Dict[str, str] = {}
        #: what the kernel has shown of workers and the listening socket, by their identity, where it lasts
        self.at_socket: t.Dict[str, AtSocket] = {}
        #: seconds that are left for supervisords that are slow to say what they run; any user can make thousands
        self.patience = 10.0
        #: until when something is not asked again, by identity of the server and name: it did not answer in time
        self.silent: t.Dict[t.Tuple[str, str], float] = {}
        #: finds classes of workers in the log of their server
        self.classes_in_log = classes_in_log
        self.cgroups = "/sys/fs/cgroup"
        self._pythons: t.Dict[t.Tuple[int, int, int, int], bool] = {}

    def pids(self) -> t.List[int]:
        """Return every process that we may see."""
        return t.cast(t.List[int], psutil.pids())

    def owner(self, pid: int) -> int:
        """Return the user of a process, or of the files that the kernel shows of it; -1 where that is not shown."""
        try:
            return os.stat("%s/%d" % (self.root, pid)).st_uid
        except OSError:
            return -1

    def read(self, pid: int, name: str) -> bytes:
        """Content of /proc/PID/NAME; of a file of lines that has no limit of its own, the first 16 MiB.

        :raises Gone: the process has ended.
        :raises PermissionError: we may not look.
        :raises TooLarge: the file is larger than its limit.
        """
        limit = PROC.get(name)
        # Bare system calls: this is done for every process of the host, and a file object costs as much again.
        try:
            descriptor = os.open("%s/%d/%s" % (self.root, pid, name), os.O_RDONLY | os.O_CLOEXEC)
            try:
                content = os.read(descriptor, _BLOCK)
                if name == "cmdline" and len(content) < _BLOCK:  # The kernel returns other files a page at a time.
                    return content
                parts, size, most = [content], len(content), limit or PROC_LINES
                while parts[-1] and size <= most:
                    parts.append(os.read(descriptor, _BLOCK))
                    size += len(parts[-1])
            finally:
                os.close(descriptor)
        except (FileNotFoundError, ProcessLookupError) as exc:
            raise Gone(str(pid)) from exc
        content = b"".join(parts)
        if size <= most:
            return content
        if limit:
            raise TooLarge(pid, name, content[:limit])
        return content[:most].rpartition(b"\n")[0] + b"\n"

    def text(self, pid: int, name: str) -> str:
        """Return the same as :meth:`read`, decoded; bytes that are not UTF-8 become surrogates."""
        return self.read(pid, name).decode("utf-8", "surrogateescape")

    def lines(self, pid: int, name: str, most: int) -> t.Iterator[str]:
        """Yield the first lines of /proc/PID/NAME, a file that may be long.

        :raises Gone: the process has ended.
        :raises PermissionError: we must not read it.
        """
        try:
            with open("%s/%d/%s" % (self.root, pid, name), encoding="utf-8", errors="surrogateescape") as file:
                yield from itertools.islice(file, most)
        except (FileNotFoundError, ProcessLookupError) as exc:
            raise Gone(str(pid)) from exc

    def descriptors(self, pid: int, most: t.Optional[int] = None) -> t.Iterator[str]:
        """Return the targets of the open files of a process, or the first of them.

        :raises Gone: the process has ended.
        :raises PermissionError: we must not read them.
        """
        folder = "%s/%d/fd" % (self.root, pid)
        try:
            with os.scandir(folder) as entries:
                for entry in itertools.islice(entries, most):
                    try:
                        yield os.readlink(entry.path)
                    except FileNotFoundError:  # closed since
                        continue
        except (FileNotFoundError, ProcessLookupError) as exc:
            raise Gone(str(pid)) from exc

    def link(self, pid: int, name: str) -> str:
        """Target of a link such as exe or cwd, with `` (deleted)`` where the file is gone."""
        try:
            return os.readlink("%s/%d/%s" % (self.root, pid, name))
        except (FileNotFoundError, ProcessLookupError) as exc:
            raise Gone(str(pid)) from exc

    def runs_python(self, pid: int) -> bool:
        """Return True if the program that the process executes is a Python interpreter, with any name.

        :raises Gone: the process has ended.
        :raises PermissionError: we must not read it.
        """
        try:
            descriptor = os.open("%s/%d/exe" % (self.root, pid), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except (FileNotFoundError, ProcessLookupError) as exc:
            raise Gone(str(pid)) from exc
        try:
            status = os.fstat(descriptor)
            key = (status.st_dev, status.st_ino, status.st_size, status.st_ctime_ns)
            if key not in self._pythons:
                self._pythons[key] = is_python(descriptor)
            return self._pythons[key]
        finally:
            os.close(descriptor)

    def sockets(self, pid: int) -> t.FrozenSet[int]:
        """Inodes of the sockets that the process has open.

        :raises Gone: the process has ended.
        :raises PermissionError: we may not look.
        """
        targets = list(self.descriptors(pid, DESCRIPTORS + 1))
        if len(targets) > DESCRIPTORS:
            raise TooLarge(pid, _DESCRIPTORS)
        return frozenset(int(target[8:-1]) for target in targets if target.startswith("socket:["))

    def selected(self, pid: int, inodes: t.Collection[int]) -> t.Optional[bool]:
        """Return whether a thread of the process waits in ``select`` for one of these sockets.

        None where none does and the process may be at work: a thread runs, or has run within some hundredths of a
        second.

        :raises Gone: the process has ended.
        :raises PermissionError: we may not look.
        """
        numbers = {number for number, inode in self._socket_numbers(pid).items() if inode in inodes}
        before = self.threads(pid)
        machine = os.uname().machine
        for thread in before:
            waits = parse_select(self.text(pid, "task/%d/syscall" % thread), machine)
            if waits and numbers & self._descriptor_set(pid, *waits):
                return True
        if any(state != "S" for state, _switches in before.values()):
            return None
        time.sleep(_STILL)
        return False if self.threads(pid) == before else None

    def main_thread_rests(self, pid: int) -> bool:
        """Return whether the main thread waits in ``select`` or sleeps, and goes on with it for a third of a second.

        That of a server which drains wakes more often, or waits for a lock until the last request has ended. (Seen on
        Odoo 14.0 and 19.0)
        """
        machine = os.uname().machine
        try:
            before = parse_thread(self.text(pid, "status"))
            if not waits_idly(self.text(pid, "syscall"), machine):
                return False
            time.sleep(_RESTS)
            return parse_thread(self.text(pid, "status")) == before
        except (Gone, OSError):
            return False

    def _socket_numbers(self, pid: int) -> t.Dict[int, int]:
        """Return inodes of the sockets of a process, by number of the descriptor."""
        folder = "%s/%d/fd" % (self.root, pid)
        found = {}
        for name in os.listdir(folder):
            try:
                target = os.readlink(folder + "/" + name)
            except FileNotFoundError:  # closed since
                continue
            if target.startswith("socket:["):
                found[int(name)] = int(target[8:-1])
        return found

    def _descriptor_set(self, pid: int, count: int, address: int) -> t.Set[int]:
        """Return the descriptors in an ``fd_set`` in the memory of a process."""
        size = min((count + 7) // 8, 128)
        try:
            with open("%s/%d/mem" % (self.root, pid), "rb", 0) as memory:
                bits = int.from_bytes(os.pread(memory.fileno(), size, address), "little")
        except (OSError, OverflowError):  # a moment later the thread has gone on
            return set()
        return {number for number in range(size * 8) if bits >> number & 1}

    def lives(self, pid: int, start: int) -> bool:
        """Return whether the process with this pid and start exists, even without arguments; a zombie does not."""
        try:
            stat = parse_stat(self.text(pid, "stat"))
        except (Gone, ValueError):
            return False
        return stat.start == start and stat.run_state not in ("Z", "X")

    def is_frozen(self, pid: int) -> bool:
        """Return whether the cgroup of a process is frozen, as by docker pause. Its run state does not tell that."""
        try:
            lines = [line.split(":", 2) for line in self.text(pid, "cgroup").splitlines()]
        except (Gone, PermissionError):
            return False
        for _number, controllers, path in (line for line in lines if len(line) == 3):
            if "freezer" in controllers.split(",") and self._says("freezer" + path, "freezer.state", "FROZEN"):
                return True
            if not controllers and any(self._says(at + path, "cgroup.events", "frozen 1") for at in ("", "unified")):
                return True
        return False

    def _says(self, folder: str, name: str, line: str) -> bool:
        try:
            with open(os.path.join(self.cgroups, folder.lstrip("/"), name)) as file:
                return line in file.read(4096).splitlines()
        except OSError:
            return False

    def children(self, pid: int) -> t.List[int]:
        """Children of a process, those of every thread of it.

        :raises Gone: the process has ended.
        """
        folder = "%s/%d/task" % (self.root, pid)
        found: t.Set[int] = set()
        try:
            for thread in self._tasks(pid):
                try:
                    with open("%s/%d/children" % (folder, thread), "rb") as file:
                        found.update(map(int, file.read(PROC_LINES).rpartition(b" ")[0].split()))
                except ProcessLookupError:  # a thread that has ended since
                    continue
                except FileNotFoundError:
                    if os.path.exists("%s/%d" % (folder, thread)):  # a kernel without CONFIG_PROC_CHILDREN
                        return self.pids()
        except (FileNotFoundError, ProcessLookupError) as exc:
            raise Gone(str(pid)) from exc
        return sorted(found)

    def _tasks(self, pid: int) -> t.List[int]:
        """Return the threads of a process, or the first of them."""
        with os.scandir("%s/%d/task" % (self.root, pid)) as entries:
            return [int(entry.name) for entry in itertools.islice(entries, THREADS)]

    def threads(self, pid: int) -> t.Dict[int, t.Tuple[str, int]]:
        """Run state of each thread of a process, and how often it has stopped running.

        :raises Gone: the process has ended.
        """
        found = {}
        try:
            numbers = self._tasks(pid)
        except (FileNotFoundError, ProcessLookupError) as exc:
            raise Gone(str(pid)) from exc
        for number in numbers:
            try:
                found[number] = parse_thread(self.text(pid, "task/%d/status" % number))
            except Gone:  # a thread that has ended since
                continue
        return found

    def hides_others(self) -> bool:
        """Return whether the mount hides processes of other users from users other than root (hidepid)."""
        try:
            with open(self.root + "/self/mountinfo") as file:
                lines = [line.split() for line in file]
        except OSError:
            return False
        return any(
            fields[4] == self.root
            and "hidepid=" in fields[-1]
            and not fields[-1].endswith(("hidepid=0", "hidepid=off"))
            for fields in lines
        )

    def pss(self, pid: int) -> t.Optional[int]:
        """Proportional set size in bytes: memory that is shared counts in parts. None where we may not look."""
        try:
            return int(psutil.Process(pid).memory_full_info().pss)
        except psutil.Error:
            return None

    def address_space(self, pid: int) -> t.Optional[t.Tuple[str, str]]:
        """Soft and hard limit of address space, in bytes or ``unlimited``. None where we may not look."""
        try:
            lines = self.text(pid, "limits").splitlines()
        except (Gone, OSError):
            return None
        # Not by prlimit: that wants CAP_SYS_RESOURCE of root, too, which a container lacks.
        found = [line.split() for line in lines if line.startswith("Max address space ")]
        return (found[0][3], found[0][4]) if found and len(found[0]) > 4 else None

    def uptime_ticks(self) -> int:
        """Clock ticks since boot, on the clock that field 22 of stat counts.

        /proc/uptime is another one where lxcfs mounts its own over it: that counts from the start of the container.
        """
        return int(uptime() * os.sysconf("SC_CLK_TCK"))


def is_alive(proc: Proc, process: Process) -> bool:
    """Return whether this process still lives, even if it shows no arguments."""
    return proc.lives(process.pid, process.start)
