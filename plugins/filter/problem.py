# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: problem
short_description: Return the message of a code
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - Takes a code such as V(roll.no_balancer) and returns its sentence and its remedy, with values filled in. The table
    of all codes is C(docs/troubleshooting.md).
  - The roles of this collection use it for failures. M(ansible.builtin.fail) cannot return a code, so it is at the end
    of the message, in brackets.
options:
  _input:
    description: The code.
    type: str
    required: true
  values:
    description: Values for the placeholders of the sentence, as keyword arguments.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show the message of a code
  ansible.builtin.debug:
    msg: "{{ ('host.unreachable' | fleetops.odoo.problem(error='No route to host')).msg }}"
"""

RETURN = r"""
_value:
  description:
    - C(code), C(message), which is the sentence with its remedy, and C(msg), which has the code in brackets as well.
  type: dict
  sample:
    code: host.unreachable
    message: "The host cannot be reached: No route to host"
    msg: "The host cannot be reached: No route to host [host.unreachable]"
"""

import typing as t

from ansible_collections.fleetops.odoo.plugins.plugin_utils.problems import code_named, filter_error, marked
from ansible_collections.fleetops.odoo.plugins.plugin_utils.untrusted import untrusted


def problem(code: str, **values: t.Any) -> dict[str, str]:
    """Apply the filter, see the documentation above."""
    from ansible_collections.fleetops.odoo.plugins.module_utils._messages import option

    try:
        told = code_named(code)(**values)
    except (KeyError, ValueError) as exc:
        raise filter_error(option.UNKNOWN_CODE(value=code, error=exc)) from None
    # ansible-core before 2.19 would template the message of a host.
    return untrusted({"code": told.code, "message": told.message, "msg": marked(told)})


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return names and functions."""
        return {"problem": problem}
