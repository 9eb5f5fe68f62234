# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of every host of a roll."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.filter.roll_summary import FilterModule
from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll import lines, summarize
from hypothesis import given
from hypothesis import strategies as st


def generation(*pids: int) -> dict[str, t.Any]:
    """A summary with these http workers."""
    children = [{"pid": pid, "role": "http"} for pid in pids] + [{"pid": 9, "role": "cron"}]
    return {"children": children, "loaded": {"not_after": "2026-11-24T05:00:00.000Z"}}


RELOADED = {
    "changed": True,
    "results": [
        {"reason": "a reload was asked for", "seconds": 1.5, "before": generation(1, 2), "after": generation(3, 4)}
    ],
}
NOTHING = {
    "changed": False,
    "results": [{"reason": "new enough", "seconds": 0.1, "before": generation(1), "after": generation(1)}],
}
FAILED = {
    "changed": True,
    "failed": True,
    "msg": "it died\nLast lines of /x:\nTraceback",
    "results": [{"reason": "it died", "seconds": 3.0, "before": generation(1), "after": None}],
}
UNREACHABLE = {"unreachable": True, "msg": "no route", "changed": False}
HOSTS = ["a", "bb", "c", "d", "e", "f"]
RESULTS: dict[str, dict[str, t.Any]] = {"a": RELOADED, "bb": NOTHING, "c": FAILED, "d": UNREACHABLE, "e": {}}


def outcomes() -> list[dict[str, t.Any]]:
    """Six hosts: one of each kind; e began and proved nothing, f did not begin."""
    return summarize(HOSTS, RESULTS, ["a", "bb", "c", "d", "e"], ["a", "bb"])


def test_outcomes() -> None:
    assert [(one["host"], one["outcome"]) for one in outcomes()] == [
        ("a", "reloaded"),
        ("bb", "up to date"),
        ("c", "failed"),
        ("d", "unreachable"),
        ("e", "failed"),
        ("f", "not reached"),
    ]
    assert [one["seconds"] for one in outcomes()] == [1.5, 0.1, 3.0, 0, 0, 0]
    assert (outcomes()[0]["old"], outcomes()[0]["new"]) == (["workers 1,2"], ["workers 3,4"])
    assert (outcomes()[2]["old"], outcomes()[2]["reason"].splitlines()[0]) == ([], "it died")


def test_lines() -> None:
    assert lines(outcomes()) == [
        "a   reloaded       1.50 s  workers 1,2 -> workers 3,4",
        "bb  up to date   new enough",
        "c   failed       it died",
        "d   unreachable  no route",
        "e   failed",
        "f   not reached",
    ]
    assert lines([]) == []


def test_a_threaded_server_is_told_by_its_load() -> None:
    result = {**RELOADED, "results": [{**RELOADED["results"][0], "before": generation(), "after": generation()}]}  # type: ignore[index]
    (one,) = summarize(["h"], {"h": result}, ["h"], ["h"])
    assert one["new"] == ["load of 2026-11-24T05:00:00.000Z"]


@given(st.sampled_from([RELOADED, NOTHING, FAILED, UNREACHABLE, {}, None]), st.booleans(), st.booleans())
def test_only_what_proved_to_serve_is_well(result: t.Any, begun: bool, proved: bool) -> None:  # noqa: FBT001
    (one,) = summarize(["h"], {"h": result} if result else {}, ["h"] if begun else [], ["h"] if proved else [])
    assert (one["outcome"] in ("reloaded", "up to date")) == proved
    if begun and not proved:
        assert one["outcome"] in ("failed", "unreachable")
    assert len(lines([one])) == 1


def test_the_filter() -> None:
    told = FilterModule().filters()["roll_summary"](["a"], RESULTS, ["a"], ["a"])
    assert told["hosts"][0]["outcome"] == "reloaded"
    assert told["lines"] == ["a  reloaded       1.50 s  workers 1,2 -> workers 3,4"]


@pytest.mark.parametrize("missing", ["results", "changed"])
def test_a_result_of_a_module_that_ended_with_a_traceback(missing: str) -> None:
    result = {key: value for key, value in FAILED.items() if key != missing}
    (one,) = summarize(["h"], {"h": result}, ["h"], [])
    assert one["outcome"] == "failed"
