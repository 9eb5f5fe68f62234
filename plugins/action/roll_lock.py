# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the module of the same name with the owner filled in, and take over locks of rolls that have ended."""

from __future__ import annotations

import functools
import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll.locking import call_with_lock
from ansible_collections.fleetops.odoo.plugins.plugin_utils.remote import run_module


class ActionModule(ActionBase):
    """Run the module once, and once more if the roll that holds the lock is known to have ended."""

    _supports_check_mode = True

    def run(self, tmp: None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Run the plugin."""
        super().run(tmp, task_vars)
        del tmp
        variables = task_vars or {}
        call = functools.partial(run_module, self, self._task.action, task_vars=variables)
        return call_with_lock(call, self._task.args, variables)
