# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate on real hosts: behind nginx and behind HAProxy, under load, and without its controller."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet, address, held, thorough
from ansible_collections.fleetops.odoo.tests.integration.traffic import roll, traffic

HOSTS = ("p19", "t19", "p14")
PORTS = {"p19": [8069, 8072], "t19": [8069], "p14": [8069, 8072]}
#: On lb.
HAPROXY, NGINX = 80, 81
TABLES = ("nft", "list", "tables")


@pytest.fixture(scope="module")
def fleet(balancers: Fleet) -> Fleet:
    """The fleet of three files, whose tests leave it as it was."""
    return balancers


@pytest.fixture(autouse=True)
def _open(fleet: Fleet) -> t.Iterator[None]:
    """Every gate is open when a test begins, and nothing is left of it when it ends."""
    yield
    for host in HOSTS:
        if fleet.run(host, *TABLES):
            fleet.module(host, "gate", state="open")
            assert fleet.run(host, *TABLES) == ""


def refused(fleet: Fleet, host: str, port: int = 8069) -> bool:
    """Return True if a new connection from this machine is answered with a reset."""
    try:
        with socket.create_connection((address(fleet.inventory, host), port), timeout=3):
            return False
    except ConnectionRefusedError:
        return True


def over_loopback(fleet: Fleet, host: str) -> str:
    """Return the status that the host itself gets from its server."""
    script = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8069/lab/pid').status)"
    return fleet.run(host, "python3", "-c", script).strip()


@pytest.mark.parametrize("host", ["p19", *thorough("t19", "p14")])
def test_four_runs(fleet: Fleet, host: str) -> None:
    checked = fleet.module(host, "gate", "--check", "--diff", state="closed", lease=60, timeout=20)
    assert (checked.code, checked.result["changed"]) == (0, True), checked.output
    assert [one["port"] for one in checked.result["closed"]] == PORTS[host]
    # Ansible shows the difference, and leaves it out of the result.
    assert all(f"+        {port}" in checked.output for port in PORTS[host])
    assert not refused(fleet, host)
    closed = fleet.module(host, "gate", "--diff", state="closed", lease=60, timeout=20)
    assert (closed.code, closed.result["changed"]) == (0, True), closed.output
    assert [one["port"] for one in closed.result["closed"]] == PORTS[host]
    assert all(50 < one["expires"] <= 60 for one in closed.result["closed"])
    assert all(refused(fleet, host, port) for port in PORTS[host])
    assert over_loopback(fleet, host) == "200"
    for mode in (["--check"], []):
        again = fleet.module(host, "gate", *mode, state="closed", lease=60, timeout=20)
        assert (again.code, again.result["changed"]) == (0, False)
    told = fleet.module(host, "gate_info").result
    assert [one["port"] for one in told["closed"]] == PORTS[host]
    assert all(" on " in one["owner"] for one in told["closed"])
    assert fleet.module(host, "gate", "--check", state="open").result["changed"]
    assert refused(fleet, host)
    opened = fleet.module(host, "gate", state="open")
    assert (opened.result["changed"], opened.result["closed"]) == (True, [])
    assert not refused(fleet, host)
    assert fleet.run(host, *TABLES) == ""
    assert not fleet.module(host, "gate", state="open").result["changed"]


def test_what_is_allowed_is_let_through(fleet: Fleet) -> None:
    here = address(fleet.inventory, "p19").rpartition(".")[0] + ".1"
    answer = fleet.module("p19", "gate", state="closed", lease=60, timeout=20, allow=[here, "2001:db8::/32"])
    assert answer.result["allow"] == [f"{here}/32", "2001:db8::/32"]
    assert not refused(fleet, "p19")
    answer = fleet.module("p19", "gate", state="closed", lease=60, timeout=20)
    assert answer.result["changed"]
    assert refused(fleet, "p19")


def test_an_established_connection_goes_on_and_is_waited_for(fleet: Fleet) -> None:
    with held(fleet, "p19", "long") as request:
        answer = fleet.module("p19", "gate", state="closed", lease=60, timeout=2)
        assert (answer.code, answer.result["code"]) == (2, "timeout.requests"), answer.output
        assert (answer.result["requests"], len(answer.result["peers"])) == (1, 1)
        assert refused(fleet, "p19")
        wait = fleet.begin("p19", "gate", state="closed", lease=90, timeout=80)
        while "timeout 1m30s" not in fleet.run("p19", "nft", "list", "ruleset"):
            time.sleep(0.1)
        time.sleep(3)
    assert request.status == 200
    answer = wait()
    assert (answer.code, answer.result["requests"]) == (0, 0)
    assert answer.result["seconds"] > 2
    # The lease counts from the end of the wait.
    assert all(one["expires"] >= 88 for one in answer.result["closed"])


def test_health_checks_that_are_named_are_not_waited_for(fleet: Fleet) -> None:
    here = address(fleet.inventory, "p19").rpartition(".")[0] + ".1"
    with held(fleet, "p19", "check"):
        assert fleet.module("p19", "wait_idle", timeout=1).result["code"] == "timeout.requests"
        answer = fleet.module("p19", "wait_idle", timeout=1, ignore=[here])
        assert (answer.code, answer.result["requests"]) == (0, 0)


@pytest.mark.versions
@pytest.mark.parametrize("host", ["p19", "p14"])
def test_websockets_have_a_time_limit_of_their_own(fleet: Fleet, host: str) -> None:
    # A host that has just come up answers before its gevent process listens.
    fleet.run(host, "sh", "-c", "for n in $(seq 100); do ss -Hltn | grep -q ':8072 ' && exit; sleep 0.3; done; exit 1")
    connection = socket.create_connection((address(fleet.inventory, host), 8072))
    try:
        answer = fleet.module(host, "gate", state="closed", lease=60, timeout=10, websocket_timeout=2)
        assert (answer.code, answer.result["requests"], answer.result["websockets"]) == (0, 0, 1), answer.output
        assert 2 <= answer.result["seconds"] < 6
    finally:
        connection.close()
    assert fleet.module(host, "wait_idle", websocket_timeout=10).result["websockets"] == 0


def test_a_lease_that_is_too_short_is_refused(fleet: Fleet) -> None:
    answer = fleet.module("p19", "gate", state="closed", lease=60, timeout=60)
    assert (answer.code, answer.result["code"]) == (2, "option.too_long")
    assert not refused(fleet, "p19")


def test_ports_of_a_host_whose_server_is_down(fleet: Fleet) -> None:
    answer = fleet.module("p19", "gate", state="closed", lease=60, timeout=5, ports=[8444], match={"pid": 1})
    assert (answer.code, [one["port"] for one in answer.result["closed"]]) == (0, [8444]), answer.output
    assert "hook prerouting" in fleet.run("p19", "nft", "list", "ruleset")


def test_a_port_that_leads_elsewhere_is_refused_too(fleet: Fleet) -> None:
    """As docker and podman publish ports: another address is put in before the packet is routed."""
    there = address(fleet.inventory, "t19")
    rules = (
        "table ip published { chain pre { type nat hook prerouting priority -100; tcp dport 18069 dnat to %s:8069; };"
        " chain post { type nat hook postrouting priority 100; ip daddr %s masquerade; }; }"
    )
    # The host itself may not: its /proc/sys is read-only.
    forward = ["ip", "netns", "exec", f"fl-{fleet.name}-p19", "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]
    subprocess.run(forward, check=True)
    fleet.run("p19", "nft", rules % (there, there))
    try:
        assert not refused(fleet, "p19", 18069)
        fleet.module("p19", "gate", state="closed", lease=60, timeout=5, ports=[18069], match={"pid": 1})
        assert refused(fleet, "p19", 18069)
        assert not refused(fleet, "p19")
    finally:
        fleet.run("p19", "nft", "delete table ip published")


def test_only_root_may_close(fleet: Fleet) -> None:
    answer = fleet.module("p19", "gate", "-e", "ansible_user=ops", state="closed", ports=[8069])
    assert (answer.code, answer.result["code"]) == (2, "gate.not_root")


def test_without_nft_it_is_refused(fleet: Fleet) -> None:
    fleet.run("p19", "mv", "/usr/sbin/nft", "/usr/sbin/nft.away")
    try:
        for name, options in (("gate", {"state": "closed"}), ("gate", {"state": "open"}), ("gate_info", {})):
            answer = fleet.module("p19", name, **options)
            assert (answer.code, answer.result["code"]) == (2, "gate.no_nft")
    finally:
        fleet.run("p19", "mv", "/usr/sbin/nft.away", "/usr/sbin/nft")


@pytest.mark.thorough
@pytest.mark.parametrize("port", [HAPROXY, *thorough(NGINX)])
def test_no_request_is_lost_while_hosts_leave_and_come_back(fleet: Fleet, port: int) -> None:
    closed = "\n    - fleetops.odoo.gate: {state: closed, lease: 120, timeout: 100}\n"
    with traffic(fleet, port) as tally:
        done = roll(fleet, closed, "    - fleetops.odoo.gate: {state: open}\n")
    assert done.returncode == 0, done.stdout
    assert tally["failed"] == 0, tally
    assert tally["requests"] > 50


def test_the_gate_opens_by_itself_when_the_controller_is_killed(fleet: Fleet) -> None:
    options = json.dumps({"state": "closed", "lease": 8, "timeout": 6})
    with held(fleet, "p19", "orphan"):
        begun = time.monotonic()
        command = ["ansible", "-i", fleet.inventory, "p19", "-m", "fleetops.odoo.gate", "-a", options]
        controller = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
        while not refused(fleet, "p19"):
            assert time.monotonic() < begun + 20
            time.sleep(0.1)
        closed = time.monotonic()
        os.killpg(controller.pid, signal.SIGKILL)
        controller.wait()
        while refused(fleet, "p19"):
            assert time.monotonic() < closed + 20
            time.sleep(0.1)
    assert 5 < time.monotonic() - closed < 10
    connection = http.client.HTTPConnection(address(fleet.inventory, "p19"), 8069, timeout=10)
    connection.request("POST", "/lab/pid", body="x=1")
    assert connection.getresponse().status == 200
    # The next run finds nothing closed, and is right.
    assert fleet.module("p19", "gate_info").result["closed"] == []
    assert fleet.module("p19", "gate", state="closed", lease=60, timeout=20).result["changed"]
