# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Plan a restart through the supervisor: which supervisor, whether it may be asked, and how to ask it."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass, replace

from .._messages import supervisor as codes
from .._messages.code import Problem
from .._processes.classify import Instance
from .._processes.look import look
from .._processes.proc import Proc
from .._system.errors import Refused
from . import supervisord
from .command import run
from .container import check_no_guest
from .find import Supervisor, SupervisorKind, supervisor_of
from .keeper import keeps
from .rpc import Daemon
from .systemd import Unit, changed_since, show_units, systemctl_words
from .unit_rules import kill_mode_warnings


@dataclass(frozen=True)
class Plan:
    """A restart that may be asked for. ``warnings``: what the caller has to know of it."""

    supervisor: Supervisor
    #: of systemctl
    commands: t.Tuple[t.Tuple[str, ...], ...] = ()
    #: the working directory that it gives the server; None where we do not know
    cwd: t.Optional[str] = None
    unit_changed: bool = False
    warnings: t.Tuple[Problem, ...] = ()
    #: the supervisord that is asked
    daemon: t.Optional[Daemon] = None


def plan_restart(
    proc: Proc, instance: Instance, supervisor: Supervisor, unit: t.Optional[Unit], started: float
) -> Plan:
    """Return how to ask the supervisor of a server for a restart.

    :param unit: properties of its unit from systemd.
    :param started: when the process was started, in seconds since the epoch.
    :raises Refused: no supervisor can be asked, or it would restart more than the server.
    """
    if supervisor.kind == SupervisorKind.SUPERVISORD and not supervisor.unit:
        # When it was found it did not tell its name of the server. What keeps it from that now is the reason to refuse.
        daemon = supervisord.daemon_above(proc, instance.master)
        program = supervisord.program_of(proc, daemon, instance.master)
        supervisor = replace(supervisor, unit=program, address=daemon.address)
    if supervisor.kind in (SupervisorKind.NONE, SupervisorKind.CONTAINER) or not supervisor.unit:
        check_no_guest(instance.master)
        in_container = supervisor.kind == SupervisorKind.CONTAINER
        raise Refused(codes.CONTAINER_NOT_RESTARTED() if in_container else codes.NONE())
    if os.geteuid() not in (0, supervisor.uid) and supervisor.kind != SupervisorKind.SUPERVISORD:
        raise Refused(codes.NEEDS_ROOT(kind=supervisor.kind))
    # The environment names a program of supervisord, and any user can set it.
    uids = {instance.master.uid} if supervisor.kind == SupervisorKind.SUPERVISORD else None
    candidates = [one for one in look(proc).instances if uids is None or one.master.uid in uids]
    same = [one for one in candidates if supervisor_of(one.master, proc) == supervisor]
    if len(same) > 1:
        pids = ", ".join(str(one.master.pid) for one in same)
        raise Refused(codes.SEVERAL_SERVERS(unit=supervisor.unit, count=len(same), pids=pids))
    if supervisor.kind == SupervisorKind.SUPERVISORD:
        return Plan(supervisor, daemon=supervisord.daemon_of(proc, instance.master, supervisor.unit))
    return _plan_systemd(proc, instance, supervisor, unit, started)


def _plan_systemd(
    proc: Proc, instance: Instance, supervisor: Supervisor, unit: t.Optional[Unit], started: float
) -> Plan:
    name, words, uid = t.cast(str, supervisor.unit), systemctl_words(supervisor.uid), supervisor.uid
    if uid is not None:
        unit = show_units([name], uid).get(name)
    if unit is None or not words:
        raise Refused(codes.UNIT_UNKNOWN(unit=name))
    if not keeps(proc, instance.master, unit):
        # Something else has started it from within its own unit: cron, an agent, a console.
        raise Refused(codes.OTHER_MAIN_PROCESS(unit=name, pid=unit.main_pid or "none"))
    changed = unit.need_daemon_reload if uid is not None else changed_since(name, unit, started)
    restart = (*words, "--no-pager", "--no-ask-password", "--no-block", "restart", "--", name)
    commands = ((*words, "--no-ask-password", "daemon-reload"), restart) if changed else (restart,)
    return Plan(supervisor, commands, unit.working_directory, changed, kill_mode_warnings(name, unit))


class Job:
    """A restart that has been asked for. It goes on without us."""

    def __init__(self, plan: Plan, timeout: float) -> None:
        """Ask for it; returns as soon as it is under way.

        :param timeout: seconds that systemd may take to read its units.
        :raises Refused: the supervisor does not want to; nothing has been restarted.
        """
        self._unit, self._uid, self._daemon = t.cast(str, plan.supervisor.unit), plan.supervisor.uid, plan.daemon
        self._errand = None if plan.daemon is None else supervisord.restart(plan.daemon, self._unit)
        for command in plan.commands:
            if command is plan.commands[-1] and plan.unit_changed:
                _check_program(self._unit, self._uid)
            run(command, timeout)

    def close(self) -> None:
        """Close the connection to supervisord, which continues."""
        if self._errand is not None:
            self._errand.close()

    def problem(self, *, stopped: bool) -> t.Optional[Problem]:
        """Return why no new server will come of it; None while one may.

        :param stopped: the old server has ended.
        """
        if self._daemon is None or self._errand is None:
            shown = show_units([self._unit], self._uid).get(self._unit)
            if shown is not None and shown.active_state in ("failed", "inactive") and not shown.has_job:
                return codes.UNIT_DOWN(unit=self._unit, state=shown.active_state)
            return None
        faults = self._errand.faults()
        if not faults:
            return None
        # It starts a program that has ended at once a few times more (seen: the port was still taken by a worker of
        # the old server, whose master it had killed after stopwaitsecs).
        if stopped and supervisord.state_of(self._daemon, self._unit) in supervisord.GOES_ON:
            return None
        return codes.SUPERVISORD_SAYS(said="; ".join(faults))


def _check_program(unit: str, uid: t.Optional[int]) -> None:
    """Check that the program of a changed unit exists. The start-up check cannot, before systemd has read the unit."""
    shown = show_units([unit], uid).get(unit)
    program = shown.program if shown is not None else None
    if program is not None and not os.access(os.path.join("/", program), os.X_OK):
        raise Refused(codes.PROGRAM_GONE(unit=unit, path=program))
