# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real nginx in front of real hosts: servers leave its upstreams and come back."""

from __future__ import annotations

import subprocess
import typing as t

import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import (
    Fleet,
    address,
    free,
    login,
    request,
    thorough,
)
from ansible_collections.fleetops.odoo.tests.integration.traffic import roll, traffic
from ansible_collections.fleetops.odoo.tests.unit.balancer.nginx_files import folder

HOSTS = ("p19", "t19", "p14")
PORT = 81
CONFIG = "/etc/nginx/conf.d/odoo.conf"
UPSTREAMS = {"upstreams": ["odoo"], "websocket_upstreams": ["odoo_gevent"]}
OUT = """
    - fleetops.odoo.nginx_upstream:
        {state: down, upstreams: [odoo], websocket_upstreams: [odoo_gevent], servers: ["{{ ansible_host }}"]}
      delegate_to: lb
"""


@pytest.fixture(scope="module")
def fleet(balancers: Fleet) -> Fleet:
    """The fleet of three files, whose tests leave it as it was."""
    return balancers


@pytest.fixture
def before(fleet: Fleet) -> t.Iterator[str]:
    """The file as it is before a test; it must be the same after it, byte for byte."""
    text = fleet.run("lb", "cat", CONFIG)
    yield text
    assert fleet.run("lb", "cat", CONFIG) == text


def change(fleet: Fleet, text: str) -> None:
    """Put another configuration into place, and have nginx take it."""
    done = subprocess.run([*login(fleet.inventory, "lb"), f"cat > {CONFIG}"], input=text, text=True, check=False)
    assert done.returncode == 0
    fleet.run("lb", "systemctl", "reload", "nginx")


def upstream(fleet: Fleet, state: str, *options: str, host: str = "p19", **more: t.Any) -> t.Any:
    """Call the module for one host."""
    given = {"state": state, "servers": [address(fleet.inventory, host)], **UPSTREAMS, **more}
    return fleet.module("lb", "nginx_upstream", *options, **given)


def states(fleet: Fleet, host: str) -> list[str]:
    """Return what nginx_info tells of the servers of a host."""
    answer = fleet.module("lb", "nginx_info", servers=[address(fleet.inventory, host)])
    return [one["state"] for one in answer.result["servers"]]


def test_four_runs(fleet: Fleet, before: str) -> None:
    checked = upstream(fleet, "down", "--check", "--diff")
    assert (checked.code, checked.result["changed"], checked.result["reloaded"]) == (0, True, False), checked.output
    assert "8069 down; # [fleetops.odoo: " in checked.output
    assert fleet.run("lb", "cat", CONFIG) == before
    done = upstream(fleet, "down")
    assert (done.code, done.result["changed"], done.result["reloaded"]) == (0, True, True), done.output
    assert states(fleet, "p19") == ["down", "down"]
    for options in (["--check"], []):
        again = upstream(fleet, "down", *options)
        assert (again.code, again.result["changed"], again.result["reloaded"]) == (0, False, False)
    assert upstream(fleet, "up").result["changed"]
    assert states(fleet, "p19") == ["up", "up"]


def test_a_request_under_way_is_waited_for(fleet: Fleet, before: str) -> None:
    assert before
    with request(fleet, "lb", "/lab/hold/way", port=PORT) as sent:
        (host,) = [one for one in HOSTS if fleet.run(one, "sh", "-c", "ls /tmp/lab-way 2>/dev/null || true")]
        answer = upstream(fleet, "down", host=host, timeout=3)
        assert (answer.code, answer.result["code"]) == (2, "timeout.connections"), answer.output
        assert (answer.result["connections"], answer.result["changed"]) == (1, True)
        assert states(fleet, host) == ["down", "down"]
        free(fleet, host, "way")
    assert sent.status == 200
    answer = upstream(fleet, "down", host=host)
    assert (answer.code, answer.result["changed"], answer.result["connections"]) == (0, False, 0), answer.output
    assert upstream(fleet, "up", host=host).code == 0


def test_hosts_of_one_batch_do_not_meet(fleet: Fleet, before: str) -> None:
    for state in ("down", "up"):
        begun = [
            fleet.begin("lb", "nginx_upstream", state=state, servers=[address(fleet.inventory, host)], **UPSTREAMS)
            for host in HOSTS[:2]
        ]
        for answer in [end() for end in begun]:
            assert (answer.code, answer.result["changed"]) == (0, True), answer.output
    assert fleet.run("lb", "cat", CONFIG) == before


def test_the_last_server_stays(fleet: Fleet, before: str) -> None:
    assert before
    servers = [address(fleet.inventory, host) for host in HOSTS]
    answer = upstream(fleet, "down", servers=servers)
    assert (answer.code, answer.result["code"]) == (2, "nginx.last_server")


def test_what_nginx_refuses_is_undone(fleet: Fleet, before: str) -> None:
    assert before
    fleet.run("lb", "sh", "-c", "echo 'nonsense;' > /etc/nginx/conf.d/zz.conf")
    try:
        answer = upstream(fleet, "down")
        assert (answer.code, answer.result["code"]) == (2, "nginx.test_failed")
        assert "nonsense" in answer.result["msg"]
    finally:
        fleet.run("lb", "rm", "/etc/nginx/conf.d/zz.conf")
    assert not upstream(fleet, "up").result["changed"]


def test_nginx_takes_the_files_of_the_unit_tests(fleet: Fleet) -> None:
    corpus = subprocess.run(
        ["tar", "-C", str(folder().parent), "-cf", "-", "nginx"], check=True, capture_output=True
    ).stdout
    unpack = "rm -rf /tmp/nginx; tar -C /tmp -xf -; echo 192.0.2.12 odoo2.example.com >> /etc/hosts"
    test = "nginx -t -c /tmp/nginx/nginx.conf"
    subprocess.run([*login(fleet.inventory, "lb"), f"{unpack}; {test}"], input=corpus, check=True)


@pytest.mark.thorough
@pytest.mark.parametrize("more", [*thorough(""), "    ip_hash;\n    keepalive 8;\n"])
def test_no_request_fails_while_hosts_leave_and_come_back(fleet: Fleet, before: str, more: str) -> None:
    change(fleet, before.replace("upstream odoo {\n", f"upstream odoo {{\n{more}"))
    try:
        with traffic(fleet, PORT) as tally:
            done = roll(fleet, OUT, OUT.replace("state: down", "state: up"))
        assert done.returncode == 0, done.stdout
        assert tally["failed"] == 0, tally
        assert tally["requests"] > 50
    finally:
        change(fleet, before)
