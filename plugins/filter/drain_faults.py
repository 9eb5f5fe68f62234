# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: drain_faults
short_description: Check that servers can be taken out of their load balancers
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - The role C(fleetops.odoo.graceful_drain) uses it.
options:
  _input:
    description: Results of M(fleetops.odoo.haproxy_info) for each load balancer, as a loop registers them.
    type: list
    elements: dict
    required: true
  backends:
    description: Names of backends; an empty list means every backend with such a server.
    type: list
    elements: str
    required: true
  leaving:
    description: Names of the servers that leave.
    type: list
    elements: str
    required: true
  least:
    description: Number of healthy servers that must stay in each backend.
    type: int
    required: true
"""

EXAMPLES = r"""
- name: Check that a healthy server stays
  ansible.builtin.assert:
    that: seen.results | fleetops.odoo.drain_faults(['odoo'], ['web1', 'web2'], 1) | length == 0
"""

RETURN = r"""
_value:
  description: Faults, each with C(code) and C(message). Empty if the servers may be drained.
  type: list
  elements: dict
"""

import typing as t

from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll import faults as _faults
from ansible_collections.fleetops.odoo.plugins.plugin_utils.problems import listed
from ansible_collections.fleetops.odoo.plugins.plugin_utils.untrusted import untrusted


def drain_faults(
    seen: t.Sequence[t.Mapping[str, t.Any]], backends: t.Sequence[str], leaving: t.Sequence[str], least: int
) -> list[dict[str, str]]:
    """Apply the filter, see the documentation above."""
    return untrusted(listed(_faults.drain_faults(seen, backends, leaving, least)))


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return names and functions."""
        return {"drain_faults": drain_faults}
