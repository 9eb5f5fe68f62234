#!/usr/bin/python

# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: roll_turn
short_description: Run one step of a rolling restart on a host
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - The role P(fleetops.odoo.rolling_restart#role) runs these steps, and between them takes the host out of its load
    balancer and puts it back. Each step is one module call on the host, and its result is the record of the roll.
  - If the host cannot be reached, the task fails with the code V(host.unreachable), so that the host stays in the
    play.
  - A check run of the role ends with O(step=look).
extends_documentation_fragment:
  - fleetops.odoo._attributes
  - fleetops.odoo._attributes.ACTION
  - fleetops.odoo._choice
  - fleetops.odoo._health
  - fleetops.odoo._lock
attributes:
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - As the modules that it calls.
  action_group:
    support: none
options:
  step:
    description:
      - V(look) calls M(fleetops.odoo.roll_look).
      - V(begin) renews the lock and waits until the servers are healthy.
      - V(reload) calls M(fleetops.odoo.reload).
      - V(end) notes in the lock that the host is in its load balancer, and watches the servers for
        O(min_healthy_time).
      - V(leave) releases the lock. If the host stays out of its load balancer, an expired lock stays, from which the
        next roll knows that.
      - V(write) makes O(folder) on the controller and writes O(report) into it. It contacts no host.
    type: str
    choices: [look, begin, reload, end, leave, write]
    required: true
  roll:
    description: Name of the roll. It is in each result, so that results of an earlier roll do not count.
    type: str
    required: true
  options:
    description: Options of M(fleetops.odoo.roll_look) or M(fleetops.odoo.reload), for these steps.
    type: dict
    default: {}
  behind:
    description: The load balancer of the host, as O(step=look) returns it, with C(kind), C(backends) and C(servers).
    type: dict
    default: {}
  balancers:
    description: The kinds that O(behind) may have, for O(step=look). An empty list means every kind.
    type: list
    elements: str
    default: []
  drained:
    description: What to do with a drained host, as O(step=look) returns it.
    type: str
    choices: [refuse, skip]
    default: refuse
  turn:
    description: Seconds for the whole turn of the host, for O(step=begin).
    type: float
  until:
    description: When the turn must have ended, as O(step=begin) returned it.
    type: float
  left:
    description: The registered result of the task that took the host out of its load balancer, for O(step=reload).
    type: dict
    default: {}
  folder:
    description: Folder of the roll on the controller, for O(step=write). It must be an absolute path.
    type: path
  report:
    description:
      - What P(fleetops.odoo.roll_report#filter) returned, for O(step=write). An empty one writes no file.
      - It is written as C(report.json), as the page C(report.html), and the hosts that remain as C(remaining), a file
        for C(--limit).
    type: dict
    default: {}
  min_healthy_time:
    description: Seconds without a break for which the servers must be healthy, for O(step=end).
    type: float
    default: 0.0
  timeout:
    description: Seconds for the wait of the step. It must be greater than 0.
    type: float
    default: 60.0
  kind:
    description: Kind of the owner. The action plugin sets it to V(roll) in every step.
    type: str
    choices: [roll, drain, other]
seealso:
  - module: fleetops.odoo.reload
  - module: fleetops.odoo.roll_look
  - module: fleetops.odoo.roll_lock
"""

EXAMPLES = r"""
- name: Begin the turn of a host
  fleetops.odoo.roll_turn:
    step: begin
    roll: "{{ rolling_restart_roll.name }}"
    turn: 300
    timeout: 60
  register: began
"""

RETURN = r"""
code:
  description: Stable name of what went wrong.
  returned: failure
  type: str
  sample: host.unreachable
step:
  description: The step.
  returned: always
  type: str
roll:
  description: O(roll).
  returned: always
  type: str
started:
  description: When the step began, in seconds of the monotonic clock of the controller.
  returned: always
  type: float
ended:
  description: When the step ended, on the same clock.
  returned: always
  type: float
until:
  description: When the turn must have ended, in seconds since the epoch, by the clock of the controller.
  returned: O(step=begin)
  type: float
under_way:
  description: Number of requests in progress when the host left its load balancer. Null if it is not known.
  returned: O(step=reload)
  type: int
page:
  description: Path of the page. Empty if no report was written.
  returned: O(step=write)
  type: str
serves:
  description: Whether the host has proved that it is healthy.
  returned: O(step=end)
  type: bool
results:
  description: What M(fleetops.odoo.reload) or M(fleetops.odoo.wait_healthy) returns for each server.
  returned: when servers were looked at
  type: list
  elements: dict
taken:
  description: Whether this roll holds the lock of the host.
  returned: when the step asks for the lock
  type: bool
lock:
  description: The lock that is there now, as RV(fleetops.odoo.roll_lock#module:lock). On failure, the lock that is in
    the way.
  returned: when the step asks for the lock
  type: dict
was:
  description: The lock that was there before. Null when there was none.
  returned: when the step asks for the lock
  type: dict
instance:
  description: O(instance).
  returned: O(step=look)
  type: str
place:
  description: What tells the host from others. Two names in an inventory that stand for one host have the same place.
  returned: when the lock was taken
  type: str
"""

from ansible_collections.fleetops.odoo.plugins.module_utils._messages import option
from ansible_collections.fleetops.odoo.plugins.module_utils._module.common import fail, find_host
from ansible_collections.fleetops.odoo.plugins.module_utils._module.roll_step import hold_lock, start_step
from ansible_collections.fleetops.odoo.plugins.module_utils._module.watching import WATCH_SPEC, order_of, watch
from ansible_collections.fleetops.odoo.plugins.module_utils._server import health

SPEC = {
    "step": {"type": "str", "choices": ["look", "begin", "reload", "end", "leave", "write"], "required": True},
    "roll": {"type": "str", "required": True},
    "options": {"type": "dict", "default": {}},
    "behind": {"type": "dict", "default": {}},
    "balancers": {"type": "list", "elements": "str", "default": []},
    "drained": {"type": "str", "choices": ["refuse", "skip"], "default": "refuse"},
    "turn": {"type": "float"},
    "until": {"type": "float"},
    "left": {"type": "dict", "default": {}},
    "folder": {"type": "path"},
    "report": {"type": "dict", "default": {}},
    **WATCH_SPEC,
}


def main() -> None:
    """Entry point. The action plugin of the same name runs other modules for the other steps."""
    module = start_step(SPEC)
    if module.params["step"] not in ("begin", "end"):
        fail(module, option.NOT_CALLED_BY_ACTION(option="step", module="roll_turn"))
    host = find_host(health=health)
    order = order_of(module)
    hold_lock(module)
    watch(module, host, order)


if __name__ == "__main__":
    main()
