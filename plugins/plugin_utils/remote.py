# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Run a module on the host of a task, with safe messages of a host that cannot be reached."""

from __future__ import annotations

import re
import typing as t

from ansible.errors import AnsibleAction, AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase

from ..module_utils._messages.host import NO_PRIVILEGES, UNREACHABLE
from ..module_utils._system.word import visible
from .outcomes import first_line
from .problems import failed

#: What connection plugins say where sudo or another program for privileges does not let the user through.
_NO_PRIVILEGES = re.compile(r"(missing|incorrect) \S+ password|privilege escalation", re.IGNORECASE)


def run_module(action: ActionBase, module: str, arguments: dict[str, t.Any], task_vars: t.Any) -> dict[str, t.Any]:
    """Return what a module returns, or that the host is unreachable, or that sudo refuses.

    Why it is unreachable comes from ssh, which shows the banner of the host. ansible-core before 2.19 marks what a
    plugin returns as no template, but not the message of this exception.
    """
    try:
        result = action._execute_module(  # noqa: SLF001 - what an action plugin is to call
            module_name=module, module_args=arguments, task_vars=task_vars
        )
    except AnsibleConnectionFailure as exc:
        result = {"unreachable": True, "changed": False, "msg": str(exc), "code": UNREACHABLE.name}
    except AnsibleError as exc:
        # Left to Ansible, the task would have no code, and the roles would not know in which step the host failed.
        if isinstance(exc, AnsibleAction) or not _NO_PRIVILEGES.search(str(exc)):
            raise
        return failed(NO_PRIVILEGES(error=first_line(str(exc)).strip().rstrip(".")))
    if result.get("unreachable"):
        # ssh shows characters that turn the direction of a line.
        result["msg"] = visible(str(result.get("msg", "")).replace("\r\n", "\n"))
    return t.cast("dict[str, t.Any]", result)


def reached(result: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return a result; of a host that cannot be reached a failed one.

    Ansible would take the host out of the play, and then no later task could clean up.
    """
    if result.get("unreachable"):
        return failed(UNREACHABLE(error=str(result.get("msg", "")).strip()))
    return result


def some(arguments: t.Mapping[str, t.Any], names: t.Sequence[str]) -> dict[str, t.Any]:
    """Return those of the arguments that are given."""
    return {name: arguments[name] for name in names if arguments.get(name) is not None}


class ActionModule(ActionBase):
    """Run the module of the same name. The message of a host that cannot be reached is not templated."""

    _supports_check_mode = True
    #: roles of this collection that judge the answer of an unreachable host themselves
    _judging = frozenset(["fleetops.odoo.balancer", "fleetops.odoo.doctor"])

    def run(self, tmp: None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Entry point."""
        super().run(tmp, task_vars)
        del tmp
        result = self._run(dict(self._task.args), task_vars or {})
        if not result.get("unreachable") or not self._role().startswith("fleetops.odoo."):
            return result
        if self._role() not in self._judging:
            return reached(result)
        if getattr(self._task, "run_once", False):
            # Ansible would end the play for all hosts, also with ignore_unreachable. failed_when is false there.
            return {**result, "unreachable": False, "failed": True}
        return result

    def _role(self) -> str:
        """Return the full name of the role that has the task; empty without one."""
        role = getattr(self._task, "_role", None)
        return str(role.get_name(include_role_fqcn=True)) if role else ""

    def _run(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Return the result of the task. Other actions change the options or the result here."""
        return self._call(self._task.action, arguments, task_vars)

    def _call(self, module: str, arguments: dict[str, t.Any], task_vars: t.Any) -> dict[str, t.Any]:
        return run_module(self, module, arguments, task_vars)
