# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths and names of the lab; every kernel object has the lab's name."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from .errors import LabError

LAB_DIR = Path(__file__).resolve().parent.parent
PREFIX = "fl"


def cache_dir() -> Path:
    """Packed images: worth keeping between machines, safe to delete."""
    return Path(os.environ.get("FLEETOPS_LAB_CACHE", "/var/cache/fleetops-lab"))


def run_dir() -> Path:
    """Unpacked images and the labs themselves."""
    return Path(os.environ.get("FLEETOPS_LAB_RUN", "/var/lib/fleetops-lab"))


def bases_dir() -> Path:
    """Unpacked images, shared read-only by all labs."""
    return run_dir() / ".bases"


@dataclass(frozen=True)
class Lab:
    """One lab by name. Interface names are at most 15 characters, so the name is at most 8."""

    name: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9]{0,7}", self.name):
            raise LabError(f"A lab's name is 1 to 8 lower-case letters and digits, not {self.name!r}.")

    @property
    def dir(self) -> Path:
        """State, host roots, key, inventory."""
        return run_dir() / self.name

    @property
    def state_file(self) -> Path:
        """Return the path of the JSON file of a running lab."""
        return self.dir / "state.json"

    @property
    def inventory(self) -> Path:
        """The Ansible inventory."""
        return self.dir / "inventory.yml"

    @property
    def key(self) -> Path:
        """The private ssh key."""
        return self.dir / "id_ed25519"

    @property
    def control_dir(self) -> Path:
        """ssh's control sockets: short, for a socket's path has at most 104 characters."""
        return Path("/run/fleetops-lab") / self.name

    @property
    def bridge(self) -> str:
        """The lab's bridge."""
        return f"{PREFIX}-{self.name}"

    def veth(self, index: int) -> str:
        """This machine's end of a host's cable."""
        return f"{PREFIX}-{self.name}-{index}"

    def machine(self, host: str) -> str:
        """Machine, namespace and cgroup name of a host."""
        return f"{PREFIX}-{self.name}-{host}"

    def host_dir(self, host: str) -> Path:
        """A host's overlay and console log."""
        return self.dir / "hosts" / host

    def root(self, host: str) -> Path:
        """A host's mounted root."""
        return self.host_dir(host) / "root"
