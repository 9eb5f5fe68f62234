# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the record of a host, from the results that the tasks of its turn have registered."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll.record import record, spans, step_of

LOCK = {"id": "me", "owner": "op on c", "age": 0.1, "out": False}
BEFORE = {"state": "running", "mode": "prefork", "version": "19.0", "databases": ["shop"], "health": "ok"}
WOULD = {"did": "signalled", "reason": "1 file changed", "before": BEFORE}


def looked(**more: t.Any) -> dict[str, t.Any]:
    """Return the registered result of the look."""
    base = {"roll": "r", "step": "look", "taken": True, "lock": LOCK, "was": None, "results": [WOULD], "settled": False}
    return {"rolling_restart_looked": {**base, "behind": {"kind": "haproxy"}, **more}}


def turn(**steps: t.Any) -> dict[str, t.Any]:
    """Return the registered results of the steps of a turn."""
    return {f"rolling_restart_{name}": {"roll": "r", **result} for name, result in steps.items()}


def test_a_host_that_passed_the_look() -> None:
    told = record(looked(), "r")
    assert (told["ready"], told["needs"], told["reason"], told["step"]) == (True, True, "1 file changed", "look")
    assert (told["servers"], told["databases"]) == ([["prefork", "19.0"]], ["shop"])
    assert "failure" not in told
    idle = record(looked(results=[{**WOULD, "did": "nothing", "reason": "nothing has changed"}]), "r")
    assert (idle["ready"], idle["needs"], idle["reason"]) == (True, False, "nothing has changed")
    # It was starting, so what it has loaded is only known in its turn.
    assert record(looked(results=[{**WOULD, "did": "nothing"}], settled=True), "r")["needs"]


@pytest.mark.parametrize("variables", [{}, {"rolling_restart_looked": "an extra variable"}, looked(roll="another")])
def test_without_a_look_of_this_roll_a_host_is_not_ready(variables: dict[str, t.Any]) -> None:
    assert not record(variables, "r")["ready"]


def test_a_look_that_ansible_itself_ended_is_a_failure_with_its_reason() -> None:
    told = record({"rolling_restart_looked": {"failed": True, "msg": "Task failed: no such become plugin"}}, "r")
    assert not told["ready"]
    assert (told["failure"]["step"], told["failure"]["code"]) == ("lock", "roll.task_failed")
    assert "no such become plugin" in told["failure"]["reason"]


@pytest.mark.parametrize("how", [{"failed": True}, {"failed": False, "refused": True}])
def test_a_refused_look_is_a_failure_also_where_the_role_ignores_it(how: dict[str, t.Any]) -> None:
    told = record(looked(msg="Broken", code="rehearsal.syntax_error", **how), "r")
    assert (told["ready"], told["failure"]["code"]) == (False, "rehearsal.syntax_error")


def test_results_of_an_earlier_roll_prove_nothing() -> None:
    told = record({**looked(), **turn(began={}, ended={"roll": "before", "serves": True})}, "r")
    assert "serves" not in told
    assert told["step"] == "out"


@pytest.mark.parametrize(
    ("steps", "step"),
    [
        ({}, "look"),
        ({"began": {"failed": True}}, "look"),
        ({"began": {}}, "out"),
        ({"began": {}, "reloaded": {"failed": True}}, "reload"),
        ({"began": {}, "reloaded": {}}, "in"),
        ({"began": {}, "reloaded": {}, "ended": {"failed": True}}, "watch"),
        ({"began": {}, "reloaded": {}, "ended": {"serves": True}}, "done"),
    ],
)
def test_the_step_of_a_turn(steps: dict[str, t.Any], step: str) -> None:
    assert step_of(turn(**steps), "r") == step


def timed(began: float, ended: float, **more: t.Any) -> dict[str, t.Any]:
    """Return a registered result that began and ended at these seconds."""
    return {"started": began, "ended": ended, **more}


def steps(variables: dict[str, t.Any]) -> list[tuple[t.Any, ...]]:
    return [(one["step"], one["began"], one["ended"]) for one in spans(variables, "r")]


def test_the_spans_of_a_turn_have_the_way_out_and_in_between_the_results() -> None:
    whole = {
        **looked(**timed(1, 3)),
        **turn(began=timed(5, 6), reloaded=timed(8, 9), ended=timed(11, 12, results=[WOULD])),
    }
    assert steps(whole) == [
        ("preflight", 1, 3),
        ("look", 5, 6),
        ("out", 6, 8),
        ("reload", 8, 9),
        ("in", 9, 11),
        ("watch", 11, 12),
    ]
    assert steps({**whole, **turn(ended=timed(11, 12))})[-1] == ("end", 11, 12)


def test_the_spans_of_a_turn_that_failed_end_with_the_step_that_failed() -> None:
    before = {**looked(**timed(1, 3)), **turn(began=timed(5, 6))}
    assert steps(before)[-1] == ("out", 6, None)
    assert steps({**before, **turn(began=timed(5, 6, failed=True))})[-1] == ("look", 5, 6)
    assert steps({**before, **turn(reloaded=timed(8, 9, failed=True))})[-1] == ("reload", 8, 9)
    assert steps({**before, **turn(reloaded=timed(8, 9))})[-1] == ("in", 9, None)
    # A result of an earlier roll does not count.
    assert steps({**before, "rolling_restart_reloaded": timed(8, 9, roll="before")})[-1] == ("out", 6, None)


def test_the_owner_of_the_roll_is_known_from_the_lock_and_holds_no_secret() -> None:
    lock = {**LOCK, "reason": "release with token=abcdefgh"}
    assert record(looked(lock=lock), "r")["by"] == {
        "id": "me",
        "owner": "op on c",
        "reason": "release with token=********",
    }
    # The lock that is in the way belongs to another roll.
    assert "by" not in record(looked(taken=False, failed=True, msg="locked"), "r")


def test_requests_under_way_are_those_that_the_reload_has_kept() -> None:
    assert record({**looked(), **turn(began={}, reloaded={"under_way": 3})}, "r")["under_way"] == 3
    assert record({**looked(), **turn(began={}, reloaded={})}, "r")["under_way"] is None


def test_a_turn_that_succeeded_and_one_that_failed() -> None:
    good = record({**looked(), **turn(began={}, reloaded={"results": [WOULD]}, ended={"serves": True})}, "r")
    assert (good["serves"], good["step"], good["result"]["results"]) == (True, "done", [WOULD])
    failure = {"step": "reload", "code": "failed.ended", "reason": "it died", "unreachable": False}
    bad = record(
        {
            **looked(),
            **turn(began={}, reloaded={"failed": True}),
            "rolling_restart_host": {"roll": "r", "failure": failure, "balancer": {"state": "out"}},
        },
        "r",
    )
    assert (bad["failure"], bad["balancer"], bad["step"]) == (failure, {"state": "out"}, "reload")
    assert "roll" not in bad


def test_a_host_with_the_lock_of_another_owner() -> None:
    held = {"failed": True, "taken": False, "lock": {**LOCK, "out": True}, "msg": "Held", "code": "roll.locked"}
    told = record(looked(**held), "r")
    assert (told["ready"], told["locked"], told["failure"]["step"]) == (False, False, "lock")
    assert told["balancer"] == {"state": "out", "code": "roll.locked", "because": "Held"}


@pytest.mark.parametrize("failed", [True, False])
def test_a_look_that_ended_before_it_could_name_the_roll_is_a_failure(*, failed: bool) -> None:
    """With failed_when false, Ansible does not call it failed."""
    told = record({"rolling_restart_looked": {"failed": failed, "msg": "no such plugin"}}, "r")
    assert (told["ready"], told["failure"]["reason"], told["failure"]["step"]) == (False, "no such plugin", "lock")


@pytest.mark.parametrize(("taken", "code"), [(False, "roll.drained"), (True, "roll.server_drained")])
def test_a_drained_host_is_refused_or_skipped(code: str, *, taken: bool) -> None:
    held = {"failed": True, "taken": taken, "lock": LOCK, "msg": "It is drained", "code": code}
    assert record(looked(**held), "r")["failure"]["code"] == code
    told = record(looked(**held, drained="skip"), "r")
    assert (told["ready"], told["needs"], told["skipped"]) == (True, False, "It is drained")
    assert "failure" not in told


@pytest.mark.parametrize(("kind", "code"), [("haproxy", "roll.left_out"), ("none", "roll.no_balancer")])
def test_what_an_earlier_roll_left_behind_is_told(kind: str, code: str) -> None:
    was = {"id": "dead", "owner": "op on d", "age": 1000.0, "out": True}
    told = record(looked(was=was, behind={"kind": kind}), "r")
    assert "dead" in told["taken"]
    assert (told["balancer"]["state"], told["balancer"]["code"]) == ("out", code)
    back = {"roll": "r", "balancer": {"state": "in"}}
    assert record({**looked(was=was), "rolling_restart_host": back}, "r")["balancer"] == {"state": "in"}
    assert "taken" not in record(looked(was={**LOCK, "age": 3.0}), "r")


def test_a_lock_that_cannot_be_given_back_is_told() -> None:
    left = {"failed": True, "msg": "no route", "code": "host.unreachable"}
    assert record({**looked(), **turn(left=left)}, "r")["lock"]["code"] == "host.unreachable"
