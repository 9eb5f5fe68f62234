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
    description:
      - For each host that leaves, by name, C(kind) (C(haproxy), C(nginx), C(firewall), C(tasks) or C(none)), C(ask)
        (its load balancers, with C(host) and C(path)), C(servers) (its names there), C(backends) (backends or
        upstreams; for HAProxy empty means all) and C(websockets) (upstreams for websockets).
    type: dict
    required: true
  haproxy:
    description: Results of M(fleetops.odoo.haproxy_info), as a loop over C(ask) with the loop variable C(balancer_ask)
      registers them.
    type: list
    elements: dict
    default: []
  nginx:
    description: Results of M(fleetops.odoo.nginx_info), as a loop over C(ask) with the loop variable C(balancer_ask)
      registers them.
    type: list
    elements: dict
    default: []
  least:
    description: Number of servers that take requests and must stay in each backend or upstream. Servers of HAProxy
      that are drained, in maintenance, down, backup or of weight 0 do not count. Those that track a server that
      leaves do not count either. Servers of nginx that are down or backup do not count.
    type: int
    default: 1
"""

EXAMPLES = r"""
- name: Check that a server stays that takes requests
  ansible.builtin.assert:
    that: leaving | fleetops.odoo.drain_faults(haproxy=seen.results) | length == 0
  vars:
    leaving:
      web1: {kind: haproxy, ask: [{host: lb1, path: /run/haproxy/admin.sock}], servers: [web1], backends: [odoo]}
"""

RETURN = r"""
_value:
  description: Faults, each with C(code) and C(message). Empty if the servers may be drained.
  type: list
  elements: dict
"""

import typing as t

from ansible_collections.fleetops.odoo.plugins.plugin_utils.problems import listed
from ansible_collections.fleetops.odoo.plugins.plugin_utils.untrusted import untrusted


def drain_faults(
    records: t.Mapping[str, t.Mapping[str, t.Any]],
    haproxy: t.Sequence[t.Mapping[str, t.Any]] = (),
    nginx: t.Sequence[t.Mapping[str, t.Any]] = (),
    least: int = 1,
) -> list[dict[str, str]]:
    """Apply the filter, see the documentation above."""
    from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll import faults as _faults

    return untrusted(listed(_faults.drain_faults(records, {"haproxy": haproxy, "nginx": nginx}, least)))


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return names and functions."""
        return {"drain_faults": drain_faults}
