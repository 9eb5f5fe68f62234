# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The options of the module ``roll_lock``, which the steps of a roll have too.

It imports little: ``roll_lock`` runs on hosts without psutil and on every host of a fleet.
"""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule

from .._messages import option, roll
from .._messages.code import Problem
from .._roll.lock import KINDS, ROLL, Held, RollLock, TakeOver, give_back, place, read, take
from .._system.clock import boot_id, uptime
from .._system.state_dir import StateDirectory
from .numbers import bad_timeout

Told = t.Optional[t.Dict[str, t.Any]]

LOCK_SPEC: t.Dict[str, t.Any] = {
    "id": {"type": "str"},
    "kind": {"type": "str", "choices": list(KINDS)},
    "owner": {"type": "str"},
    "reason": {"type": "str", "default": ""},
    "ttl": {"type": "float", "default": 14400.0},
    "out": {"type": "bool"},
    "instance": {"type": "str", "default": ""},
    "take_over": {"type": "list", "elements": "str", "default": []},
    "take_over_kinds": {"type": "list", "elements": "str", "choices": list(KINDS), "default": list(KINDS)},
    "holder": {"type": "str"},
    "workflow": {"type": "str"},
}


class LockFailed(Exception):
    """The lock was not taken, or not given back.

    :ivar result: what the module returns: ``lock``, which stands in the way, and ``was``.
    """

    def __init__(self, problem: Problem, told: Told = None) -> None:
        super().__init__(problem.message)
        self.problem = problem
        self.result: t.Dict[str, Told] = {"lock": told, "was": told}


def take_lock(module: AnsibleModule, *, absent: bool = False) -> t.Dict[str, t.Any]:
    """Take or renew the lock that the options name, or give it back.

    :returns: ``changed``, ``lock`` (what is there now), ``was`` and ``place``, as ``roll_lock`` returns them.
    :raises LockFailed: an option is wrong, another roll has the lock, or it cannot be written.
    """
    params, store = module.params, StateDirectory()
    if not params["id"]:
        # The action plugin of the same name fills it in.
        raise LockFailed(option.NOT_CALLED_BY_ACTION(option="id", module=module._name))  # noqa: SLF001
    problem = bad_timeout("ttl", params["ttl"])
    if problem:
        raise LockFailed(problem)
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
        params["kind"] or ROLL,
    )
    instance = params["instance"] or ""
    take_over = TakeOver(tuple(params["take_over"]), tuple(params["take_over_kinds"]))
    try:
        if absent:
            changed, was = give_back(store, wanted.id, take_over, check_mode=module.check_mode, instance=instance)
        else:
            changed, was = take(store, wanted, take_over, check_mode=module.check_mode, instance=instance)
    except Held as exc:
        raise LockFailed(exc.problem, exc.lock.told(uptime())) from exc
    except OSError as exc:
        raise LockFailed(roll.LOCK_NOT_WRITTEN(error=str(exc))) from exc
    return {"changed": changed, "lock": _told(read(store)), "was": _told(was, instance), "place": place(store)}


def _told(lock: t.Optional[RollLock], instance: str = "") -> Told:
    return lock.told(uptime(), instance) if lock else None
