#!/usr/bin/python

# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: haproxy_info
short_description: Read the state of the servers behind HAProxy from its stats socket
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - Returns the servers of HAProxy's backends with their health, what an administrator has set them to, and their load.
  - It is the reading half of M(community.general.haproxy), which sets servers to C(ready), C(drain) or C(maint) and
    returns nothing of what it finds.
attributes:
  check_mode:
    description: Looks as ever.
    support: full
    details:
      - It changes nothing in either mode.
  diff_mode:
    description: With C(--diff), returns what it changes.
    support: N/A
    details:
      - It changes nothing.
  idempotent:
    description: The same call again changes nothing.
    support: full
    details:
      - It changes nothing.
  platform:
    description: Operating systems of the hosts it works on.
    support: full
    platforms: posix
    details:
      - It runs on HAProxy's host, since a stats socket is a file there.
options:
  socket:
    description:
      - HAProxy's stats socket, as C(stats socket) in its configuration names it.
      - C(level user) is enough, if whom Ansible becomes may connect to it.
    type: path
    default: /run/haproxy/admin.sock
  backends:
    description: Only servers of these backends. Empty means all.
    type: list
    elements: str
    default: []
  servers:
    description: Only servers of these names. Empty means all.
    type: list
    elements: str
    default: []
notes:
  - A name in O(backends) or O(servers) that HAProxy does not know is no failure. Nothing is returned for it.
seealso:
  - module: community.general.haproxy
"""

EXAMPLES = r"""
- name: See what HAProxy sends where
  fleetops.odoo.haproxy_info:
  register: balancer

- name: Wait until a server that is being drained has no session any more
  fleetops.odoo.haproxy_info:
    backends: [odoo]
    servers: [p19]
  register: balancer
  until: balancer.servers | map(attribute='sessions') | sum == 0
  retries: 60
  delay: 1
"""

RETURN = r"""
code:
  description: Stable name of why HAProxy could not be asked, such as V(roll.balancer_no_socket).
  returned: failure
  type: str
  sample: roll.balancer_no_socket
servers:
  description: The servers, in HAProxy's order.
  returned: success
  type: list
  elements: dict
  contains:
    backend:
      description: Name of the backend.
      type: str
    server:
      description: Name of the server in it.
      type: str
    status:
      description:
        - Status in HAProxy's words, such as V(UP), V(DOWN), V(DRAIN), V(MAINT), V(MAINT (via odoo/p19\)), V(no check),
          and V(DOWN 1/2) or V(UP 1/3) on the way from one to the other.
      type: str
    admin:
      description:
        - What it was set to. V(maint) and V(drain) may come from the server that it tracks too, and V(maint) from a
          name that does not resolve; else V(ready). RV(servers[].status) alone does not tell, since a server that is
          drained and down is V(DOWN).
      type: str
    sessions:
      description: Sessions that it has now.
      type: int
    queued:
      description:
        - Requests that wait for this very server. Those that any server of the backend may take wait in the backend's
          queue, which is not part of it.
      type: int
    check:
      description: Result of the last health check, such as V(L7OK) or V(L4CON). Null without a check of its own.
      type: str
    weight:
      description: Its weight now. At V(0) it gets no new clients, though it is V(UP).
      type: int
  sample:
    - backend: odoo
      server: p19
      status: UP
      admin: ready
      sessions: 3
      queued: 0
      check: L7OK
      weight: 1
"""
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.fleetops.odoo.plugins.module_utils._roll.haproxy import NoAnswer, server_states

SPEC = {
    "socket": {"type": "path", "default": "/run/haproxy/admin.sock"},
    "backends": {"type": "list", "elements": "str", "default": []},
    "servers": {"type": "list", "elements": "str", "default": []},
}


def haproxy_info(spec: t.Dict[str, t.Any]) -> None:
    """Ask HAProxy and return its servers."""
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    backends, servers = module.params["backends"], module.params["servers"]
    try:
        found = server_states(module.params["socket"])
    except NoAnswer as exc:
        module.fail_json(msg=exc.problem.message, code=exc.code)
    else:
        chosen = [
            one
            for one in found
            if (not backends or one["backend"] in backends) and (not servers or one["server"] in servers)
        ]
        module.exit_json(changed=False, servers=chosen)


def main() -> None:
    """Entry point."""
    haproxy_info(SPEC)


if __name__ == "__main__":
    main()
