# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: drain_records
short_description: Return the records of the hosts of a drain
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - The role P(fleetops.odoo.graceful_drain#role) uses it. The records are made from the registered results of its
    tasks.
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
  run:
    description: Name of the run. Results of other runs do not count.
    type: str
    required: true
  action:
    description: Whether the hosts are drained or brought back.
    type: str
    choices: [drain, undrain]
    required: true
  check:
    description: Whether this is a check run.
    type: bool
    required: true
"""

EXAMPLES = r"""
- name: Show what became of the hosts
  ansible.builtin.debug:
    msg: "{{ hostvars | fleetops.odoo.drain_records(ansible_play_hosts_all, '1764594000.123', 'drain', false) }}"
"""

RETURN = r"""
_value:
  description: A record for each host, by host, with C(step), and C(ok), C(line) or C(failure).
  type: dict
"""

import typing as t

from ansible_collections.fleetops.odoo.plugins.plugin_utils.untrusted import untrusted


def drain_records(
    hostvars: t.Mapping[str, t.Mapping[str, t.Any]],
    hosts: t.Sequence[str],
    run: str,
    action: str,
    check: bool,  # noqa: FBT001
) -> dict[str, dict[str, t.Any]]:
    """Apply the filter, see the documentation above."""
    from ansible_collections.fleetops.odoo.plugins.plugin_utils._drains.record import record

    # ansible-core before 2.19 would template the texts of a host.
    return untrusted({host: record(hostvars[host], run, action, check=check) for host in hosts})


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return names and functions."""
        return {"drain_records": drain_records}
