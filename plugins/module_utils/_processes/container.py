# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""In which container a process runs, as its cgroup and its pids tell. Pure."""

from __future__ import annotations

import os
import re
import typing as t
from dataclasses import dataclass

from .process import Process

_PATTERNS = tuple(
    (runtime, re.compile(pattern))
    for runtime, pattern in (
        ("docker", r"(?:^|/)docker[-/]([0-9a-f]{12,64})(?:\.scope)?(?=/|$)"),
        ("podman", r"(?:^|/)libpod-(?:payload-)?([0-9a-f]{12,64})(?:\.scope)?(?=/|$)"),
        ("cri-o", r"(?:^|/)crio-([0-9a-f]{12,64})(?:\.scope)?(?=/|$)"),
        ("containerd", r"cri-containerd[-:]([0-9a-f]{12,64})(?:\.scope)?(?=/|$)"),
        ("kubernetes", r"/kubepods[^/]*/(?:.*?/)?([0-9a-f]{64})(?=/|$)"),
    )
)
#: Containers of whole systems. What runs a container within one of these cannot be asked from outside.
_GUESTS = tuple(
    (runtime, re.compile(pattern))
    for runtime, pattern in (
        ("lxc", r"(?:^|/)lxc(?:\.payload)?[./]([^/]+)"),
        ("nspawn", r"(?:^|/)systemd-nspawn@([^/]+)\.service/payload(?=/|$)"),
        ("nspawn", r"(?:^|/)machine-([^/]+)\.scope(?=/|$)"),
        # In the unit of the program that has started it (--keep-unit).
        ("nspawn", r"(?:^|/)([^/]+?)(?:\.service|\.scope)?/payload(?=/|$)"),
    )
)
#: How systemd writes other characters into the name of a unit.
_ESCAPED = re.compile(r"\\x([0-9a-f]{2})")


@dataclass(frozen=True)
class Container:
    """``runtime`` is unknown where only the PID namespace tells; ``pid`` is the one inside, which Odoo's log shows."""

    runtime: str
    id: t.Optional[str]
    pid: int
    #: its cgroup lies within that of a unit of the host, as that of a quadlet does
    within_unit: bool = False
    #: a whole system with a supervisor of its own
    is_guest: bool = False


def find_container(process: Process) -> t.Optional[Container]:
    """Return the container of a process, seen from outside; None if it runs in our own namespaces. Pure."""
    found = _named(process.cgroup)
    if found is not None:
        runtime, is_guest, name = found
        if is_guest:
            guest = _ESCAPED.sub(lambda code: chr(int(code.group(1), 16)), name.group(1))
            return Container(runtime, guest, process.shown_pid, is_guest=True)
        return Container(runtime, name.group(1), process.shown_pid, "/libpod-payload-" in name.group())
    return Container("unknown", None, process.shown_pid) if len(process.namespace_pids) > 1 else None


def _named(cgroup: str) -> t.Optional[t.Tuple[str, bool, t.Match[str]]]:
    """Return the runtime of the outermost container that a cgroup names, whether it is a guest, and the match.

    What runs in a container may make cgroups in it, with any name.
    """
    patterns = [(*one, True) for one in _GUESTS] + [(*one, False) for one in _PATTERNS]
    found = [(runtime, is_guest, pattern.search(cgroup)) for runtime, pattern, is_guest in patterns]
    named = [(runtime, is_guest, match) for runtime, is_guest, match in found if match]
    return min(named, key=lambda one: one[2].end(), default=None)


#: Files by which a container knows that it is one. A machine that was made from an image has them as well.
_MARKS = ("/run/.containerenv", "/.dockerenv")
#: The PID namespace of the kernel itself (PROC_PID_INIT_INO).
_FIRST_NAMESPACE = "pid:[4026531836]"
#: Inits of whole systems, by their names in /proc/1/comm.
_INITS = frozenset(["init", "systemd", "openrc-init", "runit", "s6-svscan", "busybox"])


def is_in_container(root: str = "/") -> bool:
    """Return whether we are in a container that ends with its first process, and not in a whole system."""

    def content(path: str, read: t.Callable[[str], str]) -> str:
        try:
            return read(os.path.join(root, path))
        except OSError:
            return ""

    if os.path.isdir(os.path.join(root, "run/systemd/system")):
        return False
    if content("proc/self/ns/pid", os.readlink) in (_FIRST_NAMESPACE, ""):
        return False
    if any(os.path.exists(os.path.join(root, path[1:])) for path in _MARKS):
        return True
    return content("proc/1/comm", _first_line) not in _INITS


def _first_line(path: str) -> str:
    with open(path) as file:
        return file.readline().strip()


#: Where cgroups are: of the second version, and of the first one, beside which systemd may use the second one.
_HIERARCHIES = ("", "/unified", "/systemd")
#: A cgroup that the user of a process can make, where its folder is not to be seen: below the user's own systemd, or
#: below a service whose cgroups the user manages (Delegate=). The containers of quadlets are within their units.
_OF_USER = re.compile(
    r"(?:^|/)user(?:-\d+)?\.slice(?:/|$)|(?:^|/)(?!docker\.|containerd\.)[^/]+\.service/(?!libpod-payload-)"
)


def provable_container(process: Process, cgroups: str = "/sys/fs/cgroup") -> t.Optional[Container]:
    """Return the container of a process, without its ID if root must not ask a runtime of the system about it.

    The user of a process may name a cgroup like the container of another user: with Delegate= in a unit, or below its
    own systemd. So the name counts only if each folder above that cgroup is root's.

    :param cgroups: where the kernel shows them.
    """
    container = find_container(process)
    if container is None or container.is_guest or os.geteuid() != 0 or process.uid == 0:
        return container
    return container if is_named_by_root(process, cgroups) else Container("unknown", None, container.pid)


def is_named_by_root(process: Process, cgroups: str = "/sys/fs/cgroup") -> bool:
    """Return whether only root could give the cgroup of a process the name of its container."""
    found = _named(process.cgroup)
    if found is None:
        return False
    above = process.cgroup[: found[2].end()].split("/")[1:-1]
    folders = ["/".join(("", *above[: number + 1])) for number in range(len(above))]
    seen = [_owned_by_root(cgroups + place, folders) for place in _HIERARCHIES]
    if seen.count(None) == len(seen):
        return not _OF_USER.search(process.cgroup)
    return False not in seen


def _owned_by_root(root: str, folders: t.Sequence[str]) -> t.Optional[bool]:
    """Return whether only root may make cgroups in each of these folders; None if one of them is not below ``root``."""
    try:
        every = [os.lstat(root + folder) for folder in folders]
    except OSError:
        return None
    return all(status.st_uid == 0 and not status.st_mode & 0o022 for status in every)


def runtime_of(process: Process) -> t.Tuple[str, t.Optional[str]]:
    """Runtime and id of the container of a process that is in one, as far as they are known."""
    container = provable_container(process)
    return (container.runtime, container.id) if container else ("unknown", None)
