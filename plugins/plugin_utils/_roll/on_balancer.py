# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Run a module on a load balancer: one that cannot be reached is a failed result, not a lost host."""

from __future__ import annotations

import typing as t

from ...module_utils._messages.roll import BALANCER_UNREACHABLE
from .._waits.long_wait import call_and_tell
from ..problems import failed
from ..remote import ActionModule as Base


class ActionModule(Base):
    """Run the module. The host that leaves its load balancer can be reached, so it must stay in the play."""

    def _run(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        result = super()._run(arguments, task_vars)
        if not result.get("unreachable"):
            return result
        return failed(BALANCER_UNREACHABLE(balancer=self._balancer(arguments), error=result["msg"]))

    def _call(self, module: str, arguments: dict[str, t.Any], task_vars: t.Any) -> dict[str, t.Any]:
        return call_and_tell(super()._call, module, arguments, task_vars)

    def _balancer(self, _arguments: dict[str, t.Any]) -> str:
        """Return the name of the load balancer, for messages."""
        return str(self._play_context.remote_addr)
