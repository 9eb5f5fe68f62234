# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module of the same name, with who rolls filled in, and locks of rolls that are known to have ended taken over."""

from __future__ import annotations

import os
import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll.owner import (
    holder,
    is_dead,
    job_has_ended,
    may_take,
    owner,
    roll_id,
    workflow,
)
from ansible_collections.fleetops.odoo.plugins.plugin_utils.remote import run_module


class ActionModule(ActionBase):
    """Run the module once, and once more where the roll that holds the lock is known to have ended."""

    _supports_check_mode = True

    def run(self, tmp: None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Entry point."""
        super().run(tmp, task_vars)
        del tmp
        variables = task_vars or {}
        arguments = dict(self._task.args)
        own = not arguments.get("id")
        arguments["kind"] = arguments.get("kind") or ("roll" if own else "other")
        if own:
            # A worker's parent is ansible-playbook itself. A lock with an id of its own outlives it.
            arguments.update(id=roll_id(variables, os.getppid()), holder=holder(variables, os.getppid()))
        arguments["workflow"] = workflow(variables)
        arguments["take_over"] = may_take(arguments.get("take_over") or [], arguments["workflow"])
        arguments["owner"] = arguments.get("owner") or owner(variables)
        result = self._call(arguments, variables)
        lock = result.get("lock") or {}
        if result.get("failed") and (is_dead(lock.get("holder", "")) or job_has_ended(lock.get("id", ""), os.environ)):
            result = self._call({**arguments, "take_over": [*arguments["take_over"], lock["id"]]}, variables)
        return result

    def _call(self, arguments: dict[str, t.Any], variables: dict[str, t.Any]) -> dict[str, t.Any]:
        return run_module(self, self._task.action, arguments, variables)
