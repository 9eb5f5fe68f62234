# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Documentation of the options with which every module chooses its masters."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  match:
    description:
      - Only masters for which every key matches. A list of values matches if one of them does.
      - Keys are V(identity), V(pid), V(user), V(unit), V(config_file), V(database), V(http_port), V(version) and
        V(mode).
    type: dict
    default: {}
  users:
    description:
      - Only masters of these users, named as in M(fleetops.odoo.master_info).
      - Any user of a host can start a process that looks like a server. So if a module runs as root, servers of several
        users match, and neither this option nor C(user) of O(match) names users, the module works only on servers of
        root, and of users for which systemd, supervisord or the container engine of the system runs at least one
        server. The result names the other servers, and the module warns about them. If the system runs no server of
        any user, the module fails and does nothing.
      - M(fleetops.odoo.master_info) returns the masters of all users unless this option names some.
    type: list
    elements: str
    default: []
  select:
    description:
      - A JMESPath expression over the list of masters that M(fleetops.odoo.master_info) returns, after O(match). It
        must return masters or their C(identity).
      - The controller evaluates it and needs the Python package C(jmespath). Without this option Ansible runs one
        module on the host, with it two.
    type: str
"""

    ACTION = r"""
options:
  allow_none:
    description: Whether the task succeeds if no master is found.
    type: bool
    default: false
  force:
    description:
      - Lift the rules of role, mode, state and platform. The result names the rules that were lifted.
      - The module still checks that the process is the same and that it has a handler for the signal.
    type: bool
    default: false
"""
