# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: merge_caches
short_description: Merge the cache statistics of many processes
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - Adds up what M(fleetops.odoo.cache_stats) returned for the processes of a fleet, by version, database, cache, model
    and method, the most costly first.
  - The cost of a cache is the number of its misses, times their share of the lookups. It counts twice if the cache is
    at least nine tenths full in one of the processes, as far as its size is known (Odoo 14 and 19).
  - The master of a prefork server does not count. It answers no requests.
options:
  _input:
    description:
      - A list of dictionaries. Each has C(host), a name, and C(results), which the module returned there; or it is a
        result of this filter, so that you can merge a fleet host by host.
    type: list
    elements: dict
    required: true
  top:
    description: Number of caches in C(lines) and C(worst).
    type: int
    default: 15
"""

EXAMPLES = r"""
- name: The most costly caches of the fleet
  ansible.builtin.debug:
    msg: "{{ (parts | fleetops.odoo.merge_caches(top=5)).lines }}"
  vars:
    parts:
      - host: odoo1
        results: "{{ hostvars['odoo1'].caches.results }}"
      - host: odoo2
        results: "{{ hostvars['odoo2'].caches.results }}"
"""

RETURN = r"""
_value:
  description:
    - The report that C(docs/caches.md) describes, with C(hosts), C(servers), C(processes), C(caches), C(silent),
      C(worst), which are sentences, and C(lines), which are a table for a terminal.
  type: dict
"""

import typing as t

from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused
from ansible_collections.fleetops.odoo.plugins.plugin_utils.problems import filter_error
from ansible_collections.fleetops.odoo.plugins.plugin_utils.untrusted import untrusted


def merge_caches(parts: t.Any, top: int = 15) -> dict[str, t.Any]:
    """Apply the filter, see the documentation above."""
    from ansible_collections.fleetops.odoo.plugins.module_utils._messages.dump import NOT_STATISTICS
    from ansible_collections.fleetops.odoo.plugins.plugin_utils.caches import merge

    if not isinstance(parts, (list, tuple)) or not all(isinstance(part, t.Mapping) for part in parts):
        raise filter_error(NOT_STATISTICS(error=f"the input is of type {type(parts).__name__}"))
    try:
        return untrusted(merge(parts, int(top)))
    except Refused as exc:
        raise filter_error(exc.problem) from None
    except (KeyError, TypeError, ValueError) as exc:
        raise filter_error(NOT_STATISTICS(error=exc)) from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return names and functions."""
        return {"merge_caches": merge_caches}
