# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Report the outcome of every host of a roll, for people, for workflows and for a file. Pure."""

from __future__ import annotations

import collections
import typing as t

from ...module_utils._messages import roll as _codes
from ..outcomes import first_line, stats
from .ledger import PAUSED, Moment, Record, Roll, iso, leave, seconds

RELOADED, RESTARTED, UP_TO_DATE, SKIPPED, FAILED, UNREACHABLE, NOT_TOUCHED = (
    "reloaded",
    "restarted",
    "up to date",
    "skipped",
    "failed",
    "unreachable",
    "not touched",
)
WOULD_RELOAD, WOULD_RESTART = "would reload", "would restart"

#: Outcomes after which nothing is left to do.
DONE = frozenset([RELOADED, RESTARTED, UP_TO_DATE, SKIPPED, WOULD_RELOAD, WOULD_RESTART])

#: More hosts than that which are up to date, or not touched, are a number in the summary. The report has all of them.
_FEW = 10

_WOULD = {RELOADED: WOULD_RELOAD, RESTARTED: WOULD_RESTART}


def report(roll: Roll, records: t.Mapping[str, Record], now: Moment) -> dict[str, t.Any]:
    """Return all that the summary shows: ``hosts``, ``lines``, ``stats``, ``ok`` and the frame around them."""
    roll = leave(roll, records, now) if roll else roll
    outcomes = [_outcome(roll, host, _record(roll, records, host)) for host in roll.get("hosts", [])]
    remaining = [one["host"] for one in outcomes if one["outcome"] not in DONE]
    # "not touched" is what a pause leaves behind on purpose; everything else is a failure.
    spoilt = [one for one in outcomes if one["outcome"] in (FAILED, UNREACHABLE)]
    stopped = roll.get("stopped")
    paused = stopped is not None and stopped["why"] == PAUSED and not spoilt
    # Without a ledger nothing has been looked at, which must not count as success.
    done = bool(outcomes) and not remaining and not stopped
    told = {
        "name": roll.get("name"),
        "started": roll.get("started"),
        "ended": iso(now),
        "seconds": round(now.steady - roll["began"], 1) if "began" in roll else 0.0,
        "outcome": "done" if done else "paused" if paused else "stopped" if stopped else "failed",
        "stopped": stopped,
        "ok": done or paused,
        "check": bool(roll.get("check")),
        "by": next((record["by"] for record in records.values() if record.get("by")), None),
        "balancer": next((kind for kind in map(_kind, records.values()) if kind), "none"),
        "hosts": outcomes,
        "planned": (roll.get("plan") or {}).get("batches", []),
        "batches": [
            {**one, "began": _since(roll, one["began"]), "ended": _since(roll, one["ended"])}
            for one in roll.get("batches", [])
        ],
        "remaining": remaining,
    }
    told["stats"] = _stats(told)
    told["lines"] = lines(told, len(told["planned"]))
    return told


def _record(roll: Roll, records: t.Mapping[str, Record], host: str) -> Record:
    found, fault = records.get(host) or {}, roll["faults"].get(host)
    return {**found, "failure": fault} if fault else found


def _kind(record: Record) -> str:
    return str((record.get("behind") or {}).get("kind") or "")


def _steps(roll: Roll, record: Record) -> list[dict[str, t.Any]]:
    """Return the steps of a host, in seconds since the begin of the roll.

    Without a load balancer, the time between two steps is not a step, unless the turn ended in it.
    """
    kind = _kind(record)
    balanced = kind != "none" if kind else roll["balancer"]
    return [
        {**one, "began": _since(roll, one["began"]), "ended": _since(roll, one["ended"])}
        for one in record.get("spans") or []
        if balanced or one["step"] not in ("out", "in") or one["ended"] is None
    ]


def _since(roll: Roll, moment: t.Optional[float]) -> t.Optional[float]:
    return None if moment is None else round(moment - roll["began"], 1)


def _outcome(roll: Roll, host: str, record: Record) -> dict[str, t.Any]:
    result = record.get("result") or {}
    instances = result.get("results") or []
    failure = record.get("failure")
    begun = host in roll["begun"]
    code = None
    if host in roll["proved"]:
        restarted = any(one.get("did") == RESTARTED for one in instances)
        outcome = UP_TO_DATE if not result.get("changed") else RESTARTED if restarted else RELOADED
        reason = "; ".join(sorted({one["reason"] for one in instances}))
    elif failure:
        outcome, reason = (UNREACHABLE if failure.get("unreachable") else FAILED), failure["reason"]
        code = failure.get("code")
    elif begun:
        # Nothing proves that it is healthy, also if Ansible reports no failure.
        left = _codes.LEFT_PLAY()
        outcome, code, reason = FAILED, left.code, left.text
    elif record.get("skipped"):
        outcome, reason = SKIPPED, record["skipped"]
    elif roll["check"] and record.get("ready") and record.get("needs") and not roll["stopped"]:
        outcome, reason = _WOULD[record["would"]], record.get("reason", "")
    elif record.get("ready") and not record.get("needs"):
        outcome, reason = UP_TO_DATE, record.get("reason", "")
    else:
        outcome, reason = NOT_TOUCHED, ""
    return {
        "host": host,
        "outcome": outcome,
        "code": code,
        "reason": reason,
        "step": failure["step"] if failure else None,
        "evidence": record.get("evidence"),
        "steps": _steps(roll, record),
        "under_way": record.get("under_way"),
        "servers": record.get("servers") or [],
        "seconds": seconds(result),
        "old": [generation(one["before"]) for one in instances if one.get("after")],
        "new": [generation(one["after"]) for one in instances if one.get("after")],
        "balancer": record.get("balancer") or _left_out(roll, host, record),
        "lock": record.get("lock"),
        "taken": record.get("taken"),
        "results": instances,
    }


def _left_out(roll: Roll, host: str, record: Record) -> dict[str, str] | None:
    """Return where a host is that Ansible removed from the play in the middle of its turn."""
    if not roll["balancer"] or host in roll["proved"] or record.get("step") not in ("out", "reload", "in"):
        return None
    problem = _codes.NOT_PUT_BACK()
    return {"state": "out", "code": problem.code, "because": problem.text}


def generation(summary: t.Mapping[str, t.Any]) -> str:
    """A generation as people can tell it from another: its workers' pids, or its load where there are no workers."""
    pids = [str(child["pid"]) for child in summary["children"] if child["role"] == "http"]
    return "workers " + ",".join(pids) if pids else "load of " + str(summary["loaded"]["not_after"])


def _stats(told: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return what the next node of a workflow gets."""
    stopped = told["stopped"] or {}
    return stats(
        told["outcome"],
        told["hosts"],
        told["remaining"],
        why=stopped.get("why", ""),
        code=stopped.get("code", ""),
        reason=stopped.get("reason", ""),
        seconds=told["seconds"],
        out_of_balancer=[one["host"] for one in told["hosts"] if (one["balancer"] or {}).get("state") == "out"],
    )


def lines(told: t.Mapping[str, t.Any], planned: int) -> list[str]:
    """The report as lines for a terminal or a job's log."""
    outcomes = told["hosts"]
    counts = collections.Counter(one["outcome"] for one in outcomes if _is_quiet(one))
    many = {outcome: f"{count} hosts" for outcome, count in counts.items() if count > _FEW}
    each = [one for one in outcomes if not (_is_quiet(one) and one["outcome"] in many)]
    width = max(map(len, [*(one["host"] for one in each), *many.values()]), default=0)
    found = [line for one in each for line in _host_lines(one, width)]
    # The hosts of which nothing else is to say come last, as a number.
    found += [f"{name:<{width}}  {outcome}" for outcome, name in many.items()]
    done = sum(1 for one in outcomes if one["outcome"] in DONE)
    last = f"{done} of {len(outcomes)} hosts done in {told['seconds']:.0f} s"
    if told["stopped"]:
        next_batch = f" before batch {len(told['batches']) + 1} of {planned}" if planned else ""
        last += f"; {'paused' if told['outcome'] == 'paused' else 'stopped'}{next_batch}: {told['stopped']['reason']}"
        last += f" [{told['stopped']['code']}]"
    return [*found, last]


def _is_quiet(one: t.Mapping[str, t.Any]) -> bool:
    """Return whether nothing was done to a host, nothing is wrong with it, and nothing is left to do there."""
    rest = (one["taken"], one["lock"], one["code"], (one["balancer"] or {}).get("state") == "out")
    return one["outcome"] in (UP_TO_DATE, NOT_TOUCHED) and not any(rest)


def _host_lines(one: t.Mapping[str, t.Any], width: int) -> list[str]:
    head = f"{one['host']:<{width}}  {one['outcome']:<13}"
    out = one["balancer"] or {}
    stays = []
    if out.get("state") == "out":
        # Where the lock of a drain is the reason for both, the line above tells both.
        why = "" if out["because"] == one["reason"] else f": {first_line(out['because'])}{_mark(out)}"
        if why or "out of its load balancer" not in one["reason"]:
            stays.append(f"{'':<{width}}  out of its load balancer{why}")
    if one["taken"]:
        stays.append(f"{'':<{width}}  {first_line(one['taken'])}")
    if one["lock"]:
        stays.append(
            f"{'':<{width}}  its lock stays until it expires: {first_line(one['lock']['reason'])}{_mark(one['lock'])}"
        )
    if one["outcome"] in (RELOADED, RESTARTED):
        change = "; ".join(f"{old} -> {new}" for old, new in zip(one["old"], one["new"], strict=True))
        why = f"  ({one['reason']})" if one["outcome"] == RESTARTED and one["reason"] else ""
        return [f"{head}  {one['seconds']:6.2f} s  {change}{why}".rstrip(), *stays]
    return [f"{head}  {first_line(one['reason'])}{_mark(one)}" if one["reason"] else head.rstrip(), *stays]


def _mark(one: t.Mapping[str, t.Any]) -> str:
    return f" [{one['code']}]" if one.get("code") else ""
