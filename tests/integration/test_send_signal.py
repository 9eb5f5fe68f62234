# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The door, on real servers."""

from __future__ import annotations

import typing as t

import pytest

from .conftest import HUP, Fleet, free, request, thorough

pytestmark = pytest.mark.versions

LOG = "/var/log/odoo/odoo-server.log"


@pytest.mark.parametrize(
    ("host", "arguments", "rule"),
    [
        ("p14", {"signal": "USR2"}, "no_handler"),
        ("p14", {"signal": "USR2", "force": True}, "no_handler"),
        ("t14", {"signal": "USR2", "force": True}, "no_handler"),
        ("p19", {"signal": "XCPU", "force": True}, "no_handler"),
        ("t19", {"signal": "XCPU"}, "role"),
        ("t19", {"signal": "TTIN"}, "no_handler"),
        ("p19", {"signal": "HUP", "roles": ["http"]}, "role"),
        ("p19", {"signal": "HUP", "roles": ["http"], "force": True}, "no_handler"),
        ("p19", {"signal": "USR1", "roles": ["gevent"]}, "role"),
        ("p19", {"signal": "TTOU", "roles": ["cron"]}, "role"),
        # One of them may have it. As the other may not, neither gets it.
        ("p19", {"signal": "XCPU", "roles": ["cron", "gevent"]}, "role"),
    ],
)
@pytest.mark.parametrize("options", [*thorough(["--check"]), []])
def test_what_would_kill_is_refused_with_its_rule(
    fleet: Fleet, host: str, arguments: dict[str, t.Any], rule: str, options: list[str]
) -> None:
    before = fleet.processes(host)
    answer = fleet.module(host, "send_signal", *options, **arguments)
    assert (answer.code, answer.result["code"], answer.result["changed"]) == (2, f"refused.{rule}", False)
    (refused,) = [one for one in answer.result["results"] if one["did"] == "refused"]
    assert refused["code"] == f"refused.{rule}"
    assert [
        word for word in (str(arguments["signal"]), f"pid {refused['pid']}") if word not in answer.result["msg"]
    ] == []
    others = [one for one in answer.result["results"] if one is not refused]
    assert {(one["did"], one["code"]) for one in others} <= {("not_reached", "failed.not_reached")}
    assert [one["signals"] for one in answer.result["results"] if one["signals"]] == []
    assert fleet.processes(host) == before


def test_quit_to_the_http_workers_writes_their_stacks_and_changes_nothing(fleet: Fleet) -> None:
    workers = [child["pid"] for child in fleet.master("p19")["children"] if child["role"] == "http"]
    # HAProxy's health check wakes idle workers each second, and on Python 3.11 a QUIT waits for processes at rest.
    answer = fleet.module("p19", "send_signal", signal="QUIT", roles=["http"], risk="accept")
    assert answer.result["changed"] is False
    assert {(one["did"], one["code"]) for one in answer.result["results"]} == {("signalled", None)}
    assert sorted(one["pid"] for one in answer.result["results"]) == sorted(workers)
    for pid in workers:
        assert f" {pid} INFO" in fleet.run(
            "p19", "bash", "-c", f"sleep 0.5; grep -A1 'odoo.tools.misc' {LOG} | tail -40"
        )


def test_int_to_a_worker_finishes_its_request_and_is_waited_for(fleet: Fleet) -> None:
    with request(fleet, "p19", "/lab/sleep/3") as long:
        answer = fleet.module("p19", "send_signal", signal="INT", roles=["http"], wait=True)
        assert answer.code == 0
        assert [one["after"]["alive"] for one in answer.result["results"]] == [False, False]
    assert long.status == 200
    assert fleet.master("p19")["workers"] == {"http": 2, "cron": 1, "gevent": 1, "other": 0}


def test_ttin_brings_one_more_and_a_hup_resets_it(fleet: Fleet) -> None:
    more = fleet.module("p14", "send_signal", signal="TTIN", wait=True)
    assert more.only["after"]["workers"]["http"] == 3
    assert fleet.module("p14", "send_signal", signal="HUP", wait=True).code == 0
    assert fleet.master("p14")["workers"]["http"] == 2


@pytest.mark.parametrize("host", ["p19", "p14"])
def test_no_second_int_while_it_drains(fleet: Fleet, host: str) -> None:
    try:
        with request(fleet, host, "/lab/hold/drain") as long:
            assert fleet.module(host, "send_signal", signal="INT").code == 0
            second = fleet.module(host, "send_signal", signal="INT")
            assert second.outcome == (2, "refused", "refused.state")
            assert "draining" in second.result["msg"]
            free(fleet, host, "drain")
        assert long.status == 200
        assert "Forced shutdown" not in fleet.run(host, "tail", "-50", LOG)
    finally:
        # A start that comes before the drain has ended does nothing.
        fleet.run(host, "timeout", "50", "sh", "-c", "while systemctl is-active -q odoo; do sleep 0.1; done")
        fleet.run(host, "systemctl", "start", "odoo")
        fleet.settle(host)


def test_force_lifts_the_state_and_says_so(fleet: Fleet) -> None:
    answer = fleet.module("p19", "send_signal", "--check", signal="USR1", roles=["gevent"], force=True)
    assert answer.outcome == (0, "signalled", None)
    assert list(answer.warned) == ["refused.role"]
    assert [word for word in ("USR1", "gevent") if word not in answer.warned["refused.role"]] == []


@pytest.mark.thorough
def test_odoo_sh_is_left_alone(fleet: Fleet) -> None:
    drop_in = "/run/systemd/system/odoo.service.d/sh.conf"
    fleet.run("t14", "mkdir", "-p", "/run/systemd/system/odoo.service.d")
    fleet.run("t14", "bash", "-c", rf"printf '[Service]\nEnvironment=ODOO_STAGE=staging\n' > {drop_in}")
    try:
        fleet.run("t14", "bash", "-c", "systemctl daemon-reload; systemctl restart odoo")
        assert fleet.settle("t14")["platform"] == "odoo.sh"
        for name, arguments, code in (
            ("send_signal", {"signal": "QUIT"}, "refused.odoo_sh"),
            ("reload", HUP, "refused.odoo_sh"),
            ("reload", {"policy": "always", "method": "supervisor"}, "refused.odoo_sh_restarts"),
        ):
            assert fleet.module("t14", name, **arguments).outcome == (2, "refused", code)
        forced = fleet.module("t14", "reload", force=True, **HUP)
        assert (forced.outcome, list(forced.warned)) == ((0, "signalled", None), ["refused.odoo_sh"])
    finally:
        fleet.run("t14", "bash", "-c", f"rm {drop_in}; systemctl daemon-reload; systemctl restart odoo")
        fleet.settle("t14")


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("[?mode=='prefork']", 1),
        ("[?mode=='prefork'].identity", 1),
        pytest.param("[0]", 1, marks=pytest.mark.thorough),
        ("[?children[?role=='http'] | length(@) > `1`]", 1),
        ("[?mode=='threaded']", 0),
        pytest.param("[?nothing]", 0, marks=pytest.mark.thorough),
    ],
)
def test_select(fleet: Fleet, expression: str, found: int) -> None:
    assert len(fleet.module("p19", "master_info", select=expression).result["masters"]) == found
    answer = fleet.module("p19", "send_signal", "--check", signal="USR1", select=expression)
    if found:
        assert (answer.code, len(answer.result["results"])) == (0, found)
    else:
        assert (answer.code, answer.result["code"], answer.result["results"]) == (2, "host.none_selected", [])
        assert repr(expression) in answer.result["msg"]
        assert fleet.module("p19", "send_signal", signal="USR1", select=expression, allow_none=True).code == 0


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("[?mode==", "option.bad_select"),
        ("[].pid", "option.select_returns"),
        ("'x'", "option.select_returns"),
        ("length(@)", "option.select_returns"),
        ("nosuch(@)", "option.bad_select"),
        ("{a: [0]}", "option.select_returns"),
    ],
)
def test_a_wrong_select_is_shown(fleet: Fleet, expression: str, code: str) -> None:
    answer = fleet.module("p19", "send_signal", signal="USR1", select=expression)
    assert (answer.code, answer.result["code"]) == (2, code)
    assert expression in answer.result["msg"]
