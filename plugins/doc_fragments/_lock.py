# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Documentation of the options about the lock of a host, which the steps of a roll have too."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  id:
    description:
      - ID of this roll. A call with the same ID can renew and release the lock.
      - The default is the job of AWX, otherwise the process that runs C(ansible-playbook) or C(ansible). If this
        process ends without releasing the lock, the next roll from the same controller takes it over. Set an O(id) for
        a lock that must outlive the process.
    type: str
  kind:
    description:
      - Kind of the owner. The messages to other owners depend on it.
      - The default is V(other) with an O(id), otherwise V(roll).
    type: str
    choices: [roll, drain, other]
  owner:
    description: Owner of the roll, for messages. The default is the user and the controller, or the user of AWX.
    type: str
  reason:
    description: Reason of the lock, for messages.
    type: str
    default: ''
  ttl:
    description: Seconds after which the lock expires. It must be greater than 0.
    type: float
    default: 14400.0
  out:
    description: Whether the roll has taken this host out of a load balancer. A later roll that finds the lock then puts
      the host back. Without this option the value in the present lock is kept.
    type: bool
  instance:
    description: The name of an instance of the host, if a roll takes the instances of the host one by one. O(out) is
      then said of this instance. A release for it leaves an expired lock if others are out.
    type: str
    default: ''
  take_over:
    description: IDs of locks to take over, or of the workflows of AWX that took them. V(workflow) means the locks of
      the job's own workflow, if the job is a node of a workflow, and V(*) every lock of O(kind=roll).
    type: list
    elements: str
    default: []
  take_over_kinds:
    description: Kinds of locks that may be taken over before they have expired.
    type: list
    elements: str
    choices: [roll, drain, other]
    default: [roll, drain, other]
  holder:
    description: The process that runs C(ansible-playbook). Set by the action plugin.
    type: str
  workflow:
    description: The workflow of AWX that the job is a node of. Set by the action plugin.
    type: str
"""
