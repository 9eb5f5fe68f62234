# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the question that is asked through a second connection while a step runs."""

from __future__ import annotations

import threading
import types
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.plugin_utils._waits import question
from ansible_collections.fleetops.odoo.plugins.plugin_utils._waits.question import Question


class Action:
    """An action whose connection notes what runs through it."""

    def __init__(self, transport: str = "ssh", **answers: t.Any) -> None:
        shell = types.SimpleNamespace(tmpdir="/first")
        self._connection = types.SimpleNamespace(transport=transport, _shell=shell, become=types.SimpleNamespace())
        self.answers = answers
        self.asked: list[tuple[str, dict[str, t.Any], object, str | None]] = []

    def _execute_module(self, module_name: str, module_args: dict[str, t.Any], task_vars: object) -> dict[str, t.Any]:
        del task_vars
        self.asked.append((module_name, module_args, self._connection, self._connection._shell.tmpdir))
        answer = self.answers[module_name.rpartition(".")[2]]
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)


HEALTH = {
    "results": [
        {"healthy": False, "reason": "waiting for 2 of 4 http processes to start"},
        {"healthy": False, "reason": "waiting for 2 of 4 http processes to start"},
        {"healthy": True, "reason": "it is complete and healthy"},
    ]
}
IDLE = {"waiting": {"text": "...", "ages": [34.0]}}


def asked(action: Action) -> Question:
    """Return a question about one server."""
    choice = {"match": {"pid": 7}, "health": {"path": "/x"}, "policy": "always"}
    return Question(t.cast("t.Any", action), choice, "the reload to finish", {"inventory_hostname": "h1"})


def test_it_says_what_is_missing_and_how_old_the_requests_are() -> None:
    action = Action(wait_healthy=HEALTH, wait_idle=IDLE)
    assert asked(action).ask() == {
        "text": "the reload to finish (2 of 4 http processes to start)",
        "ages": [34.0],
    }
    names = [name for name, *_rest in action.asked]
    assert names == ["fleetops.odoo.wait_healthy", "fleetops.odoo.wait_idle"]
    assert action.asked[0][1] == {"match": {"pid": 7}, "health": {"path": "/x"}, "timeout": 1.0}
    assert action.asked[1][1] == {"match": {"pid": 7}, "report_after": 0.001, "allow_none": True}


def test_its_connection_and_temporary_folder_are_its_own() -> None:
    action = Action(wait_healthy=HEALTH, wait_idle=IDLE)
    asked(action).ask()
    for _name, _options, connection, folder in action.asked:
        assert connection is not action._connection
        assert folder is None
    assert action._connection._shell.tmpdir == "/first"


@pytest.mark.parametrize("answer", [RuntimeError("broken"), {"failed": True, "msg": "no master"}])
def test_a_question_that_fails_leaves_the_goal(answer: t.Any) -> None:
    assert asked(Action(wait_healthy=answer, wait_idle=answer)).ask() == {"text": "the reload to finish", "ages": []}


def test_a_line_is_printed_while_the_step_runs_and_none_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    came = threading.Event()

    def tell(text: str, _variables: object) -> None:
        told.append(text)
        came.set()

    monkeypatch.setattr(question, "tell", tell)
    monkeypatch.setattr(question, "FIRST", 0.01)
    monkeypatch.setattr(question, "NEXT", 1000.0)
    with asked(Action(wait_healthy=HEALTH, wait_idle=IDLE)):
        assert came.wait(10)
    assert told[0].startswith(
        "h1: after 0 s waiting for the reload to finish (2 of 4 http processes to start); the oldest"
    )
    assert len(told) == 1


@pytest.mark.parametrize(("transport", "first"), [("ssh", 1000.0), ("paramiko", 0.0)])
def test_a_fast_step_and_a_connection_that_cannot_be_doubled_ask_nothing(
    monkeypatch: pytest.MonkeyPatch, transport: str, first: float
) -> None:
    monkeypatch.setattr(question, "FIRST", first)
    action = Action(transport, wait_healthy=HEALTH, wait_idle=IDLE)
    before = threading.active_count()
    with asked(action):
        assert transport == "ssh" or threading.active_count() == before
    assert action.asked == []
