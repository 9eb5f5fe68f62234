# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: balancer_table
short_description: Show which hosts are in their load balancers
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - The playbook C(fleetops.odoo.balancer_info) uses it for its table and its statistics.
options:
  _input:
    description:
      - For each host, by name, C(kind) (C(haproxy), C(nginx), C(firewall), C(tasks) or C(none)), C(ask) (its load
        balancers, with C(host) and C(path)), C(servers) (its names there), C(backends) (backends or upstreams; empty
        means all), C(lock) (the result of M(fleetops.odoo.roll_lock)) and C(gate) (the result of
        M(fleetops.odoo.gate_info)).
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
"""

EXAMPLES = r"""
- name: Show a host without a load balancer
  ansible.builtin.debug:
    msg: "{{ ({inventory_hostname: {'kind': 'none', 'lock': {'lock': none}}} | fleetops.odoo.balancer_table).lines }}"
"""

RETURN = r"""
_value:
  description:
    - C(lines) is a table for people.
    - C(rows) has the rows by host, each with C(balancer), C(server), C(state) (V(in), V(out), V(down) or V(unknown)),
      C(detail), C(sessions), C(by) and C(since). C(failures) has C(code) and C(reason) by host, and C(servers) the
      names of all servers by load balancer.
    - C(stats) is for workflows. It has outcome, hosts, remaining and codes as P(fleetops.odoo.outcomes#filter), and the
      names of the hosts that are in, out, down, partly (in one load balancer and not in another one), drained and
      locked.
  type: dict
"""

import time
import typing as t

from ansible_collections.fleetops.odoo.plugins.plugin_utils.untrusted import untrusted


def balancer_table(
    records: t.Mapping[str, t.Mapping[str, t.Any]],
    haproxy: t.Sequence[t.Mapping[str, t.Any]] = (),
    nginx: t.Sequence[t.Mapping[str, t.Any]] = (),
) -> dict[str, t.Any]:
    """Apply the filter, see the documentation above."""
    from ansible_collections.fleetops.odoo.plugins.plugin_utils import balancers as _balancers

    # ansible-core before 2.19 would template the texts of a host.
    return untrusted(_balancers.report(records, {"haproxy": haproxy, "nginx": nginx}, time.time()))


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return names and functions."""
        return {"balancer_table": balancer_table}
