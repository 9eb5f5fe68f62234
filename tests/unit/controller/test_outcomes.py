# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the statistics that roles pass to a workflow."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.fleetops.odoo.plugins.filter.outcomes import FilterModule
from ansible_collections.fleetops.odoo.plugins.plugin_utils.outcomes import not_asked

outcomes = FilterModule().filters()["outcomes"]


def test_hosts_are_told_by_outcome_with_their_codes() -> None:
    told = outcomes(
        {
            "a": {"ok": True, "line": "drained in 2.0 s"},
            "b": {"failure": {"code": "roll.locked", "reason": "Locked", "unreachable": False}, "line": "NOT DRAINED"},
            "c": {"failure": {"code": "host.unreachable", "reason": "no route", "unreachable": True}},
            # It left the play before it could say more.
            "d": {"step": "out"},
            "e": {},
        },
        {"released": ["a"]},
    )
    assert told["stats"] == {
        "outcome": "failed",
        "hosts": {"done": ["a"], "failed": ["b", "d", "e"], "unreachable": ["c"]},
        "remaining": ["b", "c", "d", "e"],
        "codes": {"b": "roll.locked", "c": "host.unreachable", "d": "roll.left_play", "e": "roll.left_play"},
        "released": ["a"],
    }
    assert told["lines"]["a"] == "drained in 2.0 s"
    assert told["lines"]["b"] == "NOT DRAINED [roll.locked]"
    assert told["lines"]["c"] == "FAILED: no route [host.unreachable]"


class Lazy(list[str]):
    """A list as ansible-core from 2.19 on hands it to filters: it cannot be made again."""

    def __init__(self, *words: str, made: bool = False) -> None:
        if not made:
            raise TypeError("Direct construction of lazy containers is not supported.")
        super().__init__(words)


def test_lists_of_a_template_are_handed_on() -> None:
    own = {"released": Lazy("a", made=True)}
    assert outcomes({"a": {"ok": True}}, own)["stats"]["released"] == ["a"]


def test_all_done() -> None:
    records = {"a": {"ok": True}}
    assert outcomes(records)["stats"]["outcome"] == "done"
    # What does not belong to a host may have failed nevertheless.
    assert outcomes(records, ok=False)["stats"] == {
        "outcome": "failed",
        "hosts": {"done": ["a"]},
        "remaining": [],
        "codes": {},
    }


def test_results_of_a_module_are_judged_for_each_host() -> None:
    worked = {"signals": ["TTIN"], "reason": "2 http workers", "seconds": 1.5}
    told = outcomes(
        {
            "a": {"results": [worked], "changed": True},
            "b": {"failed": True, "msg": "No master\nmore", "code": "host.no_master"},
            "c": {"failed": True, "msg": "The host cannot be reached", "code": "host.unreachable"},
            "d": {"failed": True, "msg": "'x' is undefined"},
            "e": {},
            # failed_when is false in the roles.
            "f": {"failed": False, "msg": "No master", "code": "host.no_master", "results": []},
            "g": {"failed": False, "msg": "MODULE FAILURE"},
        },
        of="workers",
    )
    assert told["stats"]["hosts"] == {"done": ["a"], "failed": ["b", "d", "e", "f", "g"], "unreachable": ["c"]}
    assert told["stats"]["codes"] == {
        "b": "host.no_master",
        "c": "host.unreachable",
        "d": "roll.task_failed",
        "e": "roll.left_play",
        "f": "host.no_master",
        "g": "roll.task_failed",
    }
    assert told["lines"]["a"] == "2 http workers (TTIN; 1.5 s)"
    assert told["lines"]["b"] == "FAILED: No master [host.no_master]"
    check = outcomes({"a": {"results": [worked]}}, of="workers", check=True)
    assert check["lines"]["a"] == "2 http workers (TTIN would be sent)"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"code": "host.unreachable", "msg": "no route\nmore"}, "roll.balancer_unreachable"),
        ({"unreachable": True, "msg": "no route"}, "roll.balancer_unreachable"),
        ({"failed": True, "msg": "no route"}, "roll.balancer_not_asked"),
        ({}, "roll.balancer_not_asked"),
    ],
)
def test_a_load_balancer_out_of_reach_is_told_from_one_that_does_not_answer(
    answer: dict[str, t.Any], code: str
) -> None:
    problem = not_asked("lb1", answer)
    assert problem.code == code
    assert problem.text.endswith("no route" if answer else "no answer")


def test_another_kind_of_results_is_refused() -> None:
    with pytest.raises(AnsibleFilterError, match=r"option\.not_a_choice"):
        outcomes({}, of="reload")
