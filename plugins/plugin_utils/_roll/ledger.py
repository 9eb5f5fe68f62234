# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The ledger of a roll: what has begun, what has proved to be healthy, and whether it may go on. Pure.

It is a dictionary, because it travels between the plays as a fact of the controller. What each host reports is a
record, made of the results that the tasks of its turn have registered (record.py). No task of a playbook is believed:
a host whose batch began and that has no proof is lost. Each batch asks only the hosts of the batch before it, so that
a roll over a thousand hosts does not ask a thousand hosts a thousand times.

Keys of a record: ``ready`` (it passed the preflight), ``needs`` (the roll reloads it), ``reason`` (why, or why not),
``databases``, ``servers`` (mode and version of each), ``place``, ``instance`` and ``masters`` (what tells its host
from others, which of its instances it stands for, and their masters), ``skipped`` (why it takes no part), ``taken``
(whose lock was taken over), ``failure`` (``step``, ``code``, ``reason``, ``unreachable``), ``result`` (what the
module ``reload`` returned), ``serves`` (the proof), ``balancer`` (``state``, where ``out`` means that it was taken
out and stays so, ``because`` and ``code``), ``lock`` (``code`` and ``reason`` why it could not be given back), ``by``
(``id``, ``owner`` and ``reason`` of the roll), ``spans`` (its steps with begin and end), ``under_way`` (requests when
it left its balancer).
"""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import dataclass

from ...module_utils._messages import option
from ...module_utils._messages import roll as _codes
from ...module_utils._messages.code import Problem
from ...module_utils._module.numbers import bad_span, bad_timeout
from ...module_utils._processes.release import major
from ...module_utils._system.errors import Refused
from ...module_utils._system.redact import redact_text
from .batches import parse_batches
from .plan import Places, cut, ordered, parse_budget
from .window import parse_windows, parse_zone, within

Roll = dict[str, t.Any]
Record = t.Mapping[str, t.Any]

#: Why a roll stopped. A paused roll has done everything that was wanted.
FAILURES, DEADLINE, WINDOW, BLOCKED, APPROVAL, PAUSED, UNPREPARED = (
    "failures",
    "deadline",
    "window",
    "blocked",
    "approval",
    "paused",
    "unprepared",
)

#: Seconds after which the next batch begins with renewing the locks of all hosts. The locks hold for the time of a
#: batch and ten minutes, so none expires while the roll lives.
RENEW_AFTER = 300.0

#: Prefix of the variables of the role.
_ROLE = "rolling_restart_"


@dataclass(frozen=True)
class Moment:
    """``wall``: seconds since the epoch. ``steady``: seconds of a clock that cannot be set, for durations."""

    wall: float
    steady: float


def begin(hosts: t.Sequence[str], options: t.Mapping[str, t.Any], now: Moment) -> Roll:
    """A new roll.

    :param options: ``batches``, ``budget``, ``order``, ``window``, ``timezone``, ``check``, ``balancer`` (whether hosts
        leave one), ``stop_after`` (batches, 0: none), ``masters``, ``parallel_instances``, and in seconds ``deadline``,
        ``timeout``, ``drain_timeout``, ``canary_healthy_time``, ``min_healthy_time``, ``lock_stale_after``.
        ``approval`` (never, canary or always) and ``conditional`` (whether anything of the user's own comes before a
        batch).
    :raises Refused: a value is wrong; the message has the name of the variable of the role.
    """
    sizes = parse_batches(options["batches"], _ROLE + "batches")
    ordered([], options["order"], _ROLE + "order")
    parse_windows(options["window"], _ROLE + "window")
    parse_zone(options["timezone"], _ROLE + "timezone")
    for name, least in (("stop_after", 0), ("masters", 0), ("parallel_instances", 1)):
        if not least <= float(options[name]) < float("inf"):
            raise Refused(option.OUT_OF_RANGE(option=_ROLE + name, least=least, most="any number", value=options[name]))
    for name in ("deadline", "canary_healthy_time", "min_healthy_time"):
        _refuse(bad_span(_ROLE + name, float(options[name])))
    positive = {
        "timeout": _ROLE + "timeout",
        "drain_timeout": "balancer_drain_timeout",
        "lock_stale_after": _ROLE + "lock_stale_after",
    }
    for name, variable in positive.items():
        _refuse(bad_timeout(variable, float(options[name])))
    return {
        "hosts": list(hosts),
        "name": _stamp(now),
        "started": iso(now),
        "began": now.steady,
        "renewed": now.steady,
        "renew": [],
        "check": bool(options["check"]),
        "balancer": bool(options["balancer"]),
        "sizes": sizes,
        "budget": parse_budget(options["budget"], len(hosts), _ROLE + "budget"),
        "order": options["order"],
        "deadline": float(options["deadline"]),
        "window": options["window"],
        "timezone": options["timezone"],
        "stop_after": int(options["stop_after"]),
        "parallel_instances": int(options["parallel_instances"]),
        "approval": options["approval"],
        "conditional": bool(options["conditional"]),
        "ready": [],
        "skipped": [],
        "faults": {},
        "plan": None,
        "begun": [],
        "proved": [],
        "slowest": None,
        "batches": [],
        "stopped": None,
        "parts": [],
    }


def _refuse(problem: Problem | None) -> None:
    if problem:
        raise Refused(problem)


def looked(roll: Roll, records: t.Mapping[str, Record]) -> Roll:
    """Decide, after the look, which files of tasks come before the batches.

    What a roll does not need is not among them. It is decided once: an expression of the role would be worked out for
    each host over all hosts.
    """
    out = not roll["check"] and any(record.get("was_out") for record in records.values())
    kinds = {(record.get("behind") or {}).get("kind") for record in records.values()}
    asks = {"haproxy": "ask.yml", "nginx": "ask_nginx.yml", "firewall": "ask_firewall.yml"}
    parts = [*(["left_out.yml"] if out else []), *(asks[kind] for kind in asks if kind in kinds), "plan.yml"]
    return {**roll, "parts": parts}


def plan(
    roll: Roll, records: t.Mapping[str, Record], now: Moment, faults: t.Mapping[str, Record] | None = None
) -> Roll:
    """Decide the batches, after the preflight: those who need it, unless the roll must not begin at all.

    :param faults: failures of hosts that their load balancers do not have in service.
    """
    faults = faults or {}
    ready = [host for host in roll["hosts"] if records.get(host, {}).get("ready") and host not in faults]
    skipped = [host for host in ready if records[host].get("skipped")]
    roll = gate({**roll, "ready": ready, "skipped": skipped, "faults": dict(faults)}, records, (), now)
    fit = set(ready)
    wanted = [host for host in ordered(roll["hosts"], roll["order"]) if host in fit and records[host]["needs"]]
    keys = {host: _apart(records[host], databases=roll["order"] == "apart") for host in wanted}
    places = Places({host: records[host].get("place") or "" for host in wanted}, roll["parallel_instances"])
    batches = cut(wanted, roll["sizes"], len(roll["hosts"]), keys, places)
    if roll["stopped"]:
        line = f"no batch begins: {roll['stopped']['reason']}"
        return {**roll, "plan": {"batches": batches, "hosts": [], "serial": [1]}, "line": line}
    flat = [host for batch in batches for host in batch]
    shown = " | ".join(", ".join(batch) for batch in batches[:6]) + (" | ..." if len(batches) > 6 else "")
    idle = len(ready) - len(wanted) - len(skipped)
    line = f"{_count(len(wanted), 'host', 'hosts')} in {_count(len(batches), 'batch', 'batches')}"
    line += (f": {shown}" if shown else "") + (f"; {idle} up to date" if idle else "")
    line += f"; {len(skipped)} skipped" if skipped else ""
    line += f"; {_without_balancer(records, flat)}" if not roll["balancer"] and flat else ""
    serial = [len(batch) for batch in batches] or [1]
    # The look has shown what a check run can show.
    hosts = [] if roll["check"] else flat
    # Hosts of the play that ends the roll.
    last = roll["hosts"][:1] if roll["check"] else roll["hosts"]
    return {**roll, "plan": {"batches": batches, "hosts": hosts, "serial": serial}, "last": last, "line": line}


def _apart(record: Record, *, databases: bool) -> list[tuple[str, str]]:
    """Return what no other name of a batch may have: the same instance on another host serves the same backend."""
    named = [("instance", record["instance"])] if record.get("instance") else []
    return [*named, *(("database", name) for name in record.get("databases") or [] if databases)]


def _without_balancer(records: t.Mapping[str, Record], hosts: t.Sequence[str]) -> str:
    """Return what a roll without a load balancer costs.

    The port of an Odoo 19 in prefork mode stays open over a HUP. All others do not answer for about a second (seen on
    14.0 and 19.0), and every server does so at a restart.
    """
    gap = [
        host for host in hosts if any(_closes_its_port(*one) for one in records[host].get("servers") or [(None, None)])
    ]
    if not gap:
        return "no load balancer"
    shown = ", ".join(gap[:6]) + (", ..." if len(gap) > 6 else "")
    return f"no load balancer, so requests to {shown} fail during the reload (threaded mode, or Odoo before 19)"


def _closes_its_port(mode: t.Optional[str], version: t.Optional[str]) -> bool:
    return mode != "prefork" or (major(version) or 0) < 19


def lost(roll: Roll) -> list[str]:
    """Return hosts that did not pass the preflight, and hosts whose batch began and that have no proof."""
    unproved, ready = set(roll["begun"]) - set(roll["proved"]), set(roll["ready"])
    return [host for host in roll["hosts"] if host in unproved or host not in ready]


def gate(roll: Roll, records: t.Mapping[str, Record], batch: t.Sequence[str], now: Moment) -> Roll:
    """Close the last batch, and decide whether another one may begin: ``stopped`` of what is returned says why not.

    :param records: those of the hosts of the last batch.
    :param batch: hosts of the batch that is to begin; empty before the first one.
    """
    if roll and roll["stopped"]:
        return roll
    ready = set(roll["ready"]) if roll else set()
    strangers = [host for host in batch if host not in ready]
    if not roll or strangers == list(batch) != []:
        return stop(roll, UNPREPARED, _codes.NO_PREFLIGHT(hosts=", ".join(strangers)))
    if not set(batch) <= set(_planned(roll, batch)):
        return stop(roll, UNPREPARED, _codes.OTHER_BATCH(hosts=", ".join(batch)))
    roll = _counted(leave(roll, records, now))
    if roll["stopped"]:
        return roll
    if roll["deadline"] and now.steady - roll["began"] > roll["deadline"]:
        return stop(roll, DEADLINE, _codes.DEADLINE(seconds=roll["deadline"]))
    if not within(parse_windows(roll["window"]), parse_zone(roll["timezone"]), now.wall):
        return stop(roll, WINDOW, _codes.OUTSIDE_WINDOW(window=roll["window"], timezone=roll["timezone"]))
    if batch and roll["stop_after"] and len(roll["batches"]) >= roll["stop_after"]:
        return stop(roll, PAUSED, _codes.PAUSED(batches=_count(roll["stop_after"], "batch", "batches")))
    return roll


def _counted(roll: Roll) -> Roll:
    """Return the same roll, stopped if more hosts failed than the budget allows."""
    missing = lost(roll)
    if len(missing) <= roll["budget"]:
        return roll
    return stop(roll, FAILURES, _codes.HOSTS_LOST(hosts=", ".join(missing), budget=roll["budget"]))


def _planned(roll: Roll, batch: t.Sequence[str]) -> list[str]:
    """Return the hosts of the batch that comes next. Ansible has only those that it has not given up."""
    number = len(roll["batches"])
    batches: list[list[str]] = (roll["plan"] or {"batches": []})["batches"]
    return batches[number] if number < len(batches) else list(batch)


def stop(roll: Roll, why: str, problem: Problem) -> Roll:
    """Return the same roll, stopped; the first reason holds."""
    if roll and roll["stopped"]:
        return roll
    # A condition or a task of the user's own may say anything, and this goes into a file.
    reason = redact_text(problem.text)
    stopped = {"why": why, "code": problem.code, "reason": reason}
    return {**roll, "stopped": stopped, "line": f"no further batch: {reason} [{problem.code}]"}


def enter(roll: Roll, records: t.Mapping[str, Record], batch: t.Sequence[str], now: Moment) -> Roll:
    """Pass the gate and write down that a batch begins, or stop the roll.

    :param records: those of the hosts of the last batch.
    :param batch: hosts of the batch that are still in the play. Those that Ansible has given up, such as in a task of
        the user's own, begin and will not prove anything.
    """
    roll = gate(roll, records, batch, now)
    if roll["stopped"]:
        return _with_parts(roll)
    absent = [host for host in _planned(roll, batch) if host not in batch]
    roll = _counted({**roll, "begun": [*roll["begun"], *absent]})
    if roll["stopped"]:
        return _with_parts(roll)
    ready = set(roll["ready"])
    batch = [host for host in batch if host in ready]
    entry = {"number": len(roll["batches"]) + 1, "hosts": batch, "began": now.steady, "ended": None}
    roll = {**roll, "begun": [*roll["begun"], *batch], "batches": [*roll["batches"], entry]}
    roll = {**roll, "line": progress(roll), "renew": []}
    if now.steady - roll["renewed"] >= RENEW_AFTER:
        # Each host of the batch renews its own lock, and a drained one has another.
        left_out = {*batch, *roll["skipped"]}
        renew = [host for host in roll["ready"] if host not in left_out]
        roll = {**roll, "renew": renew, "renewed": now.steady}
    return _with_parts(roll)


def arrive(roll: Roll, records: t.Mapping[str, Record], batch: t.Sequence[str], now: Moment) -> Roll:
    """Pass the gate, and begin the batch, unless conditions or tasks of the user come before it."""
    if not roll or not roll["conditional"]:
        return enter(roll, records, batch, now)
    roll = gate(roll, records, batch, now)
    return {**roll, "parts": ["stopped.yml"] if roll["stopped"] else ["conditions.yml", "batch.yml"]}


def _with_parts(roll: Roll) -> Roll:
    """Return the same roll with the files of tasks that the batch needs; "turn" stands for that of a host."""
    if roll["stopped"]:
        return {**roll, "parts": ["stopped.yml"]}
    left = set(roll["plan"]["hosts"]) - set(roll["begun"])
    first = len(roll["batches"]) == 1
    asks = bool(left) and (roll["approval"] == "always" or (roll["approval"] == "canary" and first))
    parts = [*(["renew.yml"] if roll["renew"] else []), "turn", *(["approval.yml"] if asks else [])]
    return {**roll, "parts": parts}


def leave(roll: Roll, records: t.Mapping[str, Record], now: Moment) -> Roll:
    """Write down which hosts of the last batch have proved that they are healthy, unless that is done.

    :param records: those of the hosts of the last batch.
    """
    if not roll["batches"] or roll["batches"][-1]["ended"] is not None:
        return roll
    last = {**roll["batches"][-1], "ended": now.steady}
    proved = [host for host in last["hosts"] if records.get(host, {}).get("serves")]
    took = [[host, seconds(records[host].get("result") or {})] for host in proved]
    slowest = max([*took, *filter(None, [roll["slowest"]])], key=lambda one: one[1], default=None)
    proved = [*roll["proved"], *proved]
    return {**roll, "proved": proved, "slowest": slowest, "batches": [*roll["batches"][:-1], last]}


def progress(roll: Roll) -> str:
    """Return the progress of the roll at the start of a batch, in one line."""
    batch = roll["batches"][-1]
    planned = len(roll["plan"]["batches"]) if roll["plan"] else 0
    parts = [f"{len(roll['proved'])} of {len(roll['hosts'])} hosts reloaded"]
    gone = lost({**roll, "begun": [host for host in roll["begun"] if host not in batch["hosts"]]})
    if gone:
        parts.append(f"failed: {', '.join(gone)}")
    if roll["slowest"]:
        parts.append(f"slowest: {roll['slowest'][0]} with {roll['slowest'][1]:.1f} s")
    # The batch that begins is among those to come.
    left = seconds_for(roll, planned - len(roll["batches"]) + 1)
    if left is not None:
        parts.append(f"about {left:.0f} s left" if left < 100 else f"about {left / 60:.0f} min left")
    return (
        f"batch {batch['number']} of {max(planned, batch['number'])}: {', '.join(batch['hosts'])} ({'; '.join(parts)})"
    )


def seconds_for(roll: Roll, batches: int) -> t.Optional[float]:
    """Seconds that so many batches will take, going by those that have ended; None while none has."""
    ended = [one["ended"] - one["began"] for one in roll["batches"] if one.get("ended") is not None]
    return sum(ended) / len(ended) * max(0, batches) if ended else None


def seconds(result: t.Mapping[str, t.Any]) -> float:
    """Seconds that the module worked on a host."""
    return round(sum(float(one["seconds"]) for one in result.get("results") or []), 2)


def iso(now: Moment) -> str:
    """A moment as ISO 8601 in UTC, to the second."""
    return datetime.datetime.fromtimestamp(now.wall, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _stamp(now: Moment) -> str:
    return iso(now).replace("-", "").replace(":", "")


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
