# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the module of the same name. The message of an unreachable load balancer is not templated."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.fleetops.odoo.plugins.plugin_utils.remote import run_module


class ActionModule(ActionBase):
    """Hands everything on."""

    _supports_check_mode = True

    def run(self, tmp: None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Entry point."""
        super().run(tmp, task_vars)
        del tmp
        return run_module(self, self._task.action, dict(self._task.args), task_vars)
