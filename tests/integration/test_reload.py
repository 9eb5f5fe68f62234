# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time

import pytest

from .conftest import KINDS, Fleet, free, plant_killer, request, thorough

LOG = "/var/log/odoo/odoo-server.log"


def loads(fleet: Fleet, host: str) -> int:
    """How often this host's Odoo has loaded its code: it says so in its log at each exec of the master."""
    pid = fleet.master(host)["pid"]
    return int(fleet.run(host, "grep", "-cE", f" {pid} INFO .* odoo: Odoo version", LOG))


@pytest.mark.parametrize("host", KINDS)
def test_four_runs(fleet: Fleet, host: str) -> None:
    since = time.time()
    arguments = {"policy": "since", "since": str(since)}
    before = fleet.master(host)
    loaded = loads(fleet, host)

    check = fleet.module(host, "reload", "--check", **arguments)
    assert (check.result["changed"], check.only["did"], check.only["signals"]) == (True, "signalled", ["HUP"])
    assert loads(fleet, host) == loaded

    run = fleet.module(host, "reload", "--diff", **arguments)
    assert (run.code, run.result["changed"], run.only["did"], run.only["signals"]) == (0, True, "signalled", ["HUP"])
    assert loads(fleet, host) == loaded + 1
    assert run.only["identity"] == before["identity"]
    assert run.only["after"]["state"] == "running"
    old = {child["identity"] for child in before["children"]}
    assert old.isdisjoint(child["identity"] for child in run.only["after"]["children"])
    assert run.only["after"]["workers"] == before["workers"]
    assert run.only["after"]["loaded"]["evidence"] == "marker"
    assert "+++ after" in run.output

    for options in (["--check"], []):
        again = fleet.module(host, "reload", *options, **arguments)
        assert (again.code, again.result["changed"], again.only["did"]) == (0, False, "nothing")
        assert "loaded its code at" in again.only["reason"]
    assert loads(fleet, host) == loaded + 1


@pytest.mark.parametrize("host", ["p19", "t14", *thorough("t19", "p14")])
def test_two_at_the_same_moment_send_one_hup(fleet: Fleet, host: str) -> None:
    loaded = loads(fleet, host)
    answers = [wait() for wait in [fleet.begin(host, "reload") for attempt in range(2)]]
    assert [answer.code for answer in answers] == [0, 0]
    assert sorted(answer.only["did"] for answer in answers) == ["nothing", "signalled"]
    assert loads(fleet, host) == loaded + 1
    assert fleet.master(host)["state"] == "running"


def test_a_reload_that_somebody_else_began_is_waited_for(fleet: Fleet) -> None:
    loaded = loads(fleet, "p19")
    pid = fleet.master("p19")["pid"]
    fleet.run("p19", "kill", "-HUP", str(pid))
    answer = fleet.module("p19", "reload")
    # The other's HUP takes 1.1 s and more, our call comes after about 0.5 s.
    assert answer.code == 0
    assert answer.only["did"] == "nothing"
    assert "reloading" in answer.only["reason"]
    assert loads(fleet, "p19") == loaded + 1


def test_a_deadline_that_passes_says_what_it_waited_for_and_the_next_call_takes_it_up(fleet: Fleet) -> None:
    # Odoo 14 waits for its requests before it executes itself anew, so the second call finds the first HUP at work.
    loaded = loads(fleet, "p14")
    with request(fleet, "p14", "/lab/hold/reload") as long:
        answer = fleet.module("p14", "reload", timeout=3)
        assert answer.code == 2
        assert answer.only["signals"] == ["HUP"]
        assert "was not ready within 3 s after the HUP: still waiting for the master to execute" in answer.result["msg"]
        call = fleet.begin("p14", "reload")
        time.sleep(3)
        free(fleet, "p14", "reload")
        second = call()
        assert (second.code, second.only["did"]) == (0, "nothing")
        assert "draining" in second.only["reason"]
    assert long.status == 200
    assert loads(fleet, "p14") == loaded + 1


def test_a_virtualenv_started_by_its_full_path_is_refused_with_the_remedy(fleet: Fleet) -> None:
    before = fleet.processes("venv")
    for options in (["--check"], []):
        answer = fleet.module("venv", "reload", *options)
        assert answer.code == 2
        assert answer.only["did"] == "refused"
        assert answer.only["signals"] == []
        assert "Environment=PATH=/opt/odoo/venv/bin:" in answer.result["msg"]
        assert "odoo.service" in answer.result["msg"]
    assert fleet.processes("venv") == before


def test_a_virtualenv_on_the_path_is_reloaded(fleet: Fleet) -> None:
    for _attempt in range(2):  # after the first HUP argv[0] is a bare name
        answer = fleet.module("onpath", "reload")
        assert (answer.code, answer.only["did"]) == (0, "signalled")


@pytest.mark.parametrize("host", ["p19", "p14"])
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("workers = abc", "workers"),
        ("just some words", "odoo.conf"),
        ("log_level = loud", "loud"),
    ],
)
def test_a_broken_odoo_conf_is_found_before_the_hup(fleet: Fleet, host: str, line: str, expected: str) -> None:
    if host == "p14" and line.startswith("log_level"):
        pytest.skip("Odoo 14 takes any level")
    before = fleet.processes(host)
    fleet.run(host, "cp", "-p", "/etc/odoo/odoo.conf", "/etc/odoo/good.conf")
    try:
        fleet.run(host, "bash", "-c", f"sed -i '/^workers/d' /etc/odoo/odoo.conf; echo '{line}' >> /etc/odoo/odoo.conf")
        answer = fleet.module(host, "reload")
        assert answer.code == 2
        assert answer.only["did"] == "refused"
        assert "cannot parse its configuration" in answer.result["msg"]
        assert expected in answer.result["msg"]
    finally:
        fleet.run(host, "mv", "/etc/odoo/good.conf", "/etc/odoo/odoo.conf")
    assert fleet.processes(host) == before


@pytest.mark.parametrize(
    ("host", "name", "text", "expected"),
    [
        ("p19", "models/broken.py", "def f(:", "models/broken.py:1"),
        ("t14", "__manifest__.py", "{'name': 'x',", "__manifest__.py:1"),
    ],
)
def test_broken_code_is_found_before_the_hup(fleet: Fleet, host: str, name: str, text: str, expected: str) -> None:
    addon = "/opt/lab/addons/lab_broken"
    before = fleet.processes(host)
    fleet.run(host, "mkdir", "-p", f"{addon}/models")
    fleet.run(host, "sh", "-c", f'echo "{text}" > {addon}/{name}')
    try:
        for options in (["--check"], []):
            answer = fleet.module(host, "reload", *options)
            assert (answer.code, answer.only["did"]) == (2, "refused")
            assert f"{addon}/{expected}" in answer.result["msg"]
            assert "SyntaxError" in answer.result["msg"]
        hup = fleet.module(host, "send_signal", signal="HUP")
        assert (hup.code, hup.only["did"]) == (2, "refused")
        assert f"{addon}/{expected}" in hup.result["msg"]
    finally:
        fleet.run(host, "rm", "-r", addon)
    assert fleet.processes(host) == before


@pytest.mark.parametrize("host", ["p19", "journal"])
def test_a_server_that_dies_on_its_hup_leaves_its_last_words(fleet: Fleet, host: str) -> None:
    plant_killer(fleet, host)
    try:
        answer = fleet.module(host, "reload", timeout=30)
        assert answer.code == 2
        assert answer.result["changed"] is True
        assert answer.only["signals"] == ["HUP"]
        assert "ended after the HUP" in answer.result["msg"]
        assert "the end, db_password=********" in answer.result["msg"]
    finally:
        fleet.restore(host)


def test_nobody_to_reload(fleet: Fleet) -> None:
    answer = fleet.module("p19", "reload", match={"http_port": 1})
    assert answer.code == 2
    assert "no Odoo master was found that matches" in answer.result["msg"]
    assert fleet.module("p19", "reload", match={"http_port": 1}, allow_none=True).result["results"] == []


def test_without_privileges_it_refuses(fleet: Fleet) -> None:
    answer = fleet.module("p19", "reload", "-e", "ansible_user=ops")
    assert answer.code == 2
    assert answer.only["did"] == "refused"
    assert "run as root or as the server's user" in answer.result["msg"]


def test_as_the_servers_own_user(fleet: Fleet) -> None:
    answer = fleet.module("p19", "reload", "--become", "--become-method", "sudo", "--become-user", "odoo")
    assert (answer.code, answer.only["did"]) == (0, "signalled")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"policy": "since"}, "since"),
        ({"policy": "since", "since": "2026-11-24 05:00:00"}, "has no offset from UTC"),
        ({"policy": "since", "since": "yesterday"}, "is no moment"),
        ({"policy": "since", "since": "4102444800"}, "in the future"),
        ({"health": {"path": "web/health"}}, "begins with /"),
        ({"health": {"port": 70000}}, "from 1 to 65535"),
        ({"match": {"pid": []}}, "right is a value"),
    ],
)
def test_wrong_options_are_named(fleet: Fleet, arguments: dict[str, object], message: str) -> None:
    answer = fleet.module("p19", "reload", **arguments)
    assert answer.code == 2
    assert message in answer.result["msg"]


def test_health_that_never_comes(fleet: Fleet) -> None:
    answer = fleet.module("t19", "reload", health={"path": "/nowhere"}, timeout=8)
    assert answer.code == 2
    assert "answers 404 where 200 is right" in answer.result["msg"]
    assert fleet.module("t19", "reload", health={"enabled": False}).code == 0


def test_no_secret_in_the_most_verbose_output(fleet: Fleet) -> None:
    # Every call looks for secrets in what it prints; this one prints all there is.
    assert fleet.module("p19", "reload", "-vvv", "--diff").code == 0
