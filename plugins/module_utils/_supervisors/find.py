# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""Who keeps a server running, as its cgroup and its environment tell. Pure."""

from __future__ import annotations

import os
import re
import typing as t
from dataclasses import dataclass

from .._processes.container import find_container
from .._processes.process import Process
from .._system.word import Word


class SupervisorKind(Word):
    """What starts a server again when it ends."""

    SYSTEMD = "systemd"
    SUPERVISORD = "supervisord"
    CONTAINER = "container"
    NONE = "none"


_UNIT = re.compile(r"/([^/]+\.service)(?=/|$)")


@dataclass(frozen=True)
class Supervisor:
    """``unit`` is a systemd unit, a program of supervisord (``group:program``) or a container's id."""

    kind: SupervisorKind
    unit: t.Optional[str] = None

    @property
    def systemd_unit(self) -> t.Optional[str]:
        """The unit, where systemd is the one."""
        return self.unit if self.kind == SupervisorKind.SYSTEMD else None


def find_supervisor(process: Process) -> Supervisor:
    """Who would start this process again."""
    container = find_container(process)
    if container is not None:
        return Supervisor(SupervisorKind.CONTAINER, container.id)
    marks = process.marks
    if marks.get("SUPERVISOR_ENABLED") and marks.get("SUPERVISOR_PROCESS_NAME"):
        group = marks.get("SUPERVISOR_GROUP_NAME") or marks["SUPERVISOR_PROCESS_NAME"]
        return Supervisor(SupervisorKind.SUPERVISORD, "%s:%s" % (group, marks["SUPERVISOR_PROCESS_NAME"]))
    units = _UNIT.findall(process.cgroup)
    # What stands below user@UID.service is a shell of a login session, or a unit of that user: the system's systemd
    # does not know it, and its name may be that of a unit of the system. In a scope nobody would start Odoo again.
    users = any(re.match(r"^user@\d+\.service$", unit) for unit in units)
    if units and not users and not process.cgroup.endswith(".scope"):
        return Supervisor(SupervisorKind.SYSTEMD, units[-1])
    return Supervisor(SupervisorKind.NONE)


#: Files by which a container knows that it is one.
_CONTAINER_MARKS = ("/run/.containerenv", "/.dockerenv")


def supervisor_of(process: Process) -> Supervisor:
    """Who would start a process again; within a container that has no init of its own, the container's runtime."""
    supervisor = find_supervisor(process)
    if supervisor.kind == SupervisorKind.NONE and any(os.path.exists(path) for path in _CONTAINER_MARKS):
        return Supervisor(SupervisorKind.CONTAINER)
    return supervisor
