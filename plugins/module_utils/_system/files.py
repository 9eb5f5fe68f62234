# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Read files of other users safely."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import typing as t

#: Links on the way to a file after which the kernel gives up.
_MOST_LINKS = 40


def read_regular(path: str, limit: int) -> bytes:
    """Return the first ``limit`` bytes of a regular file.

    :raises OSError: the file does not exist, must not be read, or is not a regular file.
    """
    # Files of /proc, ours or a container's, show no size. Reading one may wait, or take what others wait for.
    try:
        if os.stat(path).st_size == 0 and os.path.isfile(path):
            return b""
    except ValueError as exc:  # a NUL in the path
        raise OSError("%r is not a path" % path) from exc
    with os.fdopen(open_regular(path), "rb") as file:
        return file.read(limit) or b""


def end_of(path: str, limit: int) -> bytes:
    """Return the last ``limit`` bytes of a regular file.

    :raises OSError: no such file, no permission, or no regular file.
    """
    descriptor = open_regular(path)
    try:
        return os.pread(descriptor, limit, max(0, os.fstat(descriptor).st_size - limit))
    finally:
        os.close(descriptor)


def open_regular(path: str, flags: int = 0) -> int:
    """Open a regular file for reading; returns its descriptor.

    A service's user may have put a pipe or a device where a file is expected, or a link to a file of /proc: those may
    wait for ever, or do something when they are opened, so they are not even opened.

    :param flags: such as ``os.O_NOFOLLOW``.
    :raises OSError: no such file, no permission, or no regular file.
    """
    try:
        held = os.open(path, os.O_PATH | os.O_CLOEXEC | flags)
    except ValueError as exc:  # a NUL in the path
        raise OSError("%r is not a path" % path) from exc
    try:
        status = os.fstat(held)
        if not stat.S_ISREG(status.st_mode) or status.st_dev == os.stat("/proc").st_dev:
            raise OSError("%s is not a regular file" % path)
        return os.open("/proc/self/fd/%d" % held, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    finally:
        os.close(held)


def is_roots(path: str, root: str = "") -> bool:
    """Return whether only root can change a path: the file, every folder on the way to it, every link.

    :param root: prefix of the path from here; links are resolved as from there.
    """
    try:
        return path.startswith("/") and all(_only_root_changes(root + one) for one in _way(path, root))
    except OSError:
        return False


def _only_root_changes(path: str) -> bool:
    status = os.lstat(path)
    # A link cannot be written, and in a folder such as /tmp no other user renames or removes root's files.
    safe = stat.S_ISLNK(status.st_mode) or (stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX)
    return status.st_uid == 0 and bool(safe or not status.st_mode & 0o022)


def _way(path: str, root: str) -> t.Iterator[str]:
    """Yield each folder and link on the way to a path, and the path itself.

    :raises OSError: its links form a circle, or cannot be read.
    """
    here, ahead, links = "/", path.split("/")[::-1], 0
    while ahead:
        yield here
        name = ahead.pop()
        if name in ("", "."):
            continue
        if name == "..":
            here = os.path.dirname(here)
            continue
        place = os.path.join(here, name)
        if not os.path.islink(root + place):
            here = place
            continue
        yield place
        links += 1
        if links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        target = os.readlink(root + place)
        here = "/" if target.startswith("/") else here
        ahead.extend(target.split("/")[::-1])
    yield here


def reached(path: str, root: str) -> str:
    """Return the path from here of what a process sees at a path: links are resolved as the process resolves them.

    (Behind /proc/PID/root the kernel follows a link that begins with a slash from our own root.)

    :param root: prefix of a path, as ``_processes.proc.root_of`` returns it.
    """
    last = path
    try:
        for here in _way(path, root) if root else ():
            last = here
    except OSError:  # links that go round in a circle lead nowhere from anywhere
        return root + path
    return root + last


def links_of(path: str, root: str) -> t.List[str]:
    """Return each link on the way to what a process sees at a path, in the order in which it goes through them."""
    found: t.List[str] = []
    with contextlib.suppress(OSError):  # links that go round in a circle
        found += [here for here in _way(path, root) if os.path.islink(root + here)]
    return found


def changed_after(paths: t.Iterable[str], moment: float, root: str = "") -> t.List[t.Tuple[float, str]]:
    """Change time and path of the files that have changed since; those that are not there are left out.

    :param moment: in seconds since the epoch.
    :param root: what to put before the paths to reach them from here.
    """
    found = []
    for path in paths:
        try:
            status = os.stat(reached(path, root))
        except OSError:
            continue
        if status.st_ctime > moment:
            found.append((status.st_ctime, path))
    return found
