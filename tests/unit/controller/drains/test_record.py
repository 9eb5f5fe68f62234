# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the records of hosts in a drain and on the way back, made from the results of the tasks."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.filter.drain_records import FilterModule
from ansible_collections.fleetops.odoo.plugins.plugin_utils._drains.record import DRAIN, UNDRAIN, record

RUNNING: dict[str, t.Any] = {
    "did": "signalled",
    "signals": ["INT"],
    "pid": 33,
    "seconds": 1.2,
    "steps": [{"what": "INT"}],
}
RUNNING["before"] = {"state": "running"}
FAILURE = {"code": "timeout.work", "reason": "a request is in progress", "unreachable": False}


def of_run(run: str = "1", **result: t.Any) -> dict[str, t.Any]:
    """Return a registered result of a run."""
    return {"run": run, "balancer": "haproxy", **result}


def told(action: str = DRAIN, *, check: bool = False, **results: t.Any) -> dict[str, t.Any]:
    """Return the record of a host in run 1 from the results that it has."""
    return record({f"graceful_drain_{name}": one for name, one in results.items()}, "1", action, check=check)


@pytest.mark.parametrize(
    ("action", "results", "step"),
    [
        (DRAIN, {}, "lock"),
        (DRAIN, {"first": of_run("0"), "last": of_run("0")}, "lock"),
        (DRAIN, {"first": of_run(failed=True, stage="look")}, "look"),
        (DRAIN, {"first": of_run(failed=True)}, "lock"),
        (DRAIN, {"first": of_run()}, "out"),
        (DRAIN, {"first": of_run(), "last": of_run("0")}, "out"),
        (DRAIN, {"first": of_run(), "last": of_run(failed=True)}, "drain"),
        (UNDRAIN, {"first": of_run(failed=True, stage="start")}, "start"),
        (UNDRAIN, {"first": of_run()}, "in"),
        (UNDRAIN, {"first": of_run(), "last": of_run(failed=True)}, "in"),
    ],
)
def test_a_host_that_is_not_done_has_its_step_and_no_success(
    action: str, results: dict[str, dict[str, t.Any]], step: str
) -> None:
    given: dict[str, t.Any] = dict(results)
    assert told(action, **given) == {"step": step}


def test_a_host_that_is_done_has_a_line() -> None:
    first, last = of_run(results=[RUNNING]), of_run(results=[RUNNING])
    done = told(first=first, last=last)
    assert (done["step"], done["ok"], done["line"]) == ("done", True, "drained in 1.2 s (INT to 33)")
    back = told(UNDRAIN, first=of_run(results=[{**RUNNING, "did": "started"}]), last=of_run())
    assert (back["ok"], back["line"]) == (True, "back after 1.2 s")


@pytest.mark.parametrize(
    ("state", "balancer", "leaves"),
    [("running", "haproxy", True), ("draining", "haproxy", False), ("running", "none", 0)],
)
def test_a_check_run_tells_whether_the_host_would_leave_its_balancer(state: str, balancer: str, leaves: bool) -> None:  # noqa: FBT001
    result = {**of_run(results=[{**RUNNING, "before": {"state": state}}]), "balancer": balancer}
    line = told(first=result, last=result, check=True)["line"]
    assert line.startswith("would leave its load balancer; ") == bool(leaves)
    assert line.endswith("would be drained (INT)")


@pytest.mark.parametrize(
    ("noted", "first", "words", "absent"),
    [
        ({"serves": True}, {}, ["(drain)", "in service as before"], ["stays out"]),
        ({"stays": "no route"}, {}, ["stays out of its load balancer: no route"], ["in service"]),
        ({"stays": "no route"}, {"balancer": "none"}, [], ["stays out", "in service"]),
        ({"serves": True}, {"was_out": True}, ["in service as before", "was out of its load balancer"], []),
    ],
)
def test_a_host_that_was_not_drained_tells_where_it_is(
    noted: dict[str, t.Any], first: dict[str, t.Any], words: list[str], absent: list[str]
) -> None:
    host = {"run": "1", "step": "drain", "failure": FAILURE, **noted}
    found = told(first={**of_run(), **first}, last=of_run(failed=True), host=host)
    assert "ok" not in found
    assert found["failure"] == FAILURE
    assert [word for word in ["NOT DRAINED", FAILURE["reason"], *words] if word not in found["line"]] == []
    assert [word for word in absent if word in found["line"]] == []


def test_a_host_that_is_not_back_tells_its_step() -> None:
    host = {"run": "1", "step": "in", "failure": FAILURE}
    assert told(UNDRAIN, first=of_run(), host=host)["line"].startswith("NOT BACK (in): a request")
    # What an earlier run has noted does not count.
    assert "line" not in told(UNDRAIN, first=of_run(), host={**host, "run": "0"})


def test_the_filter_returns_a_record_for_each_host() -> None:
    make = FilterModule().filters()["drain_records"]
    assert make({"a": {"graceful_drain_first": of_run()}, "b": {}}, ["a", "b"], "1", DRAIN, check=False) == {
        "a": {"step": "out"},
        "b": {"step": "lock"},
    }
