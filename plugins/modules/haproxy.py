#!/usr/bin/python

# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: haproxy
short_description: Take servers out of HAProxy without losing a request, and put them back
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - Sets servers of HAProxy to C(drain) or C(ready) through its stats socket, and waits for the effect. A drained
    server has no session any more, an enabled server is C(UP).
  - It asks HAProxy every few milliseconds at first and every half second later. M(community.general.haproxy) also sets
    states, but asks once a second at most.
  - It looks at all servers before it sets one of them. If a server is missing, it sets none.
  - A server that tracks another one (C(track) in haproxy.cfg) leaves and enters with it. It can be drained alone. It
    cannot enter while the tracked server is out, unless O(host) and O(backend) name that one too; the module then fails
    without waiting.
extends_documentation_fragment:
  - fleetops.odoo._attributes
  - fleetops.odoo._long_wait
attributes:
  check_mode:
    description: Returns what it would set, and neither sets anything nor waits.
    support: full
  diff_mode:
    description: With C(--diff), returns what it changes.
    support: none
  idempotent:
    description: The same call again sets nothing, and waits as the first one does.
    support: full
  platform:
    description: Operating systems of the hosts it works on.
    support: full
    platforms: posix
    details:
      - It runs on HAProxy's host, because a stats socket is a file there.
  action_group:
    support: none
options:
  state:
    description:
      - V(drain) gives a server no new sessions. V(enabled) gives it requests.
      - With V(drain) a server in maintenance stays in maintenance, because it gets no requests either.
    type: str
    choices: [enabled, drain]
    required: true
  host:
    description: Names of the servers.
    type: list
    elements: str
    required: true
  backend:
    description: Names of the backends. Empty means every backend that has such a server.
    type: list
    elements: str
    default: []
  socket:
    description:
      - HAProxy's stats socket, with C(level admin).
      - A path, or an address as C(stats socket) in haproxy.cfg names it, such as C(abns@name) or
        C(ipv4@127.0.0.1:9999). Every program that can connect to a port commands HAProxy, which asks for no password.
    type: path
    default: /run/haproxy/admin.sock
  only_ready:
    description: Whether to fail, and set no server, if a server is already drained or in maintenance.
    type: bool
    default: false
  wait:
    description: Whether to wait until a drained server has no session, or an enabled server is C(UP).
    type: bool
    default: true
  timeout:
    description: Seconds to wait. It must be greater than 0.
    type: float
    default: 120.0
  name:
    description: Name of the load balancer in messages. The default is the name of its host.
    type: str
seealso:
  - module: fleetops.odoo.haproxy_info
  - module: community.general.haproxy
"""

EXAMPLES = r"""
- name: Take a host out of HAProxy, and wait until its requests have ended
  fleetops.odoo.haproxy:
    state: drain
    host: ["{{ inventory_hostname }}"]
    backend: [odoo]
  delegate_to: lb

- name: Put it back, and wait until HAProxy finds it healthy
  fleetops.odoo.haproxy:
    state: enabled
    host: ["{{ inventory_hostname }}"]
    backend: [odoo]
  delegate_to: lb
"""

RETURN = r"""
code:
  description: Stable code of the failure, such as V(roll.balancer_unknown_server).
  returned: failure
  type: str
  sample: roll.balancer_sessions
servers:
  description: The servers at the last look, as in RV(fleetops.odoo.haproxy_info#module:servers).
  returned: success
  type: list
  elements: dict
  sample:
    - backend: odoo
      server: p19
      status: DRAIN
      admin: drain
      sessions: 0
      queued: 0
      check: L7OK
      weight: 1
      tracks: null
      inherited: false
      address: 192.0.2.11
      backup: false
followers:
  description: Names of other servers that track one of the servers, and so leave and enter with it. The module does not
    wait for their sessions.
  returned: success
  type: list
  elements: str
  sample: [longpolling/p19]
under_way:
  description: Sessions of the servers, and requests in their queues, before the module set the first server.
  returned: success
  type: int
  sample: 3
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
"""
import socket

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.fleetops.odoo.plugins.module_utils._module.long_wait import (
    LONG_WAIT_SPEC,
    bad_long_wait,
    set_clock,
    told_waiting,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._module.numbers import bad_timeout
from ansible_collections.fleetops.odoo.plugins.module_utils._roll.haproxy import NotSet, Wanted, set_servers
from ansible_collections.fleetops.odoo.plugins.module_utils._system.clock import Clock
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Failure

SPEC = {
    "state": {"type": "str", "choices": ["enabled", "drain"], "required": True},
    "host": {"type": "list", "elements": "str", "required": True},
    "backend": {"type": "list", "elements": "str", "default": []},
    "socket": {"type": "path", "default": "/run/haproxy/admin.sock"},
    "only_ready": {"type": "bool", "default": False},
    "wait": {"type": "bool", "default": True},
    "timeout": {"type": "float", "default": 120.0},
    "name": {"type": "str"},
    **LONG_WAIT_SPEC,
}


def order_of(module: AnsibleModule) -> Wanted:
    """Return what the options ask for; a bad one ends the module."""
    params = module.params
    problem = bad_timeout("timeout", params["timeout"]) or bad_long_wait(module)
    if problem:
        module.fail_json(msg=problem.message, code=problem.code)
    return Wanted(
        params["host"],
        params["backend"],
        params["state"] == "drain",
        params["only_ready"],
        params["timeout"] if params["wait"] else None,
        params["name"] or socket.gethostname(),
    )


def main() -> None:
    """Entry point."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    wanted, clock = order_of(module), set_clock(module, Clock())
    try:
        done = set_servers(module.params["socket"], wanted, clock, check_mode=module.check_mode)
    except Failure as exc:
        changed = isinstance(exc, NotSet) and exc.changed
        module.fail_json(msg=exc.problem.message, code=exc.code, changed=changed)
    else:
        module.exit_json(
            changed=done.changed,
            servers=done.servers,
            followers=done.followers,
            under_way=done.under_way,
            **told_waiting(done.waiting),
        )


if __name__ == "__main__":
    main()
