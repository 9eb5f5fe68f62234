# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the module of the same name. A load balancer that cannot be reached is a failed result, not a lost host."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll.on_balancer import ActionModule as Base

__all__ = ["ActionModule"]


class ActionModule(Base):
    """Name the load balancer as the task does."""

    def _balancer(self, arguments: dict[str, t.Any]) -> str:
        return arguments.get("name") or "HAProxy"
