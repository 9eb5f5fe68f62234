# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: roll_step
short_description: Add a step to the ledger of a rolling restart
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - The role C(fleetops.odoo.rolling_restart) uses it, and keeps the ledger as a fact of the controller.
options:
  _input:
    description: The ledger; an empty dictionary for V(begin).
    type: dict
    required: true
  step:
    description:
      - V(begin) makes a new ledger of O(options). V(looked) says in C(parts) which tasks come before the batches.
        V(plan) decides the batches. V(enter) says in C(stopped) whether O(batch) may begin, and writes down that it
        begins. V(gate) does the same, unless conditions or tasks of the user come before the batch. V(leave) closes the
        last batch. V(stop) ends the roll.
    type: str
    choices: [begin, looked, plan, gate, enter, leave, stop]
    required: true
  records:
    description: The record of each host, by host.
    type: dict
    default: {}
  batch:
    description: Hosts of the batch.
    type: list
    elements: str
    default: []
  seen:
    description: What M(fleetops.odoo.haproxy_info) returned for each load balancer, as a loop over them registers it,
      for V(plan).
    type: list
    elements: dict
    default: []
  options:
    description: Variables of the role, for V(begin), without their prefix, and C(hosts).
    type: dict
    default: {}
  why:
    description: One word for the reason, for V(stop).
    type: str
    default: blocked
  code:
    description: The code of the reason why the roll stops, for V(stop).
    type: str
    default: roll.blocked
  values:
    description: Values for the placeholders of O(code), as keyword arguments. C(seen) and
      C(nginx), what the load balancers have answered, are for V(plan).
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: A batch begins
  ansible.builtin.set_fact:
    rolling_restart_roll: "{{ rolling_restart_roll | fleetops.odoo.roll_step('enter', batch=ansible_play_batch) }}"
"""

RETURN = r"""
_value:
  description: The ledger after the step, with C(line), the progress of the roll in words.
  type: dict
"""

import time
import typing as t

from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused
from ansible_collections.fleetops.odoo.plugins.plugin_utils.problems import code_named, filter_error
from ansible_collections.fleetops.odoo.plugins.plugin_utils.untrusted import untrusted

STEPS = ("begin", "looked", "plan", "gate", "enter", "leave", "stop")


def roll_step(
    roll: dict[str, t.Any],
    step: str,
    records: t.Mapping[str, t.Mapping[str, t.Any]] | None = None,
    batch: t.Sequence[str] = (),
    options: t.Mapping[str, t.Any] | None = None,
    why: str | None = None,
    code: str | None = None,
    **values: t.Any,
) -> dict[str, t.Any]:
    """Apply the filter, see the documentation above."""
    from ansible_collections.fleetops.odoo.plugins.module_utils._messages import option
    from ansible_collections.fleetops.odoo.plugins.module_utils._messages import roll as _codes
    from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll import ledger as _roll
    from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll.faults import faults_of, shared_faults

    now, records = _roll.Moment(time.time(), time.monotonic()), records or {}
    try:
        if step == "begin":
            return _roll.begin((options or {})["hosts"], options or {}, now)
        if step == "plan":
            seen = {"haproxy": values.get("seen") or [], "nginx": values.get("nginx") or []}
            faults = {**faults_of(records, seen, check=roll["check"]), **shared_faults(records)}
            return _roll.plan(roll, records, now, untrusted(faults))
        if step == "looked":
            return _roll.looked(roll, records)
        if step == "gate":
            return _roll.arrive(roll, records, batch, now)
        if step == "stop":
            return _roll.stop(roll, why or _roll.BLOCKED, code_named(code or _codes.BLOCKED.name)(**values))
        if step == "enter":
            return _roll.enter(roll, records, batch, now)
        if step == "leave":
            return _roll.leave(roll, records, now)
    except Refused as exc:
        raise filter_error(exc.problem) from None
    raise filter_error(option.NOT_A_CHOICE(option="step", choices=", ".join(STEPS), value=step))


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return names and functions."""
        return {"roll_step": roll_step}
