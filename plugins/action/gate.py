# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module of the same name, with ``select``, and with whose gate it is filled in."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.odoo.plugins.module_utils._messages.host import UNREACHABLE
from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll.owner import owner
from ansible_collections.fleetops.odoo.plugins.plugin_utils._waits.long_wait import call_and_tell
from ansible_collections.fleetops.odoo.plugins.plugin_utils.problems import failed
from ansible_collections.fleetops.odoo.plugins.plugin_utils.select import ActionModule as Base

__all__ = ["ActionModule"]


class ActionModule(Base):
    """Says who has closed the gate."""

    def _call(self, module: str, arguments: dict[str, t.Any], task_vars: t.Any) -> dict[str, t.Any]:
        if module == self._task.action:
            arguments["owner"] = arguments.get("owner") or owner(task_vars)
            result = call_and_tell(super()._call, module, arguments, task_vars)
        else:
            result = super()._call(module, arguments, task_vars)
        # A play that ignores unreachable hosts must not take a gate for closed.
        return failed(UNREACHABLE(error=result["msg"])) if result.get("unreachable") else result
