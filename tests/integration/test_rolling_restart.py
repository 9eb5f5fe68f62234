# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import pathlib
import re
import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import (
    KINDS,
    Fleet,
    plant_killer,
    pull_out_killer,
    request,
    thorough,
)
from ansible_collections.fleetops.odoo.tests.integration.rolls import LOCK, Roll, all_in, locked

LIMIT = ["-l", ",".join(KINDS)]


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    """Return the folder of reports."""
    return tmp_path / "reports"


@pytest.mark.versions
def test_four_runs_over_all_kinds(fleet: Fleet, folder: pathlib.Path) -> None:
    options: dict[str, t.Any] = {"policy": "since", "since": str(time.time()), "balancer": "none"}
    before = {host: fleet.processes(host) for host in KINDS}
    check = Roll(fleet, folder, "--check", *LIMIT, **options).end()
    assert check.code == 0, check.output
    assert check.output.count("would reload") == len(KINDS)
    assert not folder.exists()
    assert {host: fleet.processes(host) for host in KINDS} == before
    assert locked(fleet, "p19") is None
    run = Roll(fleet, folder, *LIMIT, **options, batches="1,2").end()
    assert run.code == 0, run.output
    assert run.outcomes == dict.fromkeys(KINDS, "reloaded")
    assert [batch["hosts"] for batch in run.report["batches"]] == [["p19"], ["t19", "p14"], ["t14"]]
    assert {host: fleet.processes(host)[0] for host in KINDS} == {host: before[host][0] for host in KINDS}
    for check_mode in (["--check"], []):
        again = Roll(fleet, folder, *check_mode, *LIMIT, **options).end()
        assert again.code == 0, again.output
        assert again.output.count("up to date     ") == len(KINDS)
        assert again.output.count("changed=0") == len(KINDS)
    assert locked(fleet, "p19") is None


def test_only_what_is_stale_is_rolled(fleet: Fleet, folder: pathlib.Path) -> None:
    """The default: a deployment is followed by a roll of what it has changed, and of nothing else."""
    some = ["-l", "t19,p14"]
    Roll(fleet, folder, *some, policy="stale", balancer="none", batches="2").end()
    fleet.run("t19", "touch", "/opt/lab/addons/lab_slow/__init__.py")
    done = Roll(fleet, folder, *some, policy="stale", balancer="none").end()
    assert done.code == 0, done.output
    assert done.outcomes == {"t19": "reloaded", "p14": "up to date"}
    # Tasks after the roll do not belong to it.
    assert [word for word in ("Notify", "Run rolling_restart_after") if word in done.output] == []
    assert "1 host in 1 batch: t19; 1 up to date" in done.output


def test_the_roll_stops_at_the_first_failure_and_touches_no_later_host(fleet: Fleet, folder: pathlib.Path) -> None:
    before = fleet.processes("p14")
    plant_killer(fleet, "t19")
    try:
        done = Roll(fleet, folder, *LIMIT, balancer="none", batches="2").end()
    finally:
        pull_out_killer(fleet, "t19")
    assert done.code == 2, done.output
    assert done.outcomes == {"p19": "reloaded", "t19": "failed", "p14": "not touched", "t14": "not touched"}
    assert re.search(r"t19 failed .* \[failed\.ended\]", " ".join(done.output.split())), done.output
    assert (done.code_of("t19"), done.stop()) == ("failed.ended", ("failures", "roll.hosts_lost"))
    assert "[roll.not_done]" in done.output
    assert fleet.processes("p14") == before
    evidence = (done.folder / "t19" / "evidence.txt").read_text(encoding="utf-8")
    assert 't19 failed in the step "reload" [failed.ended]' in evidence
    assert "the end, db_password=" in evidence


@pytest.mark.thorough
def test_a_budget_lets_the_roll_go_on_and_the_exit_code_tells(fleet: Fleet, folder: pathlib.Path) -> None:
    fleet.run("t19", "systemctl", "stop", "odoo")
    try:
        done = Roll(fleet, folder, "-l", "t19,t14", balancer="none", budget="50%", batches="1").end()
    finally:
        fleet.run("t19", "systemctl", "start", "odoo")
        fleet.settle("t19")
    assert done.code == 2, done.output
    assert done.outcomes == {"t19": "failed", "t14": "reloaded"}
    assert done.code_of("t19") == "host.no_master"
    # What remains can be rolled by itself.
    rest = Roll(fleet, folder, "-l", f"@{done.folder}/remaining", balancer="none").end()
    assert (rest.code, rest.outcomes) == (0, {"t19": "reloaded"}), rest.output


def test_a_host_without_odoo_stops_it_before_anything_is_touched(
    fleet: Fleet, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What an ansible.cfg may say of all plays must not take the summary away.
    monkeypatch.setenv("ANSIBLE_ANY_ERRORS_FATAL", "true")
    before = fleet.processes("p19")
    done = Roll(fleet, folder, *LIMIT, balancer="none", match={"version": "14.0"}).end()
    assert done.code == 2, done.output
    assert done.outcomes == {"p19": "failed", "t19": "failed", "p14": "not touched", "t14": "not touched"}
    assert done.code_of("p19") == "host.no_master"
    expected = Roll(fleet, folder, "-l", "p19", balancer="none", masters=2).end()
    assert expected.code_of("p19") == "roll.other_masters"
    assert fleet.processes("p19") == before


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("batches", "1,0%", "[option.bad_batches]"),
        *[
            pytest.param("batches", value, "[option.bad_batches]", marks=pytest.mark.thorough)
            for value in ("0", "-1", "150%", "abc", "[]")
        ],
        *[
            pytest.param(*case, marks=pytest.mark.thorough)
            for case in (
                ("budget", "-1", "[option.bad_budget]"),
                ("window", "22-5", "[option.bad_window]"),
                ("timeout", "soon", "rolling_restart_timeout"),
            )
        ],
        ("order", "random", "[option.wrong_variables]"),
        ("balancer_haproxy_hosts", "", "[option.missing]"),
        ("canary_healthy_time", "-1", "rolling_restart_canary_healthy_time must be 0 seconds or more"),
        ("conditions", "1 == 1, 1 == 2", "[option.wrong_type]"),
        ("before_batch", "before.yml", "[option.not_a_path]"),
        ("before_batch", "/no/such/before.yml", "/no/such/before.yml"),
        ("host", "p19", "[option.set_by_role]"),
        # As an extra variable it would be believed in place of what the hosts prove.
        ("host", {"ready": True, "serves": True}, "[option.set_by_role]"),
        ("roll", "new", "[option.set_by_role]"),
        ("hosts", "oddo", "[option.no_hosts]"),
    ],
)
def test_a_wrong_value_is_refused_before_anything_is_touched(
    fleet: Fleet, folder: pathlib.Path, name: str, value: t.Any, message: str
) -> None:
    before = fleet.processes("p19")
    done = Roll(fleet, folder, "-l", "p19", **{name: value}).end()
    assert done.code in (1, 2, 4), done.output
    assert message in " ".join(done.output.split())
    assert LOCK not in done.output
    assert fleet.processes("p19") == before


@pytest.mark.thorough
def test_a_pause(fleet: Fleet, folder: pathlib.Path) -> None:
    """As test_runner.py has it."""
    paused = Roll(fleet, folder, "-l", "t19,t14", balancer="none", stop_after=1).end()
    assert (paused.code, paused.outcomes) == (0, {"t19": "reloaded", "t14": "not touched"}), paused.output


def test_an_approval_and_conditions(fleet: Fleet, folder: pathlib.Path) -> None:
    # No user can answer here, so the answer is no, at once.
    asked = Roll(fleet, folder, "-l", "t19,t14", balancer="none", approval="canary").end()
    assert (asked.code, asked.outcomes) == (2, {"t19": "reloaded", "t14": "not touched"}), asked.output
    assert asked.stop() == ("approval", "roll.not_approved")
    before = fleet.processes("t19")
    blocked = Roll(fleet, folder, "-l", "t19", balancer="none", conditions=["1 == 1", "backup_is_over"]).end()
    assert blocked.code == 2, blocked.output
    assert blocked.stop() == ("blocked", "roll.blocked")
    assert fleet.processes("t19") == before


@pytest.mark.thorough
def test_tasks_before_a_batch_and_a_window(fleet: Fleet, folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    only = ["-l", "t19"]
    before = fleet.processes("t19")
    tasks = tmp_path / "before.yml"
    tasks.write_text("- name: A backup is running\n  ansible.builtin.fail: {msg: wait for it}\n", encoding="utf-8")
    held = Roll(fleet, folder, *only, balancer="none", before_batch=str(tasks)).end()
    assert held.stop() == ("blocked", "roll.blocked"), held.output
    assert "A backup is running: wait for it" in held.report["stopped"]["reason"]
    hours = "-".join(time.strftime("%H:%M", time.gmtime(time.time() + 3600 * later)) for later in (2, 3))
    closed = Roll(fleet, folder, *only, balancer="none", window=hours).end()
    assert (closed.code, closed.stop()) == (2, ("window", "roll.outside_window")), closed.output
    assert fleet.processes("t19") == before


@pytest.mark.thorough
def test_tasks_of_the_users_own_for_a_balancer(fleet: Fleet, folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    said = tmp_path / "said.txt"
    for way in ("out", "in"):
        (tmp_path / f"{way}.yml").write_text(
            f"- ansible.builtin.shell: echo {way} {{{{ inventory_hostname }}}} >> {said}\n  delegate_to: localhost\n",
            encoding="utf-8",
        )
    done = Roll(
        fleet,
        folder,
        *("-l", "t19,t14"),
        balancer="tasks",
        balancer_out_tasks=str(tmp_path / "out.yml"),
        balancer_in_tasks=str(tmp_path / "in.yml"),
    ).end()
    assert done.code == 0, done.output
    assert said.read_text(encoding="utf-8").split("\n")[:4] == ["out t19", "in t19", "out t14", "in t14"]


def _own_tasks(folder: pathlib.Path, **ways: str) -> dict[str, t.Any]:
    """Options for a balancer that is told by these tasks."""
    for way, tasks in ways.items():
        (folder / f"{way}.yml").write_text(tasks, encoding="utf-8")
    return {"balancer": "tasks", **{f"balancer_{way}_tasks": str(folder / f"{way}.yml") for way in ways}}


@pytest.mark.thorough
@pytest.mark.parametrize("batches", [*thorough("1"), "2"])
def test_a_balancer_of_the_users_own_that_cannot_be_reached_stops_the_roll(
    fleet: Fleet, folder: pathlib.Path, tmp_path: pathlib.Path, batches: str
) -> None:
    # (A threaded server has no children, so its processes stay what they are.)
    before = {host: fleet.processes(host) for host in ("p19", "p14")}
    # Nothing listens there, and only one host asks it.
    lost = (
        "- ansible.builtin.ping:\n  delegate_to: gone\n  when: inventory_hostname == 't19'\n"
        "  vars: {ansible_host: 127.0.0.1, ansible_port: 1}\n"
    )
    own = _own_tasks(tmp_path, **{"out": lost, "in": "- ansible.builtin.debug:\n"})
    done = Roll(fleet, folder, *LIMIT, batches=batches, **own).end()
    # 2 and 4 meet here, and which of them wins depends on the core.
    assert done.code in (2, 4), done.output
    # With batches of one Ansible itself ends the playbook there, and nothing more is told.
    if batches == "2":
        assert done.stop() == ("failures", "roll.hosts_lost"), done.output
        assert [host for host, one in done.outcomes.items() if one == "reloaded"] == ["p19"]
        assert done.code_of("t19") == "roll.left_play"
    assert [host for host in before if fleet.processes(host) != before[host]] == ["p19"]
    released = fleet.playbook("release", "-e", json.dumps(own), *LIMIT)
    assert released.returncode == 0, released.stdout
    assert "t19: released from the roll" in released.stdout


def test_a_missing_file_of_tasks_is_found_before_anything_is_touched(
    fleet: Fleet, folder: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    own = _own_tasks(tmp_path, **{"out": "- ansible.builtin.debug:\n", "in": "- no_such.module.at_all:\n"})
    done = Roll(fleet, folder, "-l", "t19", **own).end()
    assert done.code != 0, done.output
    assert "no_such.module.at_all" in done.output
    assert LOCK not in done.output


@pytest.mark.thorough
def test_a_turn_that_has_used_up_its_time_sends_nothing(
    fleet: Fleet, folder: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    before = fleet.processes("p19")
    slow = "- ansible.builtin.pause: {seconds: 6}\n"
    own = _own_tasks(tmp_path, **{"out": slow, "in": "- ansible.builtin.debug:\n"})
    done = Roll(fleet, folder, "-l", "p19", timeout=6, **own).end()
    assert (done.code, done.outcomes) == (2, {"p19": "failed"}), done.output
    assert done.code_of("p19") == "roll.little_time"
    assert done.report["hosts"][0]["balancer"]["state"] == "in"
    assert fleet.processes("p19") == before


@pytest.mark.thorough
def test_a_server_that_ends_while_its_host_is_out_keeps_it_out(
    fleet: Fleet, folder: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    """Test a server that got no signal and answers no request."""
    own = _own_tasks(
        tmp_path, **{"out": "- ansible.builtin.command: systemctl stop odoo\n", "in": "- ansible.builtin.debug:\n"}
    )
    try:
        done = Roll(fleet, folder, "-l", "t19", **own).end()
    finally:
        fleet.run("t19", "systemctl", "start", "odoo")
        fleet.settle("t19")
    assert (done.code, done.outcomes) == (2, {"t19": "failed"}), done.output
    assert done.report["stats"]["out_of_balancer"] == ["t19"], done.output
    assert done.report["hosts"][0]["balancer"]["code"] == "host.no_master"
    assert fleet.module("t19", "roll_lock", state="absent").result["was"]["out"]


@pytest.mark.thorough
def test_a_host_that_cannot_be_put_back_before_a_roll_stays_known_as_out(
    fleet: Fleet, folder: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    own = _own_tasks(tmp_path, **{"out": "- ansible.builtin.debug:\n", "in": "- ansible.builtin.fail: {msg: no lb}\n"})
    fleet.module("t19", "roll_lock", kind="roll", id="a dead roll", ttl=0.001, out=True)
    done = Roll(fleet, folder, "-l", "t19", **own).end()
    assert (done.code, done.reason("t19")) == (2, "no lb"), done.output
    assert done.report["stats"]["out_of_balancer"] == ["t19"]
    assert "a dead roll" in done.report["hosts"][0]["taken"]
    left = fleet.module("t19", "roll_lock", state="absent").result["was"]
    assert (left["out"], left["expired"]) == (True, True)


@pytest.mark.thorough
def test_tags_do_not_lead_around_the_roll(fleet: Fleet, folder: pathlib.Path) -> None:
    done = Roll(fleet, folder, "-l", "t19", "--tags", "configuration", balancer="none").end()
    assert (done.code, done.outcomes) == (0, {"t19": "reloaded"}), done.output


def test_the_balancer_is_told_and_a_long_request_survives(fleet: Fleet, folder: pathlib.Path) -> None:
    with request(fleet, "lb", "/lab/sleep/4", port=80) as long:
        # As a survey hands lists on.
        done = Roll(fleet, folder, "-l", "p19", balancer_haproxy_hosts="lb,", balancer_haproxy_backends="odoo").end()
    assert done.code == 0, done.output
    assert long.status == 200
    assert all_in(fleet)
    assert json.loads((done.folder / "report.json").read_text(encoding="utf-8"))["outcome"] == "done"
    assert f"{done.folder}: report.html and report.json" in " ".join(done.output.split())
    page = (done.folder / "report.html").read_text(encoding="utf-8")
    steps = ["preflight", "look", "leaves the load balancer", "reload", "returns to the load balancer", "end"]
    assert re.findall(r"<li>([a-z ]+?) [\d.]+ s</li>", page) == steps
    # On a busy machine the request may have ended before.
    assert [one["under_way"] for one in done.report["hosts"]] in ([1], [0])
