# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of a lab on disk: the running fleet, its subnet, the place of every host in it."""

from __future__ import annotations

import dataclasses
import ipaddress
import json
from dataclasses import dataclass, field
from typing import Any

from . import fleet as fleets
from .errors import LabError
from .fleet import Fleet, Host
from .paths import Lab
from .shell import write_file

_FIRST_HOST = 11


@dataclass
class State:
    """The record of a lab that is up, or was when the machine stopped."""

    subnet: str
    fleet: Fleet
    # Interface index by host; db and lb have 1 and 2.
    index: dict[str, int] = field(default_factory=dict)

    def names(self) -> list[str]:
        """All hosts, the service hosts first."""
        return ["db", *(["lb"] if self.fleet.balancer else []), *(host.name for host in self.fleet.hosts)]

    def place(self) -> None:
        """Give every host without an index the next free one."""
        self.index.update({"db": 1, "lb": 2})
        for host in self.fleet.hosts:
            if host.name not in self.index:
                self.index[host.name] = max(_FIRST_HOST - 1, *self.index.values()) + 1

    def address(self, name: str) -> str:
        """A host's address."""
        offset = self.index[name] + 1 if self.index[name] < _FIRST_HOST else self.index[name]
        return str(ipaddress.ip_network(self.subnet)[offset])

    def addresses(self) -> dict[str, str]:
        """All hosts' addresses."""
        return {name: self.address(name) for name in self.names()}

    def host(self, name: str) -> Host | None:
        """An Odoo host's settings; None for db and lb."""
        return next((host for host in self.fleet.hosts if host.name == name), None)


def read(lab: Lab) -> State | None:
    """The lab's state, or None when it is down."""
    try:
        data: dict[str, Any] = json.loads(lab.state_file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise LabError(f"{lab.state_file} cannot be read; `lab down` takes what is left of the lab away.") from error
    return State(data["subnet"], fleets.parse(data["fleet"], "state.json", "state"), data["index"])


def write(lab: Lab, state: State) -> None:
    """Keep the state."""
    rows = [
        {key: value for key, value in dataclasses.asdict(host).items() if (key, value) != ("workers", 0)}
        for host in state.fleet.hosts
    ]
    data = {
        "subnet": state.subnet,
        "fleet": {"name": state.fleet.name, "balancer": state.fleet.balancer, "hosts": rows},
        "index": state.index,
    }
    write_file(lab.state_file, json.dumps(data, indent=1) + "\n", 0o600)


def merge(old: Fleet, new: Fleet) -> Fleet:
    """The running fleet plus what the wanted one adds; a host with other settings is an error, not a surprise."""
    running = {host.name: host for host in old.hosts}
    for host in new.hosts:
        before = running.get(host.name)
        if before is not None and before != host:
            fields = [item.name for item in dataclasses.fields(Host)]
            other = [name for name in fields if getattr(before, name) != getattr(host, name)]
            raise LabError(
                f"The host {host.name} is up with another {', '.join(other)} (fleet {old.name}); "
                "`lab down` first, or use another lab with --lab NAME."
            )
        running[host.name] = host
    return Fleet(new.name, old.balancer or new.balancer, tuple(running.values()))
