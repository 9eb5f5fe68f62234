# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: names
short_description: Read a list of names, which may be a text with commas
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - A survey of AWX and C(-e) pass lists on as texts with commas. The roles of this collection accept these texts in
    place of lists.
options:
  _input:
    description: A list, a text with commas, or a list of these.
    type: raw
    required: true
"""

EXAMPLES = r"""
- name: Show the names one by one
  ansible.builtin.debug:
    msg: "{{ item }}"
  loop: "{{ 'lb1, lb2' | fleetops.odoo.names }}"
"""

RETURN = r"""
_value:
  description: The names, without blanks around them and without empty names.
  type: list
  elements: str
  sample: [lb1, lb2]
"""

import typing as t

from ansible_collections.fleetops.odoo.plugins.plugin_utils.names import names


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return names and functions."""
        return {"names": names}
