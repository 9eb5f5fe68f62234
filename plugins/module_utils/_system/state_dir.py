# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The directory in which a host keeps what calls write down for each other: locks, records, notes."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import pwd
import stat
import typing as t

_ROOTS = "/run/fleetops-odoo"


def _places(uid: int) -> t.List[str]:
    """Return where a user other than root may keep its state, the best place first.

    Another user may own the first one in /tmp, so there are two that only this user can create. The last one is removed
    with the last session of the user.
    """
    found = ["/tmp/fleetops-odoo-%d" % uid]  # noqa: S108
    with contextlib.suppress(KeyError):
        found.append(os.path.join(pwd.getpwuid(uid).pw_dir, ".fleetops-odoo"))
    return [*found, "/run/user/%d/fleetops-odoo" % uid]


def _first_own(places: t.Sequence[str], uid: int) -> str:
    """Return the first place that is a directory of this user, or that the user can make; the first if none is."""
    for path in places:
        try:
            if _is_own(os.lstat(path), uid):
                return path
        except FileNotFoundError:
            if os.access(os.path.dirname(path), os.W_OK | os.X_OK):
                return path
        except OSError:
            continue
    return places[0]


def _is_own(status: os.stat_result, uid: int) -> bool:
    return stat.S_ISDIR(status.st_mode) and status.st_uid == uid and not status.st_mode & 0o022


class StateDirectory:
    """Files and locks of one user on one host."""

    def __init__(self, path: t.Optional[str] = None) -> None:
        self._uid = os.geteuid()
        self.path = path or (_ROOTS if self._uid == 0 else _first_own(_places(self._uid), self._uid))

    @classmethod
    def of_root(cls) -> StateDirectory:
        """Root's, to read what everybody may know."""
        found = cls(_ROOTS)
        found._uid = 0
        return found

    def open(self) -> None:
        """Make the directory, and make sure that no other user can write into it.

        :raises OSError: the directory cannot be made, or another user owns it.
        """
        with contextlib.suppress(FileExistsError):
            # Others may look up a name in it, and list nothing.
            os.mkdir(self.path, 0o711)
            os.chmod(self.path, 0o711)  # noqa: S103
        self._make_sure()

    def _make_sure(self) -> None:
        if not _is_own(os.lstat(self.path), self._uid):
            raise OSError(errno.EPERM, "must be a directory that only uid %d can write" % self._uid, self.path)

    def lock(self, name: str, *, wait: bool) -> int:
        """Take the lock of this name; it ends with the returned descriptor, or with this process.

        :raises BlockingIOError: another process holds it, and waiting is not allowed.
        """
        descriptor = os.open(
            os.path.join(self.path, name), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    def write(self, name: str, content: t.Mapping[str, t.Any], mode: int = 0o600) -> None:
        """Replace the file atomically, with these permissions.

        :raises OSError: the file cannot be written (for example a full disk); the old file is unchanged.
        """
        target = os.path.join(self.path, name)
        # If the temporary file exists, a killed call with the same pid left it behind, so it is overwritten.
        temporary = "%s.%d" % (target, os.getpid())
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.fchmod(descriptor, mode)
            with os.fdopen(descriptor, "w") as file:
                json.dump(content, file)
            os.rename(temporary, target)
        except OSError:
            os.unlink(temporary)
            raise

    def read(self, name: str) -> t.Any:
        """Return the data that :meth:`write` has written.

        :raises OSError: the file does not exist, or another user owns the directory.
        :raises ValueError: it is not JSON.
        """
        self._make_sure()
        with open(os.path.join(self.path, name)) as file:
            return json.load(file)

    def forget_others(self, alive: t.Callable[[int, int], bool]) -> None:
        """Drop what belongs to processes that are gone.

        :param alive: whether the process with this pid and start lives. A look does not tell: it may miss one.
        """
        try:
            names = os.listdir(self.path)
        except OSError:
            return
        for name in names:
            pid, _dash, start = name.partition(".")[0].partition("-")
            if pid.isdigit() and start.isdigit() and not alive(int(pid), int(start)):
                try:
                    os.unlink(os.path.join(self.path, name))
                except OSError:
                    continue
