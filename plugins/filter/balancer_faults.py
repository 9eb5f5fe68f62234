# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: balancer_faults
short_description: Check that a host can be taken out of its load balancers
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - The role C(fleetops.odoo.rolling_restart) uses it in its preflight.
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
    default: []
  servers:
    description: Names of the host in the load balancers.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Check that the host can be taken out of its balancers
  ansible.builtin.assert:
    that: (seen.results | fleetops.odoo.balancer_faults(servers=[inventory_hostname])) | length == 0
"""

RETURN = r"""
_value:
  description: Faults, each with C(code) and C(message). Empty without faults.
  type: list
  elements: dict
"""

import typing as t

from ansible_collections.fleetops.odoo.plugins.plugin_utils.problems import listed
from ansible_collections.fleetops.odoo.plugins.plugin_utils.untrusted import untrusted


def balancer_faults(
    seen: t.Sequence[t.Mapping[str, t.Any]], backends: t.Sequence[str] = (), servers: t.Sequence[str] = ()
) -> list[dict[str, str]]:
    """Apply the filter, see the documentation above."""
    from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll import faults as _faults

    return untrusted(listed(_faults.balancer_faults(seen, backends, servers)))


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return names and functions."""
        return {"balancer_faults": balancer_faults}
