# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: roll_report
short_description: Report the result of every host of a rolling restart
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - The role C(fleetops.odoo.rolling_restart) uses it for its summary, its report and its statistics.
options:
  _input:
    description: The ledger of the roll.
    type: dict
    required: true
  records:
    description: The record of each host, by host.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Say what happened
  ansible.builtin.debug:
    msg: "{{ (rolling_restart_roll | fleetops.odoo.roll_report(rolling_restart_records)).lines }}"
"""

RETURN = r"""
_value:
  description:
    - C(outcome) is V(done), V(paused), V(stopped) or V(failed), and C(ok) whether the roll did what was requested.
    - C(hosts) is a list of dictionaries with host, outcome (V(reloaded), V(restarted), V(up to date), V(failed),
      V(unreachable), V(not touched)), code, reason, step, seconds, old and new generation, balancer, lock and results.
    - C(remaining) are the unfinished hosts, C(stats) is for workflows, C(lines) is a table for people.
  type: dict
"""

import time
import typing as t


def roll_report(roll: dict[str, t.Any], records: t.Mapping[str, t.Mapping[str, t.Any]]) -> dict[str, t.Any]:
    """Apply the filter, see the documentation above."""
    from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll.ledger import Moment
    from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll.report import report

    return report(roll, records, Moment(time.time(), time.monotonic()))


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return names and functions."""
        return {"roll_report": roll_report}
