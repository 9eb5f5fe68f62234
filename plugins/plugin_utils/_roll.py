# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""What became of every host of a roll. Pure."""

from __future__ import annotations

import typing as t

RELOADED, UP_TO_DATE, FAILED, UNREACHABLE, NOT_REACHED = (
    "reloaded",
    "up to date",
    "failed",
    "unreachable",
    "not reached",
)


def summarize(
    hosts: t.Sequence[str],
    results: t.Mapping[str, t.Mapping[str, t.Any]],
    begun: t.Container[str],
    proved: t.Container[str],
) -> list[dict[str, t.Any]]:
    """One record for each host, in the order of the play.

    :param results: what the module ``reload`` returned, by host; empty for a host that it did not run on.
    :param begun: hosts whose batch has begun.
    :param proved: hosts that proved to serve at the end of their turn.
    """
    return [_outcome(host, results.get(host) or {}, host in begun, host in proved) for host in hosts]


def _outcome(host: str, result: t.Mapping[str, t.Any], begun: bool, proved: bool) -> dict[str, t.Any]:  # noqa: FBT001
    instances = result.get("results") or []
    if proved:
        outcome = RELOADED if result.get("changed") else UP_TO_DATE
    elif result.get("unreachable"):
        outcome = UNREACHABLE
    else:
        # A host whose batch began and that did not prove anything has failed, whatever Ansible makes of it.
        outcome = FAILED if begun or result.get("failed") else NOT_REACHED
    reason = result.get("msg") if not proved else "; ".join(sorted({one["reason"] for one in instances}))
    return {
        "host": host,
        "outcome": outcome,
        "reason": reason or "",
        "seconds": round(sum(one["seconds"] for one in instances), 2),
        "old": [_generation(one["before"]) for one in instances if one.get("after")],
        "new": [_generation(one["after"]) for one in instances if one.get("after")],
    }


def _generation(summary: t.Mapping[str, t.Any]) -> str:
    """A generation as people can tell it from another: its workers' pids, or its load where there are no workers."""
    pids = [str(child["pid"]) for child in summary["children"] if child["role"] == "http"]
    return "workers " + ",".join(pids) if pids else "load of " + str(summary["loaded"]["not_after"])


def lines(outcomes: t.Sequence[t.Mapping[str, t.Any]]) -> list[str]:
    """The records as lines of a table for a terminal or a job's log."""
    width = max((len(one["host"]) for one in outcomes), default=0)
    return [_line(one, width) for one in outcomes]


def _line(one: t.Mapping[str, t.Any], width: int) -> str:
    head = f"{one['host']:<{width}}  {one['outcome']:<11}"
    if one["outcome"] == RELOADED:
        change = "; ".join(f"{old} -> {new}" for old, new in zip(one["old"], one["new"], strict=True))
        return f"{head}  {one['seconds']:6.2f} s  {change}".rstrip()
    return f"{head}  {one['reason'].splitlines()[0]}" if one["reason"] else head.rstrip()
