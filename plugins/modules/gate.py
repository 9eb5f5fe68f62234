#!/usr/bin/python

# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gate
short_description: Refuse new connections to Odoo servers for a while, so that any load balancer takes the host out
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - With O(state=closed) nftables on the Odoo host answers new TCP connections to the http and gevent ports of the
    chosen servers with a reset, from everywhere but loopback and O(allow). Established connections continue, and the
    module waits until they have ended.
  - A load balancer that retries a refused connection with another server loses no request, and no task needs access to
    the load balancer. The guide to load balancers lists load balancers that do this.
  - Each closed port is an element of a set with a timeout of O(lease) seconds. When this time has passed, the kernel
    opens the port, even if the controller cannot be reached. A boot opens it too.
  - The rules are in a table of their own, C(inet fleetops_odoo_gate), which is removed when the last port is opened.
    They change nothing for packets of other ports, track no connections, and work beside other tables, firewalld and
    iptables.
extends_documentation_fragment:
  - fleetops.odoo._attributes
  - fleetops.odoo._attributes.ACTION
  - fleetops.odoo._choice
  - fleetops.odoo._idle
  - fleetops.odoo._long_wait
attributes:
  check_mode:
    description: Looks and decides as ever, returns what it would do, and changes no rule.
    details:
      - It does not wait for connections.
  diff_mode:
    description: With C(--diff), returns the closed ports before and after.
  idempotent:
    description: The same call again changes nothing.
    support: full
    details:
      - To close a port that is closed renews its lease.
options:
  state:
    description:
      - V(closed) refuses new connections.
      - V(open) accepts them again. Without O(ports), O(match), O(select) and O(users) it opens all ports that this
        module has closed, even if no server runs.
    type: str
    choices: [closed, open]
    required: true
  lease:
    description:
      - Seconds after which a closed port opens by itself, counted from the end of the wait. It must be longer than the
        work on the host takes, and longer than O(timeout) and O(websocket_timeout).
    type: float
    default: 900.0
  allow:
    description:
      - Addresses or networks, of IPv4 or IPv6, whose connections the host accepts nevertheless, at every closed port
        of the host. They replace those of an earlier call.
      - Do not name the load balancer here, nor a host that checks the health for it.
    type: list
    elements: str
    default: []
  wait:
    description: Whether to wait until no request is in progress.
    type: bool
    default: true
  owner:
    description: The owner of the closed ports, for people. The default is the user and the controller, or the user of
      AWX.
    type: str
requirements:
  - nftables, and root, on the host
  - psutil (on the host; where the interpreter lacks it, a system interpreter that has it is used)
notes:
  - If the server listens on loopback only, because nginx runs on the same host, name the ports of nginx in O(ports).
  - A load balancer that keeps connections open may send further requests over them. Odoo closes connections to its
    http port after each answer; connections to the gevent port count as websockets.
  - The module also closes ports that a container publishes. If docker or podman does not report them, name them in
    O(ports).
seealso:
  - module: fleetops.odoo.gate_info
  - module: fleetops.odoo.wait_idle
"""

EXAMPLES = r"""
- name: Take the host out of its load balancer
  fleetops.odoo.gate:
    state: closed
    lease: 600
    timeout: 120

- name: Reload the server
  fleetops.odoo.reload:

- name: Take new connections again
  fleetops.odoo.gate:
    state: open

- name: Close what nginx on the Odoo host serves, but for the monitoring
  fleetops.odoo.gate:
    state: closed
    ports: [80, 443]
    allow: [192.0.2.40]
    ignore: [192.0.2.40]
"""

RETURN = r"""
code:
  description: Stable code of the failure, such as V(timeout.requests).
  returned: failure
  type: str
closed:
  description: The ports that are closed now, or would be in check mode, those of other calls included.
  returned: always
  type: list
  elements: dict
  contains:
    port:
      description: The port.
      type: int
    expires:
      description: Seconds after which it opens by itself.
      type: float
    owner:
      description: The owner of the closed port.
      type: str
  sample:
    - port: 8069
      expires: 899.9
      owner: anna on ctl
allow:
  description: Networks whose connections the host accepts nevertheless.
  returned: always
  type: list
  elements: str
requests:
  description: Connections to http ports when the wait ended.
  returned: always
  type: int
under_way:
  description: Connections to http ports when the ports were closed.
  returned: O(state=closed)
  type: int
websockets:
  description: Connections to gevent ports when the wait ended.
  returned: always
  type: int
peers:
  description: Addresses of the clients of the connections to http ports, each once.
  returned: always
  type: list
  elements: str
seconds:
  description: Seconds that the call took.
  returned: always
  type: float
waiting:
  description: What the module still waits for. Ansible does not see it, because the action plugin calls the module
    again.
  returned: O(report_after) has passed
  type: dict
  contains:
    text:
      description: What it waits for.
      type: str
    ages:
      description: Seconds for which the oldest requests have run, as far as the host shows them.
      type: list
      elements: float
left_out:
  description: Servers that match but were left out, because no option names their users. See O(users).
  returned: when the module has looked at servers
  type: list
  elements: dict
"""
import typing as t
from dataclasses import dataclass

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.fleetops.odoo.plugins.module_utils._balancer import gate
from ansible_collections.fleetops.odoo.plugins.module_utils._balancer.connections import (
    Network,
    Patience,
    UnderWay,
    count,
    wait_idle,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._balancer.nft import Gate, told_closed
from ansible_collections.fleetops.odoo.plugins.module_utils._balancer.targets import Targets
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.results import printable
from ansible_collections.fleetops.odoo.plugins.module_utils._messages import option, roll
from ansible_collections.fleetops.odoo.plugins.module_utils._module.balancer import (
    IDLE_SPEC,
    find_targets,
    networks_of,
    patience_of,
    told_under_way,
    waiting_for,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._module.common import fail, find_host, start, timeout_of
from ansible_collections.fleetops.odoo.plugins.module_utils._module.long_wait import set_clock, told_waiting
from ansible_collections.fleetops.odoo.plugins.module_utils._server.host import Host
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused, StillWaiting, TimedOut

SPEC = {
    "state": {"type": "str", "choices": ["closed", "open"], "required": True},
    "lease": {"type": "float", "default": 900.0},
    "allow": {"type": "list", "elements": "str", "default": []},
    "wait": {"type": "bool", "default": True},
    "owner": {"type": "str"},
    **IDLE_SPEC,
}


@dataclass(frozen=True)
class Order:
    """The order that the options make.

    :ivar lease: seconds.
    """

    closing: bool
    lease: float
    allow: t.Tuple[Network, ...]
    patience: Patience


def order_of(module: AnsibleModule) -> Order:
    """Return what the options ask for; a bad one ends the module."""
    closing, lease, patience = module.params["state"] == "closed", timeout_of(module, "lease"), patience_of(module)
    for name in ("timeout", "websocket_timeout"):
        # Or the gate would open in the midst of the wait.
        if closing and module.params[name] >= lease:
            fail(module, option.TOO_LONG(option=name, other="lease", limit=lease, value=module.params[name]))
    return Order(closing, lease, networks_of(module, "allow"), patience)


def turn(module: AnsibleModule, host: Host, order: Order) -> t.NoReturn:
    """Close or open the gate, and end the module."""
    begun = set_clock(module, host.clock).began()
    targets, left_out = _targets(module, host, order)
    wanted = gate.GateOrder(
        targets.ports, order.lease, order.allow, module.params["owner"] or "", published=targets.published
    )
    try:
        done = (gate.close if order.closing else gate.reopen)(wanted, check_mode=module.check_mode)
    except Refused as exc:
        fail(module, exc.problem, changed=False, left_out=left_out)
    result: t.Dict[str, t.Any] = {
        "changed": done.changed,
        "closed": told_closed(done.after),
        "allow": [str(net) for net in done.after.allow],
        "left_out": left_out,
    }
    if module._diff:  # noqa: SLF001  # there is no other way to ask
        result["diff"] = {
            "before": _shown(done.before),
            "after": _shown(done.after),
        }
    now, late = UnderWay(0, 0), None
    if order.closing:
        result["under_way"] = count(host.proc, targets.views, order.patience.ignored).requests
        try:
            if module.params["wait"] and not module.check_mode:
                now = wait_idle(host.proc, targets.views, order.patience, host.clock)
                # What comes now has the whole lease.
                result["closed"] = told_closed(gate.close(wanted, check_mode=False).after)
            else:
                now = count(host.proc, targets.views, order.patience.ignored)
        except Refused as exc:
            fail(module, exc.problem, **result)
        except StillWaiting as exc:
            now = count(host.proc, targets.views, order.patience.ignored)
            result.update(told_waiting(waiting_for(exc, targets.views, order.patience)))
        except TimedOut as exc:
            now, late = count(host.proc, targets.views, order.patience.ignored), exc
    result.update(told_under_way(now), seconds=round(host.clock.monotonic() - begun, 3))
    if late:
        said = "The ports are closed, and after %g s the task still waits for %s" % (order.patience.timeout, late)
        module.fail_json(msg=printable(said), code=late.code, **result)
    module.exit_json(**result)
    raise AssertionError  # either has left the process


def _shown(now: Gate) -> t.Dict[str, t.Any]:
    return {"closed": list(now.ports), "allow": [str(net) for net in now.allow]}


def _targets(module: AnsibleModule, host: Host, order: Order) -> t.Tuple[Targets, t.List[t.Dict[str, t.Any]]]:
    """Return the ports that are meant. Without any, all that is closed opens.

    The module ends where it finds no port to close.
    """
    if not order.closing and not any(module.params[name] for name in ("ports", "match", "users")):
        return Targets((), ()), []
    targets, left_out = find_targets(module, host)
    if not targets.ports:
        if targets.chosen and order.closing:
            fail(module, roll.GATE_NO_PORT(), left_out=left_out)
        module.exit_json(
            changed=False, closed=[], allow=[], seconds=0.0, left_out=left_out, **told_under_way(UnderWay(0, 0))
        )
    return targets, left_out


def main() -> None:
    """Entry point."""
    module = start(SPEC)
    turn(module, find_host(), order_of(module))


if __name__ == "__main__":
    main()
