# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Three real Odoo 19 behind HAProxy, made whole again before every fault."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet, address, lab, lab_up
from ansible_collections.fleetops.odoo.tests.integration.rolls import HAPROXY, Ended, all_in, balancer, set_state

HOSTS = ("h1", "h2", "h3")


@pytest.fixture(scope="session")
def trio() -> t.Iterator[Fleet]:
    """The fleet, up for the whole run. FLEETOPS_TEST_LAB names its lab, so that two runs do not meet."""
    yield from lab_up(os.environ.get("FLEETOPS_TEST_LAB", "faults"), "demo")


@pytest.fixture
def whole(trio: Fleet) -> t.Iterator[Fleet]:
    """The fleet, before and after a test: hosts that it broke are made again, and what it left behind is corrected."""
    mend(trio)
    yield trio
    mend(trio)


def mend(fleet: Fleet) -> None:
    """Make whole what is broken."""
    for host in HOSTS:
        link(fleet, host, "up")
        # The lab's own `restore` waits until the balancer has the host.
        set_state(fleet, host, "ready")
    for host in HOSTS:
        answer = fleet.module(host, "wait_healthy", timeout=2)
        changed = fleet.run(host, "sh", "-c", "ls -d /opt/lab/addons/lab_[!s]*", check=False)
        if answer.code or changed.strip():
            lab(fleet.name, "restore", host)
    done = release(fleet, "-e", "rolling_restart_release_all=true")
    assert done.returncode == 0, done.stdout
    deadline = time.monotonic() + 20
    while not all_in(fleet):
        assert time.monotonic() < deadline
        time.sleep(0.5)


def release(fleet: Fleet, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the playbook that puts right what a roll has left behind."""
    return fleet.playbook("release", "-e", json.dumps(HAPROXY), *options)


def link(fleet: Fleet, host: str, state: str) -> None:
    """Take the network of a host away, or give it back."""
    number = address(fleet.inventory, host).rpartition(".")[2]
    subprocess.run(["ip", "link", "set", f"fl-{fleet.name}-{number}", state], check=True)


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    """Return the folder of the reports."""
    return tmp_path / "reports"


def stopped_at_h2(done: Ended, fleet: Fleet, untouched: list[str], outcome: str = "failed") -> None:
    """The shape of most faults: h1 is done, h2 is lost, h3 was not reached and not touched."""
    assert done.code == 2, done.output
    assert done.outcomes == {"h1": "reloaded", "h2": outcome, "h3": "not touched"}, done.output
    assert done.report["remaining"] == ["h2", "h3"]
    assert (done.folder / "remaining").read_text() == "h2\nh3\n"
    assert fleet.processes("h3") == untouched
    assert balancer(fleet)["h1"] == balancer(fleet)["h3"] == ("ready", "UP")
