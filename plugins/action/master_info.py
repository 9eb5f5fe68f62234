# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the module of the same name once, and apply ``select`` to its result. An empty selection is a valid result."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.odoo.plugins.plugin_utils.select import ActionModule as Base

__all__ = ["ActionModule"]


class ActionModule(Base):
    """Remove masters from the result that are not selected."""

    def _selected(self, expression: str, arguments: dict[str, t.Any], task_vars: t.Any) -> dict[str, t.Any]:
        result = self._call(self._task.action, arguments, task_vars)
        if "masters" in result:
            chosen = self._identities(expression, result["masters"])
            result["masters"] = [master for master in result["masters"] if master["identity"] in chosen]
        return result
