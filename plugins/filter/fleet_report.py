# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet_report
short_description: Make the table of the servers of a fleet
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - The role C(fleetops.odoo.fleet_info) uses it for its table and its statistics.
options:
  _input:
    description: The facts of each host, by host. For a host that did not answer, the C(failure) with C(code) and
      C(reason).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Say what runs where
  ansible.builtin.debug:
    msg: "{{ (fleet_info_records | fleetops.odoo.fleet_report).lines }}"
"""

RETURN = r"""
_value:
  description:
    - C(lines) is a table for people, C(at) the time.
    - C(stats) is for workflows. It has outcome, hosts, remaining and codes as P(fleetops.odoo.outcomes#filter), servers
      as a number, by_version and by_mode, and the names of the hosts that are stale, needs_restart, not_running,
      drained and without_odoo.
  type: dict
"""

import datetime
import typing as t

from ansible_collections.fleetops.odoo.plugins.plugin_utils.untrusted import untrusted


def fleet_report(records: t.Mapping[str, t.Mapping[str, t.Any]]) -> dict[str, t.Any]:
    """Apply the filter, see the documentation above."""
    from ansible_collections.fleetops.odoo.plugins.plugin_utils import fleet as _fleet

    at = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return untrusted(_fleet.report(records, at))


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return names and functions."""
        return {"fleet_report": fleet_report}
