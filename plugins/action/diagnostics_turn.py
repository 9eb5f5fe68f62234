# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask the processes of a host, and write their answers to the folder of the run on the controller."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.odoo.plugins.module_utils._messages import bundle, dump, option
from ansible_collections.fleetops.odoo.plugins.plugin_utils._runs.answers import why, write_dumps, write_part
from ansible_collections.fleetops.odoo.plugins.plugin_utils.problems import action_failure, failed
from ansible_collections.fleetops.odoo.plugins.plugin_utils.remote import ActionModule as Base

Result = dict[str, t.Any]
Arguments = dict[str, t.Any]


class ActionModule(Base):
    """One method for each step. The result has no stacks: they are in the files, and would fill the memory."""

    def _run(self, arguments: Arguments, task_vars: Arguments) -> Result:
        steps = {"dumps": self._dumps, "caches": self._caches}
        step = arguments.get("step")
        if step not in steps:
            raise action_failure(option.NOT_A_CHOICE(option="step", choices=", ".join(steps), value=step))
        try:
            result = steps[step](arguments, task_vars)
        except OSError as exc:
            result = failed(bundle.NOT_WRITTEN(folder=arguments["folder"], error=exc))
        return {**result, "step": step, "run": arguments.get("run")}

    def _dumps(self, arguments: Arguments, variables: Arguments) -> Result:
        if self._task.check_mode:
            return failed(dump.CHECK_MODE())
        answer = self._call("fleetops.odoo.stack_dump", dict(arguments["options"]), variables)
        results = answer.get("results") or []
        folder, host = str(arguments["folder"]), str(variables["inventory_hostname"])
        if results and arguments.get("with_bundle", True):
            write_part(folder, host, "dumps.json", results)
        if answer.get("failed") or answer.get("unreachable"):
            return {name: one for name, one in answer.items() if name != "results"}
        missing = [one for result in results for one in result.get("missing") or []]
        path = write_dumps(folder, host, results)
        if not path:
            reasons = dict.fromkeys(str(one["reason"]) for one in [*results, *missing])
            return failed(dump.NONE_WRITTEN(what="its stacks", reasons="; ".join(reasons)))
        kept = {name: answer[name] for name in ("warnings", "deprecations") if answer.get(name)}
        return {**kept, "changed": False, "file": path, "missing": missing}

    def _caches(self, arguments: Arguments, variables: Arguments) -> Result:
        """Busy processes may be missing: if the signal could do harm, the module waits until the process is at rest."""
        answer = self._call("fleetops.odoo.cache_stats", dict(arguments["options"]), variables)
        results = answer.get("results") or []
        if results:
            write_part(str(arguments["folder"]), str(variables["inventory_hostname"]), "caches.json", results)
        # A bundle without this part is a bundle: its list of missing parts tells the reason.
        return {"changed": False, "reason": "" if results else why(answer)}
