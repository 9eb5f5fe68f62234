# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the module of the same name, with the owner of the marks filled in."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll.on_balancer import ActionModule as Base
from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll.owner import owner

__all__ = ["ActionModule"]


class ActionModule(Base):
    """Fill in the owner."""

    def _run(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        return super()._run({**arguments, "owner": arguments.get("owner") or owner(task_vars)}, task_vars)
