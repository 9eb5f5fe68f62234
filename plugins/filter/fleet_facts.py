# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet_facts
short_description: Return the facts of the Odoo servers of a host for the fact cache
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - The role C(fleetops.odoo.fleet_info) uses it. Converts the result of M(fleetops.odoo.master_info) to facts for a
    fact cache, with the names of the groups of the host.
options:
  _input:
    description: The result of M(fleetops.odoo.master_info).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Look at the servers of the host
  fleetops.odoo.master_info:
  register: odoo

- name: Put the host into groups
  ansible.builtin.group_by:
    key: "{{ item }}"
  loop: "{{ (odoo | fleetops.odoo.fleet_facts).groups }}"
"""

RETURN = r"""
_value:
  description:
    - C(at) is the time, C(servers) a list of dictionaries with identity, pid, unit, version, mode, workers, kinds
      (classes of workers of addons), databases, state, stale, needs, stale_reasons, differences, supervisor, log and
      hidden, C(groups) a list such as V(odoo_stale), V(odoo_19_0), V(odoo_prefork) and V(odoo_db_prod), and C(drained)
      and C(unseen) as in M(fleetops.odoo.master_info).
  type: dict
"""

import datetime
import typing as t

from ansible_collections.fleetops.odoo.plugins.plugin_utils.untrusted import untrusted


def fleet_facts(seen: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Apply the filter, see the documentation above."""
    from ansible_collections.fleetops.odoo.plugins.plugin_utils import fleet as _fleet

    at = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    # Names of databases and units come from the host, and must not be templated.
    return untrusted(_fleet.facts(seen, at))


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return names and functions."""
        return {"fleet_facts": fleet_facts}
