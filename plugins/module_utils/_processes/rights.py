# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Look at files as a server does: from its root, and with its rights.

The arguments, the environment and the configuration of a server name files. The user of the server chooses those names,
so root would read for that user what the user may not read. Every file that a server names is looked at within
:func:`files_of`, or by one of the functions below it.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import stat
import threading
import time
import typing as t
from dataclasses import dataclass

from .._system.files import open_regular, reached, read_regular
from .._system.libc import effective_capabilities, set_effective_capabilities, set_filesystem_ids, set_groups
from .._system.namespaces import USERS, differs
from .._system.timeout import TooSlow, within
from .limits import ALL_SERVERS, ONE_SERVER, Shares
from .proc import Proc, is_alive, root_of
from .process import Process

_T = t.TypeVar("_T")


@dataclass(frozen=True)
class Rights:
    """Filesystem IDs, groups and effective capabilities of a thread."""

    uid: int
    gid: int
    groups: t.Tuple[int, ...]
    capabilities: int


class _Here(threading.local):
    """The server whose files this thread is looking at: its identity, and the path of its root.

    ``timed``: another thread waits for this one, with a time limit.
    """

    identity: t.Optional[str] = None
    root: str = ""
    timed = False


_here = _Here()


class NoAnswer(OSError):
    """The files that a server names do not answer, as on a network file system whose server is gone."""


def in_time(proc: Proc, process: Process, what: str, look: t.Callable[[], _T], seconds: t.Optional[float] = None) -> _T:
    """Return what a function reads of the files that a server names, or give up after some seconds.

    What did not answer is not asked again for a while, so that each attempt does not cost the same wait. The function
    runs in a thread of its own, which is left to itself if it does not come back.

    :param what: a name for what is read, such as a path.
    :param seconds: None: those of one server.
    :raises NoAnswer: it takes longer.
    """
    if _here.timed:
        return look()
    seconds = ONE_SERVER if seconds is None else seconds
    key = (process.identity, what)
    if time.monotonic() < proc.silent.get(key, 0.0):
        raise _no_answer(process, seconds)

    def timed() -> _T:
        _here.timed = True
        return look()

    try:
        return within(seconds, timed)
    except TooSlow:
        proc.silent[key] = time.monotonic() + ALL_SERVERS
        raise _no_answer(process, seconds) from None


def within_share(
    proc: Proc, process: Process, what: str, look: t.Callable[[], _T], shares: Shares, longest: float
) -> t.Optional[_T]:
    """Return what a function reads of a server, or None if it takes too long or the share of its user is used up.

    :param what: as of :func:`in_time`.
    :param shares: of the users of the servers; the time counts there.
    :param longest: seconds for this server.
    """
    if shares.left(process.uid) <= 0:
        return None
    try:
        return shares.spend(process.uid, functools.partial(in_time, proc, process, what, look, longest))
    except NoAnswer:
        return None


def _no_answer(process: Process, seconds: float) -> NoAnswer:
    return NoAnswer(errno.ETIMEDOUT, "the files of pid %d do not answer within %g s" % (process.pid, seconds))


def may_borrow() -> bool:
    """Return True if we can take the rights of others, which is what root can."""
    return os.geteuid() == 0


def borrowing() -> bool:
    """Return True within a block of :func:`files_of` in which this thread has the rights of the server."""
    return _here.identity is not None


@contextlib.contextmanager
def files_of(proc: Proc, process: Process) -> t.Iterator[str]:
    """Yield the prefix for the path of a file that a server names; within the block we have the rights of the server.

    This thread gets its filesystem IDs, its groups and its capabilities; the other threads keep theirs. Read only files
    within the block: /proc shows less of other processes then. A user other than root has no
    rights to give up.

    :raises OSError: the process has ended, or its rights cannot be taken.
    """
    if not may_borrow():
        yield root_of(proc.root, process)
        return
    if _here.identity == process.identity:
        yield _here.root
        return
    flags = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
    # Opened once, and with our rights: without them the kernel may not lead us through /proc/PID/root.
    try:
        descriptor = os.open("%s/%d/root" % (proc.root, process.pid), flags)
    except PermissionError:
        # Root of a container lacks the capability for it. Beside us, the process most likely has no other files.
        if len(process.namespace_pids) > 1:
            raise
        descriptor = os.open("/", flags)
    try:
        if not is_alive(proc, process):
            raise ProcessLookupError("process %d has ended" % process.pid)
        with borrowed(rights_of(proc, process)):
            _here.identity, _here.root = process.identity, "/proc/self/fd/%d" % descriptor
            try:
                yield _here.root
            finally:
                _here.identity = None
    finally:
        os.close(descriptor)


def rights_of(proc: Proc, process: Process) -> Rights:
    """Return the rights of a process to files.

    Capabilities within a user namespace do not count outside of it.
    """
    inside = differs(proc.root, process.pid, USERS)
    return Rights(process.uid, process.gid, process.groups, 0 if inside else process.capabilities)


@contextlib.contextmanager
def borrowed(rights: Rights) -> t.Iterator[None]:
    """Let this thread read files with these rights while the block runs. The caller must be root.

    :raises OSError: the kernel does not let us. Nothing has changed then.
    """
    before = Rights(os.geteuid(), os.getegid(), tuple(os.getgroups()), effective_capabilities())
    try:
        _take(rights, before.capabilities)
        yield
    finally:
        # The capabilities come first: the rest needs them.
        set_effective_capabilities(before.capabilities)
        _take(before, before.capabilities)


@contextlib.contextmanager
def as_user(uid: int, gid: int, groups: t.Sequence[int]) -> t.Iterator[None]:
    """Let this thread read files as a user does while the block runs.

    Changes nothing if the caller is not root, or if the user is root.

    :raises OSError: the kernel does not let us.
    """
    if uid == 0 or not may_borrow():
        yield
        return
    with borrowed(Rights(uid, gid, tuple(groups), 0)):
        yield


def _take(rights: Rights, ours: int) -> None:
    set_groups(rights.groups)
    set_filesystem_ids(rights.uid, rights.gid)
    set_effective_capabilities(rights.capabilities & ours)


def read_file(proc: Proc, process: Process, path: str, limit: int) -> bytes:
    """Read the first bytes of a regular file that a server names.

    :raises OSError: there is no such file, the server may not read it, or it is not a regular file.
    """

    def read() -> bytes:
        with files_of(proc, process) as root:
            return read_regular(reached(path, root), limit)

    return in_time(proc, process, path, read)


def open_file(proc: Proc, process: Process, path: str, flags: int = 0) -> int:
    """Open a regular file that a server names for reading; parameters and errors as for :func:`open_regular`."""

    def opened() -> int:
        with files_of(proc, process) as root:
            folder, name = os.path.split(path)
            # Links on the way to it are followed; what to do with one in its place the flags say.
            there = os.path.join(reached(folder, root), name) if flags & os.O_NOFOLLOW else reached(path, root)
            return open_regular(there, flags)

    return in_time(proc, process, path, opened)


def open_folder(proc: Proc, process: Process, path: str) -> int:
    """Hold a folder that a server names, by a descriptor that is good for paths relative to it and for fchdir.

    :raises OSError: there is no such folder, or the server may not look for it.
    """
    flags = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
    return _at(proc, process, path, functools.partial(os.open, flags=flags))


def status_of(proc: Proc, process: Process, path: str) -> t.Optional[os.stat_result]:
    """Return the status of a file that a server names; None where the server would not find it."""
    try:
        return _at(proc, process, path, os.stat)
    except (OSError, ValueError):
        return None


def filesystem_of(proc: Proc, process: Process, path: str) -> os.statvfs_result:
    """Ask the filesystem of a file that a server names.

    :raises OSError: the server would not find the file.
    """
    return _at(proc, process, path, os.statvfs)


def _at(proc: Proc, process: Process, path: str, ask: t.Callable[[str], _T]) -> _T:
    """Return the answer to a question about a file that a server names, by its path from here."""

    def asked() -> _T:
        with files_of(proc, process) as root:
            return ask(reached(path, root))

    return in_time(proc, process, path, asked)


def exists(proc: Proc, process: Process, path: str) -> bool:
    """Return True if a server would find a file."""
    return status_of(proc, process, path) is not None


def is_denied(proc: Proc, process: Process, path: str) -> bool:
    """Return True if a file must not be looked at with the rights of a server, as on a FUSE that lets in its user only.

    The kernel compares all IDs of a thread there, and we have taken the filesystem IDs only.
    """
    try:
        _at(proc, process, path, os.stat)
    except PermissionError:
        return True
    except (OSError, ValueError):
        pass
    return False


def is_folder(proc: Proc, process: Process, path: str) -> bool:
    """Return True if a server would find a folder."""
    status = status_of(proc, process, path)
    return status is not None and stat.S_ISDIR(status.st_mode)


def is_file(proc: Proc, process: Process, path: str) -> bool:
    """Return True if a server would find a regular file."""
    status = status_of(proc, process, path)
    return status is not None and stat.S_ISREG(status.st_mode)


def is_program(proc: Proc, process: Process, path: str) -> bool:
    """Return True if a server would find an executable file there."""
    status = status_of(proc, process, path)
    return status is not None and stat.S_ISREG(status.st_mode) and bool(status.st_mode & 0o111)
