# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: explain_logs
short_description: Explain the stack dumps in log files
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - The role C(fleetops.odoo.explain_dumps) uses it. Reads log files on the controller, contacts no host, and hides
    secrets.
options:
  _input:
    description:
      - The log files, as a list or separated by commas; see the role. The answers of PostgreSQL are read from
        C(NAME.postgres.json) if it is beside C(NAME.log).
    type: raw
    required: true
  addons:
    description: Directories of modules that have no C(addons) in their path.
    type: list
    elements: str
    default: []
  silent:
    description:
      - Hosts or processes without a dump, which the report names. A dictionary of host and reason, or of host and a
        list of its processes with C(pid) and C(reason).
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show the most costly work first
  ansible.builtin.debug:
    msg: "{{ ('/tmp/h1.log,/tmp/h2.log' | fleetops.odoo.explain_logs).lines }}"
"""

RETURN = r"""
_value:
  description: The report that C(docs/dumps.md) describes, or a dictionary with C(error), one message, and C(code).
  type: dict
"""

import typing as t

from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused
from ansible_collections.fleetops.odoo.plugins.plugin_utils.problems import marked
from ansible_collections.fleetops.odoo.plugins.plugin_utils.untrusted import untrusted


def explain_logs(
    files: t.Any, addons: t.Sequence[str] = (), silent: t.Mapping[str, t.Any] | None = None
) -> dict[str, t.Any]:
    """Apply the filter, see the documentation above."""
    from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis.analyse import analyse
    from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis.logs import paths_of, read_logs

    try:
        return untrusted(analyse(read_logs(paths_of(files)), addons=addons, silent=silent))
    except Refused as exc:
        return untrusted({"error": marked(exc.problem), "code": exc.code})


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return names and functions."""
        return {"explain_logs": explain_logs}
