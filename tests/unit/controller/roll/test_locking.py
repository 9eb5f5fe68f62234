# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module that takes a lock is called with who rolls, and again where the roll that has it is known to have ended."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll import locking
from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll.locking import call_with_lock

HELD = {"failed": True, "lock": {"id": "other", "holder": "h"}}


def calls(given: dict[str, t.Any], *answers: dict[str, t.Any], **variables: t.Any) -> list[dict[str, t.Any]]:
    """Call with these answers; return the arguments of each call."""
    seen: list[dict[str, t.Any]] = []
    left = list(answers)

    def call(arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        seen.append(arguments)
        return left.pop(0)

    assert call_with_lock(call, given, variables) == answers[-1]
    return seen


def test_who_rolls_is_filled_in() -> None:
    (arguments,) = calls({"reason": "why"}, {}, awx_job_id=7, awx_user_name="ann")
    assert (arguments["id"], arguments["kind"], arguments["owner"]) == ("awx-job-7", "roll", "ann (AWX)")
    (arguments,) = calls({"id": "mine"}, {})
    assert (arguments["id"], arguments["kind"]) == ("mine", "other")
    assert "holder" not in arguments


@pytest.mark.parametrize("dead", [True, False])
def test_the_lock_of_a_roll_that_has_ended_is_taken_over(monkeypatch: pytest.MonkeyPatch, dead: bool) -> None:  # noqa: FBT001
    monkeypatch.setattr(locking, "is_dead", lambda holder: dead and holder == "h")
    seen = calls({}, *([HELD, {"changed": True}] if dead else [HELD]))
    assert [one["take_over"] for one in seen] == ([[], ["other"]] if dead else [[]])


def test_a_failure_after_the_lock_was_taken_does_not_call_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locking, "is_dead", lambda _holder: True)
    assert len(calls({}, {"failed": True, "taken": True, "lock": {"id": "me", "holder": "h"}})) == 1


def test_a_worker_whose_play_has_ended_calls_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locking, "playbook", lambda: None)
    result = call_with_lock(lambda _arguments: pytest.fail("called"), {}, {})
    assert (result["failed"], result["code"]) == (True, "roll.playbook_ended")
