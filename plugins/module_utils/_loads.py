# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""When did a server load its code? Our own markers, and the lock that lets one call at a time act on a server.

Both live in a directory that only the caller can write: root's is /run/fleetops-odoo, another user's is
/tmp/fleetops-odoo-UID. (What stands in a user's runtime directory goes with its last session, while its servers run
on.) Of an earlier boot nothing counts.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import stat
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.odoo.plugins.module_utils._process import Process

MARKER, LOG, PROCESS = "marker", "log", "process"
_ROOTS = "/run/fleetops-odoo"


@dataclass(frozen=True)
class Loaded:
    """Bounds of the moment at which the running code was loaded, in seconds since the epoch."""

    not_before: float
    not_after: float
    evidence: str


#: What is waited for while somebody else has a server's lock.
TAKEN = "another call that is at work on this server"


class StateDirectory:
    """Markers and locks of one user on one host."""

    def __init__(self, path: t.Optional[str] = None) -> None:
        # open() refuses the one in /tmp unless it is a directory of our own.
        uid = os.geteuid()
        self.path = path or (_ROOTS if uid == 0 else "/tmp/fleetops-odoo-%d" % uid)  # noqa: S108
        self._uid = uid

    @classmethod
    def of_root(cls) -> StateDirectory:
        """Root's, to read what everybody may know."""
        found = cls(_ROOTS)
        found._uid = 0
        return found

    def open(self) -> None:
        """Make the directory, and make sure that nobody else can write into it.

        :raises OSError: it cannot be made, or it is somebody else's.
        """
        with contextlib.suppress(FileExistsError):
            # Others may look up a name in it, and list nothing.
            os.mkdir(self.path, 0o711)
            os.chmod(self.path, 0o711)  # noqa: S103
        self._make_sure()

    def _make_sure(self) -> None:
        status = os.lstat(self.path)
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != self._uid or status.st_mode & 0o022:
            raise OSError(errno.EPERM, "must be a directory that only uid %d can write" % self._uid, self.path)

    def try_lock(self, process: Process) -> t.Optional[int]:
        """Take the lock of this server; None when another call holds it. It ends with the descriptor, or with us."""
        try:
            return self.lock("%d-%d.lock" % (process.pid, process.start), wait=False)
        except BlockingIOError:
            return None

    def lock(self, name: str, *, wait: bool) -> int:
        """Take the lock of this name; it ends with the descriptor that is returned, or with us.

        :raises BlockingIOError: somebody else holds it, and we are not to wait.
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
        """Put a file of this name, and with these permissions, in the place of what was there.

        :raises OSError: it could not be written (a full disk); what was there is there still, and no half file is.
        """
        target = os.path.join(self.path, name)
        # One that is there was left behind by a call with our pid that was killed.
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
        """What :meth:`write` has put there.

        :raises OSError: there is none, or the directory is somebody else's.
        :raises ValueError: it is no JSON.
        """
        self._make_sure()
        with open(os.path.join(self.path, name)) as file:
            return json.load(file)

    def remember(self, process: Process, not_before: float, not_after: float) -> None:
        """Write down when this process, in its present exec, loaded its code.

        :raises OSError: the marker could not be written (a full disk); it is not there then, never half there.
        """
        content = {"fingerprint": process.fingerprint, "not_before": not_before, "not_after": not_after}
        self.write(_marker(process), content)

    def recall(self, process: Process) -> t.Optional[Loaded]:
        """What was written down about this process in its present exec; None when nothing was."""
        try:
            content = self.read(_marker(process))
            if process.fingerprint is None or content["fingerprint"] != process.fingerprint:
                return None
            return Loaded(float(content["not_before"]), float(content["not_after"]), MARKER)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def remember_scale(self, process: Process, count: int) -> None:
        """Write down how many http workers this master, in its present exec, was told to have.

        :raises OSError: it could not be written.
        """
        self.write(_scale(process), {"fingerprint": process.fingerprint, "count": count})

    def scaled(self, process: Process) -> t.Optional[int]:
        """How many http workers this master was told to have since its last exec; None where nobody did."""
        try:
            content = self.read(_scale(process))
            if process.fingerprint is None or content["fingerprint"] != process.fingerprint:
                return None
            return int(content["count"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

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


def _marker(process: Process) -> str:
    return "%d-%d.json" % (process.pid, process.start)


def _scale(process: Process) -> str:
    return "%d-%d.workers.json" % (process.pid, process.start)


def loaded(started: float, marker: t.Optional[Loaded], logged: t.Optional[float], now: float) -> Loaded:
    """When the running code was loaded, by the best evidence. Pure; all times are seconds since the epoch.

    :param started: when the process was started. It bounds the load from below, whatever HUPs came since.
    :param marker: what we wrote down about the present exec.
    :param logged: when the log last said which version it starts; Odoo has imported its core by then.
    """
    if marker is not None:
        return marker
    if logged is not None and started <= logged <= now:
        return Loaded(max(started, logged - LONGEST_IMPORT), logged, LOG)
    return Loaded(started, now, PROCESS)


#: Odoo says its version after it has imported its core. That takes less than a second (0.4 s seen); this leaves room
#: for a cold disk.
LONGEST_IMPORT = 30.0
