# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: batches
short_description: Make a value safe for the keyword serial
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - Converts sizes of batches into a list that the keyword C(serial) accepts on every ansible-core.
  - Refuses values that mean all hosts at once for Ansible (an empty list, V(0), V(-1), V(150%)), and values that would
    end Ansible with a traceback.
options:
  _input:
    description:
      - A number of hosts, a percentage, or several of them as a list, as a text with commas or as JSON.
    type: raw
    required: true
"""

EXAMPLES = r"""
- name: Work on one host, then on a quarter of the hosts, then on halves
  hosts: odoo
  serial: "{{ '1,25%,50%' | fleetops.odoo.batches }}"
  tasks: []
"""

RETURN = r"""
_value:
  description: Sizes of the batches, as texts.
  type: list
  elements: str
"""

import typing as t

from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused
from ansible_collections.fleetops.odoo.plugins.plugin_utils.problems import filter_error


def batches(value: t.Any) -> list[str]:
    """Apply the filter, see the documentation above."""
    from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll.batches import parse_batches

    try:
        return parse_batches(value)
    except Refused as exc:
        raise filter_error(exc.problem) from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return names and functions."""
        return {"batches": batches}
