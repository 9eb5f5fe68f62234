# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Read the settings of a process that a new process needs to run like it: environment, limits, priority."""

from __future__ import annotations

import contextlib
import os
import resource
import typing as t

from .._processes.proc import Gone, Proc
from .._processes.process import Process, parse_environ
from .._system.namespaces import MOUNTS, NETWORK, PIDS, USERS, differs

#: Variables that are true of one process only: what systemd, a reload of Odoo 19 or a socket unit has put there.
_OF_ONE = frozenset(
    [
        *("INVOCATION_ID", "JOURNAL_STREAM", "LISTEN_FDNAMES", "LISTEN_FDS", "LISTEN_PID", "MAINPID", "NOTIFY_SOCKET"),
        *("ODOO_HTTP_SOCKET_FD", "ODOO_READY_SIGHUP_PID", "SYSTEMD_EXEC_PID", "WATCHDOG_PID", "WATCHDOG_USEC"),
    ]
)


def read_settings(proc: Proc, master: Process) -> t.Dict[str, t.Any]:
    """Return the settings of a process, as JSON takes them. What may not be seen is left out."""
    pid = master.pid
    found: t.Dict[str, t.Any] = {"nice": master.nice, "apart": surroundings_apart(proc, master)}
    with contextlib.suppress(Gone, PermissionError):
        environment = parse_environ(proc.read(pid, "environ"))
        found["environment"] = {name: value for name, value in environment.items() if name not in _OF_ONE}
    with contextlib.suppress(Gone, PermissionError):
        target = proc.link(pid, "fd/2")
        if target.startswith("/") and not target.startswith("/dev/") and not target.endswith(" (deleted)"):
            found["output"] = target
    with contextlib.suppress(Gone, PermissionError, ValueError, IndexError):
        umask = [line for line in proc.text(pid, "status").splitlines() if line.startswith("Umask:")]
        found["umask"] = int(umask[0].split()[1], 8)
        found["oom_score_adj"] = int(proc.text(pid, "oom_score_adj"))
    with contextlib.suppress(OSError, ValueError):
        found["affinity"] = sorted(os.sched_getaffinity(pid))
    with contextlib.suppress(Gone, PermissionError):
        # Not prlimit(), for which root of a container may lack a capability.
        limits = parse_limits(proc.text(pid, "limits"))
        # The soft limit of memory is Odoo's own (limit_memory_hard), which sets it at each start.
        if "RLIMIT_AS" in limits:
            limits["RLIMIT_AS"][0] = limits["RLIMIT_AS"][1]
        found["limits"] = limits
    return found


#: Namespaces in which a server sees other files, addresses, processes or users, and their names in messages.
_NAMESPACES = {MOUNTS: "mounts", NETWORK: "network", PIDS: "PIDs", USERS: "users"}


def surroundings_apart(proc: Proc, master: Process) -> t.List[str]:
    """Return what a process has of its own, where we have another: mounts, network, PIDs, users, root directory.

    They end with the process, so a new process cannot be started in them.
    """
    found = [name for kind, name in _NAMESPACES.items() if differs(proc.root, master.pid, kind)]
    with contextlib.suppress(OSError):
        theirs, ours = os.stat("%s/%d/root/" % (proc.root, master.pid)), os.stat("/")
        if (theirs.st_dev, theirs.st_ino) != (ours.st_dev, ours.st_ino):
            found.append("root directory")
    return found


#: Names of limits in /proc/PID/limits, and in the module resource.
_LIMITS = {
    "Max cpu time": "RLIMIT_CPU",
    "Max file size": "RLIMIT_FSIZE",
    "Max data size": "RLIMIT_DATA",
    "Max stack size": "RLIMIT_STACK",
    "Max core file size": "RLIMIT_CORE",
    "Max resident set": "RLIMIT_RSS",
    "Max processes": "RLIMIT_NPROC",
    "Max open files": "RLIMIT_NOFILE",
    "Max locked memory": "RLIMIT_MEMLOCK",
    "Max address space": "RLIMIT_AS",
    "Max pending signals": "RLIMIT_SIGPENDING",
    "Max msgqueue size": "RLIMIT_MSGQUEUE",
    "Max nice priority": "RLIMIT_NICE",
    "Max realtime priority": "RLIMIT_RTPRIO",
    "Max realtime timeout": "RLIMIT_RTTIME",
}


def parse_limits(text: str) -> t.Dict[str, t.List[int]]:
    """Parse /proc/PID/limits: the soft and the hard limit by their names in the module resource. Pure."""
    found = {}
    for line in text.splitlines():
        name = _LIMITS.get(line[:26].strip())
        both = line[26:].split()[:2]
        if name and len(both) == 2:
            found[name] = [-1 if word == "unlimited" else int(word) for word in both]
    return found


def take_settings(settings: t.Mapping[str, t.Any]) -> None:
    """Take the settings of an earlier process, in a child before it becomes another user.

    What only root may do is left out for others: their own limits are those of the earlier process, or stricter.
    """
    for name, both in settings.get("limits", {}).items():
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(getattr(resource, name), (both[0], both[1]))
    if "umask" in settings:
        os.umask(settings["umask"])
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, settings.get("nice", 0))
    with contextlib.suppress(OSError):
        if settings.get("affinity"):
            os.sched_setaffinity(0, settings["affinity"])
    with contextlib.suppress(OSError):
        if "oom_score_adj" in settings:
            with open("/proc/self/oom_score_adj", "w") as file:
                file.write("%d" % settings["oom_score_adj"])
