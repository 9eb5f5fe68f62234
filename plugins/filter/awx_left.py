# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: awx_left
short_description: Compare the objects in AWX with the configuration of a site
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - The role C(fleetops.odoo.awx_setup) uses it after the modules of awx.awx. These modules cannot empty some fields,
    and do not look at records that the file does not name.
options:
  _input:
    description: The result of the filter P(fleetops.odoo.awx_plan#filter).
    type: dict
    required: true
  shown:
    description:
      - Lists of records as the API shows them, by their kind, such as C(job_templates).
      - C(team_roles) has the roles of the teams, each with the key C(team). C(settings) has the settings of jobs.
    type: dict
    required: true
positional: shown
"""

EXAMPLES = r"""
- name: Show the objects in AWX that the file does not name
  ansible.builtin.debug:
    msg: "{{ (awx_setup_wanted | fleetops.odoo.awx_left(awx_setup_shown)).stays }}"
"""

RETURN = r"""
_value:
  description:
    - C(reset) lists fields that must be emptied, each with C(url), C(name) and C(fields).
    - C(remove) lists nodes of workflows that the file does not name, each with C(workflow) and C(identifier).
    - C(stays) lists a sentence for each object that the role does not change.
  type: dict
"""

import typing as t


def awx_left(plan: dict[str, t.Any], shown: t.Mapping[str, t.Sequence[dict[str, t.Any]]]) -> dict[str, t.Any]:
    """Apply the filter, see the documentation above."""
    from ansible_collections.fleetops.odoo.plugins.plugin_utils._awx.left import left

    return left(plan, shown)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return names and functions."""
        return {"awx_left": awx_left}
