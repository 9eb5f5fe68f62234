# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the faults from the reports of load balancers, and the record of a failed task."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.filter.balancer_faults import FilterModule as Balancers
from ansible_collections.fleetops.odoo.plugins.filter.drain_faults import FilterModule as Drains
from ansible_collections.fleetops.odoo.plugins.filter.roll_failure import FilterModule as Failures
from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll.faults import faults_of, shared_faults


def seen(**more: t.Any) -> list[dict[str, t.Any]]:
    """Return the report of one load balancer about h1."""
    server = {"backend": "odoo", "server": "h1", "status": "UP", "admin": "ready", "sessions": 0, **more}
    return [{"item": "lb", "servers": [server, {**server, "server": "h2", "status": "DOWN"}]}]


def faults(told: list[dict[str, t.Any]], *backends: str) -> list[str]:
    """Return the codes that the filter has for h1."""
    found = Balancers().filters()["balancer_faults"](told, list(backends), ["h1"])
    assert all(one["message"].endswith(".") for one in found)
    return [one["code"] for one in found]


def test_a_host_that_is_in_has_no_fault() -> None:
    assert faults(seen()) == faults(seen(), "odoo") == faults(seen(status="no check")) == []


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ([{"item": "lb", "servers": []}], "roll.balancer_unknown_server"),
        (seen(admin="drain"), "roll.balancer_out_already"),
        (seen(weight=0), "roll.balancer_out_already"),
        (seen(status="DOWN 1/2"), "roll.balancer_down"),
        ([{"item": "lb", "unreachable": True, "msg": "no route\nmore"}], "roll.balancer_unreachable"),
        ([{"item": "lb", "code": "host.unreachable", "msg": "no route"}], "roll.balancer_unreachable"),
        ([{"item": "lb", "failed": True, "msg": "no socket"}], "roll.balancer_not_asked"),
        ([{"item": "lb", "failed": True, "msg": ""}], "roll.balancer_not_asked"),
    ],
)
def test_faults(told: list[dict[str, t.Any]], code: str) -> None:
    assert faults(told) == [code]


@pytest.mark.parametrize(
    ("address", "codes"), [("192.0.2.2", ["roll.balancer_tracked"]), ("192.0.2.1", []), (None, [])]
)
def test_a_server_of_another_host_that_would_leave_too_is_a_fault(address: str | None, codes: list[str]) -> None:
    told = seen(address="192.0.2.1")
    told[0]["servers"][1].update(address=address, tracks="odoo/h1", status="UP")
    assert faults(told) == codes


def test_a_backend_without_the_host_is_a_fault() -> None:
    assert faults(seen(), "other") == ["roll.balancer_unknown_server"]


@pytest.mark.parametrize(
    ("leaving", "least", "codes"),
    [
        (["h1"], 0, []),
        (["h1"], 1, ["roll.too_few_left"]),
        (["h3"], 0, ["roll.balancer_unknown_server"]),
    ],
)
def test_faults_of_a_drain(leaving: list[str], least: int, codes: list[str]) -> None:
    # (h2 is DOWN, so it does not count.)
    place = {"host": "lb", "path": "/s"}
    told = [{**one, "balancer_ask": place} for one in seen()]
    records = {"h": {"kind": "haproxy", "ask": [place], "servers": leaving, "backends": []}}
    found = Drains().filters()["drain_faults"](records, haproxy=told, least=least)
    assert [one["code"] for one in found] == codes


def failure(result: dict[str, t.Any], step: str = "out") -> dict[str, t.Any]:
    """Return what the filter keeps."""
    return t.cast("dict[str, t.Any]", Failures().filters()["roll_failure"](result, step))


def test_failures() -> None:
    kept = {"step": "reload", "code": "roll.task_failed", "reason": "it died", "unreachable": False}
    assert failure({"msg": "it died"}, "reload") == kept
    loop = {
        "msg": "One or more items failed",
        "results": [
            {"ansible_loop_var": "item", "item": 1},
            {"ansible_loop_var": "item", "failed": True, "msg": "no socket", "code": "roll.balancer_no_socket"},
        ],
    }
    assert (failure(loop)["reason"], failure(loop)["code"]) == ("no socket", "roll.balancer_no_socket")
    # What a module calls results is not what a loop calls so.
    assert failure({"msg": "it died", "results": [{"did": "signalled"}]})["reason"] == "it died"
    assert failure({"msg": "curl said password=hunter2"})["reason"] == "curl said password=********"
    for silent in ({}, {"msg": "\n"}):
        assert failure(silent)["code"] == "roll.no_message"
    assert failure({"msg": " ", "stderr": "no space"})["reason"] == "no space"


@pytest.mark.parametrize(
    ("result", "code", "reason"),
    [
        ({"msg": "Locked", "code": "roll.locked"}, "roll.locked", "Locked"),
        ({"msg": "Locked [roll.locked]"}, "roll.locked", "Locked"),
        ({"msg": "no\nroute [roll.locked]\n"}, "roll.locked", "no\nroute"),
        # The key code in a result of another collection is not a code of ours.
        ({"msg": "no", "code": 7}, "roll.task_failed", "no"),
        ({"msg": "no", "code": "E 7"}, "roll.task_failed", "no"),
        ({"msg": "a list [1, 2]"}, "roll.task_failed", "a list [1, 2]"),
        ({"msg": "no route", "unreachable": True}, "host.unreachable", "no route"),
    ],
)
def test_codes_of_failures(result: dict[str, t.Any], code: str, reason: str) -> None:
    kept = failure(result)
    assert (kept["code"], kept["reason"]) == (code, reason)
    assert kept["unreachable"] == (code == "host.unreachable")


def test_hosts_that_their_balancers_do_not_have_in_service() -> None:
    behind = {"kind": "haproxy", "backends": ["odoo"], "servers": ["a"]}
    seen = [
        {"balancer_host": "lb", "servers": [{"backend": "odoo", "server": "a", "admin": "maint", "status": "MAINT"}]}
    ]
    records: dict[str, dict[str, t.Any]] = {
        "a": {"ready": True, "behind": behind},
        "b": {"ready": False, "behind": behind},
        "c": {"ready": True},
    }
    found = faults_of(records, {"haproxy": seen}, check=False)
    assert {host: (one["step"], one["code"]) for host, one in found.items()} == {
        "a": ("balancer", "roll.balancer_out_already")
    }
    assert "lb" in found["a"]["reason"]
    left_out = {"a": {"ready": True, "behind": behind, "was_out": True}}
    assert faults_of(left_out, {"haproxy": seen}, check=True) == {}
    assert set(faults_of(left_out, {"haproxy": seen}, check=False)) == {"a"}
    drained = {"a": {"ready": True, "skipped": "the host is drained", "behind": behind}}
    assert faults_of(drained, {"haproxy": seen}, check=False) == {}
    # A balancer that does not answer is a fault of every host behind it.
    nobody = faults_of({"a": {"ready": True, "behind": behind}}, {}, check=False)
    assert nobody["a"]["code"] == "roll.balancer_not_asked"


NGINX = {"upstream": "odoo", "server": "192.0.2.1:8069", "state": "up"}


@pytest.mark.parametrize(
    ("told", "names", "code"),
    [
        ([NGINX], ["192.0.2.1"], None),
        ([NGINX], ["192.0.2.1:8069"], None),
        # The module nginx_upstream takes these for one server, too.
        ([{**NGINX, "server": "h1"}], ["h1:80"], None),
        ([{**NGINX, "state": "down"}], ["192.0.2.1"], "roll.balancer_out_already"),
        ([NGINX], ["192.0.2.11"], "roll.balancer_unknown_server"),
        ([{**NGINX, "upstream": "shop"}], ["192.0.2.1"], "roll.balancer_unknown_server"),
    ],
)
def test_hosts_behind_nginx(told: list[dict[str, t.Any]], names: list[str], code: str | None) -> None:
    behind = {"kind": "nginx", "backends": ["odoo"], "servers": names}
    records = {"a": {"ready": True, "behind": behind}}
    found = faults_of(records, {"nginx": [{"balancer_host": "lb", "servers": told}]}, check=False)
    assert [one["code"] for one in found.values()] == ([code] if code else [])


def test_names_that_stand_for_the_same_server_must_not_be_rolled_behind_a_balancer() -> None:
    def name(*masters: str, place: str = "here", kind: str = "haproxy") -> dict[str, t.Any]:
        return {"ready": True, "behind": {"kind": kind}, "place": place, "masters": list(masters)}

    apart = {"a": name("1:1"), "b": name("2:2"), "c": name("1:1", place="there")}
    assert shared_faults(apart) == {}
    found = shared_faults({**apart, "d": name("1:1", "3:3")})
    assert {host: one["code"] for host, one in found.items()} == dict.fromkeys("ad", "roll.same_server")
    # Without a balancer the second one finds nothing to do.
    assert shared_faults({"a": name("1:1", kind="none"), "b": name("1:1", kind="none")}) == {}
