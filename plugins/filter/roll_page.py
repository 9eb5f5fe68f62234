# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: roll_page
short_description: Make a page from the report of a rolling restart
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - The role C(fleetops.odoo.rolling_restart) uses it. The page is one HTML file that needs no network.
  - It shows each host with its steps over time, its servers before and after, the requests in progress when it left
    its load balancer, what needs attention, and the earlier rolls.
options:
  _input:
    description: A report of P(fleetops.odoo.roll_report#filter), or the content of C(report.json).
    type: dict
    required: true
  folder:
    description: Folder of the roll on the controller. The page lists the folders beside it as earlier rolls. If empty,
      it lists none.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Write the page of a roll that has ended again
  ansible.builtin.copy:
    content: "{{ lookup('ansible.builtin.file', folder ~ '/report.json') | from_json
      | fleetops.odoo.roll_page(folder=folder) }}"
    dest: "{{ folder }}/report.html"
    mode: "0600"
  delegate_to: localhost
  vars:
    folder: /var/lib/rolls/20261130T174246Z
"""

RETURN = r"""
_value:
  description: The page.
  type: str
"""

import typing as t

from ansible_collections.fleetops.odoo.plugins.plugin_utils.problems import filter_error
from ansible_collections.fleetops.odoo.plugins.plugin_utils.untrusted import untrusted


def roll_page(report: t.Mapping[str, t.Any], folder: str = "") -> str:
    """Apply the filter, see the documentation above.

    :raises AnsibleFilterError: the input is not a report.
    """
    from ansible_collections.fleetops.odoo.plugins.module_utils._messages import option
    from ansible_collections.fleetops.odoo.plugins.plugin_utils._pages.roll import page
    from ansible_collections.fleetops.odoo.plugins.plugin_utils._pages.roll_history import earlier

    if "planned" not in report or "hosts" not in report:
        wanted = "a report of the filter fleetops.odoo.roll_report"
        raise filter_error(
            option.WRONG_TYPE(option="the input of roll_page", wanted=wanted, value=", ".join(report) or "nothing")
        )
    return untrusted(page(report, earlier(folder) if folder else (), folder))


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return names and functions."""
        return {"roll_page": roll_page}
