# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the module of the same name with ``select``, and write its bundle to the controller."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.odoo.plugins.action.evidence import ActionModule as Base
from ansible_collections.fleetops.odoo.plugins.module_utils._messages.bundle import NOT_WRITTEN
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused
from ansible_collections.fleetops.odoo.plugins.plugin_utils._runs.unpack import unpack
from ansible_collections.fleetops.odoo.plugins.plugin_utils.problems import failed

__all__ = ["ActionModule"]


class ActionModule(Base):
    """Remove the packed bundle from the result before it is displayed."""

    def _call(self, module: str, arguments: dict[str, t.Any], task_vars: t.Any) -> dict[str, t.Any]:
        if module != self._task.action:
            return super()._call(module, arguments, task_vars)
        before = self._play_context.no_log
        # At -vvv connections show the output of a module, and this output has megabytes.
        self._play_context.no_log = True
        try:
            result = super()._call(module, arguments, task_vars)
        finally:
            self._play_context.no_log = before
        content = result.pop("content", None)
        result["dest"] = None
        if content is not None and not self._task.check_mode:
            folder = self._loader.path_dwim(str(arguments["dest"]))
            try:
                unpack(content, result.get("sha256"), folder)
            except Refused as exc:
                return failed(exc.problem)
            except OSError as exc:
                return failed(NOT_WRITTEN(folder=folder, error=exc))
            result["dest"] = folder
        return result
