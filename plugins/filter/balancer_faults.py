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
  - Used by the role C(fleetops.odoo.rolling_restart) in its preflight.
options:
  _input:
    description: What M(fleetops.odoo.haproxy_info) returned for each balancer, as a loop over them registers it.
    type: list
    elements: dict
    required: true
  backends:
    description: Names of backends; none stands for every backend that has such a server.
    type: list
    elements: str
    default: []
  servers:
    description: Names under which the balancers know the host.
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
  description: What is wrong, each with C(code) and C(message); empty when nothing is.
  type: list
  elements: dict
"""

import typing as t

from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll import faults as _faults
from ansible_collections.fleetops.odoo.plugins.plugin_utils.problems import listed
from ansible_collections.fleetops.odoo.plugins.plugin_utils.untrusted import untrusted


def balancer_faults(
    seen: t.Sequence[t.Mapping[str, t.Any]], backends: t.Sequence[str] = (), servers: t.Sequence[str] = ()
) -> list[dict[str, str]]:
    """The filter; see the documentation above."""
    return untrusted(listed(_faults.balancer_faults(seen, backends, servers)))


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Names and functions."""
        return {"balancer_faults": balancer_faults}
