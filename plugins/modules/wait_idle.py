#!/usr/bin/python

# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: wait_idle
short_description: Wait until no connection to the Odoo servers of a host is open
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - Counts the TCP connections to the http and gevent ports of the chosen servers, as the kernel of the host shows them,
    and waits until the last one has ended.
  - It works with every load balancer. Take the host out of its load balancer first. Otherwise new connections come all
    the time.
  - Connections to the gevent port are websockets, or long polling of Odoo before 16. The module counts them
    separately, waits for them up to O(websocket_timeout), and never fails because of them. A threaded server has them
    on its http port, where they count as requests.
extends_documentation_fragment:
  - fleetops.odoo._attributes
  - fleetops.odoo._attributes.INFO
  - fleetops.odoo._choice
  - fleetops.odoo._idle
  - fleetops.odoo._long_wait
requirements:
  - psutil (on the host; where the interpreter lacks it, a system interpreter that has it is used)
seealso:
  - module: fleetops.odoo.gate
  - module: fleetops.odoo.haproxy_info
"""

EXAMPLES = r"""
- name: Wait until the last request has been answered, but not for the monitoring
  fleetops.odoo.wait_idle:
    timeout: 120
    ignore: [192.0.2.40]

- name: Look once
  fleetops.odoo.wait_idle:
    timeout: 0.1
  register: idle
  failed_when: idle is failed and idle.code | default('') != 'timeout.requests'
"""

RETURN = r"""
code:
  description: Stable name of why it failed, such as V(timeout.requests).
  returned: failure
  type: str
requests:
  description: Connections to http ports when the wait ended.
  returned: always
  type: int
websockets:
  description: Connections to gevent ports when the wait ended.
  returned: always
  type: int
peers:
  description: The other ends of the connections to http ports, each once.
  returned: always
  type: list
  elements: str
seconds:
  description: How long it took.
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
  returned: always
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.fleetops.odoo.plugins.module_utils._balancer.connections import Patience, count, wait_idle
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.results import printable
from ansible_collections.fleetops.odoo.plugins.module_utils._module.balancer import (
    IDLE_SPEC,
    find_targets,
    patience_of,
    told_under_way,
    waiting_for,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._module.common import find_host, start
from ansible_collections.fleetops.odoo.plugins.module_utils._module.long_wait import set_clock, told_waiting
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import StillWaiting, TimedOut

SPEC = IDLE_SPEC


def order_of(module: AnsibleModule) -> Patience:
    """Return how long the options have the module wait; a bad one ends the module."""
    return patience_of(module)


def main() -> None:
    """Entry point."""
    module = start(SPEC)
    host = find_host()
    patience = order_of(module)
    begun = set_clock(module, host.clock).began()
    targets, left_out = find_targets(module, host)
    try:
        now = wait_idle(host.proc, targets.views, patience, host.clock)
    except StillWaiting as exc:
        module.exit_json(
            changed=False,
            left_out=left_out,
            seconds=round(host.clock.monotonic() - begun, 3),
            **told_under_way(count(host.proc, targets.views, patience.ignored)),
            **told_waiting(waiting_for(exc, targets.views, patience)),
        )
    except TimedOut as exc:
        module.fail_json(
            msg=printable("After %g s the task still waits for %s" % (patience.timeout, exc.problem)),
            code=exc.code,
            changed=False,
            left_out=left_out,
            seconds=round(host.clock.monotonic() - begun, 3),
            **told_under_way(count(host.proc, targets.views, patience.ignored)),
        )
    else:
        seconds = round(host.clock.monotonic() - begun, 3)
        module.exit_json(changed=False, left_out=left_out, seconds=seconds, **told_under_way(now))


if __name__ == "__main__":
    main()
