#!/usr/bin/python

# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: roll_lock
short_description: Take or give back the lock that keeps two rolls from one host
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - A roll takes this lock on each of its hosts before it touches one of them. A second roll that shares a host with it
    is refused. Its message names the owner and the age of the lock, and says how to take it over.
  - The lock expires by O(ttl) and with a reboot of the host. An expired lock is taken over. A roll that lives renews
    its locks long before.
  - The lock of a roll that has ended is taken over at once, where that is known. The process of C(ansible-playbook)
    that took it ran on the same controller and is gone. Or AWX says that the job has ended, which is asked where the
    environment of the controller has C(CONTROLLER_HOST) and C(CONTROLLER_OAUTH_TOKEN), as a credential of the type
    Red Hat Ansible Automation Platform sets them.
  - Root's lock lies in C(/run/fleetops-odoo), another user's in C(/tmp/fleetops-odoo-UID), or in
    C(~/.fleetops-odoo) where somebody else has made that directory. Everybody heeds root's lock.
    Root does not heed a user's, since it cannot trust what any user may write.
extends_documentation_fragment:
  - fleetops.odoo._attributes
  - fleetops.odoo._attributes.ACTION
attributes:
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - To take a lock that one has already renews it, and changes nothing else.
options:
  state:
    description: Whether the lock is to be had or to be given back.
    type: str
    choices: [present, absent]
    default: present
  id:
    description:
      - What tells this roll from others. A call with the same ID may renew the lock and give it back.
      - The default is the job of AWX, else the process that runs C(ansible-playbook) or C(ansible). A lock that this
        process leaves behind is taken over by the next roll from the same controller. A lock that is to outlive it
        needs an O(id) of its own.
    type: str
  kind:
    description:
      - What holds the lock. The sentences that refuse others depend on it.
      - The default is V(other) with an O(id), else V(roll).
    type: str
    choices: [roll, drain, other]
  owner:
    description: Whose roll it is, for people. The default is the user and the controller, or the user of AWX.
    type: str
  reason:
    description: Why, for people.
    type: str
    default: ''
  ttl:
    description: Seconds after which the lock expires. It must be greater than 0.
    type: float
    default: 14400.0
  out:
    description: Whether the roll has taken this host out of a balancer. Who finds the lock later knows what to put
      right. Without it, what the lock that was there says of it is kept.
    type: bool
  take_over:
    description: IDs of locks that are to be taken over, or of the workflows of AWX that took them. V(workflow) stands
      for those of the job's own workflow, if it is a node of one, and V(*) for every lock of O(kind=roll).
    type: list
    elements: str
    default: []
  take_over_kinds:
    description: Only locks of these kinds are taken over before they have expired.
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

EXAMPLES = r"""
- name: Keep every other roll from this host for an hour
  fleetops.odoo.roll_lock:
    id: migration
    reason: the database is being migrated
    ttl: 3600

- name: Give the lock back
  fleetops.odoo.roll_lock:
    id: migration
    state: absent

- name: Remove the lock of a roll that does not run any more
  fleetops.odoo.roll_lock:
    state: absent
    take_over: ['*']
"""

RETURN = r"""
code:
  description: Stable name of why it failed, such as V(roll.locked).
  returned: failure
  type: str
  sample: roll.locked
lock:
  description: The lock that is there now; null when there is none. On failure, the one that stands in the way.
  returned: always
  type: dict
  contains: &contains
    id:
      description: What tells the roll from others.
      type: str
    owner:
      description: Whose roll it is.
      type: str
    reason:
      description: Why.
      type: str
    holder:
      description: The controller's process.
      type: str
    workflow:
      description: The workflow of AWX, as in C(awx-workflow-job-7).
      type: str
    age:
      description: Seconds since it was taken or renewed.
      type: float
    ttl:
      description: Seconds that it is valid.
      type: float
    expired:
      description: Whether that time is over, or the host has been booted since.
      type: bool
    out:
      description: Whether the host may have been taken out of a balancer.
      type: bool
    kind:
      description: What holds the lock, V(roll), V(drain) or V(other).
      type: str
was:
  description: The lock that was there before; null when there was none.
  returned: always
  type: dict
  contains: *contains
"""
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.fleetops.odoo.plugins.module_utils._module.lock_option import (
    LOCK_SPEC,
    LockFailed,
    take_lock,
)

SPEC = {"state": {"type": "str", "choices": ["present", "absent"], "default": "present"}, **LOCK_SPEC}


def main() -> None:
    """Entry point."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    try:
        result = take_lock(module, absent=module.params["state"] == "absent")
    except LockFailed as exc:
        # What other modules end with would bring half of the collection to the host.
        module.fail_json(msg=exc.problem.message, code=exc.problem.code, **exc.result)
    else:
        module.exit_json(**result)


if __name__ == "__main__":
    main()
