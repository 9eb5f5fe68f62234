# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import time

import pytest

from .conftest import KINDS, Fleet, plant_killer, request

LIMIT = ["-l", ",".join(KINDS)]


def test_four_runs_over_all_kinds(fleet: Fleet) -> None:
    since = ["-e", "rolling_restart_policy=since", "-e", f"rolling_restart_since={time.time()}"]
    before = {host: fleet.processes(host) for host in KINDS}
    check = fleet.playbook("rolling_restart", "--check", *LIMIT, *since)
    assert check.returncode == 0, check.stdout
    assert {host: fleet.processes(host) for host in KINDS} == before
    run = fleet.playbook("rolling_restart", *LIMIT, *since, "-e", "rolling_restart_batches=1,2")
    assert run.returncode == 0, run.stdout
    for host in KINDS:
        assert f"{host}  reloaded" in run.stdout
        assert f"{host} " in run.stdout
        assert fleet.processes(host)[0] == before[host][0]
    for options in (["--check"], []):
        again = fleet.playbook("rolling_restart", *options, *LIMIT, *since)
        assert again.returncode == 0
        assert again.stdout.count("up to date") == len(KINDS)
        assert again.stdout.count("changed=0") == len(KINDS)


def test_the_roll_stops_at_the_first_failure_and_touches_nobody_after_it(fleet: Fleet) -> None:
    before = fleet.processes("p14")
    plant_killer(fleet, "t19")
    try:
        done = fleet.playbook("rolling_restart", *LIMIT, "-e", "rolling_restart_batches=2")
    finally:
        fleet.restore("t19")
    assert done.returncode != 0
    assert "p19  reloaded" in done.stdout
    assert "t19  failed       Odoo with pid" in done.stdout
    assert "p14  not reached" in done.stdout
    assert "t14  not reached" in done.stdout
    assert "the roll has stopped" in done.stdout
    assert fleet.processes("p14") == before


def test_a_broken_odoo_conf_is_found_before_any_host_is_touched(fleet: Fleet) -> None:
    before = {host: fleet.processes(host) for host in KINDS}
    fleet.run("t19", "cp", "-p", "/etc/odoo/odoo.conf", "/etc/odoo/good.conf")
    try:
        fleet.run("t19", "bash", "-c", "echo 'workers = abc' >> /etc/odoo/odoo.conf")
        done = fleet.playbook("rolling_restart", *LIMIT, "-e", "rolling_restart_batches=2")
    finally:
        fleet.run("t19", "mv", "/etc/odoo/good.conf", "/etc/odoo/odoo.conf")
    assert done.returncode != 0
    assert "t19  failed       Odoo with pid" in done.stdout
    assert "cannot parse its configuration" in done.stdout
    assert done.stdout.count("not reached") == 3
    assert {host: fleet.processes(host) for host in KINDS} == before


def test_a_host_without_odoo_stops_it_before_anything_is_touched(fleet: Fleet) -> None:
    before = fleet.processes("p19")
    fleet.run("t14", "systemctl", "stop", "odoo")
    try:
        done = fleet.playbook("rolling_restart", *LIMIT)
    finally:
        fleet.run("t14", "systemctl", "start", "odoo")
        fleet.settle("t14")
    assert done.returncode != 0
    assert "no Odoo master was found on t14" in done.stdout
    assert "p19  not reached" in done.stdout
    assert fleet.processes("p19") == before


@pytest.mark.parametrize("batches", ["0", "-1", "150%", "abc", "[]", "1,0%"])
def test_sizes_of_batches_that_would_restart_all_at_once_are_refused(fleet: Fleet, batches: str) -> None:
    before = fleet.processes("p19")
    done = fleet.playbook("rolling_restart", *LIMIT, "-e", json.dumps({"rolling_restart_batches": batches}))
    assert done.returncode != 0
    assert "batches:" in done.stdout
    assert fleet.processes("p19") == before


def test_a_long_request_on_odoo_19_prefork_survives_its_reload(fleet: Fleet) -> None:
    with request(fleet, "p19", "/lab/sleep/8") as long:
        answer = fleet.module("p19", "reload")
        assert answer.code == 0
        assert answer.only["seconds"] > 4  # it waited for the old worker
    assert long.status == 200
