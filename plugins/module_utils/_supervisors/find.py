# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Find the supervisor of a server in its cgroup, its environment and the processes above it."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass

from .._processes.container import find_container, is_in_container
from .._processes.proc import Proc
from .._processes.process import Process
from .._system.errors import Refused
from .._system.word import Word
from .keeper import unit_above
from .supervisord import daemon_above, program_of, supervisord_above
from .systemd import show_units, unit_in, unit_of_user

#: Seconds within which a supervisord answers on a machine that is not overloaded.
_AT_ONCE = 0.5


class SupervisorKind(Word):
    """The kind of supervisor that starts a server again when it ends."""

    SYSTEMD = "systemd"
    #: the systemd of a user (``systemctl --user``)
    SYSTEMD_USER = "systemd-user"
    SUPERVISORD = "supervisord"
    CONTAINER = "container"
    NONE = "none"


@dataclass(frozen=True)
class Supervisor:
    """``unit`` is a systemd unit, a program of supervisord (``group:program``) or a container's id."""

    kind: SupervisorKind
    unit: t.Optional[str] = None
    #: whose systemd it is, where it is that of a user
    uid: t.Optional[int] = None
    #: of the supervisord, since several may call their programs the same
    address: t.Optional[str] = None

    @property
    def systemd_unit(self) -> t.Optional[str]:
        """The unit, where systemd is the one."""
        return self.unit if self.kind == SupervisorKind.SYSTEMD else None


def find_supervisor(process: Process) -> Supervisor:
    """Return what would start this process again, as far as the process itself shows it. Pure."""
    unit = unit_in(process.cgroup)
    container = find_container(process)
    if container is not None:
        # A quadlet is a unit that has its container within its own cgroup.
        within = unit is not None and container.within_unit
        return (
            Supervisor(SupervisorKind.SYSTEMD, unit) if within else Supervisor(SupervisorKind.CONTAINER, container.id)
        )
    marks = process.marks
    if marks.get("SUPERVISOR_ENABLED") and marks.get("SUPERVISOR_PROCESS_NAME"):
        group = marks.get("SUPERVISOR_GROUP_NAME") or marks["SUPERVISOR_PROCESS_NAME"]
        program = "%s:%s" % (group, marks["SUPERVISOR_PROCESS_NAME"])
        return Supervisor(SupervisorKind.SUPERVISORD, program, address=marks.get("SUPERVISOR_SERVER_URL"))
    if unit:
        return Supervisor(SupervisorKind.SYSTEMD, unit)
    of_user = unit_of_user(process.cgroup)
    return Supervisor(SupervisorKind.SYSTEMD_USER, *of_user) if of_user else Supervisor(SupervisorKind.NONE)


def supervisor_of(process: Process, proc: t.Optional[Proc] = None) -> Supervisor:
    """Return what would start a process again: what it shows itself, a unit above it, or the runtime around us.

    :param proc: where the processes above it are looked at; None: they are not.
    """
    supervisor = find_supervisor(process)
    container = find_container(process)
    if proc is not None and container is None and supervisor.kind != SupervisorKind.SUPERVISORD:
        by_supervisord = _supervisord_of(proc, process)
        if by_supervisord is not None:
            return by_supervisord
    if supervisor.kind not in (SupervisorKind.NONE, SupervisorKind.CONTAINER):
        return supervisor
    # Above another container there is a daemon, and above the guest of LXC or nspawn a system of its own.
    looked_at = proc is not None and (container is None or container.runtime == "podman")
    above = unit_above(t.cast(Proc, proc), process, show_units) if looked_at else None
    if above is not None:
        return Supervisor(SupervisorKind.SYSTEMD, above)
    if supervisor.kind == SupervisorKind.NONE and is_in_container():
        return Supervisor(SupervisorKind.CONTAINER)
    return supervisor


def _supervisord_of(proc: Proc, process: Process) -> t.Optional[Supervisor]:
    """Return a supervisord that is above a process whose environment does not say so, as behind su or sudo."""
    if supervisord_above(proc, process.pid) is None:
        return None
    begin = time.monotonic()
    try:
        daemon = daemon_above(proc, process)
        if proc.patience <= 0:
            return Supervisor(SupervisorKind.SUPERVISORD)
        program = program_of(proc, daemon, process, proc.patience)
    except Refused:
        return Supervisor(SupervisorKind.SUPERVISORD)
    finally:
        seconds = time.monotonic() - begin
        proc.patience -= seconds if seconds > _AT_ONCE else 0.0
    # Something that it runs has started the server: an agent, a console.
    return Supervisor(SupervisorKind.SUPERVISORD, program, address=daemon.address) if program else None
