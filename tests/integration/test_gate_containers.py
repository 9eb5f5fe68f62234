# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the gate in front of ports that docker publishes: no packet for them passes the input hook."""

from __future__ import annotations

import contextlib
import http.client
import pathlib
import socket
import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import HUP, Fleet, address, lab_up, request

# It boots a docker, and downloads it first where that has not been done.
pytestmark = [pytest.mark.timeout(900), pytest.mark.thorough]

VOLUMES = "-v /etc/odoo:/etc/odoo:ro -v /opt/lab/addons:/opt/lab/addons:ro -v /var/lib/odoo:/var/lib/odoo"
ODOO = "/usr/bin/odoo --config /etc/odoo/odoo.conf"
#: A port of the host that leads to port 8069 of a second container, which has a network of its own.
PUBLISHED = 8169
HOST = "d19"


@pytest.fixture(scope="module")
def fleet() -> t.Iterator[Fleet]:
    """A fleet of its own, for the run of this file."""
    yield from lab_up("gatecont", str(pathlib.Path(__file__).parent / "gate_containers.yml"))


@contextlib.contextmanager
def container(fleet: Fleet, publish: str) -> t.Iterator[dict[str, t.Any]]:
    """Run a second container that publishes its port; yield what chooses its server."""
    words = f"--name two {VOLUMES} --user odoo --publish {publish}:8069 lab/odoo:19 {ODOO}"
    fleet.run(HOST, "sh", "-c", f"docker rm -f two >/dev/null 2>&1; docker run --detach {words}", seconds=120)
    try:
        unit = fleet.run(HOST, "docker", "container", "inspect", "--format", "{{.Id}}", "two").strip()
        deadline = time.monotonic() + 60
        while fleet.module(HOST, "wait_healthy", match={"unit": unit}, timeout=30).code:
            assert time.monotonic() < deadline
        yield {"match": {"unit": unit}}
    finally:
        fleet.module(HOST, "gate", state="open")
        fleet.run(HOST, "sh", "-c", "docker rm -f two")
        assert "fleetops" not in fleet.run(HOST, "nft", "list", "tables")


def answers(fleet: Fleet, port: int) -> str:
    """Return the status of a POST, or how the connection ended."""
    connection = http.client.HTTPConnection(address(fleet.inventory, HOST), port, timeout=20)
    try:
        connection.request(
            "POST", "/lab/pid", body="x=1", headers={"Content-Type": "application/x-www-form-urlencoded"}
        )
        return str(connection.getresponse().status)
    except OSError as exc:
        return type(exc).__name__
    finally:
        connection.close()


def test_a_published_port_is_refused_and_its_requests_go_on(fleet: Fleet) -> None:
    with container(fleet, str(PUBLISHED)) as chosen:
        assert answers(fleet, PUBLISHED) == "200"
        checked = fleet.module(HOST, "gate", "--check", state="closed", lease=100, timeout=60, **chosen)
        assert (checked.code, checked.result["changed"]) == (0, True), checked.output
        assert [one["port"] for one in checked.result["closed"]] == [PUBLISHED]
        assert answers(fleet, PUBLISHED) == "200"
        with request(fleet, HOST, "/lab/sleep/6", PUBLISHED) as sent:
            closed = fleet.module(HOST, "gate", state="closed", lease=100, timeout=60, **chosen)
            assert (closed.code, closed.result["under_way"], closed.result["requests"]) == (0, 1, 0), closed.output
            # With a reset, at once.
            begun = time.monotonic()
            assert answers(fleet, PUBLISHED) == "ConnectionRefusedError"
            assert time.monotonic() < begun + 1
        assert sent.status == 200
        # The other server of the host goes on, and what this collection does is not hindered.
        assert answers(fleet, 8069) == "200"
        reload = fleet.module(HOST, "reload", **HUP, **chosen)
        assert reload.outcome == (0, "signalled", None), reload.output
        assert answers(fleet, PUBLISHED) == "ConnectionRefusedError"
        opened = fleet.module(HOST, "gate", state="open", **chosen)
        assert (opened.result["changed"], opened.result["closed"]) == (True, [])
        assert answers(fleet, PUBLISHED) == "200"


def test_a_port_that_is_published_on_loopback_alone_cannot_be_closed(fleet: Fleet) -> None:
    """As with nginx on the host: it reaches Odoo over loopback, which the gate lets through."""
    with container(fleet, f"127.0.0.1:{PUBLISHED}") as chosen:
        answer = fleet.module(HOST, "gate", state="closed", lease=100, timeout=60, **chosen)
        assert (answer.code, answer.result["code"]) == (2, "gate.loopback"), answer.output
        assert "127.0.0.1" in answer.result["msg"]
        # The ports of nginx are closed in its place.
        given = fleet.module(HOST, "gate", state="closed", lease=100, timeout=60, ports=[443], **chosen)
        assert [one["port"] for one in given.result["closed"]] == [443], given.output


def test_the_ports_that_the_lab_publishes_are_closed_for_a_whole_host(fleet: Fleet) -> None:
    with socket.create_connection((address(fleet.inventory, HOST), 8072), timeout=10):
        closed = fleet.module(HOST, "gate", state="closed", lease=100, timeout=60)
        assert ([one["port"] for one in closed.result["closed"]], closed.result["websockets"]) == ([8069, 8072], 1)
        assert [answers(fleet, port) for port in (8069, 8072)] == ["ConnectionRefusedError"] * 2
    assert fleet.module(HOST, "gate", state="open").result["changed"]
    assert answers(fleet, 8069) == "200"
