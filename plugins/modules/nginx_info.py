#!/usr/bin/python

# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nginx_info
short_description: Show which servers the upstreams of nginx have, and which of them are marked down
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - Reads the configuration of nginx with all files that it includes, and returns the servers of its upstreams, their
    states, the file and line of each, and the owner of each mark.
  - The result shows the files. nginx does not show the configuration of its last reload.
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
    platforms: linux
    details:
      - It runs on nginx's host, so delegate it to the load balancer.
options:
  upstreams:
    description: Only servers of these upstreams. Empty means all.
    type: list
    elements: str
    default: []
  servers:
    description: Only servers of these addresses, with or without port. Empty means all.
    type: list
    elements: str
    default: []
  config:
    description: Main configuration file of nginx. The default is the path that is built into nginx.
    type: path
  program:
    description: The program nginx. Only root may be able to change it.
    type: path
    default: /usr/sbin/nginx
notes:
  - If nginx does not know a name in O(upstreams) or O(servers), the module does not fail, and returns nothing for it.
  - Every user that can read the files can run it.
seealso:
  - module: fleetops.odoo.nginx_upstream
"""

EXAMPLES = r"""
- name: See what nginx sends where
  fleetops.odoo.nginx_info:
"""

RETURN = r"""
code:
  description: Stable code of the failure, such as V(nginx.not_understood).
  returned: failure
  type: str
servers:
  description: The servers, in the order of the configuration.
  returned: success
  type: list
  elements: dict
  contains:
    upstream:
      description: Name of the upstream.
      type: str
    server:
      description: Address of the server, as the configuration has it.
      type: str
    state:
      description: V(up) or V(down), as in the file.
      type: str
    backup:
      description: Whether it gets requests only if no other server of the upstream does.
      type: bool
    weight:
      description: Its share of the requests.
      type: int
    marked:
      description:
        - The mark of M(fleetops.odoo.nginx_upstream), with its C(owner) and the time C(since). Null without a mark.
      type: dict
    file:
      description: The file that names it.
      type: str
    line:
      description: The line in this file.
      type: int
  sample:
    - upstream: odoo
      server: 192.0.2.11:8069
      state: up
      backup: false
      weight: 1
      marked: null
      file: /etc/nginx/conf.d/odoo.conf
      line: 3
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.fleetops.odoo.plugins.module_utils._balancer.nginx import told
from ansible_collections.fleetops.odoo.plugins.module_utils._balancer.nginx_host import Nginx, RealFiles
from ansible_collections.fleetops.odoo.plugins.module_utils._balancer.nginx_tree import names, read_tree
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused

SPEC = {
    "upstreams": {"type": "list", "elements": "str", "default": []},
    "servers": {"type": "list", "elements": "str", "default": []},
    "config": {"type": "path"},
    "program": {"type": "path", "default": "/usr/sbin/nginx"},
}


def main() -> None:
    """Entry point."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    upstreams, servers = module.params["upstreams"], module.params["servers"]
    try:
        config = Nginx(module.params["program"], module.params["config"]).config
        found = read_tree(RealFiles(), config).servers
    except Refused as exc:
        module.fail_json(msg=exc.problem.message, code=exc.code)
    else:
        chosen = [
            one
            for one in found
            if (not upstreams or one.upstream in upstreams)
            and (not servers or names(one.address).intersection(servers))
        ]
        module.exit_json(changed=False, servers=[told(one) for one in chosen])


if __name__ == "__main__":
    main()
