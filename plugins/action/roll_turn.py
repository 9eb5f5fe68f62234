# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run one step of a roll: the module of the step, and what the roll keeps of it."""

from __future__ import annotations

import functools
import os
import time
import typing as t

from ansible_collections.fleetops.odoo.plugins.module_utils._messages import option, roll
from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll.locking import call_with_lock
from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll.owner import playbook
from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll.record import record
from ansible_collections.fleetops.odoo.plugins.plugin_utils._runs.roll_folder import PAGE, begin, write
from ansible_collections.fleetops.odoo.plugins.plugin_utils._waits.question import Question
from ansible_collections.fleetops.odoo.plugins.plugin_utils.problems import action_failure, failed
from ansible_collections.fleetops.odoo.plugins.plugin_utils.remote import ActionModule as Base
from ansible_collections.fleetops.odoo.plugins.plugin_utils.remote import reached, some

Result = dict[str, t.Any]
Arguments = dict[str, t.Any]

_COLLECTION = "fleetops.odoo."
_LOCK = ("id", "owner", "reason", "ttl", "take_over", "take_over_kinds", "instance")
_CHOICE = ("match", "users", "health")
#: Part of the turn that must be left before a reload begins. A HUP cannot be taken back, so none is sent with too few
#: seconds left to see what comes of it.
_LEAST = 0.1


class ActionModule(Base):
    """One method for each step."""

    def _run(self, arguments: Arguments, task_vars: Arguments) -> Result:
        steps = {
            "look": self._look,
            "begin": self._begin,
            "reload": self._reload,
            "end": self._end,
            "leave": self._leave,
            "write": self._write,
        }
        step = arguments.get("step")
        if step not in steps:
            raise action_failure(option.NOT_A_CHOICE(option="step", choices=", ".join(steps), value=step))
        started = time.monotonic()
        result = reached(steps[step](arguments, task_vars))
        if step == "look":
            # The role sets failed_when to false there, and that changes "failed".
            result["refused"] = bool(result.get("failed"))
        return {**result, "step": step, "roll": arguments.get("roll"), "started": started, "ended": time.monotonic()}

    def _look(self, arguments: Arguments, variables: t.Any) -> Result:
        kind = (arguments.get("behind") or {}).get("kind", "none")
        kinds = arguments.get("balancers") or [kind]
        if kind not in kinds:
            return failed(option.NOT_A_CHOICE(option="balancer", choices=", ".join(kinds), value=kind))
        result = self._with_lock("roll_look", {**some(arguments, _LOCK), **(arguments.get("options") or {})}, variables)
        # What the plan needs to know of each host, since hostvars has no defaults of roles.
        return {**result, "changed": False, **some(arguments, ("behind", "drained", "instance"))}

    def _begin(self, arguments: Arguments, variables: t.Any) -> Result:
        until = time.time() + float(arguments["turn"])
        names = (*_LOCK, *_CHOICE, "step", "roll", "out", "timeout")
        with Question(self, arguments, "the servers to be healthy", variables):
            return {**self._with_lock("roll_turn", some(arguments, names), variables), "until": until}

    def _reload(self, arguments: Arguments, variables: t.Any) -> Result:
        if playbook() is None:
            return {**failed(roll.PLAYBOOK_ENDED()), "results": []}
        options = dict(arguments.get("options") or {})
        left, timeout = float(arguments["until"]) - time.time(), float(options["timeout"])
        if left < timeout * _LEAST:
            return {**failed(roll.LITTLE_TIME(left=int(max(left, 0)), turn=int(timeout))), "results": []}
        options["timeout"] = min(left, timeout)
        with Question(self, options, "the reload to finish", variables):
            result = self._call(_COLLECTION + "reload", options, variables)
        return {**result, "under_way": under_way(arguments.get("left") or {})}

    def _end(self, arguments: Arguments, variables: t.Any) -> Result:
        watch, out = float(arguments.get("min_healthy_time") or 0), arguments.get("out")
        if not watch and out is None:
            return {"changed": False, "serves": True}
        if not watch:
            # The module of the lock is a tenth of the one that watches, and most turns end here.
            result = self._with_lock("roll_lock", some(arguments, (*_LOCK, "out")), variables)
            # It has reloaded, it was healthy, and it is in its balancer. The end of the roll gives back the lock.
            told = {"note": result.get("msg")} if result.get("failed") or result.get("unreachable") else {"taken": True}
            return {**some(result, ("lock", "was", "place")), **told, "changed": False, "serves": True}
        left = max(float(arguments["until"]) - time.time(), 1.0)
        names = (*_LOCK, *_CHOICE, "step", "roll", "out", "min_healthy_time")
        with Question(self, arguments, f"the servers to be healthy for {watch:g} s without a break", variables):
            result = self._with_lock("roll_turn", {**some(arguments, names), "timeout": left + watch}, variables)
        return result if result.get("failed") or result.get("unreachable") else {**result, "serves": True}

    def _leave(self, arguments: Arguments, variables: t.Any) -> Result:
        if self._task.check_mode:
            return {"changed": False}
        # A host that stays out of its load balancer keeps an expired lock, which tells the next roll that it is out.
        out = (record(variables, str(arguments.get("roll"))).get("balancer") or {}).get("state") == "out"
        stays = {"state": "present", "ttl": 0.001, "out": True} if out else {"state": "absent"}
        result = self._with_lock("roll_lock", {**some(arguments, ("id", "reason", "instance")), **stays}, variables)
        return {**result, "changed": False}

    def _write(self, arguments: Arguments, _variables: t.Any) -> Result:
        folder, report = str(arguments.get("folder") or ""), arguments.get("report")
        if not os.path.isabs(folder):
            return failed(option.NOT_A_PATH(option="folder", value=folder))
        try:
            if report:
                write(folder, report)
            else:
                begin(folder)
        except OSError as exc:
            return failed(roll.REPORT_NOT_WRITTEN(error=exc))
        return {"changed": False, "page": os.path.join(folder, PAGE) if report else ""}

    def _with_lock(self, module: str, arguments: Arguments, variables: t.Any) -> Result:
        # A lock with an id of its own is of the kind "other" by default, and "*" in take_over does not take that over.
        call = functools.partial(self._call, _COLLECTION + module, task_vars=variables)
        return call_with_lock(call, {**arguments, "kind": "roll"}, variables)


def under_way(left: t.Mapping[str, t.Any]) -> int | None:
    """Return the requests that were under way on a host when it left its load balancers.

    :param left: the registered result of the task that took it out, which may be a loop over load balancers.
    :returns: None where no load balancer tells.
    """
    told = [one.get("under_way") for one in left.get("results") or [left]]
    known = [one for one in told if isinstance(one, int)]
    return sum(known) if known else None
