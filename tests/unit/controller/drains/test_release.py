# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the records of the hosts of a release."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.filter.release_records import FilterModule

records = FilterModule().filters()["release_records"]
FAILURE = {"code": "roll.no_balancer", "reason": "no balancer", "unreachable": False}


def of(lock: t.Any = None, run: str | None = None) -> dict[str, t.Any]:
    """Return the record of one host in run 1."""
    noted = {"rolling_restart_host": {"roll": "release", "run": run, "failure": FAILURE}} if run else {}
    variables = {"a": {"rolling_restart_lock": lock, **noted}}
    return t.cast("dict[str, t.Any]", records(variables, ["a"], ["a"], "1")["a"])


@pytest.mark.parametrize(
    ("lock", "was", "words"),
    [
        ({"was": {"id": "roll-1"}}, "roll-1", "roll-1"),
        ({"was": None}, "", "nothing to release"),
        ({"code": "roll.drained", "msg": "it is drained", "was": {"id": "graceful_drain"}}, "", "it is drained"),
    ],
)
def test_a_host_that_did_not_fail_tells_the_lock_that_was_there(lock: dict[str, t.Any], was: str, words: str) -> None:
    found = of(lock)
    assert (found["ok"], found["was"], words in found["line"]) == (True, was, True)


def test_a_host_that_failed_in_this_run_tells_why() -> None:
    found = of({"was": None}, run="1")
    assert ("ok" in found, found["failure"], FAILURE["reason"] in found["line"]) == (False, FAILURE, True)


def test_a_failure_of_an_earlier_run_does_not_count() -> None:
    assert of({"was": None}, run="0")["ok"]


def test_a_host_that_has_left_the_play_has_an_empty_record() -> None:
    assert records({"a": {"rolling_restart_lock": {"was": None}}}, ["a"], [], "1") == {"a": {}}
    assert of() == {}
