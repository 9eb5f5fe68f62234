#!/usr/bin/python

# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: drain_turn
short_description: Run one step of a drain on a host, or of the way back
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - The role P(fleetops.odoo.graceful_drain#role) runs these steps, and between them takes the host out of its load
    balancer or puts it back. The results of the steps are the record of the host.
  - If the host cannot be reached, the task fails with the code V(host.unreachable), so that the host stays in the
    play.
attributes:
  check_mode:
    description: Runs M(fleetops.odoo.roll_lock) and M(fleetops.odoo.drain) in check mode.
    support: full
  diff_mode:
    description: With C(--diff), returns the changes.
    support: none
  platform:
    description: Operating systems of the hosts it works on.
    support: full
    platforms: linux
options:
  step:
    description:
      - V(begin) takes the lock of the host and looks whether the servers can be drained. If they cannot, it leaves the
        lock as it was.
      - V(drain) calls M(fleetops.odoo.drain).
      - V(start) takes the lock of the host and calls M(fleetops.odoo.drain) with C(state=undrained).
      - V(end) releases the lock.
    type: str
    choices: [begin, drain, start, end]
    required: true
  run:
    description: Name of the run. It is in each result, so that results of an earlier run do not count.
    type: str
    required: true
  begun:
    description: RV(run) of the first step, for O(step=drain) and O(step=end). They refuse a host that has not begun.
    type: str
  options:
    description: Options of M(fleetops.odoo.drain).
    type: dict
    default: {}
  balancer:
    description: Kind of the load balancer of the host, for O(step=begin) and O(step=start).
    type: str
    default: none
  out_before:
    description: Whether the load balancer had the host out before this run, for O(step=begin).
    type: bool
    default: false
  one_off:
    description: What to do if other Odoo commands run on the host, as in M(fleetops.odoo.roll_look). For
      O(step=begin).
    type: str
    choices: [auto, refuse, warn, ignore]
    default: auto
  reason:
    description: Why the host is drained.
    type: str
    default: ""
  ttl:
    description: Seconds after which the lock expires.
    type: float
  take_over:
    description: IDs of locks of rolls to take over.
    type: list
    elements: str
    default: []
seealso:
  - module: fleetops.odoo.drain
  - module: fleetops.odoo.roll_lock
"""

EXAMPLES = r"""
- name: Take the lock of the host, and check whether its servers can be drained
  fleetops.odoo.drain_turn:
    step: begin
    run: "1764594000.123"
    reason: new kernel
  register: begun
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
run:
  description: O(run).
  returned: always
  type: str
stage:
  description: Where the step failed, V(lock), V(look), V(start) or V(in).
  returned: failure of O(step=begin) and O(step=start)
  type: str
results:
  description: What M(fleetops.odoo.drain) returns for each server.
  returned: when servers were looked at
  type: list
  elements: dict
lock:
  description: The lock that is there now, as RV(fleetops.odoo.roll_lock#module:lock).
  returned: when the step asks for the lock
  type: dict
was:
  description: The lock that was there before. Null when there was none.
  returned: when the step asks for the lock
  type: dict
balancer:
  description: O(balancer).
  returned: O(step=begin)
  type: str
was_out:
  description: Whether the host was out of its load balancer before, by an administrator.
  returned: O(step=begin)
  type: bool
"""
