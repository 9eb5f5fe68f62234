# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module of the same name, with ``select``. A long wait is told."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.odoo.plugins.plugin_utils._waits.long_wait import call_and_tell
from ansible_collections.fleetops.odoo.plugins.plugin_utils.select import ActionModule as Base

__all__ = ["ActionModule"]


class ActionModule(Base):
    """Prints what it waits for."""

    def _call(self, module: str, arguments: dict[str, t.Any], task_vars: t.Any) -> dict[str, t.Any]:
        if module != self._task.action:
            return super()._call(module, arguments, task_vars)
        return call_and_tell(super()._call, module, arguments, task_vars)
