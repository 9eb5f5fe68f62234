# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: dumps_page
short_description: Make a page from a report of stack dumps
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - The role C(fleetops.odoo.explain_dumps) uses it. The page is one HTML file that needs no network.
options:
  _input:
    description: A report of P(fleetops.odoo.explain_logs#filter).
    type: dict
    required: true
  files:
    description: The logs of the report, as for P(fleetops.odoo.explain_logs#filter). The page contains their dumps, up
      to a size limit.
    type: raw
    default: []
  folder:
    description: Directory of the page. The page links to logs in the same directory.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Write a page for two logs
  ansible.builtin.copy:
    content: "{{ '/tmp/h1.log,/tmp/h2.log' | fleetops.odoo.explain_logs | fleetops.odoo.dumps_page }}"
    dest: /tmp/dumps.html
    mode: "0600"
"""

RETURN = r"""
_value:
  description: The page.
  type: str
"""

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.fleetops.odoo.plugins.plugin_utils.problems import filter_error
from ansible_collections.fleetops.odoo.plugins.plugin_utils.untrusted import untrusted


def dumps_page(report: t.Mapping[str, t.Any], files: t.Any = (), folder: str = "") -> str:
    """Apply the filter, see the documentation above.

    :raises AnsibleFilterError: the input is not a report.
    """
    from ansible_collections.fleetops.odoo.plugins.module_utils._messages import option
    from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis.logs import beside, each_log, paths_of
    from ansible_collections.fleetops.odoo.plugins.plugin_utils._pages.dumps import page

    if "servers" not in report:
        # What explain_logs returns when it has found no dump.
        if "error" in report:
            raise AnsibleFilterError(str(report["error"]))
        wanted = "a report of the filter fleetops.odoo.explain_logs"
        raise filter_error(
            option.WRONG_TYPE(option="the input of dumps_page", wanted=wanted, value=", ".join(report) or "nothing")
        )
    paths = paths_of(files) if files else []
    return untrusted(page(report, each_log(paths), beside(paths, folder)))


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return names and functions."""
        return {"dumps_page": dumps_page}
