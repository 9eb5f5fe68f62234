# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real HAProxy's own view of its servers."""

from __future__ import annotations

import time
import typing as t

import pytest

from .conftest import Fleet, address, free, request

SOCKET = "/run/haproxy/admin.sock"
CONFIG = "/etc/haproxy/haproxy.cfg"


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
        "tracks": None,
        "inherited": False,
        "address": address(fleet.inventory, "p19"),
        "backup": False,
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


@pytest.fixture
def tracking(fleet: Fleet) -> t.Iterator[None]:
    """Add a second backend, whose one server tracks that of the first one."""
    more = f"\nbackend chat\n    server p19 {address(fleet.inventory, 'p19')}:8072 track odoo/p19\n"
    before = fleet.run("lb", "cat", CONFIG)
    fleet.feed("lb", f"cat > {CONFIG} && systemctl restart haproxy", (before + more).encode())
    try:
        wait_for_both(fleet, ("ready", False, "UP"), ("ready", False, "UP"))
        yield
    finally:
        fleet.feed("lb", f"cat > {CONFIG} && systemctl restart haproxy", before.encode())
        wait_for(fleet, "status", "UP")


def wait_for_both(fleet: Fleet, *wanted: tuple[str, bool, str]) -> None:
    """Wait until the tracked server and the one that tracks it are in these states."""
    deadline = time.monotonic() + 20
    while True:
        found = fleet.module("lb", "haproxy_info").result["servers"]
        assert [one["tracks"] for one in found] == [None, "odoo/p19"]
        if [(one["admin"], one["inherited"], one["status"].partition(" ")[0]) for one in found] == list(wanted):
            return
        assert time.monotonic() < deadline, found


@pytest.mark.thorough
@pytest.mark.usefixtures("tracking")
def test_a_server_that_tracks_another_one(fleet: Fleet) -> None:
    out = fleet.module("lb", "haproxy", state="drain", host=["p19"], backend=["odoo"])
    assert (out.code, out.result["followers"]) == (0, ["chat/p19"]), out.output
    wait_for_both(fleet, ("drain", False, "DRAIN"), ("drain", True, "DRAIN"))
    # It cannot enter alone, and that is told without waiting.
    for options in (["--check"], []):
        alone = fleet.module("lb", "haproxy", *options, state="enabled", host=["p19"], backend=["chat"], timeout=60)
        assert (alone.code, alone.result["code"], alone.result["changed"]) == (2, "roll.balancer_tracked_out", False)
        assert "tracks odoo/p19" in alone.result["msg"]
    # HAProxy takes the command nevertheless, and does nothing.
    tell(fleet, "set server chat/p19 state ready")
    wait_for_both(fleet, ("drain", False, "DRAIN"), ("drain", True, "DRAIN"))
    assert fleet.module("lb", "haproxy", state="enabled", host=["p19"]).result["changed"]
    wait_for_both(fleet, ("ready", False, "UP"), ("ready", False, "UP"))
    # Alone it leaves, and the tracked server stays.
    assert fleet.module("lb", "haproxy", state="drain", host=["p19"], backend=["chat"]).result["followers"] == []
    wait_for_both(fleet, ("ready", False, "UP"), ("drain", False, "DRAIN"))
    # What is out with the tracked server stays out when that one enters.
    tell(fleet, "set server odoo/p19 state maint")
    tell(fleet, "set server chat/p19 state ready")
    wait_for_both(fleet, ("maint", False, "MAINT"), ("maint", True, "MAINT"))
    assert fleet.module("lb", "haproxy", state="drain", host=["p19"], backend=["chat"]).result["changed"]
    tell(fleet, "set server odoo/p19 state ready")
    wait_for_both(fleet, ("ready", False, "UP"), ("drain", False, "DRAIN"))
    assert fleet.module("lb", "haproxy", state="enabled", host=["p19"]).result["changed"]
    wait_for_both(fleet, ("ready", False, "UP"), ("ready", False, "UP"))


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["ipv4@127.0.0.1:9999", "abns@fleetops", ":9999"])
def test_the_socket_may_be_a_port_or_an_abstract_name(fleet: Fleet, name: str) -> None:
    there = "ipv4@127.0.0.1:9999" if name == ":9999" else name
    fleet.run(
        "lb",
        "sh",
        "-c",
        f"cp -p {CONFIG} {CONFIG}.before; sed -i '/^global/a stats socket {there} level admin' {CONFIG}",
    )
    try:
        fleet.run("lb", "systemctl", "restart", "haproxy")
        answer = fleet.module("lb", "haproxy_info", socket=name)
        assert (answer.code, [one["server"] for one in answer.result["servers"]]) == (0, ["p19"]), answer.output
        out = fleet.module("lb", "haproxy", socket=name, host="p19", state="drain")
        assert (out.code, out.result["changed"], server(fleet)["admin"]) == (0, True, "drain"), out.output
        assert fleet.module("lb", "haproxy", socket=name, host="p19", state="enabled").code == 0
    finally:
        fleet.run("lb", "sh", "-c", f"mv {CONFIG}.before {CONFIG}; systemctl restart haproxy")
    refused = fleet.module("lb", "haproxy_info", socket=name)
    assert (refused.code, refused.result["code"]) == (2, "roll.balancer_not_running"), refused.output
