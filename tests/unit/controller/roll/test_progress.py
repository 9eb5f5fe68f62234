# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a roll is, as the callback prints it."""

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


def turn(progress: Progress, host: str, at: float, *steps: tuple[str, float], **last: t.Any) -> list[str]:
    """A host goes through steps, each of so many seconds; returns what is said at the end."""
    for step, seconds in steps:
        assert progress.feed_record(host, {"step": step}, at) == []
        at += seconds
    return progress.feed_record(host, {"step": "done", "serves": True, **last}, at)


def test_a_roll_from_its_plan_to_its_end() -> None:
    progress = Progress()
    assert progress.feed_ledger({"plan": None, "stopped": None, "begun": [], "batches": [], "proved": []}) == []
    assert progress.feed_ledger(ledger()) == ["the plan: 3 hosts in 3 batches: a | b | c"]
    assert progress.feed_ledger(ledger("a")) == ["batch 1 of 3: a"]
    steps = [("look", 0.4), ("out", 1.0), ("reload", 3.0), ("in", 0.5)]
    said = (
        "a serves after 4.9 s (look 0.4 s, leaving the balancer 1.0 s, reload 3.0 s, return to the balancer 0.5 s); "
        "1 of 3; slowest step: reload of a with 3.0 s"
    )
    assert turn(progress, "a", 2, *steps) == [said]
    assert progress.feed_ledger(ledger("a", proved="a", ended=(6.0,))) == []
    assert progress.feed_ledger(ledger("a", "b", proved="a", ended=(6.0,))) == ["batch 2 of 3: b"]
    assert turn(progress, "b", 9, ("reload", 1.0)) == [
        "b serves after 1.0 s (reload 1.0 s); 2 of 3; slowest step: reload of a with 3.0 s; about 6 s left"
    ]


def test_without_a_load_balancer_no_step_of_it_is_told() -> None:
    progress = Progress()
    progress.feed_ledger(ledger("a", balancer=False))
    (line,) = turn(progress, "a", 2, ("look", 0.4), ("out", 9.0), ("reload", 3.0), ("in", 8.0))
    assert "a serves after 20.4 s (look 0.4 s, reload 3.0 s)" in line
    assert "slowest step: reload of a with 3.0 s" in line


def test_a_host_that_is_lost_and_the_stop() -> None:
    progress = Progress()
    progress.feed_ledger(ledger("a"))
    progress.feed_record("a", {"step": "reload"}, 0)
    failure = {"step": "reload", "code": "failed.ended", "reason": "it died\nlast words", "unreachable": False}
    assert progress.feed_record("a", {"step": "reload", "failure": failure}, 2) == [
        "a failed (reload): it died [failed.ended]"
    ]
    # What becomes of its balancer is no second loss.
    assert progress.feed_record("a", {"step": "reload", "failure": failure, "balancer": {"state": "out"}}, 3) == []
    # Nor is a lock that cannot be given back in the end.
    assert progress.feed_record("a", {"step": "reload", "failure": failure, "lock": {"reason": "no route"}}, 3) == []
    stop = {"why": "failures", "code": "roll.hosts_lost", "reason": "a failed"}
    assert progress.feed_ledger(ledger("a", stopped=stop)) == ["stopped: a failed [roll.hosts_lost]"]
    assert progress.feed_ledger(ledger("a", stopped=stop)) == []


def test_the_preflight_is_no_turn() -> None:
    progress = Progress()
    assert progress.feed_record("a", {"step": "lock"}, 0) == []
    assert progress.feed_record("a", {"step": "rehearsal", "ready": True}, 5) == []
    failure = {"step": "rehearsal", "code": "rehearsal.syntax_error", "reason": "broken code", "unreachable": False}
    assert progress.feed_record("b", {"step": "rehearsal", "failure": failure}, 5) == [
        "b failed (rehearsal): broken code [rehearsal.syntax_error]"
    ]
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

    def result(**facts: t.Any) -> types.SimpleNamespace:
        values = {"ansible_facts": facts}
        return types.SimpleNamespace(
            **({"result": values, "host": host} if public else {"_result": values, "_host": host})
        )

    callback.v2_runner_on_ok(result(rolling_restart_roll=ledger()))
    callback.v2_runner_on_ok(result(something_else=1))
    callback.v2_runner_on_ok(result(rolling_restart_host={"step": "out"}))
    callback.v2_runner_on_ok(result(rolling_restart_roll=ledger("a")))
    assert [line.split(" ", 2)[2] for line in said] == ["the plan: 3 hosts in 3 batches: a | b | c", "batch 1 of 3: a"]
    # Standard output belongs to the callback that writes it, which may be one for programs.
    assert to_stderr == [True, True]
