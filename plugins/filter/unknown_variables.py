# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: unknown_variables
short_description: Find misspelt variables of a role
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - The roles of this collection use it. They refuse unknown variables with their prefix.
options:
  _input:
    description: The variables of all hosts, C(hostvars).
    type: dict
    required: true
  hosts:
    description: Hosts of the play.
    type: list
    elements: str
    required: true
  role_path:
    description: Folder of the role, C(role_path). Its name is the prefix.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Check the names of the variables of the role fleet_info
  ansible.builtin.assert:
    that: names.that
    fail_msg: "{{ names.otherwise.msg }}"
  vars:
    roles: "{{ lookup('ansible.builtin.config', 'COLLECTIONS_PATHS') | first }}/ansible_collections/fleetops/odoo/roles"
    names: "{{ hostvars | fleetops.odoo.unknown_variables(ansible_play_hosts_all, roles ~ '/fleet_info') }}"
"""

RETURN = r"""
_value:
  description:
    - C(that), whether the role knows all of them, and C(otherwise) with C(code), C(message) and C(msg), as the filter
      P(fleetops.odoo.problem#filter) returns them.
  type: dict
  sample:
    that: true
    otherwise: {code: option.unknown_variable, message: "", msg: ""}
"""

import typing as t

from ansible_collections.fleetops.odoo.plugins.plugin_utils.problems import marked


def unknown_variables(
    variables: t.Mapping[str, t.Mapping[str, t.Any]], hosts: t.Sequence[str], role_path: str
) -> dict[str, t.Any]:
    """Apply the filter, see the documentation above."""
    from ansible_collections.fleetops.odoo.plugins.module_utils._messages import option
    from ansible_collections.fleetops.odoo.plugins.plugin_utils import variables as _names

    names = {name for host in hosts for name in variables[host]}
    found = _names.unknown_variables(names, role_path)
    if not found:
        return {"that": True, "otherwise": {"code": option.UNKNOWN_VARIABLE.name, "message": "", "msg": ""}}
    told = ", ".join(f"{name} (did you mean {alike}?)" if alike else name for name, alike in found.items())
    problem = option.UNKNOWN_VARIABLE(variables=told, role=role_path.rstrip("/").rpartition("/")[2])
    return {"that": False, "otherwise": {"code": problem.code, "message": problem.message, "msg": marked(problem)}}


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return names and functions."""
        return {"unknown_variables": unknown_variables}
