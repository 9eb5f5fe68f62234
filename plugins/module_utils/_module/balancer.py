# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Options of the modules that close ports or wait for connections, and the servers that they choose."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible.module_utils.basic import AnsibleModule

from .._balancer.ages import ages_here, connections
from .._balancer.connections import Network, Patience, UnderWay, View, collapsed
from .._balancer.targets import Targets, targets_of
from .._messages import option
from .._server.host import Host
from .._system.clock import Waiting
from .._system.errors import Refused, StillWaiting
from .common import CHOICE_SPEC, choose_masters, fail, matching, seconds_of, timeout_of, told_left_out
from .long_wait import LONG_WAIT_SPEC, bad_long_wait

#: Options of modules that wait until nothing is under way on a host.
IDLE_SPEC: t.Dict[str, t.Any] = {
    **CHOICE_SPEC,
    "allow_none": {"type": "bool", "default": False},
    "ports": {"type": "list", "elements": "int", "default": []},
    "ignore": {"type": "list", "elements": "str", "default": []},
    "timeout": {"type": "float", "default": 120.0},
    "websocket_timeout": {"type": "float", "default": 0.0},
    **LONG_WAIT_SPEC,
}


def networks_of(module: AnsibleModule, name: str) -> t.Tuple[Network, ...]:
    """Return an option that is a list of addresses and networks; a bad one ends the module.

    None of what it returns is within another one, which nftables would refuse.
    """
    found: t.List[Network] = []
    for text in module.params[name]:
        try:
            found.append(ipaddress.ip_network(text.strip(), strict=False))
        except ValueError:
            fail(module, option.NOT_A_NETWORK(option=name, value=text))
    return collapsed(found)


def patience_of(module: AnsibleModule) -> Patience:
    """Return how long the options have the module wait; a bad one ends the module."""
    problem = bad_long_wait(module)
    if problem:
        fail(module, problem)
    return Patience(timeout_of(module), seconds_of(module, "websocket_timeout"), networks_of(module, "ignore"))


def ports_of(module: AnsibleModule) -> t.Tuple[int, ...]:
    """Return the option ``ports``; a bad one ends the module."""
    for port in module.params["ports"]:
        if not 0 < port < 65536:
            fail(module, option.OUT_OF_RANGE(option="ports", least=1, most=65535, value=port))
    return tuple(sorted(set(module.params["ports"])))


def find_targets(module: AnsibleModule, host: Host) -> t.Tuple[Targets, t.List[t.Dict[str, t.Any]]]:
    """Return the ports that the options mean, and the servers that are left out.

    The module ends where it finds no server.
    """
    ports = ports_of(module)
    # Ports can be closed while their server is down.
    seen, identities = matching(module, host) if ports else choose_masters(module, host)
    left_out = told_left_out(module, seen)
    try:
        return targets_of(host.proc, seen, identities, ports), left_out
    except Refused as exc:
        fail(module, exc.problem, left_out=left_out)


def waiting_for(exc: StillWaiting, views: t.Sequence[View], patience: Patience) -> Waiting:
    """Return what a wait is for that goes on, with the ages of the requests in the network of the module."""
    ports = {port for view in views for port in view.requests}
    return Waiting(exc.problem.text, ages_here(connections(), ports, patience.ignored))


def told_under_way(now: UnderWay) -> t.Dict[str, t.Any]:
    """Return what is under way as modules do."""
    return {"requests": now.requests, "websockets": now.websockets, "peers": list(now.peers)}
