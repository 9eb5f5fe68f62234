# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``select``: which masters an expression chooses, and what an action does with them."""

from __future__ import annotations

import types
import typing as t

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.fleetops.odoo.plugins.action import (
    drain,
    evidence,
    master_info,
    reload,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused
from ansible_collections.fleetops.odoo.plugins.plugin_utils.select import select_masters

MASTERS = [{"identity": "1:10", "version": "14.0"}, {"identity": "2:20", "version": "19.0"}]
OLD, NONE = "[?version=='14.0']", "[?version=='1.0']"
Call = tuple[str, dict[str, t.Any]]


def run(
    action: types.ModuleType, expression: str, named: str = "", **arguments: t.Any
) -> tuple[dict[str, t.Any], list[Call]]:
    """Return the result of an action for an expression, and the modules that it runs on the host.

    :param named: how the task names the action, where it is not by its full name.
    """
    calls: list[Call] = []

    class Action(action.ActionModule):  # type: ignore[name-defined, misc]
        def _call(self, module: str, given: dict[str, t.Any], _task_vars: t.Any) -> dict[str, t.Any]:
            calls.append((module.rpartition(".")[2], given))
            return {"changed": False, "masters": list(MASTERS)}

    name = action.__name__.rpartition(".")[2]
    task = types.SimpleNamespace(action=named or f"fleetops.odoo.{name}")
    return Action(task, *[None] * 5)._selected(expression, arguments, {}), calls


@pytest.mark.parametrize(
    ("expression", "chosen"),
    [
        (OLD, ["1:10"]),
        ("[].identity", ["1:10", "2:20"]),
        ("[1]", ["2:20"]),
        ("[0].identity", ["1:10"]),
        ("nothing", []),
    ],
)
def test_masters_or_identities_are_selected(expression: str, chosen: list[str]) -> None:
    assert select_masters(expression, MASTERS) == chosen


@pytest.mark.parametrize("expression", ["[", "[].version", "length(@)", "[].{version: version}"])
def test_anything_else_is_an_error(expression: str) -> None:
    with pytest.raises(Refused) as caught:
        select_masters(expression, MASTERS)
    assert caught.value.code == ("option.bad_select" if expression == "[" else "option.select_returns")


def test_an_action_looks_first_and_hands_on_the_identities() -> None:
    _result, calls = run(reload, OLD, match={"user": "odoo"}, policy="always")
    look, act = ("master_info", {"match": {"user": "odoo"}}), {"match": {"identity": ["1:10"]}, "policy": "always"}
    assert calls == [look, ("reload", act)]


# With the keyword `collections`, a task may name an action without its collection.
@pytest.mark.parametrize("named", ["", "master_info"])
def test_a_look_is_taken_once_and_none_selected_is_an_answer(named: str) -> None:
    result, calls = run(master_info, NONE, named, staleness=False)
    assert (result["masters"], calls) == ([], [("master_info", {"staleness": False})])
    assert run(master_info, OLD, named)[0]["masters"] == MASTERS[:1]


def test_none_selected_is_a_failure_where_it_is_not_allowed() -> None:
    with pytest.raises(AnsibleActionFail) as caught:
        run(reload, NONE)
    assert (caught.value.result["code"], caught.value.result["results"]) == ("host.none_selected", [])
    assert run(reload, NONE, allow_none=True)[0] == {"changed": False, "results": []}
    assert run(drain, NONE)[0] == {"changed": False, "results": []}


def test_evidence_of_a_host_is_taken_for_no_master_too() -> None:
    _result, calls = run(evidence, NONE, allow_none=True)
    assert calls[-1] == ("evidence", {"allow_none": True, "match": {"identity": "none"}})


def test_what_was_drained_does_not_run_and_cannot_be_selected() -> None:
    with pytest.raises(AnsibleActionFail) as failed:
        run(drain, OLD, state="undrained")
    assert failed.value.result["code"] == "option.select_undrained"
