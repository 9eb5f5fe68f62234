# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""Where a roll is, from the facts that its tasks set: the ledger and the records of the hosts. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..outcomes import first_line
from .ledger import seconds_for

#: Steps of a host's turn, as its record names them, and what people call them.
STEPS = {
    "look": "look",
    "out": "leaving the balancer",
    "reload": "reload",
    "in": "return to the balancer",
    "watch": "watch",
}


@dataclass
class Progress:
    """What has been seen so far. Moments are seconds of a steady clock."""

    ledger: dict[str, t.Any] = field(default_factory=dict)
    #: host -> (step, since when)
    at: dict[str, tuple[str, float]] = field(default_factory=dict)
    #: host -> step -> seconds
    took: dict[str, dict[str, float]] = field(default_factory=dict)

    def feed_ledger(self, ledger: dict[str, t.Any]) -> list[str]:
        """A new state of the ledger; returns lines to print."""
        before, self.ledger = self.ledger, ledger
        stopped = ledger.get("stopped")
        if stopped and not before.get("stopped"):
            return [f"stopped: {stopped['reason']} [{stopped['code']}]"]
        if len(ledger.get("batches", [])) > len(before.get("batches", [])):
            return [str(ledger.get("line", ""))]
        if ledger.get("plan") and not before.get("plan"):
            return [f"the plan: {ledger['line']}"]
        return []

    def feed_record(self, host: str, record: t.Mapping[str, t.Any], now: float) -> list[str]:
        """A new state of a host's record; returns lines to print."""
        step = str(record.get("step", ""))
        before = self.at.get(host)
        over = before and (before[0] != step or record.get("failure"))
        if before and over and before[0] in STEPS and host in self.ledger.get("begun", ()):
            self.took.setdefault(host, {})[before[0]] = now - before[1]
        if not before or before[0] != step:
            self.at[host] = (step, now)
        if record.get("lock"):
            # That is told at the end, when all the rest has been said.
            return []
        failure = record.get("failure")
        if failure and not record.get("balancer") and not record.get("evidence"):
            name = STEPS.get(failure["step"], failure["step"])
            return [f"{host} failed ({name}): {first_line(failure['reason'])} [{failure['code']}]"]
        if record.get("serves") and host in self.took:
            return [self._served(host)]
        return []

    def _served(self, host: str) -> str:
        took = self.took[host]
        parts = ", ".join(f"{STEPS[step]} {seconds:.1f} s" for step, seconds in took.items() if self._is_done(step))
        plan = self.ledger.get("plan") or {}
        done = sum(1 for one in self.at.values() if one[0] == "done")
        line = f"{host} serves after {sum(took.values()):.1f} s ({parts}); {done} of {len(plan.get('hosts', ()))}"
        slowest = self.slowest()
        if slowest:
            line += f"; slowest step: {slowest}"
        left = seconds_for(self.ledger, len(plan.get("batches", ())) - len(self.ledger["batches"]))
        return line + (f"; about {left:.0f} s left" if left else "")

    def _is_done(self, step: str) -> bool:
        """Return whether a step does anything in this roll."""
        return step not in ("out", "in") or bool(self.ledger.get("balancer", True))

    def slowest(self) -> str:
        """The slowest step of any host so far, in words."""
        every = [
            (seconds, step, host)
            for host, steps in self.took.items()
            for step, seconds in steps.items()
            if self._is_done(step)
        ]
        if not every:
            return ""
        seconds, step, host = max(every)
        return f"{STEPS[step]} of {host} with {seconds:.1f} s"
