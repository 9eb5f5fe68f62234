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
        ("kubernetes", r"/kubepods[^/]*/(?:.*/)?([0-9a-f]{64})(?=/|$)"),
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
    """Return the container of a process, seen from outside; None if it runs in our own namespaces."""
    inside = process.shown_pid
    for runtime, pattern in _GUESTS:
        found = pattern.search(process.cgroup)
        if found:
            name = _ESCAPED.sub(lambda code: chr(int(code.group(1), 16)), found.group(1))
            return Container(runtime, name, inside, is_guest=True)
    for runtime, pattern in _PATTERNS:
        found = pattern.search(process.cgroup)
        if found:
            return Container(runtime, found.group(1), inside, "/libpod-payload-" in process.cgroup)
    return Container("unknown", None, inside) if len(process.namespace_pids) > 1 else None


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


#: A cgroup that the user of a process can make, with any name: below the user's own systemd, or below a service whose
#: cgroups the user manages (Delegate=). The containers of quadlets are within their units.
_OF_USER = re.compile(
    r"(?:^|/)user(?:-\d+)?\.slice(?:/|$)|(?:^|/)(?!docker\.|containerd\.)[^/]+\.service/(?!libpod-payload-)"
)


def provable_container(process: Process) -> t.Optional[Container]:
    """Return the container of a process, without its ID if root must not ask a runtime of the system about it.

    The user of a process may name a cgroup like the container of another user.
    """
    container = find_container(process)
    if container is None or container.is_guest or os.geteuid() != 0 or process.uid == 0:
        return container
    return Container("unknown", None, container.pid) if _OF_USER.search(process.cgroup) else container


def runtime_of(process: Process) -> t.Tuple[str, t.Optional[str]]:
    """Runtime and id of the container of a process that is in one, as far as they are known."""
    container = provable_container(process)
    return (container.runtime, container.id) if container else ("unknown", None)
