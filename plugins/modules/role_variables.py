#!/usr/bin/python

# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: role_variables
short_description: Check the variables of a role before it touches a host
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - The roles of this collection use it as their first task, with C(run_once). It works on the controller, and contacts
    no host.
  - It fails if the role does not know a variable with its prefix, if a variable has a value that the argument
    specification of the role refuses, or if a condition of the role does not hold. The message names the variable, what
    it must be, and what it is.
  - It checks the variables of all hosts of the play. A variable of another host that refers to a default of the role
    is not checked.
attributes:
  check_mode:
    description: Checks as in a normal run.
    support: full
  diff_mode:
    description: With C(--diff), returns the changes.
    support: none
  platform:
    description: Operating systems of the controller.
    support: full
    platforms: posix
options:
  entry_point:
    description: Entry point in C(meta/argument_specs.yml) of the role.
    type: str
    default: main
  with_roles:
    description: Roles of the same collection whose variables the role uses. Their first entry point describes them.
    type: list
    elements: str
    default: []
  checks:
    description:
      - Names of variables with conditions. Each is a list of dictionaries with C(that), which must be true, and
        C(otherwise), as the filter P(fleetops.odoo.problem#filter) returns it.
      - They are evaluated when the values have the right types.
    type: list
    elements: str
    default: []
seealso:
  - plugin: fleetops.odoo.unknown_variables
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Check the variables
  fleetops.odoo.role_variables:
    with_roles: [balancer]
    checks: [balancer_checks, graceful_drain_checks]
  run_once: true
"""

RETURN = r"""
code:
  description: Stable name of what is wrong.
  returned: failure
  type: str
  sample: option.wrong_variables
run:
  description: A name of this run, so that results of an earlier run of the same C(ansible-playbook) do not count.
  returned: success
  type: str
"""
