# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module of the same name; a load balancer that cannot be reached is a failed result, not a lost host."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.fleetops.odoo.plugins.module_utils._messages.roll import BALANCER_UNREACHABLE
from ansible_collections.fleetops.odoo.plugins.plugin_utils.problems import failed
from ansible_collections.fleetops.odoo.plugins.plugin_utils.remote import run_module


class ActionModule(ActionBase):
    """Hand everything on. The host that is to leave its load balancer is there, so it must stay in the play."""

    _supports_check_mode = True

    def run(self, tmp: None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Entry point."""
        super().run(tmp, task_vars)
        del tmp
        arguments = dict(self._task.args)
        result = run_module(self, self._task.action, arguments, task_vars)
        if not result.get("unreachable"):
            return result
        return failed(BALANCER_UNREACHABLE(balancer=arguments.get("name") or "HAProxy", error=result["msg"]))
