# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: outcomes
short_description: Sum up the results of the hosts of a play
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - The roles of this collection use it for their summary, and for the statistics of M(ansible.builtin.set_stats),
    which has the same shape for all of them.
options:
  _input:
    description:
      - The record of each host, by host. C(ok) if it is done, C(failure) with C(code), C(reason) and C(unreachable) if
        it failed, and C(line). A host with neither has left the play.
      - With O(of), the result of that module of each host, by host. An empty one is that of a host that has left the
        play.
    type: dict
    required: true
  own:
    description: Further statistics of this role.
    type: dict
    default: {}
  ok:
    description: Whether the role has done its tasks that belong to no host.
    type: bool
    default: true
  of:
    description:
      - The kind of module whose results the input has. V(workers) stands for M(fleetops.odoo.workers) and
        M(fleetops.odoo.recycle_workers).
    type: str
    choices: [workers]
  check:
    description: Whether that module ran in check mode.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Hand it on to a workflow
  ansible.builtin.set_stats:
    data:
      my_role: "{{ ({inventory_hostname: {'ok': true}} | fleetops.odoo.outcomes).stats }}"
"""

RETURN = r"""
_value:
  description:
    - C(stats) has C(outcome) (V(done) or V(failed)), C(hosts) (the hosts by outcome, which is V(done), V(failed) or
      V(unreachable)), C(remaining) (hosts that are not done), C(codes) (the code of each host that failed), and what
      O(own) has.
    - C(lines) has a line for each host.
  type: dict
  sample:
    stats:
      outcome: failed
      hosts: {done: [web1], unreachable: [web2]}
      remaining: [web2]
      codes: {web2: host.unreachable}
    lines: {web1: drained in 2.1 s, web2: "FAILED: no route to host [host.unreachable]"}
"""

import typing as t

from ansible_collections.fleetops.odoo.plugins.plugin_utils.problems import filter_error
from ansible_collections.fleetops.odoo.plugins.plugin_utils.untrusted import untrusted


def outcomes(
    records: t.Mapping[str, t.Mapping[str, t.Any]],
    own: t.Mapping[str, t.Any] | None = None,
    ok: bool = True,  # noqa: FBT001, FBT002
    of: str | None = None,
    check: bool = False,  # noqa: FBT001, FBT002
) -> dict[str, t.Any]:
    """Apply the filter, see the documentation above."""
    from ansible_collections.fleetops.odoo.plugins.module_utils._messages import option
    from ansible_collections.fleetops.odoo.plugins.plugin_utils import outcomes as _outcomes
    from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll.lines import workers_line

    if of is not None and of != "workers":
        raise filter_error(option.NOT_A_CHOICE(option="of", choices="workers", value=of))
    if of:
        records = _outcomes.records_of(records, lambda result: workers_line(result, check))
    # ansible-core before 2.19 would template the texts of a host.
    return untrusted(_outcomes.outcomes(records, _plain(own or {}), ok=ok))


def _plain(value: t.Any) -> t.Any:
    """Copy containers of a template: those of ansible-core from 2.19 on cannot be marked."""
    if isinstance(value, t.Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, (list, tuple)) else value


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return names and functions."""
        return {"outcomes": outcomes}
