# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test which modules the steps of ``roll_turn`` call, and what each step returns."""

from __future__ import annotations

import json
import pathlib
import time
import types
import typing as t

import pytest
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible_collections.fleetops.odoo.plugins.action import roll_turn

from ..conftest import CAPTURES

ANSWER: dict[str, t.Any] = {"changed": False, "taken": True}
Call = tuple[str, dict[str, t.Any]]


def run(
    given: dict[str, t.Any],
    answer: dict[str, t.Any] | Exception | None = None,
    variables: dict[str, t.Any] | None = None,
    *,
    check: bool = False,
) -> tuple[dict[str, t.Any], list[Call]]:
    """Return the result of a step, and the modules that it calls with their options.

    :param given: options of the task.
    :param answer: what each module returns or raises; None: ANSWER.
    :param variables: variables of the host.
    """
    calls: list[Call] = []

    class Action(roll_turn.ActionModule):
        def _execute_module(self, module_name: str, module_args: dict[str, t.Any], **_more: t.Any) -> dict[str, t.Any]:
            calls.append((module_name.rpartition(".")[2], module_args))
            if isinstance(answer, Exception):
                raise answer
            return ANSWER if answer is None else answer

    task = types.SimpleNamespace(
        action="fleetops.odoo.roll_turn", args={"roll": "r", **given}, check_mode=check, async_val=0
    )
    connection = types.SimpleNamespace(transport="fake", _shell=types.SimpleNamespace(tmpdir="/x"))
    return Action(task, connection, types.SimpleNamespace(), *[None] * 3).run(task_vars=variables or {}), calls


def soon() -> float:
    return time.time() + 60


@pytest.mark.parametrize("lock_id", [None, "", "mine"])
@pytest.mark.parametrize("kind", [None, "other"])
@pytest.mark.parametrize(
    ("step", "module", "more"),
    [
        ("look", "roll_look", {}),
        ("begin", "roll_turn", {"turn": 60}),
        ("end", "roll_lock", {"out": False}),
        ("end", "roll_turn", {"min_healthy_time": 5}),
        ("leave", "roll_lock", {}),
    ],
)
def test_every_step_takes_a_lock_of_the_kind_roll(
    step: str, module: str, more: dict[str, t.Any], kind: str | None, lock_id: str | None
) -> None:
    _result, calls = run({"step": step, "until": soon(), "id": lock_id, "kind": kind, **more})
    assert [(name, options["kind"]) for name, options in calls] == [(module, "roll")]
    assert (calls[0][1]["id"] == "mine") == (lock_id == "mine")


def test_a_result_has_the_step_the_roll_and_the_seconds() -> None:
    result, _calls = run({"step": "begin", "turn": 60})
    assert (result["step"], result["roll"], result["taken"]) == ("begin", "r", True)
    assert result["started"] <= result["ended"]
    assert result["until"] == pytest.approx(soon(), abs=5)


def test_an_unreachable_host_is_a_failed_result() -> None:
    result, _calls = run({"step": "begin", "turn": 60}, AnsibleConnectionFailure("no route"))
    assert "unreachable" not in result
    assert (result["failed"], result["code"], result["step"]) == (True, "host.unreachable", "begin")


def test_the_look_returns_how_balancers_know_the_host() -> None:
    behind = {"kind": "haproxy", "backends": ["odoo"], "servers": ["a"]}
    result, calls = run({"step": "look", "behind": behind, "drained": "skip", "options": {"masters": 2}})
    assert (result["behind"], result["drained"], calls[0][1]["masters"]) == (behind, "skip", 2)


def test_a_reload_with_too_little_time_left_sends_nothing() -> None:
    result, calls = run({"step": "reload", "until": time.time() + 1, "options": {"timeout": 60}})
    assert (result["code"], result["results"], calls) == ("roll.little_time", [], [])
    _result, calls = run({"step": "reload", "until": time.time() + 30, "options": {"timeout": 60}})
    ((name, options),) = calls
    assert name == "reload"
    assert options["timeout"] == pytest.approx(30, abs=5)


def test_an_end_without_a_balancer_and_a_watch_calls_nothing() -> None:
    result, calls = run({"step": "end", "until": soon()})
    assert (result["serves"], calls) == (True, [])


def test_an_end_fails_only_if_the_servers_are_watched() -> None:
    failure = {"failed": True, "msg": "the disk is full", "code": "roll.lock_not_written"}
    result, _calls = run({"step": "end", "until": soon(), "out": False}, failure)
    assert "failed" not in result
    assert (result["serves"], result["note"]) == (True, "the disk is full")
    result, calls = run({"step": "end", "until": soon(), "min_healthy_time": 5}, failure)
    assert (result["failed"], "serves" in result) == (True, False)
    assert calls[0][1]["timeout"] == pytest.approx(65, abs=5)


def test_a_host_that_stays_out_keeps_an_expired_lock() -> None:
    out = {
        "rolling_restart_looked": {"roll": "r", "taken": True},
        "rolling_restart_host": {"roll": "r", "balancer": {"state": "out"}},
    }
    for variables, state in (({}, "absent"), (out, "present")):
        _result, calls = run({"step": "leave"}, variables=variables)
        assert [(name, options["state"]) for name, options in calls] == [("roll_lock", state)]
        assert ("out" in calls[0][1]) == (state == "present")
    assert run({"step": "leave"}, check=True)[1] == []


def test_an_unknown_step_is_refused() -> None:
    with pytest.raises(AnsibleActionFail) as caught:
        run({"step": "stop"})
    assert caught.value.result["code"] == "option.not_a_choice"
    assert caught.value.message == "step must be one of look, begin, reload, end, leave, write, got 'stop'"


def test_an_unknown_kind_of_balancer_is_refused() -> None:
    behind, kinds = {"kind": "apache"}, ["none", "haproxy", "tasks"]
    result, calls = run({"step": "look", "behind": behind, "balancers": kinds})
    assert (result["failed"], result["code"], calls) == (True, "option.not_a_choice", [])
    assert result["msg"] == "balancer must be one of none, haproxy, tasks, got 'apache'"
    assert "failed" not in run({"step": "look", "behind": behind})[0]


@pytest.mark.parametrize(
    ("left", "number"),
    [
        ({}, None),
        ({"under_way": 2, "closed": []}, 2),
        ({"under_way": None}, None),
        ({"results": [{"under_way": 3}, {"under_way": 4}]}, 7),
        # An item that failed tells nothing.
        ({"results": [{"under_way": 3}, {"failed": True}]}, 3),
        ({"results": [{"failed": True}]}, None),
        ({"results": []}, None),
    ],
)
def test_a_reload_keeps_the_requests_that_were_under_way(left: dict[str, t.Any], number: int | None) -> None:
    result, calls = run({"step": "reload", "until": soon(), "options": {"timeout": 60}, "left": left})
    assert result["under_way"] == number
    assert "left" not in calls[0][1]


def test_the_report_is_written_on_the_controller(tmp_path: pathlib.Path) -> None:
    report = json.loads((CAPTURES / "rolls" / "done.json").read_text(encoding="utf-8"))
    begun, calls = run({"step": "write", "folder": str(tmp_path / "r")})
    assert (calls, begun["page"], list((tmp_path / "r").iterdir())) == ([], "", [])
    done, calls = run({"step": "write", "folder": str(tmp_path / "r"), "report": report})
    assert (calls, done["page"]) == ([], str(tmp_path / "r" / "report.html"))
    assert (tmp_path / "r" / "report.html").is_file()


def test_a_report_that_cannot_be_written_has_a_code(tmp_path: pathlib.Path) -> None:
    (tmp_path / "r").write_text("", encoding="utf-8")
    result, _calls = run({"step": "write", "folder": str(tmp_path / "r" / "x")})
    assert (result["failed"], result["code"]) == (True, "roll.report_not_written")
    result, _calls = run({"step": "write", "folder": "reports"})
    assert (result["failed"], result["code"]) == (True, "option.not_a_path")
