# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the progress of a roll as the callback prints it."""

from __future__ import annotations

import types
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.callback.roll_progress import CallbackModule
from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll.progress import Progress

PLAN = {"plan": {"batches": [["a"], ["b"], ["c"]], "hosts": ["a", "b", "c"]}, "line": "3 hosts in 3 batches: a | b | c"}


def ledger(*batches: str, proved: str = "", ended: tuple[float, ...] = (), **more: t.Any) -> dict[str, t.Any]:
    """A ledger in which these batches have begun."""
    begun = [host for batch in batches for host in batch]
    entries = [{"hosts": list(batch), "began": 0.0, "ended": None} for batch in batches]
    for entry, seconds in zip(entries, ended, strict=False):
        entry["ended"] = seconds
    line = f"batch {len(batches)} of 3: {batches[-1]}" if batches else PLAN["line"]
    return {**PLAN, "line": line, "begun": begun, "batches": entries, "proved": list(proved), "stopped": None, **more}


def step(name: str, started: float, seconds: float, **more: t.Any) -> dict[str, t.Any]:
    """Return the result of a step of a host."""
    return {"step": name, "roll": "r", "started": started, "ended": started + seconds, **more}


def turn(
    progress: Progress, host: str, at: float, out: float = 0.0, into: float = 0.0, reload: float = 3.0
) -> list[str]:
    """Take a host through its turn; return what is said at the end."""
    assert progress.feed_step(host, step("begin", at, 0.4)) == []
    at += 0.4 + out
    assert progress.feed_step(host, step("reload", at, reload)) == []
    return progress.feed_step(host, step("end", at + reload + into, 0.2, serves=True))


def test_a_roll_from_its_plan_to_its_end() -> None:
    progress = Progress()
    assert progress.feed_ledger({"plan": None, "stopped": None, "begun": [], "batches": [], "proved": []}) == []
    assert progress.feed_ledger(ledger()) == ["the plan: 3 hosts in 3 batches: a | b | c"]
    assert progress.feed_ledger(ledger("a", balancer=True)) == ["batch 1 of 3: a"]
    said = (
        "a is healthy after 4.9 s (look 0.4 s, leaving the balancer 1.0 s, reload 3.0 s, "
        "return to the balancer 0.5 s); 1 of 3; slowest step: reload of a with 3.0 s"
    )
    assert turn(progress, "a", 2, 1.0, 0.5) == [said]
    assert progress.feed_ledger(ledger("a", proved="a", ended=(6.0,), balancer=True)) == []
    assert progress.feed_ledger(ledger("a", "b", proved="a", ended=(6.0,), balancer=True)) == ["batch 2 of 3: b"]
    (line,) = turn(progress, "b", 9, reload=1.0)
    assert line.startswith("b is healthy after 1.4 s (look 0.4 s, ")
    assert line.endswith("; 2 of 3; slowest step: reload of a with 3.0 s; about 6 s left")


def test_without_a_load_balancer_its_steps_are_not_printed() -> None:
    progress = Progress()
    progress.feed_ledger(ledger("a", balancer=False))
    (line,) = turn(progress, "a", 2, 9.0, 8.0)
    assert "a is healthy after 3.4 s (look 0.4 s, reload 3.0 s)" in line
    assert "slowest step: reload of a with 3.0 s" in line


def test_each_host_has_its_own_load_balancer_or_none() -> None:
    """The ledger tells whether the first host has one."""
    progress = Progress()
    progress.feed_ledger(ledger("ab", balancer=True))
    progress.feed_step("a", step("look", 0, 1, behind={"kind": "haproxy"}))
    progress.feed_step("b", step("look", 0, 1, behind={"kind": "none"}))
    (line,) = turn(progress, "a", 2, 1.0, 0.5)
    assert "leaving the balancer 1.0 s" in line
    (line,) = turn(progress, "b", 2, 1.0, 0.5)
    assert "balancer" not in line


def test_a_watch_is_told_where_there_was_one() -> None:
    progress = Progress()
    progress.feed_ledger(ledger("a", balancer=False))
    progress.feed_step("a", step("begin", 0, 0.4))
    progress.feed_step("a", step("reload", 1, 1.0))
    (line,) = progress.feed_step("a", step("end", 2, 6.0, serves=True, results=[{"healthy": True}]))
    assert "(look 0.4 s, reload 1.0 s, watch 6.0 s)" in line


def test_a_host_whose_turn_fails_and_the_stop() -> None:
    progress = Progress()
    progress.feed_ledger(ledger("a"))
    progress.feed_step("a", step("begin", 0, 1))
    assert progress.feed_step("a", step("reload", 1, 2, failed=True, msg="it died", code="failed.ended")) == []
    failure = {"step": "reload", "code": "failed.ended", "reason": "it died\nlast words", "unreachable": False}
    assert progress.feed_failure("a", {"failure": failure}) == ["a failed (reload): it died [failed.ended]"]
    # A failure at its load balancer or its evidence does not count as a second failure.
    assert progress.feed_failure("a", {"failure": failure, "balancer": {"state": "out"}}) == []
    assert progress.feed_failure("a", {"failure": failure, "evidence": "/e"}) == []
    # Nor is a lock that cannot be given back in the end.
    assert progress.feed_step("a", step("leave", 9, 1, failed=True, msg="no route", code="host.unreachable")) == []
    stop = {"why": "failures", "code": "roll.hosts_lost", "reason": "a failed"}
    assert progress.feed_ledger(ledger("a", stopped=stop)) == ["stopped: a failed [roll.hosts_lost]"]
    assert progress.feed_ledger(ledger("a", stopped=stop)) == []


def test_the_preflight_does_not_count_as_a_turn() -> None:
    progress = Progress()
    assert progress.feed_step("a", step("look", 0, 5)) == []
    bad = step("look", 0, 5, failed=True, msg="broken code", code="rehearsal.syntax_error")
    assert progress.feed_step("b", bad) == ["b failed (look): broken code [rehearsal.syntax_error]"]
    # The role sets failed_when to false for the look.
    refused = step("look", 0, 5, failed=False, refused=True, msg="broken code", code="rehearsal.syntax_error")
    assert progress.feed_step("b", refused) == ["b failed (look): broken code [rehearsal.syntax_error]"]
    assert progress.took == {}


@pytest.mark.parametrize("public", [False, True], ids=["2.16", "2.19"])
def test_the_callback_reads_results_of_every_core(public: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    callback = CallbackModule()
    said: list[str] = []
    to_stderr = []

    def display(line: str, *, stderr: bool = False) -> None:
        said.append(line)
        to_stderr.append(stderr)

    monkeypatch.setattr(callback, "_display", types.SimpleNamespace(display=display))
    host = types.SimpleNamespace(get_name=lambda: "a")

    def result(**values: t.Any) -> types.SimpleNamespace:
        return types.SimpleNamespace(
            **({"result": values, "host": host} if public else {"_result": values, "_host": host})
        )

    def facts(**values: t.Any) -> types.SimpleNamespace:
        return result(ansible_facts=values)

    callback.v2_runner_on_ok(facts(rolling_restart_roll=ledger()))
    callback.v2_runner_on_ok(facts(something_else=1))
    callback.v2_runner_on_ok(result(step="of another module", roll=None))
    # The lock of a host that an earlier roll left out is renewed by roll_lock, which is not a step of a turn.
    callback.v2_runner_on_ok(result(changed=False, lock={"id": "me", "out": False}, was={"id": "me", "out": True}))
    callback.v2_runner_on_ok(result(**step("begin", 0, 1)))
    callback.v2_runner_on_ok(facts(rolling_restart_roll=ledger("a")))
    callback.v2_runner_on_failed(result(**step("look", 0, 1, failed=True, msg="no", code="roll.locked")))
    assert [line.split(" ", 2)[2] for line in said] == [
        "the plan: 3 hosts in 3 batches: a | b | c",
        "batch 1 of 3: a",
        "a failed (look): no [roll.locked]",
    ]
    # Standard output belongs to the callback that writes it, which may be one for programs.
    assert to_stderr == [True, True, True]
