# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""AnsibleModule for the lock of a roll, which needs no look and no psutil: parameters in, the lock, results out."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.fleetops.odoo.plugins.module_utils._boot import boot_id, uptime
from ansible_collections.fleetops.odoo.plugins.module_utils._loads import StateDirectory
from ansible_collections.fleetops.odoo.plugins.module_utils._roll_lock import (
    Held,
    RollLock,
    give_back,
    read,
    take,
)


def roll_lock(spec: t.Dict[str, t.Any]) -> None:
    """What the module ``roll_lock`` does."""
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    params, store = module.params, StateDirectory()
    if not params["id"]:
        # The action plugin of the same name fills it in.
        module.fail_json(msg="id: it is made on the controller, and this module was not called through it")
    if not 0 < params["ttl"] < float("inf"):
        module.fail_json(msg="ttl: %s is no time to live; right is a number of seconds above 0" % params["ttl"])
    wanted = RollLock(
        params["id"],
        params["owner"] or "",
        params["reason"],
        params["holder"] or "",
        uptime(),
        params["ttl"],
        params["out"],
        params["workflow"] or "",
        boot_id(),
    )
    try:
        if params["state"] == "present":
            changed, was = take(store, wanted, params["take_over"], check_mode=module.check_mode)
        else:
            changed, was = give_back(store, wanted.id, params["take_over"], check_mode=module.check_mode)
    except Held as exc:
        told = exc.lock.told(uptime())
        module.fail_json(msg=str(exc), lock=told, was=told)
    except OSError as exc:
        module.fail_json(msg="the lock cannot be written: %s" % exc, lock=None, was=None)
    else:
        module.exit_json(changed=changed, lock=_told(read(store)), was=_told(was))


def _told(lock: t.Optional[RollLock]) -> t.Optional[t.Dict[str, t.Any]]:
    return lock.told(uptime()) if lock else None
