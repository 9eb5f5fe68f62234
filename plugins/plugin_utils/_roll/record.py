# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Make the record of a host in a roll from the registered results of its tasks. Pure.

Only results of the same roll count: an earlier roll of the same ``ansible-playbook`` leaves its own behind.
"""

from __future__ import annotations

import typing as t

from ...module_utils._messages import roll as _codes
from ...module_utils._system.redact import redact_text
from ..outcomes import of_run
from .faults import failure

Variables = t.Mapping[str, t.Any]
Record = dict[str, t.Any]

#: Names of the variables in which the role registers the results of its steps.
LOOKED, BEGAN, RELOADED, ENDED, LEFT = (
    "rolling_restart_looked",
    "rolling_restart_began",
    "rolling_restart_reloaded",
    "rolling_restart_ended",
    "rolling_restart_left",
)
#: What the role notes of a host whose turn failed.
NOTED = "rolling_restart_host"

DONE = "done"
#: Failures of the preflight by which a host is drained: by a role, which keeps its lock, or by the module alone.
_DRAINED = (_codes.DRAINED.name, _codes.SERVER_DRAINED.name)


def record(variables: Variables, roll: str) -> Record:
    """Return the record of a host, as the ledger takes it.

    :param variables: those of the host; only the names above are read.
    :param roll: name of the roll.
    """
    looked = _of(variables, LOOKED, roll)
    if not looked:
        # A task that ended before the plugin could name the roll, for instance by a wrong option of the connection. The
        # role sets failed_when to false, so the result may not be called failed.
        raw = variables.get(LOOKED)
        if isinstance(raw, t.Mapping) and raw and "roll" not in raw:
            return {"ready": False, "step": "lock", "failure": failure(raw, "lock")}
        return {"ready": False, "step": "lock"}
    found = _looked(looked)
    turn = _turn(variables, roll)
    noted = _of(variables, NOTED, roll)
    left = _of(variables, LEFT, roll)
    if left.get("failed"):
        found["lock"] = failure(left, "lock")
    found["spans"] = spans(variables, roll)
    return {**found, **turn, **{name: value for name, value in noted.items() if name != "roll"}}


def _of(variables: Variables, name: str, roll: str) -> Variables:
    return of_run(variables, name, roll, "roll")


def step_of(variables: Variables, roll: str) -> str:
    """Return the step of its turn in which a host is: look, out, reload, in, watch or done."""
    for name, failed_in, then in ((ENDED, "watch", DONE), (RELOADED, "reload", "in"), (BEGAN, "look", "out")):
        result = _of(variables, name, roll)
        if result:
            return failed_in if result.get("failed") else then
    return "look"


def spans(variables: Variables, roll: str) -> list[dict[str, t.Any]]:
    """Return the steps of a host: ``step``, ``began`` and ``ended``, in seconds of the controller's steady clock.

    Between two results of the turn the host leaves its load balancer or returns to it; before that, it waits for its
    batch. A step that has not ended has None there.
    """
    found: list[dict[str, t.Any]] = []
    before: Variables = {}
    for name, step, gap in (
        (LOOKED, "preflight", None),
        (BEGAN, "look", None),
        (RELOADED, "reload", "out"),
        (ENDED, "end", "in"),
    ):
        result = _of(variables, name, roll)
        if gap and before and not before.get("failed"):
            found.append({"step": gap, "began": before["ended"], "ended": result.get("started")})
        if "started" not in result:
            break
        shown = "watch" if step == "end" and result.get("results") else step
        found.append({"step": shown, "began": result["started"], "ended": result["ended"]})
        before = result
    return found


def _turn(variables: Variables, roll: str) -> Record:
    if not _of(variables, BEGAN, roll):
        return {}
    found: Record = {"step": step_of(variables, roll)}
    reloaded = _of(variables, RELOADED, roll)
    if reloaded:
        found["result"] = reloaded
        found["under_way"] = reloaded.get("under_way")
    if _of(variables, ENDED, roll).get("serves"):
        found["serves"] = True
    return found


def _looked(looked: Variables) -> Record:
    was, results = looked.get("was") or {}, looked.get("results") or []
    behind = looked.get("behind") or {}
    found: Record = {
        "ready": not _refused(looked),
        "step": "look",
        "locked": bool(looked.get("taken")),
        "behind": behind,
        "was_out": bool(was.get("out")),
        "place": str(looked.get("place") or ""),
        "instance": str(looked.get("instance") or ""),
    }
    lock = looked.get("lock") or {}
    if found["locked"] and lock:
        found["by"] = {name: redact_text(str(lock.get(name) or "")) for name in ("id", "owner", "reason")}
    if found["locked"] and was and was.get("id") != lock.get("id", was.get("id")):
        found["taken"] = _codes.TOOK_OVER(id=was["id"], owner=was["owner"], age=was["age"]).message
    if found["locked"] and was.get("out"):
        left_out = _codes.LEFT_OUT() if behind.get("kind", "none") != "none" else _codes.NO_BALANCER()
        found["balancer"] = {"state": "out", "code": left_out.code, "because": left_out.message}
    if _refused(looked):
        why = failure(looked, "rehearsal" if found["locked"] else "lock")
        if looked.get("drained") == "skip" and why["code"] in _DRAINED:
            return {**found, "ready": True, "needs": False, "skipped": why["reason"]}
        if not found["locked"] and lock.get("out"):
            found["balancer"] = {"state": "out", "code": why["code"], "because": why["reason"]}
        return {**found, "failure": why}
    return {
        **found,
        "needs": bool(looked.get("settled")) or any(one["did"] in ("signalled", "restarted") for one in results),
        "would": "restarted" if any(one["did"] == "restarted" for one in results) else "reloaded",
        "reason": "; ".join(dict.fromkeys(one["reason"] for one in results)),
        "servers": [_server(one.get("before") or {}) for one in results],
        "masters": sorted(filter(None, (str(one.get("identity") or "") for one in results))),
        "databases": sorted({name for one in results for name in (one.get("before") or {}).get("databases") or []}),
    }


def _refused(looked: Variables) -> bool:
    return bool(looked.get("failed") or looked.get("refused"))


def _server(before: Variables) -> list[t.Any]:
    return [before.get("mode", ""), before.get("version", "")]
