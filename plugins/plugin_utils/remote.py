# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Run a module on the host of a task, with safe messages of a host that cannot be reached."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleConnectionFailure

from ..module_utils._messages.host import UNREACHABLE

if t.TYPE_CHECKING:
    from ansible.plugins.action import ActionBase


def run_module(action: ActionBase, module: str, arguments: dict[str, t.Any], task_vars: t.Any) -> dict[str, t.Any]:
    """Return what a module returns, or that the host is unreachable.

    Why it is comes from ssh, which shows the banner of the host. ansible-core before 2.19 marks what a plugin returns
    as no template, but not the message of this exception.
    """
    try:
        result = action._execute_module(  # noqa: SLF001 - what an action plugin is to call
            module_name=module, module_args=arguments, task_vars=task_vars
        )
    except AnsibleConnectionFailure as exc:
        return {"unreachable": True, "changed": False, "msg": str(exc), "code": UNREACHABLE.name}
    return t.cast("dict[str, t.Any]", result)
