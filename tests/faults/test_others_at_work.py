# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Administrators, other rolls and releases that are at work on the same hosts."""

from __future__ import annotations

import json
import os
import pathlib
import re
import signal
import subprocess
import time

import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet
from ansible_collections.fleetops.odoo.tests.integration.rolls import (
    HAPROXY,
    RELOAD,
    Roll,
    all_in,
    balancer,
    locked,
    set_state,
)

from .conftest import HOSTS, release, stopped_at_h2


def test_what_an_administrator_takes_out_stays_out(whole: Fleet, folder: pathlib.Path) -> None:
    """A killed roll has h2 out. An administrator takes h3 out meanwhile: no roll did that, so no roll may undo it."""
    roll = Roll(whole, folder)
    roll.wait_for_turn("h2")
    os.killpg(roll.process.pid, signal.SIGKILL)
    roll.end()
    assert {host: (locked(whole, host) or {}).get("out") for host in HOSTS} == {"h1": False, "h2": True, "h3": False}
    set_state(whole, "h3", "drain")
    # A roll without a balancer puts no host back, and keeps the note.
    blind = Roll(whole, folder, "-l", "h2", balancer="none").end()
    assert (blind.code, blind.report["stats"]["out_of_balancer"]) == (0, ["h2"]), blind.output
    again = Roll(whole, folder).end()
    assert again.outcomes == {"h1": "not touched", "h2": "not touched", "h3": "failed"}, again.output
    assert again.code_of("h3") == "roll.balancer_out_already"
    # A release does not touch it either.
    assert release(whole).returncode == 0
    assert {host: state for host, (state, _status) in balancer(whole).items()} == {
        "h1": "ready",
        "h2": "ready",
        "h3": "drain",
    }


def test_what_an_administrator_takes_out_during_a_roll_stays_out(whole: Fleet, folder: pathlib.Path) -> None:
    before, at_h2 = whole.processes("h3"), whole.processes("h2")
    roll = Roll(whole, folder)
    roll.wait_for_turn("h1")
    set_state(whole, "h2", "drain")
    done = roll.end()
    stopped_at_h2(done, whole, before)
    assert done.code_of("h2") == "roll.balancer_out_already"
    assert (balancer(whole)["h2"][0], whole.processes("h2")) == ("drain", at_h2)
    assert locked(whole, "h2") is None


def test_no_roll_begins_while_a_release_is_at_work(whole: Fleet, folder: pathlib.Path) -> None:
    roll = Roll(whole, folder)
    roll.wait_for_turn("h2")
    os.killpg(roll.process.pid, signal.SIGKILL)
    roll.end()
    # It is there, and does not answer: the release waits for it.
    whole.run("h2", "systemctl", "kill", "--signal=STOP", "odoo")
    at_work = subprocess.Popen(
        ["ansible-playbook", "-i", whole.inventory, "fleetops.odoo.release", "-e", json.dumps(HAPROXY)],
        stdout=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 30
    while (locked(whole, "h2") or {}).get("reason") != "release":
        assert time.monotonic() < deadline
    refused = Roll(whole, folder).end()
    assert refused.code == 2, refused.output
    assert "(release)" in refused.reason("h2")
    assert at_work.poll() is None
    whole.run("h2", "systemctl", "kill", "--signal=CONT", "odoo")
    said = at_work.communicate(timeout=120)[0]
    assert at_work.returncode == 0, said
    assert all_in(whole)
    assert {host: locked(whole, host) for host in HOSTS} == dict.fromkeys(HOSTS)


def test_two_rolls_at_once(whole: Fleet, folder: pathlib.Path) -> None:
    first = Roll(whole, folder / "1", reason="the first")
    first.wait_for_turn("h1")
    second = Roll(whole, folder / "2", "-l", "h3").end()
    assert second.code == 2, second.output
    assert second.outcomes == {"h3": "failed"}
    assert second.code_of("h3") == "roll.locked"
    assert "(the first)" in second.reason("h3")
    # A release leaves a roll alone that is alive.
    assert "[roll.locked]" in release(whole).stdout
    done = first.end()
    assert done.code == 0, done.output
    assert all_in(whole)


def test_two_rolls_that_begin_at_the_same_moment(whole: Fleet, folder: pathlib.Path) -> None:
    count = "grep -c 'Reloading server' /var/log/odoo/odoo-server.log || true"
    before = {host: int(whole.run(host, "sh", "-c", count)) for host in HOSTS}
    rolls = [Roll(whole, folder / name, reason=name) for name in ("one", "another")]
    done = [roll.end() for roll in rolls]
    # At most one of them gets all hosts; the other one touches none.
    assert sorted(one.code for one in done) in ([0, 2], [2, 2]), "".join(one.output for one in done)
    for one in done:
        if one.code:
            assert not {"reloaded", "restarted"} & set(one.outcomes.values()), one.output
            assert "roll.locked" in {one.code_of(host) for host in HOSTS}, one.output
    won = sum(1 for one in done if one.code == 0)
    assert {host: int(whole.run(host, "sh", "-c", count)) - before[host] for host in HOSTS} == dict.fromkeys(HOSTS, won)
    assert all_in(whole)
    assert {host: locked(whole, host) for host in HOSTS} == dict.fromkeys(HOSTS)


@pytest.mark.parametrize(
    "task",
    [
        # Between the preflight and the way out, between out and reload, between reload and in, and after that.
        "Take the host out of HAProxy, and wait until its requests have ended",
        RELOAD,
        "Put the host back into HAProxy, and wait until HAProxy finds it healthy",
        "End the turn of the host",
    ],
)
def test_a_roll_that_is_killed_between_two_steps_of_a_turn(whole: Fleet, folder: pathlib.Path, task: str) -> None:
    before = whole.processes("h3")
    roll = Roll(whole, folder)
    roll.wait_for_turn("h2", task)
    os.killpg(roll.process.pid, signal.SIGKILL)
    assert roll.end().code != 0
    assert whole.processes("h3") == before
    # A module that is at work finishes.
    whole.settle("h2", seconds=60)
    again = Roll(whole, folder).end()
    assert again.code == 0, again.output
    assert set(again.outcomes.values()) == {"reloaded"}
    assert all_in(whole)
    assert {host: locked(whole, host) for host in HOSTS} == dict.fromkeys(HOSTS)


def test_a_lock_from_elsewhere_is_told_and_can_be_taken_over(whole: Fleet, folder: pathlib.Path) -> None:
    whole.module("h2", "roll_lock", kind="roll", id="awx-job-7", owner="ann (AWX)", reason="new modules", ttl=600)
    refused = Roll(whole, folder, batches="3").end()
    assert refused.outcomes == {"h1": "not touched", "h2": "failed", "h3": "not touched"}, refused.output
    assert refused.code_of("h2") == "roll.locked"
    assert "roll awx-job-7 of ann (AWX) (new modules)" in refused.reason("h2")
    done = Roll(whole, folder, batches="3", take_over=["awx-job-7"]).end()
    assert done.code == 0, done.output


def test_a_release_of_the_same_workflow_has_its_locks(whole: Fleet) -> None:
    # With an id of its own the lock does not tell that its process has ended, as if it came from another controller.
    taken = whole.module("h2", "roll_lock", "-e", '{"awx_workflow_job_id": 9}', kind="roll", id="awx-job-45", ttl=600)
    assert (taken.result["lock"]["id"], taken.result["lock"]["workflow"]) == ("awx-job-45", "awx-workflow-job-9")
    other = release(whole, "-e", json.dumps({"awx_job_id": 46, "awx_workflow_job_id": 10}))
    said = re.sub(r"\s+", " ", other.stdout)
    assert "NOT RELEASED" in said
    assert "roll awx-job-45" in said
    assert "[roll.locked]" in said
    done = release(whole, "-e", json.dumps({"awx_job_id": 47, "awx_workflow_job_id": 9}))
    assert done.returncode == 0, done.stdout
    assert "h2: released from the roll awx-job-45" in done.stdout
    assert locked(whole, "h2") is None
