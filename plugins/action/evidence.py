# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the module of the same name with ``select``. With ``allow_none`` it runs even if no master is selected."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.odoo.plugins.plugin_utils.select import ActionModule as Base

__all__ = ["ActionModule"]


class ActionModule(Base):
    """Run the module even without a master, because the rest of a host is evidence too."""

    def _none(self, arguments: dict[str, t.Any], task_vars: t.Any) -> dict[str, t.Any]:
        return self._call(self._task.action, {**arguments, "match": {"identity": "none"}}, task_vars)
