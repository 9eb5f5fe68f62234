# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules workers and recycle_workers did, for people."""

from __future__ import annotations

DOCUMENTATION = r"""
name: workers_line
short_description: What became of the workers of a host
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - Used by the roles C(fleetops.odoo.scale_workers) and C(fleetops.odoo.recycle_workers).
options:
  _input:
    description: What M(fleetops.odoo.workers) or M(fleetops.odoo.recycle_workers) returned.
    type: dict
    required: true
  check:
    description: Whether it was a check run.
    type: bool
    required: true
"""

EXAMPLES = r"""
- name: Say it
  ansible.builtin.debug:
    msg: "{{ scaled | fleetops.odoo.workers_line(ansible_check_mode) }}"
"""

RETURN = r"""
_value:
  description: One line.
  type: str
"""

import typing as t

from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll import lines as _lines
from ansible_collections.fleetops.odoo.plugins.plugin_utils.untrusted import untrusted


def workers_line(result: t.Mapping[str, t.Any], check: bool) -> str:  # noqa: FBT001
    """The filter; see the documentation above."""
    # What a host says must not be taken for a template by ansible-core before 2.19.
    return untrusted(_lines.workers_line(result, check))


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Names and functions."""
        return {"workers_line": workers_line}
