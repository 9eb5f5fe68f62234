# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting until real servers are healthy, and seeing when they are not."""

from __future__ import annotations

import time

import pytest

from .conftest import KINDS, Fleet, release, request, thorough

pytestmark = pytest.mark.versions

#: Kinds that are like one of the others here.
THOROUGH = thorough("t19", "p14")


@pytest.mark.parametrize("host", KINDS)
@pytest.mark.parametrize("options", [*thorough(["--check"]), []])
def test_a_healthy_server_is_found_so_at_once(fleet: Fleet, host: str, options: list[str]) -> None:
    before = fleet.processes(host)
    answer = fleet.module(host, "wait_healthy", *options)
    assert (answer.code, answer.result["changed"]) == (0, False)
    assert (answer.only["healthy"], answer.only["state"], answer.only["breaks"]) == (True, "running", 0)
    assert answer.only["version"] == release(host)
    # It has not waited for its timeout, which is a minute.
    assert answer.only["seconds"] < 20
    assert fleet.processes(host) == before


def test_it_is_held_under_watch_for_the_min_healthy_time(fleet: Fleet) -> None:
    answer = fleet.module("t19", "wait_healthy", min_healthy_time=4)
    assert answer.only["healthy"]
    assert 4 <= answer.only["seconds"] < 7


@pytest.mark.parametrize("host", [*THOROUGH, *thorough("p19", "t14")])
def test_a_reload_in_the_meantime_is_a_break_and_the_time_begins_anew(fleet: Fleet, host: str) -> None:
    # Asked for beforehand: on a busy machine a login may take longer than what is left of the watch.
    fleet.run(host, "sh", "-c", "(sleep 7; systemctl kill --kill-who=main -s HUP odoo) >/dev/null 2>&1 &")
    answer = fleet.module(host, "wait_healthy", min_healthy_time=12, timeout=60)
    assert answer.code == 0, answer.output
    assert answer.only["breaks"] >= 1, answer.output + fleet.run(
        host, "sh", "-c", "date; tail -n 40 /var/log/odoo/odoo-server.log; systemctl status --no-pager odoo"
    )
    assert answer.only["last_break"]
    assert (answer.only["healthy"], answer.only["code"]) == (True, None)
    assert answer.only["seconds"] > 13


@pytest.mark.parametrize("host", ["p19", "t14", *THOROUGH])
def test_it_waits_until_a_reload_is_over(fleet: Fleet, host: str) -> None:
    assert fleet.module(host, "send_signal", signal="HUP").code == 0
    assert fleet.module(host, "wait_healthy").only["healthy"]
    assert fleet.master(host)["state"] == "running"


def test_a_stopped_worker_makes_a_sick_server(fleet: Fleet) -> None:
    pids = [str(child["pid"]) for child in fleet.master("p14")["children"] if child["role"] == "http"]
    fleet.run("p14", "kill", "-STOP", *pids)
    try:
        answer = fleet.module("p14", "wait_healthy", timeout=4, health={"timeout": 1})
        assert (answer.code, answer.result["code"], answer.only["code"]) == (2, "timeout.healthy", "timeout.healthy")
        assert [word for word in (f"pid {answer.only['pid']} ", " 4 s") if word not in answer.result["msg"]] == []
        assert "timed out" in answer.only["reason"]
        assert 4 <= answer.only["seconds"] < 6
    finally:
        fleet.run("p14", "kill", "-CONT", *pids)
    assert fleet.module("p14", "wait_healthy").code == 0


def test_a_wrong_page_is_told(fleet: Fleet) -> None:
    answer = fleet.module("p19", "wait_healthy", timeout=1, health={"path": "/nothing"})
    assert (answer.code, answer.only["healthy"]) == (2, False)
    assert (answer.result["code"], answer.only["code"]) == ("timeout.healthy", "timeout.healthy")
    assert "/nothing answers 404" in answer.result["msg"]


def test_a_master_that_dies_is_a_failure_at_once_and_its_successor_is_named(fleet: Fleet) -> None:
    old = fleet.pid("journal")
    watched = fleet.begin("journal", "wait_healthy", min_healthy_time=20)
    time.sleep(4)
    fleet.run("journal", "bash", "-c", f"kill -KILL {old}")
    answer = watched()
    assert (answer.code, answer.result["code"], answer.only["code"]) == (2, "failed.ended", "failed.ended")
    assert f"pid {old}: " in answer.result["msg"]
    assert (answer.only["state"], answer.only["healthy"]) == ("gone", False)
    assert answer.only["seconds"] < 15
    fleet.settle("journal")


def test_its_successor_is_named_where_systemd_has_started_it_already(fleet: Fleet) -> None:
    watched = fleet.begin("t14", "wait_healthy", min_healthy_time=20)
    # However late the module begins.
    fleet.run("t14", "sh", "-c", "until pgrep -xu root python3; do sleep 0.1; done; sleep 2")
    fleet.run("t14", "systemctl", "restart", "odoo")
    answer = watched()
    new = fleet.settle("t14")["pid"]
    assert (answer.code, answer.result["code"], answer.only["code"]) == (2, "failed.ended", "failed.ended")
    # It may have been looked at in the moment between the two.
    message = answer.result["msg"]
    assert f"pid {new}" in message if "odoo.service" in message else message.count("pid") == 1


def test_a_draining_server_is_not_healthy(fleet: Fleet) -> None:
    with request(fleet, "p19", "/lab/sleep/6") as long:
        assert fleet.module("p19", "send_signal", signal="INT").code == 0
        answer = fleet.module("p19", "wait_healthy", timeout=30)
        assert (answer.code, answer.only["state"], answer.only["code"]) == (2, "gone", "failed.ended")
    assert long.status == 200
    fleet.run("p19", "timeout", "50", "sh", "-c", "while systemctl is-active -q odoo; do sleep 0.1; done")
    none = fleet.module("p19", "wait_healthy")
    assert (none.code, none.result["code"], none.result["results"]) == (2, "host.no_master", [])
    assert fleet.module("p19", "wait_healthy", allow_none=True).result["results"] == []
    fleet.run("p19", "systemctl", "start", "odoo")
    assert fleet.module("p19", "wait_healthy").only["healthy"]


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        ({"min_healthy_time": 60}, "option.too_long", ["min_healthy_time", "timeout", "60 s", "got 60"]),
        ({"min_healthy_time": -1}, "option.negative", ["min_healthy_time", "-1.0"]),
        ({"timeout": 0}, "option.not_positive", ["timeout", "got 0.0"]),
        ({"health": {"path": "x"}}, "option.not_a_url_path", ["health.path", "'x'"]),
        ({"match": {"http_port": 1}}, "host.no_master", ["{'http_port': 1}"]),
        ({"select": "[?mode=='threaded']"}, "host.none_selected", [repr("[?mode=='threaded']"), " 1 "]),
    ],
)
def test_what_is_wrong_is_said(fleet: Fleet, arguments: dict[str, object], code: str, named: list[str]) -> None:
    answer = fleet.module("p19", "wait_healthy", **arguments)
    assert (answer.code, answer.result["code"]) == (2, code)
    assert [word for word in named if word not in answer.result["msg"]] == []
