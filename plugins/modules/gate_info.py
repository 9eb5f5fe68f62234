#!/usr/bin/python

# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gate_info
short_description: Show which ports of a host fleetops.odoo.gate has closed
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - Returns the ports that M(fleetops.odoo.gate) has closed, their owners, and when they open by themselves.
extends_documentation_fragment:
  - fleetops.odoo._attributes
  - fleetops.odoo._attributes.INFO
options: {}
requirements:
  - nftables, and root, on the host
seealso:
  - module: fleetops.odoo.gate
"""

EXAMPLES = r"""
- name: See which hosts take no new connections
  fleetops.odoo.gate_info:
"""

RETURN = r"""
code:
  description: Stable code of the failure, such as V(gate.no_nft).
  returned: failure
  type: str
closed:
  description: The ports that are closed, by number.
  returned: success
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
      description: The owner of the gate.
      type: str
  sample:
    - port: 8069
      expires: 899.9
      owner: anna on ctl
allow:
  description: Networks whose connections the host accepts nevertheless.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.fleetops.odoo.plugins.module_utils._balancer.gate import gate_now
from ansible_collections.fleetops.odoo.plugins.module_utils._balancer.nft import told_closed
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused


def main() -> None:
    """Entry point."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    try:
        now = gate_now()
    except Refused as exc:
        module.fail_json(msg=exc.problem.message, code=exc.code)
    else:
        module.exit_json(changed=False, closed=told_closed(now), allow=[str(net) for net in now.allow])


if __name__ == "__main__":
    main()
