# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""In which container a process runs, as its cgroup and its pids tell. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from .process import Process

_PATTERNS = tuple(
    (runtime, re.compile(pattern))
    for runtime, pattern in (
        ("docker", r"(?:^|/)docker[-/]([0-9a-f]{12,64})(?:\.scope)?(?=/|$)"),
        ("podman", r"(?:^|/)libpod-([0-9a-f]{12,64})(?:\.scope)?(?=/|$)"),
        ("cri-o", r"(?:^|/)crio-([0-9a-f]{12,64})(?:\.scope)?(?=/|$)"),
        ("containerd", r"cri-containerd[-:]([0-9a-f]{12,64})(?:\.scope)?(?=/|$)"),
        ("kubernetes", r"/kubepods[^/]*/(?:.*/)?([0-9a-f]{64})(?=/|$)"),
        ("lxc", r"(?:^|/)lxc(?:\.payload)?[./]([^/]+)"),
        ("nspawn", r"(?:^|/)machine-([^/]+)\.scope(?=/|$)"),
    )
)


@dataclass(frozen=True)
class Container:
    """``runtime`` is unknown where only the PID namespace tells; ``pid`` is the one inside, which Odoo's log shows."""

    runtime: str
    id: t.Optional[str]
    pid: int


def find_container(process: Process) -> t.Optional[Container]:
    """The container of a process, seen from outside; None when it runs beside us."""
    inside = process.shown_pid
    for runtime, pattern in _PATTERNS:
        found = pattern.search(process.cgroup)
        if found:
            return Container(runtime, found.group(1), inside)
    return Container("unknown", None, inside) if len(process.namespace_pids) > 1 else None


def runtime_of(process: Process) -> t.Tuple[str, t.Optional[str]]:
    """Runtime and id of the container of a process that is in one, as far as they are known."""
    container = find_container(process)
    return (container.runtime, container.id) if container else ("unknown", None)
