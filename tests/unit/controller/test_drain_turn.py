# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test which modules the steps of ``drain_turn`` call, and what each step returns."""

from __future__ import annotations

import types
import typing as t

import pytest
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible_collections.fleetops.odoo.plugins.action import drain_turn

#: What the modules return where a test says nothing else.
ANSWERS: dict[str, dict[str, t.Any]] = {
    "roll_lock": {"changed": True, "taken": True, "lock": {"id": "graceful_drain"}, "was": None, "drained": []},
    "drain": {"changed": True, "results": [{"did": "signalled"}], "one_off": []},
}
LOCKED = {"failed": True, "code": "roll.locked", "msg": "locked", "lock": {"id": "x"}, "was": {"id": "x"}}
REFUSED = {"failed": True, "code": "refused.state", "msg": "it reloads", "results": []}
OURS = {**ANSWERS["roll_lock"], "was": {"id": "graceful_drain", "out": True}}
Call = tuple[str, dict[str, t.Any], bool]


def run(
    step: str, *, check: bool = False, answers: dict[str, t.Any] | None = None, **given: t.Any
) -> tuple[dict[str, t.Any], list[Call]]:
    """Return the result of a step, and the modules that it calls with their options and with their check mode."""
    calls: list[Call] = []

    class Action(drain_turn.ActionModule):
        def _execute_module(self, module_name: str, module_args: dict[str, t.Any], **_more: t.Any) -> dict[str, t.Any]:
            name = module_name.rpartition(".")[2]
            calls.append((name, module_args, self._task.check_mode))
            answer = {**ANSWERS, **(answers or {})}[name]
            if isinstance(answer, Exception):
                raise answer
            return dict(answer)

    args = {"step": step, "run": "1", "options": {"timeout": 5}, **given}
    task = types.SimpleNamespace(action="fleetops.odoo.drain_turn", args=args, check_mode=check, async_val=0)
    connection = types.SimpleNamespace(transport="fake", _shell=types.SimpleNamespace(tmpdir="/x"))
    action = Action(task, connection, types.SimpleNamespace(), *[None] * 3)
    result = action.run(task_vars={})
    assert task.check_mode is check
    return result, calls


def locks(calls: list[Call]) -> list[dict[str, t.Any]]:
    """Return the options of the calls of ``roll_lock``."""
    return [options for name, options, _check in calls if name == "roll_lock"]


@pytest.mark.parametrize("step", ["begin", "start", "end"])
def test_every_lock_is_of_the_kind_drain(step: str) -> None:
    _result, calls = run(step, begun="1", reason="kernel", ttl=60)
    assert [(one["id"], one["kind"], one["reason"], one["ttl"]) for one in locks(calls)] == [
        ("graceful_drain", "drain", "kernel", 60)
    ]


def test_a_begin_looks_only_and_reports_no_change() -> None:
    result, calls = run("begin")
    assert [(name, check) for name, _options, check in calls] == [("roll_lock", False), ("drain", True)]
    assert (result["changed"], result["step"], result["run"], result["taken"]) == (False, "begin", "1", True)
    assert (calls[1][1]["timeout"], bool(calls[1][1]["owner"])) == (5, True)


@pytest.mark.parametrize(
    ("balancer", "before", "out"), [("haproxy", False, True), ("haproxy", True, None), ("none", False, None)]
)
def test_the_lock_says_that_the_host_may_be_out_unless_an_administrator_took_it_out(
    balancer: str,
    before: bool,  # noqa: FBT001
    out: bool | None,  # noqa: FBT001
) -> None:
    result, calls = run("begin", balancer=balancer, out_before=before)
    assert locks(calls)[0].get("out") is out
    assert (result["balancer"], result["was_out"]) == (balancer, before)


def test_a_host_that_an_earlier_drain_took_out_is_not_out_by_an_administrator() -> None:
    result, _calls = run("begin", balancer="haproxy", out_before=True, answers={"roll_lock": OURS})
    assert result["was_out"] is False


def test_the_lock_of_another_owner_ends_the_begin() -> None:
    result, calls = run("begin", answers={"roll_lock": LOCKED})
    assert (result["code"], result["stage"], len(calls)) == ("roll.locked", "lock", 1)


@pytest.mark.parametrize("step", ["begin", "start"])
def test_a_refused_host_gives_its_new_lock_back(step: str) -> None:
    result, calls = run(step, balancer="haproxy", answers={"drain": REFUSED})
    assert (result["code"], result["stage"]) == ("refused.state", "look" if step == "begin" else "start")
    assert [one.get("state") for one in locks(calls)] == [None, "absent"]


def test_a_refused_host_that_was_drained_before_keeps_its_lock_as_it_was() -> None:
    _result, calls = run("begin", balancer="haproxy", answers={"drain": REFUSED, "roll_lock": OURS})
    assert [(one.get("state"), one["out"]) for one in locks(calls)] == [(None, True), (None, True)]
    _result, calls = run("start", answers={"drain": REFUSED, "roll_lock": OURS})
    assert len(locks(calls)) == 1


@pytest.mark.parametrize(
    ("one_off", "kind", "code"),
    [
        ("auto", "update", "roll.one_off"),
        ("auto", "shell", None),
        ("refuse", "shell", "roll.one_off"),
        ("warn", "update", None),
        ("ignore", "update", None),
    ],
)
def test_other_commands_refuse_the_host_or_are_a_warning(one_off: str, kind: str, code: str | None) -> None:
    drained = {**ANSWERS["drain"], "one_off": [{"kind": kind, "pid": 7}]}
    result, calls = run("begin", one_off=one_off, answers={"drain": drained})
    assert (result.get("code"), result.get("stage")) == (code, "look" if code else None)
    assert len(result.get("warnings", [])) == (0 if code or one_off == "ignore" else 1)
    assert len(locks(calls)) == (2 if code else 1)


@pytest.mark.parametrize("step", ["drain", "end"])
@pytest.mark.parametrize("begun", [None, "0"])
def test_a_host_that_has_not_begun_in_this_run_is_refused(step: str, begun: str | None) -> None:
    result, calls = run(step, begun=begun)
    assert (result["failed"], result["code"], calls) == (True, "roll.not_begun", [])


def test_a_drain_runs_the_module_and_an_end_releases_the_lock() -> None:
    result, calls = run("drain", begun="1")
    assert ([call[0] for call in calls], result["changed"]) == (["drain"], True)
    result, calls = run("end", begun="1")
    assert ([one["state"] for one in locks(calls)], result["changed"]) == (["absent"], False)


def test_a_start_brings_the_server_back() -> None:
    result, calls = run("start", balancer="haproxy", answers={"roll_lock": OURS})
    assert [call[0] for call in calls] == ["roll_lock", "drain"]
    assert (calls[1][1]["state"], result["changed"], "code" in result) == ("undrained", True, False)


def test_a_start_without_the_balancer_of_the_drain_fails_and_keeps_the_lock() -> None:
    result, calls = run("start", answers={"roll_lock": OURS})
    assert (result["code"], result["stage"], len(locks(calls))) == ("roll.no_balancer", "in", 1)


@pytest.mark.parametrize("step", ["begin", "drain", "start", "end"])
def test_an_unreachable_host_is_a_failed_result(step: str) -> None:
    gone = AnsibleConnectionFailure("no route")
    result, _calls = run(step, begun="1", answers={"roll_lock": gone, "drain": gone})
    assert "unreachable" not in result
    assert (result["failed"], result["code"], result["step"]) == (True, "host.unreachable", step)


def test_an_unknown_step_is_refused() -> None:
    with pytest.raises(AnsibleActionFail):
        run("leave")
