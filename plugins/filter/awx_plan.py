# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: awx_plan
short_description: Check and complete the configuration for AWX
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - The role C(fleetops.odoo.awx_setup) uses it. Fails with a message if AWX would refuse a part of the configuration.
options:
  _input:
    description: The configuration of a site, as in C(roles/awx_setup/files/awx.yml).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the templates that the role would create
  ansible.builtin.debug:
    msg: "{{ (awx_setup_wanted | fleetops.odoo.awx_plan).job_templates | map(attribute='name') }}"
"""

RETURN = r"""
_value:
  description:
    - Lists of objects to create, by section, such as C(job_templates) with C(survey_spec), and C(nodes) of all
      workflows.
  type: dict
"""

import typing as t

from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused
from ansible_collections.fleetops.odoo.plugins.plugin_utils.problems import filter_error


def awx_plan(data: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Apply the filter, see the documentation above."""
    from ansible_collections.fleetops.odoo.plugins.plugin_utils._awx.plan import plan

    try:
        return plan(data)
    except Refused as exc:
        raise filter_error(exc.problem) from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return names and functions."""
        return {"awx_plan": awx_plan}
