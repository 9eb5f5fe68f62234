# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Read properties of units from systemd, with one call of systemctl for all of them."""

from __future__ import annotations

import functools
import glob
import os
import pwd
import re
import typing as t
from dataclasses import dataclass, field

from .._processes.process import parse_cgroup
from .._system.files import changed_after
from .._system.programs import output_of

_SYSTEMCTL = ("/usr/bin/systemctl", "/bin/systemctl")
_FOLDERS = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)
#: The characters of a unit's name. A user names cgroups below its own ones with any others.
_SERVICE = re.compile(r"[\w:.\\@-]+\.service\Z", re.ASCII)
_SETPRIV = "/usr/bin/setpriv"
_USERS_MANAGER = re.compile(r"user@(\d+)\.service\Z", re.ASCII)
_PROPERTIES = (
    "ActiveEnterTimestampMonotonic",
    "BindsTo",
    "BoundBy",
    "OnSuccess",
    "PartOf",
    "RequiredBy",
    "Requires",
    "RuntimeMaxUSec",
    "SuccessAction",
    "TimeoutStopUSec",
    "TriggeredBy",
    "UpheldBy",
    "WantedBy",
    "WatchdogUSec",
    "Id",
    "Restart",
    "RestartForceExitStatus",
    "KillMode",
    "MainPID",
    "FragmentPath",
    "EnvironmentFiles",
    "NeedDaemonReload",
    "WorkingDirectory",
    "ActiveState",
    "Job",
    "ExecStart",
    "RootDirectory",
    "RootImage",
    "Result",
)


@dataclass(frozen=True)
class Unit:
    """``environment_files`` fill the unit's environment, which a HUP does not read again."""

    restart: t.Optional[str] = None
    kill_mode: t.Optional[str] = None
    main_pid: t.Optional[int] = None
    environment_files: t.Tuple[str, ...] = ()
    need_daemon_reload: bool = False
    #: None where the unit names none, or one that only systemd can resolve (``~``)
    working_directory: t.Optional[str] = None
    active_state: t.Optional[str] = None
    #: a start, stop or restart is under way or waits for its turn
    has_job: bool = False
    #: path of the program that a start executes, as the host sees it; None where that is not known
    program: t.Optional[str] = None
    #: exit statuses after which it is started again with every ``restart``, as systemd shows them
    restart_force: t.Optional[str] = None
    #: how its last run ended: success, or why not
    result: t.Optional[str] = None
    #: path of its file
    fragment: t.Optional[str] = None
    #: seconds; None where there is no limit
    watchdog: t.Optional[float] = None
    stop_timeout: t.Optional[float] = None
    longest_run: t.Optional[float] = None
    #: when it was started, on the monotonic clock of the kernel
    active_since: t.Optional[float] = None
    #: what systemd does to the machine when the unit ends well, such as reboot; None where it does nothing
    success_action: t.Optional[str] = None
    #: names of other units, by property
    others: t.Mapping[str, t.Tuple[str, ...]] = field(default_factory=dict)


def systemctl() -> t.Optional[str]:
    """Return the path of systemctl; None if it is not installed."""
    return next((path for path in _SYSTEMCTL if os.access(path, os.X_OK)), None)


def systemctl_words(uid: t.Optional[int] = None) -> t.Tuple[str, ...]:
    """Return how systemctl is called, without what it is asked; empty where it cannot be.

    :param uid: of the user whose systemd is asked; None: that of the system. Root asks with the rights of that user.
    """
    program = systemctl()
    if program is None:
        return ()
    if uid is None:
        return (program,)
    try:
        gid = pwd.getpwuid(uid).pw_gid
    except KeyError:
        return ()
    become: t.Tuple[str, ...] = ()
    if os.geteuid() == 0:
        if not os.access(_SETPRIV, os.X_OK):
            return ()
        become = (_SETPRIV, "--reuid=%d" % uid, "--regid=%d" % gid, "--init-groups")
    return (*become, "/usr/bin/env", "XDG_RUNTIME_DIR=/run/user/%d" % uid, program, "--user")


def show_units(names: t.Collection[str], uid: t.Optional[int] = None) -> t.Dict[str, Unit]:
    """Ask systemd about units; those that it does not know, or cannot be asked about, are left out.

    :param uid: of the user whose systemd is asked.
    """
    words = systemctl_words(uid)
    if not names or not words:
        return {}
    command = [*words, "--no-pager", "show", "--property=" + ",".join(_PROPERTIES), "--", *sorted(names)]
    return parse_units(output_of(*command))


def files_on_disk(name: str) -> t.List[str]:
    """Files that systemd would read for a unit after a daemon-reload.

    It does not say ``NeedDaemonReload`` for the first drop-in of a unit, because it did not watch that folder (seen on
    systemd 252), so the places are looked at here.
    """
    names = [name]
    template, at, _instance = name.partition("@")
    if at:
        names.append(template + "@.service")
    found: t.Dict[str, str] = {}
    for folder in _FOLDERS:
        for each in names:
            base = os.path.join(folder, glob.escape(each))
            for path in [*glob.glob(base), *sorted(glob.glob(base + ".d/*.conf"))]:
                found.setdefault(os.path.realpath(path), path)
    return list(found.values())


def changed_since(name: str, unit: Unit, moment: float) -> bool:
    """Return whether the files of a unit have changed since a time, in seconds since the epoch."""
    return unit.need_daemon_reload or bool(changed_after([*files_on_disk(name), *unit.environment_files], moment))


def parse_units(text: str) -> t.Dict[str, Unit]:
    """Parse ``systemctl show``: one block of ``Key=value`` lines a unit, an empty line between them. Pure."""
    units = {}
    for block in text.split("\n\n"):
        values: t.Dict[str, t.List[str]] = {}
        for line in block.splitlines():
            key, equals, value = line.partition("=")
            if equals and value:
                values.setdefault(key, []).append(value)
        if "Id" in values and "FragmentPath" in values:
            units[values["Id"][0]] = _unit(values)
    return units


def _unit(values: t.Mapping[str, t.List[str]]) -> Unit:
    def first(key: str) -> t.Optional[str]:
        return values[key][0] if key in values else None

    main_pid = first("MainPID")
    # "!/srv/odoo" where it may be missing.
    directory = (first("WorkingDirectory") or "").lstrip("!")
    return Unit(
        restart=first("Restart"),
        restart_force=first("RestartForceExitStatus"),
        kill_mode=first("KillMode"),
        result=first("Result"),
        fragment=first("FragmentPath"),
        watchdog=parse_span(first("WatchdogUSec")),
        stop_timeout=parse_span(first("TimeoutStopUSec")),
        longest_run=parse_span(first("RuntimeMaxUSec")),
        active_since=_microseconds(first("ActiveEnterTimestampMonotonic")),
        success_action=first("SuccessAction") if first("SuccessAction") != "none" else None,
        others={key: tuple(" ".join(values[key]).split()) for key in _OTHERS if key in values},
        main_pid=int(main_pid) if main_pid and main_pid != "0" else None,
        # Written as "/etc/default/odoo (ignore_errors=yes)".
        environment_files=tuple(path.partition(" (")[0] for path in values.get("EnvironmentFiles", [])),
        need_daemon_reload=first("NeedDaemonReload") == "yes",
        working_directory=directory if directory.startswith("/") else None,
        active_state=first("ActiveState"),
        has_job=first("Job") not in (None, "0"),
        program=None if first("RootDirectory") or first("RootImage") else _program(first("ExecStart") or ""),
    )


#: Properties that name other units.
_OTHERS = (
    *("BindsTo", "BoundBy", "OnSuccess", "PartOf", "RequiredBy", "Requires", "TriggeredBy", "UpheldBy", "WantedBy"),
)
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(us|ms|s|min|h|d|w|month|y)(?![a-z])")
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1, "min": 60, "h": 3600, "d": 86400, "w": 604800}


def parse_span(text: t.Optional[str]) -> t.Optional[float]:
    """Return a span of time as systemctl shows it (``1min 30s``) in seconds; None for none and for infinity. Pure."""
    parts = _SPAN.findall(text or "")
    # A month and a year are far above every limit that matters here.
    return sum(float(number) * _SECONDS.get(name, 2629800) for number, name in parts) or None


def _microseconds(text: t.Optional[str]) -> t.Optional[float]:
    return int(text) / 1e6 if text and text.isdigit() and text != "0" else None


def unit_in(cgroup: str) -> t.Optional[str]:
    """Return the unit of the system that a cgroup belongs to; None for scopes, sessions and units of a user.

    As for systemd itself, the first name that is not a slice is the unit. A user may manage the cgroups below it
    (Delegate=), and give them the name of any other unit. In a scope nothing would start a server again.
    """
    unit = next(_units(cgroup), "")
    return unit if _SERVICE.match(unit) and not _USERS_MANAGER.match(unit) else None


def unit_of_user(cgroup: str) -> t.Optional[t.Tuple[str, int]]:
    """Return the unit of a user's systemd that a cgroup belongs to, and the user's ID; None for others."""
    names = _units(cgroup)
    manager, unit = _USERS_MANAGER.match(next(names, "")), next(names, "")
    return (unit, int(manager.group(1))) if manager and _SERVICE.match(unit) else None


def _units(cgroup: str) -> t.Iterator[str]:
    """Yield the names of a cgroup, below that of systemd itself, without the slices."""
    root = _root_of_systemd()
    below = cgroup[len(root) :] if cgroup.startswith(root + "/") else cgroup
    return (name for name in below.split("/") if name and not name.endswith(".slice"))


@functools.lru_cache(maxsize=None)
def _root_of_systemd() -> str:
    """Return the cgroup below which systemd makes its own ones: empty, or that of the container that we are in."""
    try:
        with open("/proc/1/cgroup") as file:
            own = parse_cgroup(file.read(64 << 10))
    except OSError:
        return ""
    return own[: -len("/init.scope")] if own.endswith("/init.scope") else ""


def watchdogs_on() -> bool:
    """Return whether systemd heeds the watchdogs of services, which ``systemctl service-watchdogs no`` turns off."""
    program = systemctl()
    return program is None or "ServiceWatchdogs=no" not in output_of(program, "show", "--property=ServiceWatchdogs")


def _program(shown: str) -> t.Optional[str]:
    # "{ path=/usr/bin/odoo ; argv[]=/usr/bin/odoo --config ... ; ignore_errors=no ; ..."
    head, semicolon, _rest = shown.partition(" ; ")
    return head[len("{ path=") :] if semicolon and head.startswith("{ path=") else None
