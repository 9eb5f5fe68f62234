# SPDX-License-Identifier: GPL-3.0-or-later
"""One bridge and one private subnet per lab; one namespace and one cable per host."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path
from typing import Any

from .errors import LabError
from .paths import Lab, run_dir
from .shell import locked, run

_NETWORKS = "10.213.{}.0/24"


def host_interface() -> str:
    """The name of the interface inside a host."""
    return "host0"


def ensure_bridge(lab: Lab, wanted: str | None) -> str:
    """Bring the lab's bridge up; return its subnet (`wanted` again where that is still free)."""
    with locked(run_dir() / ".locks" / "network", "it looks for a free subnet"):
        if exists(lab.bridge):
            if wanted is None:
                raise LabError(f"The bridge {lab.bridge} exists, but not in {lab.dir}: another lab has that name.")
            return wanted
        taken = _taken()
        choices = [_NETWORKS.format(number) for number in range(256)]
        if wanted is not None:
            choices = [wanted]
        for text in choices:
            network = ipaddress.ip_network(text)
            if not any(network.overlaps(other) for other in taken):
                run(["ip", "link", "add", lab.bridge, "type", "bridge"])
                run(["ip", "addr", "add", f"{network[1]}/24", "dev", lab.bridge])
                run(["ip", "link", "set", lab.bridge, "up"])
                return text
    raise LabError(f"No free subnet among {', '.join(choices[:1] + choices[1:][-1:])}: see `ip route`.")


def _taken() -> list[ipaddress.IPv4Network]:
    """Every IPv4 network that this machine has a route to or an address in, but not the default route."""
    routes: list[dict[str, Any]] = json.loads(run(["ip", "-4", "-j", "route", "show", "table", "all"]).stdout or "[]")
    known = (route.get("dst", "default") for route in routes)
    return [ipaddress.IPv4Network(text, strict=False) for text in known if text != "default"]


def exists(interface: str) -> bool:
    """Is there such an interface on this machine?"""
    return Path("/sys/class/net", interface).exists()


def connect(lab: Lab, host: str, index: int, address: str) -> None:
    """A fresh namespace for a host, with an address on the lab's bridge."""
    namespace, veth, inside = lab.machine(host), lab.veth(index), host_interface()
    disconnect(lab, host, index)
    run(["ip", "netns", "add", namespace])
    run(["ip", "link", "add", veth, "type", "veth", "peer", "name", inside, "netns", namespace])
    run(["ip", "link", "set", veth, "master", lab.bridge, "up"])
    for words in (
        ["addr", "add", f"{address}/24", "dev", inside],
        ["link", "set", inside, "up"],
        ["link", "set", "lo", "up"],
    ):
        run(["ip", "-n", namespace, *words])
    # A re-made cable has a new hardware address: a remembered old one would cost half a minute.
    run(["ip", "neigh", "flush", "to", address, "dev", lab.bridge])


def disconnect(lab: Lab, host: str, index: int) -> None:
    """Take a host's namespace and cable away; harmless when there is none."""
    if exists(lab.veth(index)):
        run(["ip", "link", "del", lab.veth(index)], check=False)
    if Path("/run/netns", lab.machine(host)).exists():
        run(["ip", "netns", "del", lab.machine(host)])


def pids(lab: Lab, host: str) -> list[int]:
    """The processes inside a host's namespace."""
    if not Path("/run/netns", lab.machine(host)).exists():
        return []
    return [int(word) for word in run(["ip", "netns", "pids", lab.machine(host)], check=False).stdout.split()]


def remove_all(lab: Lab) -> None:
    """Remove the bridge, and all other interfaces with the lab's name."""
    for entry in sorted(Path("/sys/class/net").glob(f"{lab.bridge}-*")):
        run(["ip", "link", "del", entry.name], check=False)
    for entry in sorted(Path("/run/netns").glob(f"{lab.bridge}-*")):
        run(["ip", "netns", "del", entry.name], check=False)
    if exists(lab.bridge):
        run(["ip", "link", "del", lab.bridge])
