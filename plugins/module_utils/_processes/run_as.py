# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""Running a program as a server's own user, among what the server sees, and never with more rights than it has."""

from __future__ import annotations

import os
import resource
import typing as t

from .._system.namespaces import (
    MOUNTS,
    NETWORK,
    differs,
    enter,
    forbid_new_privileges,
)
from .proc import Proc
from .process import Process


def becoming(
    proc: Proc, master: Process, cwd: str, most_written: int, spaces: t.Sequence[str] = (MOUNTS,)
) -> t.Callable[[], None]:
    """What a child does between fork and exec: enter the server's namespaces, a directory and the server's user.

    :param most_written: bytes that it may write into one file.
    :param spaces: kinds of namespaces that it enters, where root may and they are others than ours.
    """
    privileged = os.geteuid() == 0
    # The way to them leads through our own mounts, so these are left last.
    kinds = [
        kind for kind in (NETWORK, MOUNTS) if kind in spaces and privileged and differs(proc.root, master.pid, kind)
    ]

    def become() -> None:
        for kind in kinds:
            enter("%s/%d/ns/%s" % (proc.root, master.pid, kind))
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_written, most_written))
        os.chdir(cwd)
        if privileged:
            os.setgroups(master.groups)
            os.setgid(master.gid)
            os.setuid(master.uid)
        # What the server may not gain, its code may not gain here: no setuid program helps it.
        forbid_new_privileges()

    return become
