# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledger of a roll: batches, the gate between them, budget, deadline, window and pause."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.fleetops.odoo.plugins.filter.roll_report import FilterModule as Reports
from ansible_collections.fleetops.odoo.plugins.filter.roll_step import FilterModule as Steps
from ansible_collections.fleetops.odoo.plugins.module_utils._messages.roll import BLOCKED
from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll import ledger
from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll.report import report
from hypothesis import given
from hypothesis import strategies as st

from .rolls import HOSTS, NOW, OPTIONS, begun, fit, good, later, roll_on

GAP = "; no load balancer, so requests to a, b fail during the reload (threaded mode, or Odoo before 19)"


def test_a_roll_without_a_failure_is_done() -> None:
    records = {host: fit() for host in HOSTS}
    roll = begun(records, batches="1,2")
    assert roll["plan"] == {"batches": [["a"], ["b", "c"], ["d", "e"], ["f"]], "hosts": HOSTS, "serial": [1, 2, 2, 1]}
    assert roll["line"] == "6 hosts in 4 batches: a | b, c | d, e | f"
    told = report(roll_on(roll, records, good), records, later(60))
    assert (told["ok"], told["outcome"], told["remaining"]) == (True, "done", [])
    assert told["lines"][0] == "a  reloaded         1.50 s  workers 1,2 -> workers 3,4"
    assert told["lines"][-1] == "6 of 6 hosts done in 60 s"
    assert told["stats"]["hosts"] == {"reloaded": HOSTS}
    assert told["batches"][1] == {"number": 2, "hosts": ["b", "c"], "began": 10.0, "ended": 15.0}


def test_hosts_that_are_up_to_date_are_in_no_batch() -> None:
    records = {host: fit(host in "be") for host in HOSTS}
    roll = begun(records)
    assert roll["plan"]["batches"] == [["b", "e"]]
    assert roll["line"] == "2 hosts in 1 batch: b, e; 4 up to date"
    told = report(roll_on(roll, records, good), records, NOW)
    assert told["ok"]
    assert told["lines"][0] == "a  up to date     nothing has changed"
    nothing = begun({host: fit(needs=False) for host in HOSTS})
    assert (nothing["plan"]["hosts"], nothing["plan"]["serial"], nothing["stopped"]) == ([], [1], None)


@pytest.mark.parametrize(
    ("servers", "told"),
    [
        ([["prefork", "19.0"]], " up to date; no load balancer"),
        ([["prefork", "saas~19.2"], ["prefork", "19.0"]], " up to date; no load balancer"),
        ([["threaded", "19.0"]], GAP),
        ([["prefork", "19.0"], ["prefork", "14.0"]], GAP),
        ([["prefork", None]], GAP),
        ([], GAP),
    ],
)
def test_the_plan_says_what_a_roll_without_a_load_balancer_costs(servers: list[list[str]], told: str) -> None:
    records = {host: fit(host in "ab", servers=servers) for host in HOSTS}
    assert begun(records, balancer=False)["line"].endswith(told)
    assert "balancer" not in begun(records)["line"]


def test_locks_of_all_other_hosts_are_renewed_once_in_five_minutes() -> None:
    records = {host: fit(host != "f") for host in HOSTS}
    records["e"] = {"ready": True, "needs": False, "skipped": "the host is drained"}
    roll = begun(records, batches="1")
    renewed = []
    for number, (host, seconds) in enumerate([("a", 10.0), ("b", 301.0), ("c", 500.0), ("d", 602.0)]):
        roll = ledger.enter(ledger.gate(roll, records, [host], later(seconds)), records, [host], later(seconds))
        renewed.append(roll["renew"])
        records[host] |= {"serves": True}
        roll = ledger.leave(roll, records, later(seconds + number))
    assert renewed == [[], ["a", "c", "d", "f"], [], ["a", "b", "c", "f"]]


@pytest.mark.parametrize("unreachable", [False, True])
@pytest.mark.parametrize("batches", ["1", "2", "1,2,100%"])
def test_no_batch_begins_after_a_host_has_failed(batches: str, unreachable: bool) -> None:  # noqa: FBT001
    def turn(host: str) -> dict[str, t.Any]:
        code = "host.unreachable" if unreachable else "failed.ended"
        failure = {"step": "reload", "code": code, "reason": "it died\nits log", "unreachable": unreachable}
        return {"failure": failure} if host == "c" else good(host)

    records = {host: fit() for host in HOSTS}
    told = report(roll_on(begun(records, batches=batches), records, turn), records, NOW)
    outcomes = {one["host"]: one["outcome"] for one in told["hosts"]}
    assert not told["ok"]
    assert outcomes["c"] == ("unreachable" if unreachable else "failed")
    code = "host.unreachable" if unreachable else "failed.ended"
    assert f"c  {outcomes['c']:<13}  it died [{code}]" in told["lines"]
    assert told["stats"]["codes"] == {"c": code}
    if batches != "1,2,100%":
        assert (outcomes["e"], outcomes["f"]) == ("not touched", "not touched")
        assert (told["stopped"]["why"], told["stopped"]["code"]) == ("failures", "roll.hosts_lost")
        assert told["stats"]["code"] == "roll.hosts_lost"
    assert told["remaining"][0] == "c"


def test_a_host_without_proof_counts_as_failed() -> None:
    records = {host: fit() for host in HOSTS}
    told = report(roll_on(begun(records), records, lambda host: {} if host == "a" else good(host)), records, NOW)
    assert [one["outcome"] for one in told["hosts"]] == ["failed", "reloaded", *["not touched"] * 4]
    assert told["hosts"][0]["code"] == "roll.left_play"
    assert told["lines"][0].startswith("a  failed         ")
    assert told["lines"][0].endswith(" [roll.left_play]")
    assert told["lines"][-1].startswith("1 of 6 hosts done in 0 s; stopped before batch 2 of 3: ")
    assert told["lines"][-1].endswith(" [roll.hosts_lost]")


def test_a_budget_is_for_the_whole_roll_and_counts_the_preflight() -> None:
    failure = {"step": "lock", "code": "host.unreachable", "reason": "no route", "unreachable": True}
    records: dict[str, t.Any] = {**{host: fit() for host in HOSTS}, "a": {"ready": False, "failure": failure}}
    assert begun(records)["line"].startswith("no batch begins: ")
    assert begun(records)["plan"]["hosts"] == []
    roll = begun(records, budget=1)
    assert roll["plan"]["hosts"] == HOSTS[1:]
    told = report(roll_on(roll, records, lambda host: {} if host == "b" else good(host)), records, NOW)
    assert told["stopped"]["code"] == "roll.hosts_lost"
    assert "a, b" in told["stopped"]["reason"]
    within = report(roll_on(begun(dict(records), budget=1), records, good), records, NOW)
    # A host that is lost is a failure, even where the budget lets the others go on.
    assert (within["outcome"], within["ok"], within["remaining"]) == ("failed", False, ["a"])


def test_deadline_window_and_pause() -> None:
    records = {host: fit() for host in HOSTS}
    assert ledger.gate(begun(records), records, ["a"], later(3601))["stopped"]["code"] == "roll.deadline"
    assert ledger.gate(begun(records, deadline=0), records, ["a"], later(10**6))["stopped"] is None
    assert begun(records, window="22:00-05:00")["stopped"] is None
    closed = begun(records, window="01:00-05:00")
    assert (closed["stopped"]["why"], closed["stopped"]["code"]) == ("window", "roll.outside_window")
    paused = roll_on(begun(records, stop_after=1), records, good)
    told = report(paused, records, NOW)
    assert (told["outcome"], told["ok"], told["remaining"]) == ("paused", True, ["c", "d", "e", "f"])
    assert told["lines"][-1].startswith("2 of 6 hosts done in 0 s; paused before batch 2 of 3: ")
    assert told["stats"]["code"] == "roll.paused"


def test_a_pause_does_not_hide_a_lost_host() -> None:
    records = {host: fit() for host in HOSTS}
    roll = roll_on(begun(records, stop_after=1, budget=2), records, lambda host: {} if host == "a" else good(host))
    assert (roll["stopped"]["why"], report(roll, records, NOW)["ok"]) == ("paused", False)


def test_without_a_preflight_nothing_begins() -> None:
    assert ledger.gate({}, {}, ["a"], NOW)["stopped"]["code"] == "roll.no_preflight"
    records = {host: fit() for host in HOSTS}
    assert ledger.gate(begun(records), records, ["stranger"], NOW)["stopped"]["code"] == "roll.no_preflight"
    assert not report({}, {}, NOW)["ok"]
    mixed = begun({**records, "b": {"ready": False}}, budget=1)
    assert mixed["plan"]["batches"][0] == ["a", "c"]
    stopped = ledger.enter(mixed, records, ["a", "b"], NOW)["stopped"]
    assert (stopped["why"], stopped["code"]) == ("unprepared", "roll.other_batch")
    stopped = ledger.gate(begun(records), records, ["a", "c"], NOW)["stopped"]
    assert (stopped["why"], stopped["code"]) == ("unprepared", "roll.other_batch")


@pytest.mark.parametrize("budget", [0, 1])
def test_a_host_that_the_play_has_lost_before_its_batch_is_counted(budget: int) -> None:
    """Ansible has given it up in a task of the user's own: it is in the plan and not in the play's batch any more."""
    records = {host: fit() for host in HOSTS}
    roll = ledger.enter(begun(records, budget=budget), records, ["b"], NOW)
    told = {one["host"]: one for one in report(roll, records, NOW)["hosts"]}
    assert told["a"]["outcome"] == "failed"
    assert told["a"]["code"] == "roll.left_play"
    if budget:
        assert (roll["begun"], roll["stopped"]) == (["a", "b"], None)
        assert roll["batches"][0]["hosts"] == ["b"]
        after = ledger.leave(roll, {**records, "b": good("b")}, NOW)
        assert ledger.gate(after, {**records, "b": {**fit(), **good("b")}}, ["c", "d"], NOW)["stopped"] is None
    else:
        assert (roll["stopped"]["why"], roll["stopped"]["code"]) == ("failures", "roll.hosts_lost")
        assert roll["batches"] == []
        assert told["b"]["outcome"] == "not touched"
        # The filter has nothing to say of a batch that did not begin, and a stopped roll stays as it is.
        step = Steps().filters()["roll_step"]
        assert step(roll, "enter", records=records, batch=["b"]) == roll


def test_progress() -> None:
    records = {host: fit() for host in HOSTS}
    roll = begun(records)
    first = ledger.enter(roll, records, ["a", "b"], NOW)
    assert first["line"] == "batch 1 of 3: a, b (0 of 6 hosts reloaded)"
    records.update({host: {**records[host], **good(host)} for host in "ab"})
    second = ledger.enter(ledger.leave(first, records, later(20)), records, ["c", "d"], later(21))
    assert second["line"] == ("batch 2 of 3: c, d (2 of 6 hosts reloaded; slowest: a with 1.5 s; about 40 s left)")


def test_a_gate_closes_the_last_batch_by_the_records_of_its_hosts_alone() -> None:
    records = {host: fit() for host in HOSTS}
    first = ledger.enter(begun(records, batches="1"), {}, ["a"], NOW)
    second = ledger.enter(first, {"a": {**records["a"], **good("a")}}, ["b"], later(7))
    assert (second["proved"], second["begun"]) == (["a"], ["a", "b"])
    assert [one["ended"] for one in second["batches"]] == [NOW.steady + 7, None]
    # Once closed, a batch stays as it is.
    again = ledger.leave(ledger.leave(second, {"b": good("b")}, later(9)), {}, later(11))
    assert (again["proved"], again["batches"][1]["ended"]) == (["a", "b"], NOW.steady + 9)


def test_a_host_that_its_balancer_does_not_have_in_service_is_in_no_batch() -> None:
    records = {host: fit() for host in HOSTS}
    fault = {"step": "balancer", "code": "roll.balancer_down", "reason": "it is DOWN", "unreachable": False}
    roll = ledger.plan(ledger.begin(HOSTS, {**OPTIONS, "budget": 1}, NOW), records, NOW, {"c": fault})
    assert roll["plan"]["hosts"] == ["a", "b", "d", "e", "f"]
    told = report(roll_on(roll, records, good), records, NOW)
    assert (told["ok"], told["stats"]["codes"], told["remaining"]) == (False, {"c": "roll.balancer_down"}, ["c"])


@pytest.mark.parametrize(
    ("records", "check", "parts"),
    [
        ({}, False, ["plan.yml"]),
        ({"behind": {"kind": "haproxy"}}, False, ["ask.yml", "plan.yml"]),
        ({"behind": {"kind": "haproxy"}, "was_out": True}, False, ["left_out.yml", "ask.yml", "plan.yml"]),
        # A check run puts nothing back.
        ({"behind": {"kind": "tasks"}, "was_out": True}, True, ["plan.yml"]),
    ],
)
def test_only_what_a_roll_needs_comes_before_its_batches(
    records: dict[str, t.Any],
    check: bool,  # noqa: FBT001
    parts: list[str],
) -> None:
    roll = ledger.begin(HOSTS, {**OPTIONS, "check": check}, NOW)
    assert ledger.looked(roll, {"a": fit(), "b": fit(**records)})["parts"] == parts


def test_only_what_a_batch_needs_is_in_it() -> None:
    records = {host: fit() for host in HOSTS}
    plain = ledger.arrive(begun(records), records, ["a", "b"], NOW)
    assert plain["parts"] == ["turn"]
    conditional = ledger.arrive(begun(records, conditional=True), records, ["a", "b"], NOW)
    assert (conditional["parts"], conditional["begun"]) == (["conditions.yml", "batch.yml"], [])
    entered = ledger.enter(conditional, records, ["a", "b"], NOW)
    assert (entered["parts"], entered["begun"]) == (["turn"], ["a", "b"])
    asks = ledger.arrive(begun(records, approval="canary"), records, ["a", "b"], NOW)
    assert asks["parts"] == ["turn", "approval.yml"]
    records |= {host: {**records[host], **good(host)} for host in "ab"}
    assert ledger.arrive(asks, records, ["c", "d"], NOW)["parts"] == ["turn"]
    last = begun(records, approval="always", batches="100%")
    assert ledger.arrive(last, records, HOSTS, NOW)["parts"] == ["turn"]
    stopped = ledger.stop(plain, ledger.BLOCKED, BLOCKED(task="Ask", error="no"))
    assert ledger.arrive(stopped, records, ["c", "d"], NOW)["parts"] == ["stopped.yml"]
    late = ledger.enter(begun(records), records, ["a", "b"], later(400))
    assert late["parts"] == ["renew.yml", "turn"]


def test_a_check_run_ends_with_its_plan() -> None:
    records = {host: fit(host != "b", would="restarted" if host == "c" else "reloaded") for host in HOSTS}
    roll = begun(records, check=True)
    assert (roll["plan"]["hosts"], roll["last"]) == ([], ["a"])
    told = report(roll, records, NOW)
    assert (told["ok"], told["remaining"]) == (True, [])
    assert [one["outcome"] for one in told["hosts"][:3]] == ["would reload", "up to date", "would restart"]
    closed = report(begun(records, check=True, window="01:00-05:00"), records, NOW)
    assert (closed["ok"], closed["hosts"][0]["outcome"]) == (False, "not touched")
    assert begun(records)["last"] == HOSTS


def test_what_tasks_of_the_users_own_say_shows_no_secret() -> None:
    problem = BLOCKED(task="Ask", error="curl said password=hunter2")
    roll = ledger.stop(begun({host: fit() for host in HOSTS}), ledger.BLOCKED, problem)
    assert roll["stopped"]["reason"] == "a task before the batch failed (Ask): curl said password=********"


@pytest.mark.parametrize(
    ("option", "value", "code"),
    [
        ("batches", "150%", "option.bad_batches"),
        ("budget", "-1", "option.bad_budget"),
        ("order", "x", "option.not_a_choice"),
        ("deadline", -1, "option.negative"),
        ("deadline", "nan", "option.not_finite"),
        ("stop_after", -1, "option.out_of_range"),
        ("canary_healthy_time", -1, "option.negative"),
        ("min_healthy_time", -1, "option.negative"),
        ("masters", -1, "option.out_of_range"),
        ("timeout", 0, "option.not_positive"),
        ("drain_timeout", 0, "option.not_positive"),
        ("lock_stale_after", 0, "option.not_positive"),
        ("lock_stale_after", "inf", "option.not_finite"),
        ("window", "x", "option.bad_window"),
        ("timezone", "x", "option.unknown_timezone"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(option: str, value: t.Any, code: str) -> None:
    step = Steps().filters()["roll_step"]
    variable = "balancer_drain_timeout" if option == "drain_timeout" else f"rolling_restart_{option}"
    with pytest.raises(AnsibleFilterError, match=rf"^{variable} must be .*\[{code}\]$"):
        step({}, "begin", options={**OPTIONS, "hosts": HOSTS, option: value})


def test_the_filters() -> None:
    step, tell = Steps().filters()["roll_step"], Reports().filters()["roll_report"]
    records = {host: fit() for host in HOSTS}
    roll = step(step({}, "begin", options={**OPTIONS, "hosts": HOSTS, "conditional": True}), "plan", records)
    roll = step(step(roll, "gate", records, ["a", "b"]), "enter", records, ["a", "b"])
    assert roll["line"].startswith("batch 1 of 3: a, b")
    roll = step(step(roll, "leave", records), "stop", why="blocked", task="Ask", error="backup is running")
    stopped = {
        "why": "blocked",
        "code": "roll.blocked",
        "reason": "a task before the batch failed (Ask): backup is running",
    }
    assert tell(roll, records)["stopped"] == stopped
    with pytest.raises(AnsibleFilterError, match=r"\[option\.not_a_choice\]$"):
        step(roll, "jump")


@given(
    st.sampled_from(["1", "2", "3", "1,2", "50%"]),
    st.integers(0, 3),
    st.dictionaries(st.sampled_from(HOSTS), st.sampled_from(["unfit", "dies", "silent", "idle"])),
)
def test_no_more_hosts_fail_than_the_budget_and_one_batch(batches: str, budget: int, fates: dict[str, str]) -> None:
    """Test the promise: when more hosts have failed than the budget allows, no other host is touched."""
    records: dict[str, t.Any] = {
        host: {"ready": False} if fates.get(host) == "unfit" else fit(fates.get(host) != "idle") for host in HOSTS
    }

    def turn(host: str) -> dict[str, t.Any]:
        failure = {"step": "reload", "code": "failed.ended", "reason": "dead", "unreachable": False}
        return {"dies": {"failure": failure}, "silent": {}}.get(fates.get(host, ""), good(host))

    roll = roll_on(begun(records, batches=batches, budget=budget), records, turn)
    before_last = [host for batch in roll["batches"][:-1] for host in batch["hosts"]]
    gone = [host for host in HOSTS if fates.get(host) == "unfit"]
    gone += [host for host in before_last if fates.get(host) in ("dies", "silent")]
    assert len(gone) <= budget or not roll["begun"]
    told = report(roll, records, NOW)
    assert told["ok"] == (not told["remaining"])
    assert {one["host"] for one in told["hosts"]} == set(HOSTS)
