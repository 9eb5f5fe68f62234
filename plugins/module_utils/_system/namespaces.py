# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Compare the namespaces of a process with ours, and enter its network."""

from __future__ import annotations

import contextlib
import os
import threading
import typing as t

from .libc import enter_held

MOUNTS, NETWORK, PIDS, USERS = "mnt", "net", "pid", "user"


def differs(proc_root: str, pid: int, kind: str) -> bool:
    """Return whether a process is in another namespace of this kind than we are; False if we must not see that."""
    try:
        theirs = os.stat("%s/%d/ns/%s" % (proc_root, pid, kind))
        ours = os.stat("/proc/self/ns/" + kind)
    except OSError:
        return False
    return (theirs.st_dev, theirs.st_ino) != (ours.st_dev, ours.st_ino)


def enter(path: str) -> None:
    """Move this thread into a namespace.

    :raises OSError: we may not, or the process is gone.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        enter_held(descriptor, path)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def network_of(proc_root: str, pid: int) -> t.Iterator[None]:
    """Make connections as a process would: a container's 127.0.0.1 is not ours.

    :raises OSError: we may not enter its network, which needs root.
    """
    if not differs(proc_root, pid, NETWORK):
        yield
        return
    home = "/proc/self/task/%d/ns/%s" % (threading.get_native_id(), NETWORK)
    descriptor = os.open(home, os.O_RDONLY | os.O_CLOEXEC)
    try:
        enter("%s/%d/ns/%s" % (proc_root, pid, NETWORK))
        try:
            yield
        finally:
            enter("/proc/self/fd/%d" % descriptor)
    finally:
        os.close(descriptor)
