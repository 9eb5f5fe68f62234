# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""Who rolls: the process of ``ansible-playbook``, and whether one that took a lock is still there."""

from __future__ import annotations

import getpass
import os
import pathlib
import socket
import typing as t

from ...module_utils._system.boot import boot_id

_JOBS = ("awx_job_id", "tower_job_id")
_WORKFLOWS = ("awx_workflow_job_id", "tower_workflow_job_id")
_USERS = ("awx_user_name", "tower_user_name")


def roll_id(variables: t.Mapping[str, t.Any], pid: int) -> str:
    """What tells a roll from others: the job of AWX, else the process."""
    return _job(variables, _JOBS) or f"{socket.gethostname()}-{pid}-{_start(pid)}"


def workflow(variables: t.Mapping[str, t.Any]) -> str:
    """The workflow of AWX that the job is a node of; empty where there is none. Nodes may run at the same time."""
    return _job(variables, _WORKFLOWS)


def may_take(given: str | t.Sequence[str], own: str) -> list[str]:
    """IDs of locks that may be taken over, from a list or a text with commas.

    :param given: ``workflow`` in it stands for those of one's own workflow, if there is one.
    :param own: what :func:`workflow` returned.
    """
    named = [str(one).strip() for one in (given.split(",") if isinstance(given, str) else given)]
    return [one for one in (own if name == "workflow" else name for name in named) if one]


def _job(variables: t.Mapping[str, t.Any], names: t.Sequence[str]) -> str:
    for name in names:
        if variables.get(name):
            return f"{name.replace('tower', 'awx').replace('_id', '').replace('_', '-')}-{variables[name]}"
    return ""


def owner(variables: t.Mapping[str, t.Any]) -> str:
    """Whose roll it is, for people."""
    for name in _USERS:
        if variables.get(name):
            return f"{variables[name]} (AWX)"
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user = f"uid {os.getuid()}"
    return f"{user} on {socket.gethostname()}"


def holder(pid: int) -> str:
    """A process of this controller as text: ``HOST/BOOT/PIDS/PID/START``; what /proc does not tell is left empty."""
    return "/".join([*_machine(), str(pid), _start(pid)])


def is_dead(text: str) -> bool:
    """Whether a holder ran on this very controller, in this very container, and is gone. In doubt it is not."""
    machine, slash, rest = text.rpartition("/")
    machine, slash, pid = machine.rpartition("/")
    if not slash or not pid.isdigit() or machine != "/".join(_machine()):
        return False
    return pathlib.Path("/proc/self/stat").exists() and rest != _start(int(pid))


def _machine() -> list[str]:
    try:
        boot, pids = boot_id(), os.readlink("/proc/self/ns/pid").strip("pid:[]")
    except OSError:
        boot = pids = ""
    return [socket.gethostname(), boot, pids]


def _start(pid: int) -> str:
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[19]
