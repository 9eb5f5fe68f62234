# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A roll over six hosts, as tests of the ledger and of the report go through it."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll import ledger
from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll.ledger import Moment

#: 2026-11-24 22:30 in UTC
NOW = Moment(1795559400.0, 1000.0)


HOSTS = ["a", "b", "c", "d", "e", "f"]


OPTIONS: dict[str, t.Any] = {
    "batches": "2",
    "budget": 0,
    "order": "inventory",
    "deadline": "3600",
    "window": "",
    "timezone": "UTC",
    "stop_after": 0,
    "check": False,
    "balancer": True,
    "masters": 0,
    "parallel_instances": 1,
    "timeout": 300,
    "drain_timeout": 120,
    "canary_healthy_time": 0,
    "min_healthy_time": "0.5",
    "lock_stale_after": "900",
    "approval": "never",
    "conditional": False,
}


def later(seconds: float) -> Moment:
    """So many seconds after NOW."""
    return Moment(NOW.wall + seconds, NOW.steady + seconds)


def generation(*pids: int) -> dict[str, t.Any]:
    """A summary with these http workers."""
    children = [{"pid": pid, "role": "http"} for pid in pids] + [{"pid": 9, "role": "cron"}]
    return {"children": children, "loaded": {"not_after": "2026-11-24T05:00:00.000Z"}}


def result(did: str = "signalled", seconds: float = 1.5) -> dict[str, t.Any]:
    """Return a result of ``reload`` for one server."""
    one = {"did": did, "reason": "it was asked for", "seconds": seconds}
    one.update(before=generation(1, 2), after=generation(3, 4))
    return {"changed": did != "nothing", "results": [one]}


def fit(needs: bool = True, **more: t.Any) -> dict[str, t.Any]:  # noqa: FBT001, FBT002
    """Return the record of a host that passed the preflight."""
    reason = "1 file changed" if needs else "nothing has changed"
    return {"ready": True, "needs": needs, "would": "reloaded", "reason": reason, **more}


def begun(records: dict[str, t.Any], **options: t.Any) -> ledger.Roll:
    """A roll with a plan."""
    return ledger.plan(ledger.begin(HOSTS, {**OPTIONS, **options}, NOW), records, NOW)


def roll_on(roll: ledger.Roll, records: dict[str, t.Any], outcome: t.Callable[[str], dict[str, t.Any]]) -> ledger.Roll:
    """Go through the batches as the playbook does."""
    for number, batch in enumerate(roll["plan"]["batches"] if roll["plan"]["hosts"] else []):
        roll = ledger.gate(roll, records, batch, later(10 * number))
        if roll["stopped"]:
            return roll
        roll = ledger.enter(roll, records, batch, later(10 * number))
        for host in batch:
            records[host] = {**records[host], **outcome(host)}
        roll = ledger.leave(roll, records, later(10 * number + 5))
    return roll


def good(_host: str) -> dict[str, t.Any]:
    """Return the record of a successful turn."""
    return {"serves": True, "result": result()}
