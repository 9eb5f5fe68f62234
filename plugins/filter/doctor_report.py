# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: doctor_report
short_description: Report whether a fleet is ready for this collection
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - The role P(fleetops.odoo.doctor#role) uses it for its lines, its statistics and its proposal.
options:
  _input:
    description:
      - For each host, by name, the results C(seen) of M(fleetops.odoo.master_info), C(facts) of
        M(ansible.builtin.setup) and C(rehearsed) of M(fleetops.odoo.reload) in check mode, C(lock) of
        M(fleetops.odoo.roll_lock), the kind of its C(balancer), and C(began) and C(ended), the seconds since the epoch
        between which the controller waited for the facts.
    type: dict
    required: true
  balancers:
    description: The result of P(fleetops.odoo.balancer_table#filter).
    type: dict
    required: true
  options:
    description: Variables of the role C(balancer) that are set, for the proposal.
    type: dict
    default: {}
  wrong:
    description: Problems of these variables, as P(fleetops.odoo.problem#filter) returns them.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Show the checks of the controller
  ansible.builtin.debug:
    msg: "{{ ({} | fleetops.odoo.doctor_report({} | fleetops.odoo.balancer_table)).lines }}"
"""

RETURN = r"""
_value:
  description:
    - C(checks) has C(host), C(verdict) (V(ok), V(warning) or V(fault)), C(check), C(text) and C(code) of each check.
    - C(lines) is for people, C(details) has a line for each check, and C(faulty) has the names with a fault.
    - C(stats) is for workflows. It has outcome, hosts, remaining and codes as P(fleetops.odoo.outcomes#filter), and the
      numbers of faults and warnings by host.
    - C(group_vars) is the text of a proposal.
  type: dict
"""

import importlib.util
import pathlib
import platform
import re
import typing as t

from ansible.release import __version__ as _core
from ansible_collections.fleetops.odoo.plugins.plugin_utils.untrusted import untrusted


def doctor_report(
    records: t.Mapping[str, t.Mapping[str, t.Any]],
    balancers: t.Mapping[str, t.Any],
    options: t.Mapping[str, t.Any] | None = None,
    wrong: t.Sequence[t.Mapping[str, t.Any]] = (),
) -> dict[str, t.Any]:
    """Apply the filter, see the documentation above."""
    from ansible_collections.fleetops.odoo.plugins.plugin_utils import doctor as _doctor

    controller = {
        "collection": _version(pathlib.Path(__file__).parents[2]),
        "core": _core,
        "python": platform.python_version(),
        "jmespath": importlib.util.find_spec("jmespath") is not None,
    }
    told = _doctor.examine(records, balancers, controller, wrong)
    told["group_vars"] = _doctor.propose(records, balancers, options or {})
    # ansible-core before 2.19 would template the texts of a host.
    return untrusted(told)


def _version(root: pathlib.Path) -> str:
    """Return the version of the collection: an installed one has MANIFEST.json, a checkout has galaxy.yml."""
    for name, pattern in (("MANIFEST.json", r'"version": "([^"]+)"'), ("galaxy.yml", r"(?m)^version: (\S+)")):
        path = root / name
        found = re.search(pattern, path.read_text(encoding="utf-8")) if path.exists() else None
        if found:
            return found[1]
    return "?"


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return names and functions."""
        return {"doctor_report": doctor_report}
