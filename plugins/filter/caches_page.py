# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: caches_page
short_description: Make a page from a report of caches
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - The role C(fleetops.odoo.cache_report) uses it. The page is one HTML file that needs no network.
options:
  _input:
    description: A report of P(fleetops.odoo.merge_caches#filter).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Write a page for one host
  ansible.builtin.copy:
    content: "{{ [{'host': inventory_hostname, 'results': caches.results}] | fleetops.odoo.merge_caches
      | fleetops.odoo.caches_page }}"
    dest: /tmp/caches.html
    mode: "0600"
"""

RETURN = r"""
_value:
  description: The page.
  type: str
"""

import typing as t

from ansible_collections.fleetops.odoo.plugins.plugin_utils.untrusted import untrusted


def caches_page(report: t.Mapping[str, t.Any]) -> str:
    """Apply the filter, see the documentation above."""
    from ansible_collections.fleetops.odoo.plugins.plugin_utils._pages.caches import page

    return untrusted(page(report))


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return names and functions."""
        return {"caches_page": caches_page}
