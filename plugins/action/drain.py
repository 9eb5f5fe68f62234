# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the module of the same name with ``select`` and ``owner``. A drained server does not run: none is selected."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.odoo.plugins.module_utils._messages.option import SELECT_UNDRAINED
from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll.owner import owner
from ansible_collections.fleetops.odoo.plugins.plugin_utils.problems import action_failure
from ansible_collections.fleetops.odoo.plugins.plugin_utils.select import ActionModule as Base

__all__ = ["ActionModule"]


class ActionModule(Base):
    """Accept an empty selection: a drain wants no running server."""

    allow_none = True

    def _run(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        return super()._run({**arguments, "owner": arguments.get("owner") or owner(task_vars)}, task_vars)

    def _selected(self, expression: str, arguments: dict[str, t.Any], task_vars: t.Any) -> dict[str, t.Any]:
        if arguments.get("state") == "undrained":
            raise action_failure(SELECT_UNDRAINED())
        return super()._selected(expression, arguments, task_vars)
