# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Describe in one line what the modules workers and recycle_workers did."""

from __future__ import annotations

DOCUMENTATION = r"""
name: workers_line
short_description: Describe the result for the workers of a host in one line
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - The roles C(fleetops.odoo.scale_workers) and C(fleetops.odoo.recycle_workers) use it.
options:
  _input:
    description: The result of M(fleetops.odoo.workers) or M(fleetops.odoo.recycle_workers).
    type: dict
    required: true
  check:
    description: Whether the module ran in check mode.
    type: bool
    required: true
"""

EXAMPLES = r"""
- name: Show the line
  ansible.builtin.debug:
    msg: "{{ scaled | fleetops.odoo.workers_line(ansible_check_mode) }}"
"""

RETURN = r"""
_value:
  description: One line.
  type: str
"""

import typing as t

from ansible_collections.fleetops.odoo.plugins.plugin_utils.untrusted import untrusted


def workers_line(result: t.Mapping[str, t.Any], check: bool) -> str:  # noqa: FBT001
    """Apply the filter, see the documentation above."""
    from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll import lines as _lines

    # ansible-core before 2.19 would template the texts of a host.
    return untrusted(_lines.workers_line(result, check))


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return names and functions."""
        return {"workers_line": workers_line}
