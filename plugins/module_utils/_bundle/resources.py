# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The machine beside Odoo: memory, load, disks, and what its cgroup allows a process."""

from __future__ import annotations

import os
import platform
import time
import typing as t

from .._messages import bundle
from .._system.errors import Failure
from .._system.timeout import TooSlow, within

_CGROUPS = "/sys/fs/cgroup"
#: Files of a cgroup: of the second version, and of the first one's controllers.
_IN_CGROUP = (
    "memory.current",
    "memory.max",
    "memory.high",
    "memory.swap.current",
    "memory.swap.max",
    "memory.events",
    "memory.pressure",
    "cpu.max",
    "cpu.stat",
    "cpu.pressure",
    "pids.current",
    "pids.max",
)
_IN_CONTROLLER = {
    "memory": ("memory.usage_in_bytes", "memory.limit_in_bytes", "memory.failcnt", "memory.oom_control"),
    "cpu": ("cpu.cfs_quota_us", "cpu.cfs_period_us", "cpu.stat"),
    "pids": ("pids.current", "pids.max"),
}
#: Seconds that a file system may take to tell its size: a dead one over the network never does.
_PATIENCE = 3.0
_LARGEST = 1 << 14


def machine() -> t.Dict[str, t.Any]:
    """Name, kernel, system and clock of the host."""
    release = dict(line.partition("=")[::2] for line in _text("/etc/os-release").splitlines() if "=" in line)
    kernel = os.uname()
    return {
        "name": kernel.nodename,
        "kernel": "%s %s %s" % (kernel.sysname, kernel.release, kernel.machine),
        "system": release.get("PRETTY_NAME", "").strip('"') or None,
        "python": platform.python_version(),
        "time_zone": time.tzname[0],
    }


def memory(root: str = "/proc") -> t.Dict[str, int]:
    """/proc/meminfo, in bytes."""
    found = {}
    for line in _text(root + "/meminfo").splitlines():
        key, _colon, rest = line.partition(":")
        words = rest.split()
        if words and words[0].isdigit():
            found[key] = int(words[0]) * (1024 if words[1:] == ["kB"] else 1)
    return found


def load(root: str = "/proc") -> t.Dict[str, t.Any]:
    """Load, number of CPUs, and how long processes waited, as the kernel's pressure tells it where it does."""
    average = _text(root + "/loadavg").split()
    stat = _text(root + "/stat").splitlines()
    return {
        "average": [float(number) for number in average[:3]],
        "processes": average[3] if len(average) > 3 else None,
        "cpus": os.cpu_count(),
        "usable_cpus": len(os.sched_getaffinity(0)),
        "uptime": float((_text(root + "/uptime") or "0").split()[0]),
        "cpu_ticks": next((line.split()[1:] for line in stat if line.startswith("cpu ")), []),
        "pressure": {name: text for name in ("cpu", "io", "memory") for text in [_text(root + "/pressure/" + name)]},
    }


def disk(path: str, shown: str, ask: t.Callable[[str], os.statvfs_result] = os.statvfs) -> t.Dict[str, t.Any]:
    """Room on the file system of a path, in bytes.

    :param shown: as it is called.
    :param ask: asks the file system, such as one that a server sees there.
    :raises OSError: there is no such path.
    :raises Failure: the file system does not answer.
    """
    try:
        status = within(_PATIENCE, lambda: ask(path))
    except TooSlow:
        raise Failure(bundle.DISK_TIMEOUT(path=shown, seconds=_PATIENCE)) from None
    size = status.f_frsize
    return {
        "path": shown,
        "size": status.f_blocks * size,
        "free": status.f_bfree * size,
        "available": status.f_bavail * size,
        "inodes": status.f_files,
        "inodes_free": status.f_ffree,
        "read_only": bool(status.f_flag & os.ST_RDONLY),
    }


def cgroup(text: str, root: str = _CGROUPS) -> t.List[t.Dict[str, str]]:
    """Return the limits of the cgroups of a process, from its own to the outermost: each of them may limit it.

    :param text: of /proc/PID/cgroup.
    """
    found: t.List[t.Dict[str, str]] = []
    for line in text.splitlines():
        number, _colon, rest = line.partition(":")
        controllers, _colon, path = rest.partition(":")
        if number == "0":
            for base in (root, root + "/unified"):
                found += _upwards(base, path, _IN_CGROUP)
        else:
            for controller in controllers.split(","):
                names = _IN_CONTROLLER.get(controller, ())
                for base in (root + "/" + controllers, root + "/" + controller) if names else ():
                    found += _upwards(base, path, names)
    unique = {one["path"]: one for one in found}
    return list(unique.values())


def _upwards(base: str, path: str, names: t.Sequence[str]) -> t.Iterator[t.Dict[str, str]]:
    parts = [part for part in path.split("/") if part and part != ".."]
    for depth in range(len(parts), -1, -1):
        folder = "/".join([base, *parts[:depth]])
        values = {name: value for name in names for value in [_text(folder + "/" + name)] if value}
        if values:
            yield {"path": folder, **values}


def _text(path: str) -> str:
    """Return the content of a small file of the kernel, or nothing."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(_LARGEST).strip()
    except (OSError, ValueError):
        return ""
