#!/usr/bin/python

# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: roll_lock
short_description: Take or release the lock that prevents two rolls on one host
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - A roll takes this lock on each of its hosts before it touches any of them. A second roll that shares a host is
    refused. Its message names the owner and the age of the lock, and says how to take it over.
  - The lock expires after O(ttl) seconds and with a reboot of the host. The next roll takes an expired lock over. A
    running roll renews its locks long before.
  - If it is known that the roll of a lock has ended, the next roll takes the lock over at once. This is known if the
    process of C(ansible-playbook) that took it ran on the same controller and has ended, or if AWX reports that the job
    has ended. The action plugin asks AWX if the environment of the controller has C(CONTROLLER_HOST) and
    C(CONTROLLER_OAUTH_TOKEN), as a credential of the type Red Hat Ansible Automation Platform sets them.
  - Root's lock is in C(/run/fleetops-odoo), the lock of another user in C(/tmp/fleetops-odoo-UID), or in
    C(~/.fleetops-odoo) if another user owns that directory. All users respect root's lock. Root ignores the locks of
    users, because any user can write them.
extends_documentation_fragment:
  - fleetops.odoo._attributes
  - fleetops.odoo._attributes.ACTION
  - fleetops.odoo._lock
attributes:
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - A call that already has the lock renews it, and changes nothing else.
options:
  state:
    description: Whether to take the lock or to release it.
    type: str
    choices: [present, absent]
    default: present
"""

EXAMPLES = r"""
- name: Prevent every other roll on this host for an hour
  fleetops.odoo.roll_lock:
    id: migration
    reason: the database is being migrated
    ttl: 3600

- name: Release the lock
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
  description: Stable code of the failure, such as V(roll.locked).
  returned: failure
  type: str
  sample: roll.locked
lock:
  description: The present lock; null without one. On failure, the lock of the other owner.
  returned: always
  type: dict
  contains: &contains
    id:
      description: ID of the roll.
      type: str
    owner:
      description: Owner of the roll.
      type: str
    reason:
      description: Reason of the lock.
      type: str
    holder:
      description: The process on the controller.
      type: str
    workflow:
      description: The workflow of AWX, as in C(awx-workflow-job-7).
      type: str
    age:
      description: Seconds since the lock was taken or renewed.
      type: float
    ttl:
      description: Seconds for which the lock is valid.
      type: float
    expired:
      description: Whether that time has passed, or the host has booted since.
      type: bool
    out:
      description: Whether the host may be out of a load balancer; with O(instance), whether this instance may be.
      type: bool
    instances:
      description: Instances that may be out of a load balancer.
      type: list
      elements: str
    kind:
      description: Kind of the owner, V(roll), V(drain) or V(other).
      type: str
drained:
  description:
    - Servers that a drain of this user has ended since the boot, and that no call with C(state=undrained) has
      brought back. Whether another program has started them since is not looked at. The oldest drain is first.
  returned: always
  type: list
  elements: dict
  contains:
    server:
      description: Its unit, or its C(odoo.conf), or its port.
      type: str
    pid:
      description: Process ID of the master at that time.
      type: int
    at:
      description: When it was seen to be gone.
      type: str
      sample: "2026-11-24T05:00:00Z"
    by:
      description: Owner of the drain. Empty if that is not known.
      type: str
place:
  description: What tells the host from others. Two names in an inventory that stand for one host have the same place.
  returned: success
  type: str
was:
  description: The lock before the call; null without one.
  returned: always
  type: dict
  contains: *contains
"""
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.fleetops.odoo.plugins.module_utils._drain.brief import drained_servers
from ansible_collections.fleetops.odoo.plugins.module_utils._module.lock_option import (
    LOCK_SPEC,
    LockFailed,
    take_lock,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._system.state_dir import StateDirectory

SPEC = {"state": {"type": "str", "choices": ["present", "absent"], "default": "present"}, **LOCK_SPEC}


def main() -> None:
    """Entry point."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    drained = drained_servers(StateDirectory())
    try:
        result = take_lock(module, absent=module.params["state"] == "absent")
    except LockFailed as exc:
        # What other modules end with would bring half of the collection to the host.
        module.fail_json(msg=exc.problem.message, code=exc.problem.code, drained=drained, **exc.result)
    else:
        module.exit_json(drained=drained, **result)


if __name__ == "__main__":
    main()
