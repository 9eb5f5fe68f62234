# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers whose databases do not answer. Odoo ends where it needs them, so nothing is sent that makes it need them."""

from __future__ import annotations

import contextlib
import typing as t

import pytest

from .conftest import HUP, KINDS, Fleet, address, side_by_side

pytestmark = pytest.mark.versions

NO_POSTGRESQL = (2, "refused", "rehearsal.no_postgresql")


@contextlib.contextmanager
def edited(fleet: Fleet, hosts: t.Sequence[str], *lines: str) -> t.Iterator[None]:
    """Other lines in the odoo.conf of these hosts while the block runs."""
    for host in hosts:
        fleet.run(host, "cp", "-p", "/etc/odoo/odoo.conf", "/root/kept.conf")
        for line in lines:
            fleet.run(host, "sed", "-i", f"s/^{line.split()[0]} = .*/{line}/", "/etc/odoo/odoo.conf")
    try:
        yield
    finally:
        for host in hosts:
            fleet.run(host, "sh", "-c", "cat /root/kept.conf > /etc/odoo/odoo.conf")


def ended(fleet: Fleet, host: str) -> None:
    """Wait until there is no server left, and nothing starts it again."""
    fleet.run(host, "sh", "-c", "for n in $(seq 100); do pgrep -u odoo > /dev/null || exit 0; sleep 0.1; done; exit 1")
    assert fleet.run(host, "systemctl", "is-active", "odoo", check=False) == "failed\n"


def test_what_would_end_with_this_odoo_conf_is_not_reloaded(fleet: Fleet) -> None:
    before = {host: fleet.processes(host) for host in KINDS}
    with edited(fleet, KINDS, "db_port = 1"):
        for answer in side_by_side(fleet, KINDS, "reload", "--check", **HUP).values():
            assert answer.outcome == NO_POSTGRESQL
        for answer in side_by_side(fleet, KINDS, "reload", force=True, **HUP).values():
            assert (answer.outcome, answer.only["signals"]) == (NO_POSTGRESQL, [])
            assert " HUP " in answer.result["msg"]
            assert "Connection refused" in answer.result["msg"]
    with edited(fleet, KINDS, "db_password = LAB-SECRET-wrong"):
        for answer in side_by_side(fleet, KINDS, "send_signal", signal="HUP").values():
            assert answer.outcome == NO_POSTGRESQL
            assert " HUP " in answer.result["msg"]
            assert "password authentication failed" in answer.result["msg"]
    assert before == {host: fleet.processes(host) for host in KINDS}


@pytest.mark.thorough
def test_a_database_that_is_not_there_is_not_made(fleet: Fleet) -> None:
    before = {host: fleet.processes(host) for host in KINDS}
    with edited(fleet, KINDS, "db_name = nonsuch"):
        for answer in side_by_side(fleet, KINDS, "reload", **HUP).values():
            assert answer.outcome == (2, "refused", "rehearsal.no_database")
            assert " nonsuch " in answer.result["msg"]
        # With force the caller may have it. (A check run, so that Odoo does not create the database.)
        for answer in side_by_side(fleet, KINDS, "reload", "--check", force=True, **HUP).values():
            assert answer.outcome == (0, "signalled", None)
            assert list(answer.warned) == ["rehearsal.no_database"]
            assert " nonsuch " in answer.warned["rehearsal.no_database"]
    assert before == {host: fleet.processes(host) for host in KINDS}


def test_the_database_user_that_odoo_does_not_start_as(fleet: Fleet) -> None:
    hosts = ["t19", "t14"]
    with edited(fleet, hosts, "db_user = postgres"):
        for answer in side_by_side(fleet, hosts, "reload", "--check", **HUP).values():
            assert answer.outcome == NO_POSTGRESQL
            assert " postgres" in answer.result["msg"]


def test_a_restart_is_refused_as_well(fleet: Fleet) -> None:
    before = fleet.processes("p19")
    with edited(fleet, ["p19"], "db_host = 127.0.0.1"):
        answer = fleet.module("p19", "reload", policy="always", method="supervisor")
    assert answer.outcome == NO_POSTGRESQL
    assert " restart " in answer.result["msg"]
    assert fleet.processes("p19") == before


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("workers", {"count": 3}),
        ("recycle_workers", {"older_than": 0}),
        # As workers has it, which sends a TTIN.
        pytest.param("send_signal", {"signal": "TTIN"}, marks=pytest.mark.thorough),
        ("send_signal", {"signal": "INT", "roles": ["http"]}),
    ],
)
def test_a_master_that_could_start_no_worker_gets_no_signal(
    fleet: Fleet, name: str, arguments: dict[str, t.Any]
) -> None:
    before = fleet.processes("p19")
    with edited(fleet, ["p19"], "db_port = 1"):
        for option in (["--check"], []):
            answer = fleet.module("p19", name, *option, **arguments)
            first = answer.result["results"][0]
            assert (answer.code, first["did"], first["code"]) == (2, "refused", "rehearsal.spawn_without_database")
            assert answer.result["code"] == first["code"]
            assert "Connection refused" in answer.result["msg"]
    assert fleet.processes("p19") == before


def test_an_older_master_would_start_one_all_the_same(fleet: Fleet) -> None:
    with edited(fleet, ["p14"], "db_port = 1"):
        assert fleet.module("p14", "workers", "--check", count=3).only["signals"] == ["TTIN"]


@pytest.mark.thorough
@pytest.mark.parametrize("host", KINDS)
def test_odoo_does_end_of_that_hup(fleet: Fleet, host: str) -> None:
    """Test what an unchecked HUP does without the database."""
    with edited(fleet, [host], "db_port = 1"):
        assert fleet.module(host, "send_signal", signal="HUP", force=True).code == 0
        ended(fleet, host)
    fleet.run(host, "systemctl", "restart", "odoo")
    fleet.settle(host)


@pytest.mark.thorough
@pytest.mark.parametrize("signal", ["TTIN", "INT"])
@pytest.mark.parametrize("host", ["p19", "p14"])
def test_odoo_19_does_end_when_it_is_to_start_a_worker(fleet: Fleet, host: str, signal: str) -> None:
    """As in the test before; and here its own configuration is right, and PostgreSQL turns it away."""
    hba, line = "/etc/postgresql/*/*/pg_hba.conf", f"host all all {address(fleet.inventory, host)}/32 reject"
    # A worker of cron would end of this by itself, and be replaced.
    with edited(fleet, [host], "max_cron_threads = 0"):
        fleet.run(host, "systemctl", "restart", "odoo")
        fleet.settle(host)
    before = fleet.processes(host)
    fleet.run("db", "sh", "-c", f"sed -i '1i {line}' {hba} && systemctl reload postgresql")
    try:
        roles = ["master" if signal == "TTIN" else "http"]
        if host == "p19":
            answer = fleet.module(host, "send_signal", signal=signal, roles=roles)
            assert (answer.code, answer.result["code"]) == (2, "rehearsal.spawn_without_database")
            assert "pg_hba.conf rejects connection" in answer.result["msg"]
            assert fleet.processes(host) == before
        assert fleet.module(host, "send_signal", signal=signal, roles=roles, force=True).code == 0
        if host == "p19":
            ended(fleet, host)
        else:
            fleet.run(host, "sh", "-c", f"for n in $(seq 60); do pgrep -u odoo >> /tmp/{signal}; sleep 0.1; done")
            ever = set(fleet.run(host, "cat", f"/tmp/{signal}").split())
            assert (len(ever) > len(before), before[0] in fleet.processes(host)) == (True, True)
    finally:
        fleet.run("db", "sh", "-c", f"sed -i 1d {hba} && systemctl reload postgresql")
    fleet.run(host, "systemctl", "restart", "odoo")
    fleet.settle(host)
