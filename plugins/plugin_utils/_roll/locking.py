# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Call a module that takes the lock of a host: with who rolls, and over a lock whose roll is known to have ended."""

from __future__ import annotations

import functools
import os
import typing as t

from ...module_utils._messages.roll import PLAYBOOK_ENDED
from ..problems import failed
from ..remote import ActionModule as Base
from .owner import holder, is_dead, job_has_ended, may_take, owner, playbook, roll_id, workflow

Call = t.Callable[[dict[str, t.Any]], dict[str, t.Any]]


def call_with_lock(call: Call, given: t.Mapping[str, t.Any], variables: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Call a module once, and once more where the roll that holds the lock is known to have ended.

    :param call: runs the module with these arguments.
    :param given: arguments of the task; ``id``, ``kind``, ``owner``, ``holder``, ``workflow`` and ``take_over`` are
        filled in.
    :returns: the result of the module. Where ``ansible-playbook`` has ended, it is not called.
    """
    arguments = dict(given)
    pid = playbook()
    if pid is None:
        return failed(PLAYBOOK_ENDED())
    own = not arguments.get("id")
    arguments["kind"] = arguments.get("kind") or ("roll" if own else "other")
    if own:
        # A worker's parent is ansible-playbook itself. A lock with an id of its own outlives it.
        arguments.update(id=roll_id(variables, pid), holder=holder(variables, pid))
    arguments["workflow"] = workflow(variables)
    arguments["take_over"] = may_take(arguments.get("take_over") or [], arguments["workflow"])
    arguments["owner"] = arguments.get("owner") or owner(variables)
    result = call(arguments)
    lock = result.get("lock") or {}
    in_the_way = result.get("failed") and not result.get("taken")
    if in_the_way and (is_dead(lock.get("holder", "")) or job_has_ended(lock.get("id", ""), os.environ)):
        result = call({**arguments, "take_over": [*arguments["take_over"], lock["id"]]})
    return result


class ActionModule(Base):
    """Run the module of the same name with the lock."""

    def _run(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        call = functools.partial(self._call, self._task.action, task_vars=task_vars)
        return call_with_lock(call, arguments, task_vars)
