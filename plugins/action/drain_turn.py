# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run one step of a drain, or of the way back: the modules of the step, and what the role keeps of it."""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.fleetops.odoo.plugins.module_utils._messages import option, roll
from ansible_collections.fleetops.odoo.plugins.module_utils._roll.one_off import is_refused
from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll.locking import call_with_lock
from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll.owner import owner
from ansible_collections.fleetops.odoo.plugins.plugin_utils.problems import action_failure, failed
from ansible_collections.fleetops.odoo.plugins.plugin_utils.remote import ActionModule as Base
from ansible_collections.fleetops.odoo.plugins.plugin_utils.remote import reached, some

Result = dict[str, t.Any]
Arguments = dict[str, t.Any]

_COLLECTION = "fleetops.odoo."
#: One id for drains and the way back: another user may bring back a host, from another controller.
_ID = "graceful_drain"
#: What a step returns of the lock.
_OF_LOCK = ("lock", "was", "place", "taken")


class ActionModule(Base):
    """One method for each step."""

    def _run(self, arguments: Arguments, task_vars: Arguments) -> Result:
        steps = {"begin": self._begin, "drain": self._drain, "start": self._start, "end": self._end}
        step = arguments.get("step")
        if step not in steps:
            raise action_failure(option.NOT_A_CHOICE(option="step", choices=", ".join(steps), value=step))
        result = reached(steps[step](arguments, task_vars))
        return {**result, "step": step, "run": arguments.get("run")}

    def _begin(self, arguments: Arguments, variables: t.Any) -> Result:
        """Take the lock, and look whether the servers can be drained. A host that fails keeps no lock of this run.

        The lock says at once that the host may be out of its load balancer. What an administrator took out before is
        put back by the administrator, so the lock does not say it there.
        """
        balancer, admin = arguments.get("balancer", "none"), bool(arguments.get("out_before"))
        out = {"out": True} if balancer != "none" and not admin else {}
        lock = self._lock(arguments, variables, out)
        if lock.get("failed"):
            return {**lock, "stage": "lock"}
        was = lock.get("was") or {}
        known = {**some(lock, _OF_LOCK), "balancer": balancer, "was_out": admin and not was.get("out")}
        seen = self._foresee(arguments, variables)
        if seen.get("failed"):
            self._give_back(arguments, variables, was)
            return {**seen, **known, "stage": "look"}
        return {**seen, **known, "changed": False}

    def _foresee(self, arguments: Arguments, variables: t.Any) -> Result:
        """Return what a drain would do, so that a refused host never leaves its load balancer."""
        before = self._task.check_mode
        self._task.check_mode = True
        try:
            seen = self._drained(arguments, variables)
        finally:
            self._task.check_mode = before
        how = arguments.get("one_off", "auto")
        found = (seen.get("one_off") or []) if how != "ignore" else []
        if seen.get("failed") or not found:
            return seen
        problem = roll.ONE_OFF(commands=", ".join(f"{one['kind']} with pid {one['pid']}" for one in found))
        if any(is_refused(one["kind"], how) for one in found):
            return {**seen, **failed(problem)}
        return {**seen, "warnings": [*seen.get("warnings", []), problem.message]}

    def _drain(self, arguments: Arguments, variables: t.Any) -> Result:
        if arguments.get("begun") != arguments.get("run"):
            return failed(roll.NOT_BEGUN())
        return self._drained(arguments, variables)

    def _start(self, arguments: Arguments, variables: t.Any) -> Result:
        lock = self._lock(arguments, variables)
        if lock.get("failed"):
            return {**lock, "stage": "lock"}
        was, known = lock.get("was") or {}, some(lock, _OF_LOCK)
        started = self._drained({**arguments, "options": {"state": "undrained", **arguments["options"]}}, variables)
        if started.get("failed"):
            # A host that was drained before keeps its lock.
            if was.get("id") != _ID:
                self._give_back(arguments, variables, was)
            return {**started, **known, "stage": "start"}
        if arguments.get("balancer", "none") == "none" and was.get("out"):
            return {**started, **known, **failed(roll.NO_BALANCER()), "stage": "in"}
        return {**started, **known}

    def _end(self, arguments: Arguments, variables: t.Any) -> Result:
        if arguments.get("begun") != arguments.get("run"):
            return failed(roll.NOT_BEGUN())
        return {**self._lock(arguments, variables, {"state": "absent"}), "changed": False}

    def _drained(self, arguments: Arguments, variables: t.Any) -> Result:
        options = {"owner": owner(variables), **arguments["options"]}
        return reached(self._call(_COLLECTION + "drain", options, variables))

    def _lock(self, arguments: Arguments, variables: t.Any, more: Arguments | None = None) -> Result:
        call = functools.partial(self._call, _COLLECTION + "roll_lock", task_vars=variables)
        given = {**some(arguments, ("reason", "ttl", "take_over")), "id": _ID, "kind": "drain", **(more or {})}
        return reached(call_with_lock(call, given, variables))

    def _give_back(self, arguments: Arguments, variables: t.Any, was: t.Mapping[str, t.Any]) -> None:
        """Leave the lock of the host as it was. A failure of that must not hide why the host failed."""
        if was.get("id") == _ID:
            self._lock(arguments, variables, {"out": bool(was.get("out"))})
        else:
            self._lock(arguments, variables, {"state": "absent"})
