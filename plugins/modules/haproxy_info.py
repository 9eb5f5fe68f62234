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
  - Returns the servers of HAProxy's backends with their health, their administrative state, and their load.
  - It complements M(community.general.haproxy), which sets servers to C(ready), C(drain) or C(maint) but does not
    return their state.
attributes:
  check_mode:
    description: Looks as in a normal run.
    support: full
    details:
      - It changes nothing in either mode.
  diff_mode:
    description: With C(--diff), returns the changes.
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
      - It runs on the host of HAProxy, because the stats socket is a file there.
options:
  socket:
    description:
      - HAProxy's stats socket, as C(stats socket) in its configuration names it.
      - A path, or an address such as C(abns@name), C(ipv4@127.0.0.1:9999) or C(127.0.0.1:9999).
      - C(level user) is enough, if the user of the task may connect to it.
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
  - If HAProxy does not know a name in O(backends) or O(servers), the module does not fail, and returns nothing for it.
seealso:
  - module: community.general.haproxy
"""

EXAMPLES = r"""
- name: Show the servers behind HAProxy
  fleetops.odoo.haproxy_info:
  register: balancer

- name: Wait until a draining server has no sessions
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
  description: Stable code of the reason why HAProxy could not be asked, such as V(roll.balancer_no_socket).
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
        - Status as HAProxy reports it, such as V(UP), V(DOWN), V(DRAIN), V(MAINT), V(MAINT (via odoo/p19\)), V(no
          check), and V(DOWN 1/2) or V(UP 1/3) during a transition.
      type: str
    admin:
      description:
        - Administrative state. V(maint) and V(drain) may also come from the server that it tracks, and V(maint) from a
          name that does not resolve; otherwise V(ready). RV(servers[].status) is not enough, because a server that is
          drained and down has the status V(DOWN).
      type: str
    sessions:
      description: Number of its present sessions.
      type: int
    queued:
      description:
        - Number of requests that wait for this server. Requests that any server of the backend may take wait in the
          queue of the backend, and do not count here.
      type: int
    check:
      description: Result of the last health check, such as V(L7OK) or V(L4CON). Null without its own check.
      type: str
    weight:
      description: Its present weight. At V(0) it gets no new clients, although it is V(UP). A server that tracks
        another one has a weight of its own.
      type: int
    tracks:
      description: The server that it tracks (C(track) in haproxy.cfg), as V(odoo/p19). It has the health and the
        administrative state of that server, and leaves and enters with it. Null if it tracks none.
      type: str
    inherited:
      description: Whether it is drained or in maintenance only because the server that it tracks is. To set it
        V(ready) changes nothing then.
      type: bool
    address:
      description: Its address, without the port. Null if its name does not resolve.
      type: str
    backup:
      description: Whether it gets requests only if no other server of the backend does.
      type: bool
  sample:
    - backend: odoo
      server: p19
      status: UP
      admin: ready
      sessions: 3
      queued: 0
      check: L7OK
      weight: 1
      tracks: null
      inherited: false
      address: 192.0.2.11
      backup: false
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
