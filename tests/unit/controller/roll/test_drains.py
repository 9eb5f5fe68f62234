# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the lines of graceful_drain for a host, and the faults that keep a host in its load balancer."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.filter.drain_faults import FilterModule as Faults
from ansible_collections.fleetops.odoo.plugins.filter.drain_line import FilterModule as Lines

line = Lines().filters()["drain_line"]
faults = Faults().filters()["drain_faults"]

HOLD = {"kind": "systemd", "unit": "odoo.service", "policy": "always", "drop_in": "/run/x.conf"}


def one(did: str, **more: t.Any) -> dict[str, t.Any]:
    """An entry of ``results``."""
    found = {"did": did, "pid": 33, "signals": ["INT"], "seconds": 1.23, "reason": "that is why", "hold": None}
    return {**found, "steps": [{"seconds": 0.1, "what": "INT would be sent to pid 33"}], **more}


@pytest.mark.parametrize(
    ("results", "check", "said"),
    [
        ([], False, "no Odoo server runs"),
        ([one("signalled")], False, "drained in 1.2 s (INT to 33)"),
        ([one("signalled", hold=HOLD)], False, "drained in 1.2 s (INT to 33); odoo.service (Restart=always) is held"),
        ([one("signalled")], True, "would be drained (INT would be sent to pid 33)"),
        ([one("started")], False, "back after 1.2 s"),
        ([one("started", steps=[{"what": "a"}, {"what": "b"}])], True, "would be started (a, b)"),
        ([one("nothing"), one("signalled")], False, "that is why; drained in 1.2 s (INT to 33)"),
    ],
)
def test_one_line_for_a_host(results: list[dict[str, t.Any]], check: bool, said: str) -> None:  # noqa: FBT001
    assert line({"results": results}, check) == said


def server(name: str, admin: str = "ready", status: str = "UP", backend: str = "odoo") -> dict[str, t.Any]:
    """A server as haproxy_info tells it."""
    return {"backend": backend, "server": name, "admin": admin, "status": status}


ALL = [server("a"), server("b"), server("c"), server("a", backend="chat")]


PLACE = {"host": "lb", "path": "/run/haproxy/admin.sock"}


def record(name: str, backends: list[str], kind: str = "haproxy", **more: t.Any) -> dict[str, t.Any]:
    """Return how the load balancer knows a host that leaves."""
    return {"kind": kind, "ask": [PLACE], "servers": [name], "backends": backends, **more}


@pytest.mark.parametrize(
    ("servers", "backends", "leaving", "least", "said"),
    [
        (ALL, ["odoo"], ["a"], 2, []),
        (ALL, ["odoo"], ["a", "b"], 1, []),
        (ALL, ["odoo"], ["a"], 3, [("roll.too_few_left", "odoo")]),
        (ALL, [], ["a"], 1, [("roll.too_few_left", "chat")]),
        # HAProxy gives a server of weight 0 no requests.
        ([server("a"), server("b"), {**server("c"), "weight": 0}], ["odoo"], ["a"], 2, [("roll.too_few_left", "odoo")]),
        # A backup server gets requests only where no other server does.
        ([server("a"), {**server("b"), "backup": True}], ["odoo"], ["a"], 1, [("roll.too_few_left", "odoo")]),
        # A server that tracks one that leaves leaves too.
        (
            [server("a"), server("b"), {**server("c"), "tracks": "odoo/a"}],
            ["odoo"],
            ["a"],
            2,
            [("roll.too_few_left", "odoo")],
        ),
        ([server("a"), server("b"), {**server("c"), "tracks": "odoo/b"}], ["odoo"], ["a"], 2, []),
        # A backend that keeps all of its servers does not matter.
        (ALL, [], ["b"], 2, []),
        # What is out, or down, does not count as staying; what leaves may be out already.
        ([server("a", "drain"), server("b")], ["odoo"], ["a"], 1, []),
        (
            [server("a"), server("b", "drain"), server("c", status="DOWN")],
            ["odoo"],
            ["a"],
            1,
            [("roll.too_few_left", "odoo")],
        ),
        (ALL, ["odoo"], ["x", "a"], 0, [("roll.balancer_unknown_server", "x")]),
    ],
)
def test_enough_must_stay(
    servers: list[dict[str, str]], backends: list[str], leaving: list[str], least: int, said: list[tuple[str, str]]
) -> None:
    records = {name: record(name, backends) for name in leaving}
    found = faults(records, haproxy=[{"balancer_ask": PLACE, "servers": servers}], least=least)
    assert [one["code"] for one in found] == [code for code, _word in said]
    assert all(word in one["message"] for one, (_code, word) in zip(found, said))


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"unreachable": True, "msg": "no route\nat all"}, "roll.balancer_unreachable"),
        ({"failed": True, "msg": "no route"}, "roll.balancer_not_asked"),
    ],
)
def test_a_balancer_that_does_not_answer(answer: dict[str, t.Any], code: str) -> None:
    (found,) = faults({"a": record("a", [])}, haproxy=[{"balancer_ask": PLACE, **answer}])
    assert found["code"] == code
    assert "no route" in found["message"]


def upstream(server: str, state: str = "up", name: str = "odoo", **more: t.Any) -> dict[str, t.Any]:
    """A server as nginx_info tells it."""
    return {"upstream": name, "server": f"{server}:8069", "state": state, "backup": False, **more}


NGINX = [upstream("a"), upstream("b"), upstream("c", "down"), upstream("d", backup=True), upstream("a", name="chat")]


@pytest.mark.parametrize(
    ("leaving", "least", "codes"),
    [
        (["a"], 1, []),
        (["a"], 2, ["roll.too_few_left"]),
        (["a", "b"], 1, ["roll.too_few_left"]),
        (["a", "x"], 1, ["roll.balancer_unknown_server"]),
        # What is down already leaves nothing.
        (["c"], 2, []),
    ],
)
def test_enough_must_stay_in_nginx(leaving: list[str], least: int, codes: list[str]) -> None:
    records = {name: record(name, ["odoo"], "nginx") for name in leaving}
    found = faults(records, nginx=[{"balancer_ask": PLACE, "servers": NGINX}], least=least)
    assert [one["code"] for one in found] == codes


def test_enough_must_stay_in_an_upstream_for_websockets() -> None:
    leaving = {"a": record("a", ["odoo"], "nginx", websockets=["chat"])}
    (found,) = faults(leaving, nginx=[{"balancer_ask": PLACE, "servers": NGINX}])
    assert (found["code"], "chat" in found["message"]) == ("roll.too_few_left", True)


def test_a_balancer_of_other_hosts_is_not_asked() -> None:
    other = {"balancer_ask": {**PLACE, "host": "lb9"}, "failed": True}
    assert faults({"a": record("a", ["odoo"], "tasks")}, haproxy=[other], nginx=[other]) == []
    assert faults({"a": record("a", ["odoo"])}, haproxy=[other]) == []
