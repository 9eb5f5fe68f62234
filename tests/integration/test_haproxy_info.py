# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real HAProxy's own view of its servers."""

from __future__ import annotations

import time
import typing as t

import pytest

from .conftest import Fleet, free, request

SOCKET = "/run/haproxy/admin.sock"


def server(fleet: Fleet) -> dict[str, t.Any]:
    """The one balanced server of the fleet."""
    answer = fleet.module("lb", "haproxy_info")
    assert (answer.code, answer.result["changed"]) == (0, False), answer.output
    (found,) = answer.result["servers"]
    return t.cast("dict[str, t.Any]", found)


def tell(fleet: Fleet, command: str) -> None:
    """Say something to HAProxy."""
    assert not fleet.run("lb", "bash", "-c", f"echo '{command}' | socat - UNIX:{SOCKET}").strip()


def wait_for(fleet: Fleet, key: str, value: object) -> dict[str, t.Any]:
    """Wait for HAProxy's checks to see what has changed."""
    deadline = time.monotonic() + 20
    while (found := server(fleet))[key] != value:
        assert time.monotonic() < deadline, found
    return found


def test_a_server_that_is_in(fleet: Fleet) -> None:
    found = wait_for(fleet, "status", "UP")
    assert found == {
        "backend": "odoo",
        "server": "p19",
        "status": "UP",
        "admin": "ready",
        "sessions": 0,
        "queued": 0,
        "check": "L7OK",
        "weight": 1,
    }
    assert fleet.module("lb", "haproxy_info", "--check").result["servers"] == [found]


@pytest.mark.parametrize(("state", "status"), [("drain", "DRAIN"), ("maint", "MAINT"), ("ready", "UP")])
def test_what_it_was_set_to(fleet: Fleet, state: str, status: str) -> None:
    tell(fleet, f"set server odoo/p19 state {state}")
    try:
        assert wait_for(fleet, "status", status)["admin"] == state
    finally:
        tell(fleet, "set server odoo/p19 state ready")
        wait_for(fleet, "status", "UP")


def test_drained_and_down_at_the_same_time(fleet: Fleet) -> None:
    tell(fleet, "set server odoo/p19 state drain")
    fleet.run("p19", "systemctl", "stop", "odoo")
    try:
        found = wait_for(fleet, "status", "DOWN")
        assert (found["admin"], found["check"]) == ("drain", "L4CON")
    finally:
        fleet.run("p19", "systemctl", "start", "odoo")
        fleet.module("p19", "wait_healthy")
        tell(fleet, "set server odoo/p19 state ready")
        wait_for(fleet, "status", "UP")


def test_a_session_counts(fleet: Fleet) -> None:
    with request(fleet, "lb", "/lab/hold/session", port=80) as long:
        assert server(fleet)["sessions"] == 1
        free(fleet, "p19", "session")
    assert long.status == 200
    assert server(fleet)["sessions"] == 0


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({"backends": ["odoo"]}, 1),
        ({"servers": ["p19", "other"]}, 1),
        ({"backends": ["odoo"], "servers": ["p19"]}, 1),
        ({"backends": ["web"]}, 0),
        ({"servers": ["other"]}, 0),
    ],
)
def test_filters(fleet: Fleet, arguments: dict[str, list[str]], found: int) -> None:
    assert len(fleet.module("lb", "haproxy_info", **arguments).result["servers"]) == found


@pytest.mark.parametrize(
    ("path", "codes"),
    [
        ("/run/nothing.sock", ["roll.balancer_no_socket"]),
        ("/etc/passwd", ["roll.balancer_not_running"]),
        ("/run/systemd/private", ["roll.balancer_not_haproxy", "roll.balancer_no_answer"]),
    ],
)
def test_no_haproxy_has_a_code(fleet: Fleet, path: str, codes: list[str]) -> None:
    answer = fleet.module("lb", "haproxy_info", socket=path)
    assert answer.code == 2
    assert answer.result["code"] in codes
    assert path in answer.result["msg"]
    assert "\n" not in answer.result["msg"]


def test_no_permission_has_a_code(fleet: Fleet) -> None:
    answer = fleet.module("lb", "haproxy_info", "-e", "ansible_user=ops")
    assert (answer.code, answer.result["code"]) == (2, "roll.balancer_not_permitted")
    assert SOCKET in answer.result["msg"]
