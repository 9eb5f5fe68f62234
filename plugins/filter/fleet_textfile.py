# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet_textfile
short_description: Return the facts of a fleet as metrics for Prometheus
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - The role P(fleetops.odoo.fleet_info#role) uses it for the file of C(fleet_info_textfile). The text is for the
    textfile collector of node_exporter.
options:
  _input:
    description: The facts of each host, by host, as P(fleetops.odoo.fleet_report#filter) takes them.
    type: dict
    required: true
  locks:
    description: The result of M(fleetops.odoo.roll_lock) of each host, by host.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show the metrics of an empty fleet
  ansible.builtin.debug:
    msg: "{{ {} | fleetops.odoo.fleet_textfile }}"
"""

RETURN = r"""
_value:
  description: The text of the file.
  type: str
"""

import time
import typing as t

from ansible_collections.fleetops.odoo.plugins.plugin_utils.untrusted import untrusted


def fleet_textfile(
    records: t.Mapping[str, t.Mapping[str, t.Any]], locks: t.Mapping[str, t.Mapping[str, t.Any]] | None = None
) -> str:
    """Apply the filter, see the documentation above."""
    from ansible_collections.fleetops.odoo.plugins.plugin_utils import textfile as _textfile

    # Names of units come from the host, and must not be templated.
    return untrusted(_textfile.textfile(records, locks or {}, time.time()))


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return names and functions."""
        return {"fleet_textfile": fleet_textfile}
