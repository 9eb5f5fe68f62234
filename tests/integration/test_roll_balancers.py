# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that rolls behind nginx, and behind balancers that tasks must not touch, lose no GET or POST."""

from __future__ import annotations

import contextlib
import http.client
import os
import pathlib
import re
import signal
import socket
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet, address, held, thorough
from ansible_collections.fleetops.odoo.tests.integration.rolls import Roll
from ansible_collections.fleetops.odoo.tests.integration.traffic import traffic

HOSTS = ("p19", "t19", "p14")
#: On lb.
HAPROXY, NGINX = 80, 81
ODOO = 8069
UPSTREAMS: dict[str, t.Any] = {
    "balancer": "nginx",
    "balancer_nginx_hosts": ["lb"],
    "balancer_nginx_upstreams": ["odoo"],
    "balancer_nginx_websocket_upstreams": ["odoo_gevent"],
    "balancer_nginx_servers": "{{ ansible_host }}",
}


@pytest.fixture(scope="module")
def fleet(balancers: Fleet) -> Fleet:
    """The fleet of three files, whose tests leave it as it was."""
    return balancers


def files(fleet: Fleet) -> str:
    """Digests of nginx's files."""
    return fleet.run("lb", "sh", "-c", "find /etc/nginx -type f | sort | xargs sha256sum")


@pytest.mark.parametrize("method", ["hup", *thorough("supervisor")])
def test_a_roll_behind_nginx_loses_no_request(fleet: Fleet, tmp_path: pathlib.Path, method: str) -> None:
    before = files(fleet)
    with traffic(fleet, NGINX) as tally:
        time.sleep(2)
        begun = time.monotonic()
        done = Roll(fleet, tmp_path, "-l", ",".join(HOSTS), method=method, **UPSTREAMS).end()
        seconds = time.monotonic() - begun
        time.sleep(1)
    assert done.code == 0, done.output
    assert set(done.outcomes.values()) == {"reloaded" if method == "hup" else "restarted"}
    assert {type(one["under_way"]) for one in done.report["hosts"]} == {int}
    assert tally["failed"] == 0, tally
    # Sent are five a second.
    assert tally["requests"] > 2 * seconds
    assert files(fleet) == before


@pytest.mark.parametrize("port", thorough(NGINX, HAPROXY))
def test_a_roll_that_refuses_connections_loses_no_request(fleet: Fleet, tmp_path: pathlib.Path, port: int) -> None:
    with traffic(fleet, port) as tally:
        time.sleep(2)
        done = Roll(fleet, tmp_path, "-l", ",".join(HOSTS), balancer="firewall").end()
        time.sleep(1)
    assert done.code == 0, done.output
    assert set(done.outcomes.values()) == {"reloaded"}
    assert {type(one["under_way"]) for one in done.report["hosts"]} == {int}
    assert tally["failed"] == 0, tally
    assert [fleet.run(host, "nft", "list", "tables") for host in HOSTS] == [""] * len(HOSTS)


@pytest.mark.thorough
@pytest.mark.timeout(500)
def test_a_killed_roll_leaves_no_host_closed_and_the_next_one_is_right(fleet: Fleet, tmp_path: pathlib.Path) -> None:
    """The load balancer sends requests elsewhere meanwhile, and the kernel opens the ports when the lease is over."""
    firewall: dict[str, t.Any] = {"balancer": "firewall", "balancer_firewall_lease": 5, "timeout": 20}
    limit = ["-l", "p19,t19"]
    with traffic(fleet, NGINX) as tally:
        with held(fleet, "p19", "killed"):
            roll = Roll(fleet, tmp_path / "1", *limit, **firewall)
            roll.wait_for_turn(
                "p19", "Close the ports of Odoo to new connections, and wait until its requests have ended"
            )
            wait_until(lambda: refused(fleet, "p19"), 30)
            before = fleet.processes("p19")
            os.killpg(roll.process.pid, signal.SIGKILL)
            roll.process.wait(10)
            assert refused(fleet, "p19")
        killed = time.monotonic()
        # Its turn, and a minute: a roll asks for no shorter lease.
        wait_until(lambda: not refused(fleet, "p19"), 90)
        print(f"open {time.monotonic() - killed:.0f} s after the controller was killed")
        assert fleet.processes("p19") == before
        assert fleet.run("p19", "nft", "list", "set", "inet", "fleetops_odoo_gate", "closed").count("8069") == 0
        # It finds that the process that holds the locks has ended.
        done = Roll(fleet, tmp_path / "2", *limit, balancer="firewall").end()
        time.sleep(1)
    print(f"{tally['failed']} of {tally['requests']} requests lost")
    assert (done.code, done.outcomes) == (0, {"p19": "reloaded", "t19": "reloaded"}), done.output
    assert tally["failed"] == 0, tally
    assert [fleet.run(host, "nft", "list", "tables") for host in ("p19", "t19")] == ["", ""]


def refused(fleet: Fleet, host: str) -> bool:
    """Return whether a new connection from this machine is answered with a reset."""
    try:
        with socket.create_connection((address(fleet.inventory, host), 8069), timeout=3):
            return False
    except ConnectionRefusedError:
        return True


def wait_until(holds: t.Callable[[], bool], seconds: float) -> None:
    """Wait for it."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_host_that_nginx_does_not_have_is_found_before_anything_is_touched(
    fleet: Fleet, tmp_path: pathlib.Path
) -> None:
    before = fleet.processes("p19")
    wrong: dict[str, t.Any] = {**UPSTREAMS, "balancer_nginx_servers": "192.0.2.1"}
    done = Roll(fleet, tmp_path, "-l", "p19", **wrong).end()
    assert (done.code, done.code_of("p19")) == (2, "roll.balancer_unknown_server"), done.output
    assert address(fleet.inventory, "p19") in done.reason("p19")
    assert fleet.processes("p19") == before


def test_a_host_without_nftables_is_found_before_anything_is_touched(fleet: Fleet, tmp_path: pathlib.Path) -> None:
    before = fleet.processes("p19")
    fleet.run("p19", "mv", "/usr/sbin/nft", "/usr/sbin/nft.away")
    try:
        done = Roll(fleet, tmp_path, "-l", "p19", balancer="firewall").end()
    finally:
        fleet.run("p19", "mv", "/usr/sbin/nft.away", "/usr/sbin/nft")
    assert (done.code, done.code_of("p19")) == (2, "gate.no_nft"), done.output
    assert fleet.processes("p19") == before


@pytest.mark.parametrize(
    "case",
    [
        ({}, HAPROXY, r"1 session of server odoo/p14 in load balancer lb to end"),
        *thorough(
            (UPSTREAMS, NGINX, r"\d connections? of old worker processes of nginx to .* to end"),
            ({"balancer": "firewall"}, NGINX, r"\d connections? to the ports 8069 to end .*"),
            # Odoo 14 ends its requests before it executes itself again.
            ({"balancer": "none"}, ODOO, r"the reload to finish \(.*\)"),
        ),
    ],
)
def test_a_wait_of_more_than_ten_seconds_is_told(
    fleet: Fleet, tmp_path: pathlib.Path, case: tuple[dict[str, t.Any], int, str]
) -> None:
    variables, port, told = case
    # Only nginx decides who gets them. The roll waits for the first host that has one.
    hosts, number, seconds = (HOSTS, 4, 45) if port == NGINX else (HOSTS[2:], 1, 34)
    with ThreadPoolExecutor(number) as pool:
        slow = [pool.submit(long_request, fleet, port, seconds) for _one in range(number)]
        time.sleep(1)
        done = Roll(fleet, tmp_path, "-l", ",".join(hosts), **variables).end()
        assert [one.result() for one in slow] == [200] * number
    assert done.code == 0, done.output
    lines = re.findall(r"(?m)^ROLL \d\d:\d\d:\d\d \w+: after 1\d s waiting for (.+)$", done.output)
    assert lines, done.output
    for line in lines:
        assert re.fullmatch(told + r"; the oldest requests have run for \d+ s(, \d+ s)*", line)


def long_request(fleet: Fleet, port: int, seconds: float) -> int:
    """Send a request of so many seconds to p14, or through nginx to any host; return the status of its answer."""
    host = "p14" if port == ODOO else "lb"
    connection = http.client.HTTPConnection(address(fleet.inventory, host), port, timeout=90)
    with contextlib.closing(connection):
        connection.request("GET", f"/lab/sleep/{seconds}", headers={"X-Lab-Server": "p14"})
        return connection.getresponse().status
