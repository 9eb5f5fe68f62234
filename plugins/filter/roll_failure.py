# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: roll_failure
short_description: Sum up a task that failed
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - The roles of this collection use it. If a task cannot return a code, it is taken from the end of its message.
options:
  _input:
    description: The result of the task, such as C(ansible_failed_result).
    type: dict
    required: true
  step:
    description: The step in the turn of the host.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Keep it
  ansible.builtin.set_fact:
    failure: "{{ ansible_failed_result | fleetops.odoo.roll_failure('reload') }}"
"""

RETURN = r"""
_value:
  description: C(step), C(code), C(reason) and C(unreachable).
  type: dict
"""

import typing as t

from ansible_collections.fleetops.odoo.plugins.plugin_utils.untrusted import untrusted


def roll_failure(result: t.Mapping[str, t.Any], step: str) -> dict[str, t.Any]:
    """Apply the filter, see the documentation above."""
    from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll.faults import failure

    # ansible-core before 2.19 would template the message of a host.
    return untrusted(failure(result, step))


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return names and functions."""
        return {"roll_failure": roll_failure}
