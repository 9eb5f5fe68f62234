# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the report of every host of a roll."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll import report as roll_report
from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll.report import report

from .rolls import HOSTS, NOW, begun, fit, good, result, roll_on


def test_a_check_run_reports_what_would_be_done() -> None:
    records = {host: fit() for host in HOSTS}
    told = report(roll_on(begun(records, check=True), records, good), records, NOW)
    assert told["ok"]
    assert {one["outcome"] for one in told["hosts"]} == {"would reload"}


def test_restarted_hosts_and_hosts_out_of_the_balancer_are_reported() -> None:
    records = {host: fit() for host in HOSTS}

    def turn(host: str) -> dict[str, t.Any]:
        if host == "b":
            failure = {"step": "reload", "code": "failed.ended", "reason": "it died", "unreachable": False}
            out = {"state": "out", "code": "roll.not_proved", "because": "no proof"}
            return {"failure": failure, "balancer": out}
        return {"serves": True, "result": result("restarted")}

    told = report(roll_on(begun(records), records, turn), records, NOW)
    assert told["lines"][0] == "a  restarted        1.50 s  workers 1,2 -> workers 3,4  (it was asked for)"
    assert told["lines"][2] == "   out of its load balancer: no proof [roll.not_proved]"
    assert told["stats"]["out_of_balancer"] == ["b"]


@pytest.mark.parametrize(("balancer", "step"), [(True, "in"), (True, "out"), (True, "look"), (False, "in")])
def test_a_host_that_left_the_play_while_out_of_the_balancer_is_reported_as_out(balancer: bool, step: str) -> None:  # noqa: FBT001
    """Test a host whose last step was leaving its load balancer."""
    records = {host: fit() for host in HOSTS}
    turns: dict[str, dict[str, t.Any]] = {
        "a": {"step": step},
        "b": {"step": "done", "serves": True, "result": result()},
    }
    told = report(roll_on(begun(records, balancer=balancer), records, turns.__getitem__), records, NOW)
    out = balancer and step != "look"
    assert told["stats"]["out_of_balancer"] == (["a"] if out else [])
    assert [one["balancer"]["code"] for one in told["hosts"] if one["balancer"]] == ["roll.not_put_back"] * out
    assert any("out of its load balancer: " in line for line in told["lines"]) == out


def test_a_lock_that_was_not_given_back_is_reported() -> None:
    records = {host: fit() for host in HOSTS}
    roll = roll_on(begun(records), records, good)
    records["a"]["lock"] = {"code": "host.unreachable", "reason": "no route\nlast words"}
    told = report(roll, records, NOW)
    assert told["ok"]
    assert told["lines"][:2] == [
        "a  reloaded         1.50 s  workers 1,2 -> workers 3,4",
        "   its lock stays until it expires: no route [host.unreachable]",
    ]


def test_a_drained_host_is_skipped_and_a_lock_that_was_taken_over_is_reported() -> None:
    records = {host: fit() for host in HOSTS}
    records["a"] = {"ready": True, "needs": False, "skipped": "the host is drained"}
    records["b"]["taken"] = "took over the lock of awx-job-69"
    roll = begun(records)
    assert roll["line"] == "5 hosts in 3 batches: b, c | d, e | f; 1 skipped"
    told = report(roll_on(roll, records, good), records, NOW)
    assert (told["ok"], told["remaining"], told["stats"]["hosts"]["skipped"]) == (True, [], ["a"])
    assert told["lines"][0] == "a  skipped        the host is drained"
    assert told["lines"][2] == "   took over the lock of awx-job-69"
    records["a"]["balancer"] = {"state": "out", "code": "roll.drained", "because": "the host is drained"}
    told = report(roll_on(roll, records, good), records, NOW)
    assert told["stats"]["out_of_balancer"] == ["a"]
    assert told["lines"][:2] == ["a  skipped        the host is drained", "   out of its load balancer"]
    # A reason that tells it already is not repeated.
    because = "The host is drained. The host is out of its load balancer"
    records["a"].update(skipped=because, balancer={"state": "out", "code": "roll.drained", "because": because})
    told = report(roll_on(roll, records, good), records, NOW)
    assert told["lines"][0].endswith("out of its load balancer")
    assert told["lines"][1].startswith("b  ")


def test_a_stop_before_any_plan_reads_as_one_sentence() -> None:
    records = {host: {"ready": False, "failure": {"step": "look", "code": "x.y", "reason": "no"}} for host in HOSTS}
    stopped = {"why": "failures", "code": "roll.hosts_lost", "reason": "a failed"}
    told = report({**begun(records), "plan": None, "stopped": stopped}, records, NOW)
    assert told["lines"][-1].endswith("; stopped: a failed [roll.hosts_lost]")


@pytest.mark.parametrize(
    ("children", "told"),
    [
        ([{"pid": 3, "role": "http"}, {"pid": 9, "role": "cron"}, {"pid": 4, "role": "http"}], "workers 3,4"),
        ([{"pid": 9, "role": "cron"}], "load of 2026-11-24T05:00:00.000Z"),
        ([], "load of 2026-11-24T05:00:00.000Z"),
    ],
)
def test_a_generation_is_told_by_its_http_workers_or_its_load(children: list[dict[str, t.Any]], told: str) -> None:
    summary = {"children": children, "loaded": {"not_after": "2026-11-24T05:00:00.000Z"}}
    assert roll_report.generation(summary) == told


def test_without_a_ledger_the_report_is_a_failure_without_hosts() -> None:
    told = report({}, {}, NOW)
    assert (told["outcome"], told["ok"], told["hosts"], told["seconds"]) == ("failed", False, [], 0.0)
    assert told["lines"] == ["0 of 0 hosts done in 0 s"]


def test_a_failure_is_told_with_its_step_and_the_first_line_of_its_reason() -> None:
    records = {host: fit() for host in HOSTS}
    failure = {"step": "lock", "code": "host.unreachable", "reason": "no route\nmore", "unreachable": True}
    told = report(begun({**records, "a": {"ready": False, "failure": failure}}), {"a": {"failure": failure}}, NOW)
    first = told["hosts"][0]
    assert (first["outcome"], first["step"], first["reason"]) == ("unreachable", "lock", "no route\nmore")
    assert told["lines"][0] == "a  unreachable    no route [host.unreachable]"
    assert (told["stats"]["why"], told["stats"]["hosts"]["unreachable"]) == ("failures", ["a"])


def test_the_steps_of_a_host_are_told_in_seconds_since_the_begin_of_the_roll() -> None:
    records = {host: fit() for host in HOSTS}
    by = {"id": "me", "owner": "anna on ctl", "reason": "release"}
    spans = [{"step": "look", "began": 1001.0, "ended": 1002.5}, {"step": "out", "began": 1002.5, "ended": 1004.0}]
    records["a"].update(by=by, behind={"kind": "haproxy"}, spans=spans, under_way=3)
    told = report(roll_on(begun(records), records, good), records, NOW)
    assert (told["check"], told["by"], told["balancer"]) == (False, by, "haproxy")
    assert told["planned"] == [["a", "b"], ["c", "d"], ["e", "f"]]
    first = told["hosts"][0]
    assert first["steps"] == [
        {"step": "look", "began": 1.0, "ended": 2.5},
        {"step": "out", "began": 2.5, "ended": 4.0},
    ]
    assert (first["under_way"], told["hosts"][1]["under_way"]) == (3, None)
    # Without a load balancer the time between two steps does not count as a step, unless the turn ended there.
    records["a"]["behind"] = {"kind": "none"}
    told = report(roll_on(begun(records, balancer=True), records, good), records, NOW)
    assert [one["step"] for one in told["hosts"][0]["steps"]] == ["look"]
    # A record that does not tell follows the first host of the roll.
    records["a"]["behind"] = {}
    told = report(roll_on(begun(records, balancer=False), records, good), records, NOW)
    assert [one["step"] for one in told["hosts"][0]["steps"]] == ["look"]
    spans[1]["ended"] = None
    told = report(roll_on(begun(records, balancer=False), records, good), records, NOW)
    assert [one["step"] for one in told["hosts"][0]["steps"]] == ["look", "out"]


@pytest.mark.parametrize(("number", "lines"), [(10, 10), (11, 1), (197, 1)])
def test_many_hosts_that_are_up_to_date_are_a_number(number: int, lines: int) -> None:
    quiet: dict[str, t.Any] = {"balancer": None, "taken": None, "lock": None, "code": None, "reason": "nothing changed"}
    hosts = [{"host": f"web{at}", "outcome": "up to date", **quiet} for at in range(number)]
    hosts += [
        {"host": "lost", **quiet, "outcome": "unreachable", "code": "host.unreachable", "reason": "no route"},
        {"host": "late", **quiet, "outcome": "not touched", "reason": ""},
        {"host": "kept", **quiet, "outcome": "up to date", "lock": {"reason": "full", "code": "roll.lock_not_written"}},
    ]
    told = roll_report.lines({"hosts": hosts, "seconds": 3.0, "stopped": None, "batches": [], "outcome": "failed"}, 1)
    assert sum("up to date" in line and "kept" not in line for line in told) == lines
    if lines == 1:
        assert told[-2].split("  ") == [f"{number} hosts", "up to date"]
    for name in ("lost", "late", "kept"):
        assert sum(line.startswith(name) for line in told) == 1
