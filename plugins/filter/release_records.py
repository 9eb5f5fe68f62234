# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: release_records
short_description: Return the records of the hosts of a release
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - The role P(fleetops.odoo.rolling_restart#role) uses it. The records are made from what its tasks register.
options:
  _input:
    description: The variables of all hosts, C(hostvars).
    type: dict
    required: true
  hosts:
    description: Hosts to return.
    type: list
    elements: str
    required: true
  present:
    description: Hosts that are still in the play. The others have an empty record.
    type: list
    elements: str
    required: true
  run:
    description: Name of the run. Failures of other runs do not count.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show what became of the hosts
  ansible.builtin.debug:
    msg: "{{ hostvars | fleetops.odoo.release_records(ansible_play_hosts_all, ansible_play_hosts, '1764594000.123') }}"
"""

RETURN = r"""
_value:
  description: A record for each host, by host, with C(ok), C(line) and C(was), or with C(failure).
  type: dict
"""

import typing as t

from ansible_collections.fleetops.odoo.plugins.plugin_utils.untrusted import untrusted


def release_records(
    hostvars: t.Mapping[str, t.Mapping[str, t.Any]], hosts: t.Sequence[str], present: t.Collection[str], run: str
) -> dict[str, dict[str, t.Any]]:
    """Apply the filter, see the documentation above."""
    from ansible_collections.fleetops.odoo.plugins.plugin_utils._drains.release import record

    # ansible-core before 2.19 would template the texts of a host.
    return untrusted({host: record(hostvars[host], run) if host in present else {} for host in hosts})


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return names and functions."""
        return {"release_records": release_records}
