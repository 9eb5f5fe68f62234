# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: roll_records
short_description: Make the records of hosts from the registered results of a roll
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - The role C(fleetops.odoo.rolling_restart) uses it. The ledger of the roll decides by these records.
options:
  _input:
    description: C(hostvars).
    type: dict
    required: true
  hosts:
    description: The hosts.
    type: list
    elements: str
    required: true
  roll:
    description: Name of the roll. Results of other rolls do not count.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show what is known of the hosts
  ansible.builtin.debug:
    msg: "{{ hostvars | fleetops.odoo.roll_records(ansible_play_hosts_all, rolling_restart_ledger.name) }}"
"""

RETURN = r"""
_value:
  description: A record for each host, by host.
  type: dict
"""

import typing as t

from ansible_collections.fleetops.odoo.plugins.plugin_utils.untrusted import untrusted


def roll_records(
    hostvars: t.Mapping[str, t.Mapping[str, t.Any]], hosts: t.Sequence[str], roll: str
) -> dict[str, dict[str, t.Any]]:
    """The filter; see the documentation above."""
    from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll.record import record

    # A message of a host must not be taken for a template by ansible-core before 2.19.
    return untrusted({host: record(hostvars[host], roll) for host in hosts})


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return names and functions."""
        return {"roll_records": roll_records}
