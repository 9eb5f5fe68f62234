# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The owner of a roll: the process of ``ansible-playbook``, and whether a process that took a lock still runs."""

from __future__ import annotations

import getpass
import json
import os
import pathlib
import re
import socket
import typing as t

from ansible.module_utils.urls import open_url

from ...module_utils._system.clock import boot_id

_JOBS = ("awx_job_id", "tower_job_id")
_WORKFLOWS = ("awx_workflow_job_id", "tower_workflow_job_id")
_USERS = ("awx_user_name", "tower_user_name")

#: What AWX's credential type for itself puts into the environment of a job.
_HOSTS = ("CONTROLLER_HOST", "TOWER_HOST")
_TOKENS = ("CONTROLLER_OAUTH_TOKEN", "TOWER_OAUTH_TOKEN")
_VERIFY = ("CONTROLLER_VERIFY_SSL", "TOWER_VERIFY_SSL")
#: States of a job that do not change any more.
_ENDED = frozenset(["successful", "failed", "error", "canceled"])
#: Bytes of an answer.
_LARGEST = 4 << 20


def roll_id(variables: t.Mapping[str, t.Any], pid: int) -> str:
    """Return the ID of a roll: the job of AWX, else the process."""
    return _job(variables, _JOBS) or f"{socket.gethostname()}-{pid}-{_start(pid)}"


def playbook() -> int | None:
    """Return the pid of the process that runs the play: the parent of a worker. None if it has ended.

    A worker that outlives a killed ``ansible-playbook`` is a child of init or of a session manager (seen on
    ansible-core 2.19, whose workers have a session of their own). Its lock would look like that of a process that
    never ends.
    """
    pid = os.getppid()
    try:
        # A worker is a fork. In a container the play itself may be process 1.
        return pid if os.readlink(f"/proc/{pid}/exe") == os.readlink("/proc/self/exe") else None
    except OSError:
        return pid if pid != 1 else None


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
    """Return the owner of a roll as text for people."""
    for name in _USERS:
        if variables.get(name):
            return f"{variables[name]} (AWX)"
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user = f"uid {os.getuid()}"
    return f"{user} on {socket.gethostname()}"


def holder(variables: t.Mapping[str, t.Any], pid: int) -> str:
    """Return a process of this controller as text, ``HOST/BOOT/PIDS/PID/START``; what /proc does not tell is left out.

    Empty in a job of AWX: its container is gone with the job, and the kernel gives the numbers to others.
    """
    if _job(variables, _JOBS):
        return ""
    return "/".join([*_machine(), str(pid), _start(pid)])


def is_dead(text: str) -> bool:
    """Return whether a holder ran on this controller, in this container, and has ended; False in doubt."""
    machine, slash, rest = text.rpartition("/")
    machine, slash, pid = machine.rpartition("/")
    if not slash or not pid.isdigit() or machine != "/".join(_machine()):
        return False
    return pathlib.Path("/proc/self/stat").exists() and rest != _start(int(pid))


def job_has_ended(lock_id: str, environment: t.Mapping[str, str]) -> bool:
    """Return whether AWX says that the job that took a lock has ended. In doubt it has not.

    :param lock_id: as of :func:`roll_id`.
    :param environment: where the address of AWX and a token may be, as its own credential type sets them.
    """
    job = re.fullmatch(r"awx-job-(\d+)", lock_id)
    host, token = (_first(environment, names) for names in (_HOSTS, _TOKENS))
    if not job or not host or not token:
        return False
    url = f"{host if '://' in host else 'https://' + host}".rstrip("/") + f"/api/v2/jobs/{job.group(1)}/"
    verify = _first(environment, _VERIFY).lower() not in ("0", "false", "no", "off")
    try:
        answer = open_url(url, headers={"Authorization": f"Bearer {token}"}, validate_certs=verify, timeout=5)
        told = json.loads(answer.read(_LARGEST))
    # urllib and open_url raise errors of many kinds; none of them is an answer.
    except Exception:
        return False
    return isinstance(told, dict) and told.get("status") in _ENDED


def _first(environment: t.Mapping[str, str], names: t.Sequence[str]) -> str:
    return next((environment[name] for name in names if environment.get(name)), "")


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
