# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The options by which every module chooses its masters."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  match:
    description:
      - Only masters for which every key holds. A list of values holds when one of them does.
      - Keys are V(identity), V(pid), V(user), V(unit), V(config_file), V(database), V(http_port), V(version) and
        V(mode).
    type: dict
    default: {}
  users:
    description:
      - Only masters of these users, as M(fleetops.odoo.master_info) names them.
      - Any user of a host can start a process that looks like a server. So where a module is run as root, servers of
        several users match, and neither this option nor C(user) of O(match) names users, it works only on the servers
        of users of which systemd, supervisord or the container engine of the system runs at least one, and of root.
        The result names the others, and the module warns of them. Where the system runs none of them, the module fails
        and does nothing.
      - M(fleetops.odoo.master_info) returns the masters of all users unless this option names some.
    type: list
    elements: str
    default: []
  select:
    description:
      - A JMESPath expression over the list of masters that M(fleetops.odoo.master_info) returns, after O(match). It
        must return masters or their C(identity).
      - It is worked out on the controller, which needs the Python package C(jmespath). Without it one module is run on
        the host, with it two.
    type: str
"""

    ACTION = r"""
options:
  allow_none:
    description: Whether it is all right that no master is found.
    type: bool
    default: false
  force:
    description:
      - Lift the rules of role, mode, state and platform. What was overridden is in the result.
      - Whether it is still the same process, and whether it has a handler for the signal, is checked all the same.
    type: bool
    default: false
"""
