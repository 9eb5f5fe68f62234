# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Running a program as a server's own user, among what the server sees, and never with more rights than it has."""

from __future__ import annotations

import contextlib
import os
import resource
import typing as t

from .._system.libc import enter_held, forbid_new_privileges
from .._system.namespaces import MOUNTS, NETWORK, differs
from .proc import Proc, is_alive
from .process import Process
from .rights import open_folder


@contextlib.contextmanager
def becoming(
    proc: Proc, master: Process, cwd: str, most_written: int, spaces: t.Sequence[str] = (MOUNTS,)
) -> t.Iterator[t.Callable[[], None]]:
    """Yield what a child does between fork and exec: enter the namespaces and the root of a server, become its user.

    Namespaces, root and working directory are held by descriptors that are opened once, the directory with the rights
    of the server. The child enters the directory as the user of the server, who may have exchanged the path by then;
    the directory that the server is in now is entered as it is.

    :param cwd: as the server sees it where its mounts are entered, else as we do.
    :param most_written: bytes that it may write into one file.
    :param spaces: kinds of namespaces that it enters, where root may and they are others than ours.
    :raises OSError: the server is gone, or it may not enter the directory.
    """
    privileged = os.geteuid() == 0
    with contextlib.ExitStack() as stack:

        def hold(descriptor: int) -> int:
            stack.callback(os.close, descriptor)
            return descriptor

        # The way to them leads through our own mounts, so these are left last.
        kinds = [
            kind for kind in (NETWORK, MOUNTS) if kind in spaces and privileged and differs(proc.root, master.pid, kind)
        ]
        held = [
            hold(os.open("%s/%d/ns/%s" % (proc.root, master.pid, kind), os.O_RDONLY | os.O_CLOEXEC)) for kind in kinds
        ]
        inside = privileged and MOUNTS in spaces
        flags = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
        root = hold(os.open("%s/%d/root" % (proc.root, master.pid), flags)) if inside else None
        # The directory that the server is in gives its user nothing, also where that user may not enter it by its path:
        # so it is where root has started the server in a folder of its own.
        own = inside and cwd == master.cwd
        if own:
            folder = hold(os.open("%s/%d/cwd" % (proc.root, master.pid), flags))
        else:
            folder = hold(open_folder(proc, master, cwd) if inside else os.open(cwd, flags))
        if (held or inside) and not is_alive(proc, master):
            raise ProcessLookupError("process %d has ended" % master.pid)

        def become() -> None:
            for descriptor in held:
                enter_held(descriptor)
            if root is not None and _key(os.stat("/")) != _key(os.fstat(root)):
                os.fchdir(root)
                os.chroot(".")
            resource.setrlimit(resource.RLIMIT_FSIZE, (most_written, most_written))
            if own:
                os.fchdir(folder)
            if privileged:
                os.setgroups(master.groups)
                os.setgid(master.gid)
                os.setuid(master.uid)
            if not own:
                os.fchdir(folder)
            # What the server may not gain, its code may not gain here: no setuid program helps it.
            forbid_new_privileges()

        yield become


def _key(status: os.stat_result) -> t.Tuple[int, int]:
    return status.st_dev, status.st_ino
