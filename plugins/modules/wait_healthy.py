#!/usr/bin/python

# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: wait_healthy
short_description: Wait until Odoo servers are complete and healthy
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - Watches every chosen master on the host, about twice a second, until all of them run, have all their processes and
    answer their health check, at the same time and for O(min_healthy_time) without a break.
  - If a healthy server becomes unhealthy, it has a break, and its time starts again. A worker that is missing for a
    moment and a reload between two looks are also breaks.
  - If C(odoo.conf) has changed since a server was loaded, the server is complete with the processes that it was loaded
    with. Use M(fleetops.odoo.reload) to apply the present configuration.
  - If a master ends during the wait, the module fails at once. If systemd has already started a new master, the message
    names it.
extends_documentation_fragment:
  - fleetops.odoo._attributes
  - fleetops.odoo._attributes.INFO
  - fleetops.odoo._choice
  - fleetops.odoo._health
options:
  min_healthy_time:
    description:
      - Seconds that all servers must be healthy without a break. With V(0) one healthy answer of each is enough.
      - It must be less than O(timeout).
    type: float
    default: 0.0
  timeout:
    description: Seconds to wait at most, for all servers together.
    type: float
    default: 60.0
  allow_none:
    description: Whether the task succeeds if no master is found.
    type: bool
    default: false
requirements:
  - psutil (on the host; if the interpreter lacks it, the module uses a system interpreter that has it)
notes:
  - It waits for the masters that run when it begins. It does not wait for a new master to start.
  - Run it as root, or as the user of the server.
seealso:
  - module: fleetops.odoo.reload
  - module: fleetops.odoo.master_info
"""

EXAMPLES = r"""
- name: Wait until every Odoo server of the host serves
  fleetops.odoo.wait_healthy:

- name: Continue with the next host only when this one has been healthy for ten seconds
  fleetops.odoo.wait_healthy:
    min_healthy_time: 10
    timeout: 120

- name: Wait for one of several instances, and check its health with its own page
  fleetops.odoo.wait_healthy:
    match:
      unit: odoo@prod.service
    health:
      path: /web/login
      host: shop.example.com
      status: [200, 303]
"""

RETURN = r"""
code:
  description: Stable code of the fault of the first server that is not healthy.
  returned: failure
  type: str
left_out:
  description:
    - Servers that match but were left out, because no option names their users. See O(users).
  returned: always
  type: list
  elements: dict
  contains:
    code:
      description: Stable code of the reason, V(host.user_without_unit).
      type: str
    pid:
      description: Process ID of the master.
      type: int
    reason:
      description: The reason as a sentence, with its remedy.
      type: str
results:
  description: The results, an entry for each server. Also returned on failure.
  returned: always
  type: list
  elements: dict
  contains:
    identity:
      description: PID and start of the master.
      type: str
    pid:
      description: Process ID of the master.
      type: int
    healthy:
      description: Whether it was complete and healthy for the whole O(min_healthy_time) when the wait ended.
      type: bool
    reason:
      description: The reason why it is healthy or not, in words.
      type: str
    code:
      description: Stable code of the fault, such as V(timeout.processes). Null for a healthy server.
      type: str
    state:
      description: State as in M(fleetops.odoo.master_info) when the wait ended, or V(gone).
      type: str
    version:
      description: Version of the Odoo that is installed for this server.
      type: str
    breaks:
      description: How often it was healthy and then became unhealthy.
      type: int
    last_break:
      description: What was missing at the last break. Null without one.
      type: str
    seconds:
      description: Seconds that the module watched it.
      type: float
  sample:
    - identity: "472:375040"
      pid: 472
      healthy: true
      reason: it has been complete and healthy for 10.2 s
      code: null
      state: running
      version: "19.0"
      breaks: 0
      last_break: null
      seconds: 12.48
"""

from ansible_collections.fleetops.odoo.plugins.module_utils._module.common import find_host, start
from ansible_collections.fleetops.odoo.plugins.module_utils._module.watching import WATCH_SPEC, order_of, watch
from ansible_collections.fleetops.odoo.plugins.module_utils._server import health

SPEC = {"allow_none": {"type": "bool", "default": False}, **WATCH_SPEC}


def main() -> None:
    """Entry point."""
    module = start(SPEC)
    watch(module, find_host(health=health), order_of(module))


if __name__ == "__main__":
    main()
