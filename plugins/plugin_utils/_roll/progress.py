# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The progress of a roll, from the ledger that its tasks set and from the results of the steps of its hosts. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..outcomes import first_line
from .ledger import seconds_for

STEPS = {
    "look": "look",
    "out": "leaving the balancer",
    "reload": "reload",
    "in": "return to the balancer",
    "watch": "watch",
}


@dataclass
class Progress:
    """The results of a roll until now."""

    ledger: dict[str, t.Any] = field(default_factory=dict)
    #: host -> step of its turn -> seconds
    took: dict[str, dict[str, float]] = field(default_factory=dict)
    #: host -> when its last step ended, in seconds of a steady clock
    ended: dict[str, float] = field(default_factory=dict)
    #: host -> whether it leaves a load balancer, as its look told
    balanced: dict[str, bool] = field(default_factory=dict)
    #: hosts that are done
    done: set[str] = field(default_factory=set)

    def feed_ledger(self, ledger: dict[str, t.Any]) -> list[str]:
        """Take a new state of the ledger; return lines to print."""
        before, self.ledger = self.ledger, ledger
        stopped = ledger.get("stopped")
        if stopped and not before.get("stopped"):
            return [f"stopped: {stopped['reason']} [{stopped['code']}]"]
        if len(ledger.get("batches", [])) > len(before.get("batches", [])):
            return [str(ledger.get("line", ""))]
        if ledger.get("plan") and not before.get("plan"):
            return [f"the plan: {ledger['line']}"]
        return []

    def feed_step(self, host: str, result: t.Mapping[str, t.Any]) -> list[str]:
        """Take the result of a step of a host; return lines to print."""
        step, failed = result["step"], bool(result.get("failed") or result.get("refused"))
        if step == "look":
            if "behind" in result:
                self.balanced[host] = (result["behind"] or {}).get("kind", "none") != "none"
            return [_failed(host, "look", result.get("msg", ""), result.get("code"))] if failed else []
        if step == "leave":
            return []
        took = self.took.setdefault(host, {})
        balanced = self.balanced.get(host, self.ledger.get("balancer"))
        if step in ("reload", "end") and balanced and host in self.ended:
            took["out" if step == "reload" else "in"] = result["started"] - self.ended[host]
        seconds = result["ended"] - result["started"]
        self.ended[host] = result["ended"]
        if step == "begin":
            took["look"] = seconds
        elif step == "reload":
            took["reload"] = seconds
        elif result.get("results"):
            took["watch"] = seconds
        if step == "end" and result.get("serves"):
            self.done.add(host)
            return [self._healthy(host)]
        return []

    def feed_failure(self, host: str, noted: t.Mapping[str, t.Any]) -> list[str]:
        """Take what the role notes of a host whose turn failed; return lines to print."""
        failure = noted.get("failure")
        # What becomes of its balancer and where its evidence is comes later, and is told at the end.
        if not failure or noted.get("balancer") or noted.get("evidence"):
            return []
        return [_failed(host, failure["step"], failure["reason"], failure["code"])]

    def _healthy(self, host: str) -> str:
        took = self.took[host]
        parts = ", ".join(f"{STEPS[step]} {took[step]:.1f} s" for step in STEPS if step in took)
        plan = self.ledger.get("plan") or {}
        line = f"{host} is healthy after {sum(took.values()):.1f} s ({parts})"
        line += f"; {len(self.done)} of {len(plan.get('hosts', ()))}; slowest step: {self.slowest()}"
        left = seconds_for(self.ledger, len(plan.get("batches", ())) - len(self.ledger["batches"]))
        return line + (f"; about {left:.0f} s left" if left else "")

    def slowest(self) -> str:
        """Return the slowest step of any host so far, in words."""
        every = [(seconds, step, host) for host, steps in self.took.items() for step, seconds in steps.items()]
        seconds, step, host = max(every)
        return f"{STEPS[step]} of {host} with {seconds:.1f} s"


def _failed(host: str, step: str, reason: str, code: t.Optional[str]) -> str:
    return f"{host} failed ({STEPS.get(step, step)}): {first_line(str(reason))}" + (f" [{code}]" if code else "")
