# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: roll_summary
short_description: Tell what became of every host of a rolling restart
version_added: 0.1.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - Used by the role C(fleetops.odoo.rolling_restart) for its summary.
options:
  _input:
    description: Names of the hosts, in the order of the play.
    type: list
    elements: str
    required: true
  results:
    description: What M(fleetops.odoo.reload) returned, by host.
    type: dict
    required: true
  begun:
    description: Hosts whose batch has begun.
    type: list
    elements: str
    required: true
  proved:
    description: Hosts that proved to serve at the end of their turn.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Say what happened
  ansible.builtin.debug:
    msg: "{{ (['h1'] | fleetops.odoo.roll_summary({'h1': reloaded}, ['h1'], ['h1'])).lines }}"
"""

RETURN = r"""
_value:
  description:
    - C(hosts) is a list of dictionaries with host, outcome (V(reloaded), V(up to date), V(failed), V(unreachable),
      V(not reached)), reason, seconds, old and new generation.
    - C(lines) is the same as a table.
  type: dict
"""

import typing as t

from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll import lines, summarize


def roll_summary(
    hosts: t.Sequence[str],
    results: t.Mapping[str, t.Mapping[str, t.Any]],
    begun: t.Sequence[str],
    proved: t.Sequence[str],
) -> dict[str, t.Any]:
    """The filter; see the documentation above."""
    outcomes = summarize(hosts, results, begun, proved)
    return {"hosts": outcomes, "lines": lines(outcomes)}


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Names and functions."""
        return {"roll_summary": roll_summary}
