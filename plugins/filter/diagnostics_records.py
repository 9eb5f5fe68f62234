# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: diagnostics_records
short_description: Return the records of the hosts of a run of diagnostics
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - The role P(fleetops.odoo.diagnostics#role) uses it. The records are made from what its tasks register.
options:
  _input:
    description: The variables of all hosts, C(hostvars).
    type: dict
    required: true
  run:
    description: The run, with C(hosts), C(run) and C(folder).
    type: dict
    required: true
  left:
    description: Record of a host of which nothing is known.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what became of the hosts
  ansible.builtin.debug:
    msg: "{{ hostvars | fleetops.odoo.diagnostics_records(run, {}) }}"
  vars:
    run: {hosts: [odoo1], run: 20261124T174507Z, folder: /var/tmp/diagnostics/20261124T174507Z}
"""

RETURN = r"""
_value:
  description: A record for each host, by host, with C(file) and C(missing) or C(failure), and with C(bundle).
  type: dict
"""

import typing as t

from ansible_collections.fleetops.odoo.plugins.plugin_utils.untrusted import untrusted


def diagnostics_records(
    hostvars: t.Mapping[str, t.Mapping[str, t.Any]], run: t.Mapping[str, t.Any], left: t.Mapping[str, t.Any]
) -> dict[str, dict[str, t.Any]]:
    """Apply the filter, see the documentation above."""
    from ansible_collections.fleetops.odoo.plugins.plugin_utils._runs.answers import record

    # ansible-core before 2.19 would template the texts of a host.
    return untrusted(
        {host: record(hostvars[host], host, run["run"], run["folder"]) or dict(left) for host in run["hosts"]}
    )


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return names and functions."""
        return {"diagnostics_records": diagnostics_records}
