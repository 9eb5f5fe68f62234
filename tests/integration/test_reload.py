# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time

import pytest

from .conftest import HUP, Fleet, free, major_of, plant_killer, pull_out_killer, request, thorough

pytestmark = pytest.mark.versions

LOG = "/var/log/odoo/odoo-server.log"
#: From this version on Odoo refuses an unknown log_level in odoo.conf.
CHECKS_LEVELS = 19
MANIFEST = "/opt/lab/addons/lab_slow/__manifest__.py"


def loads(fleet: Fleet, host: str) -> int:
    """Return how often Odoo on this host has loaded its code: it logs each exec of the master."""
    pid = fleet.pid(host)
    return int(fleet.run(host, "grep", "-cE", f" {pid} INFO .* odoo: Odoo version", LOG))


@pytest.mark.parametrize("host", ["p19", "t14", *thorough("t19", "p14")])
def test_four_runs(fleet: Fleet, host: str) -> None:
    since = time.time()
    arguments = {"policy": "since", "since": str(since), "method": "hup"}
    before = fleet.master(host)
    loaded = loads(fleet, host)

    check = fleet.module(host, "reload", "--check", **arguments)
    assert (check.result["changed"], check.only["did"], check.only["signals"]) == (True, "signalled", ["HUP"])
    assert loads(fleet, host) == loaded

    run = fleet.module(host, "reload", "--diff", **arguments)
    assert (run.outcome, run.result["changed"], run.only["signals"]) == ((0, "signalled", None), True, ["HUP"])
    assert f"pid {before['pid']}" in run.only["steps"][0]["what"]
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
        assert (again.outcome, again.result["changed"]) == ((0, "nothing", None), False)
        assert run.only["after"]["loaded"]["not_before"] in again.only["reason"]
    assert loads(fleet, host) == loaded + 1


@pytest.mark.parametrize("host", ["p19", *thorough("t14")])
def test_four_runs_with_the_defaults(fleet: Fleet, host: str) -> None:
    """Policy stale and method auto: a server whose files have changed gets a HUP where that is enough, and no other."""
    assert fleet.module(host, "reload", **HUP).code == 0
    loaded = loads(fleet, host)
    fleet.run(host, "touch", MANIFEST)

    check = fleet.module(host, "reload", "--check")
    assert (check.outcome, check.result["changed"]) == ((0, "signalled", None), True)
    assert loads(fleet, host) == loaded

    run = fleet.module(host, "reload")
    assert (run.outcome, run.result["changed"], run.only["signals"]) == ((0, "signalled", None), True, ["HUP"])
    assert MANIFEST in run.only["reason"]
    assert loads(fleet, host) == loaded + 1

    for options in (["--check"], []):
        again = fleet.module(host, "reload", *options)
        assert (again.outcome, again.result["changed"], again.only["signals"]) == ((0, "nothing", None), False, [])
        assert run.only["after"]["loaded"]["not_before"] in again.only["reason"]
    assert loads(fleet, host) == loaded + 1


@pytest.mark.parametrize("host", ["p19", *thorough("t14", "t19", "p14")])
def test_two_at_the_same_moment_send_one_hup(fleet: Fleet, host: str) -> None:
    loaded = loads(fleet, host)
    answers = [wait() for wait in [fleet.begin(host, "reload", **HUP) for attempt in range(2)]]
    assert [answer.code for answer in answers] == [0, 0]
    assert sorted(answer.only["did"] for answer in answers) == ["nothing", "signalled"]
    assert loads(fleet, host) == loaded + 1
    assert fleet.master(host)["state"] == "running"


def test_a_reload_of_another_program_is_waited_for(fleet: Fleet) -> None:
    loaded = loads(fleet, "p19")
    pid = fleet.pid("p19")
    fleet.run("p19", "kill", "-HUP", str(pid))
    answer = fleet.module("p19", "reload", **HUP)
    # The other's HUP takes 1.1 s and more, our call comes after about 0.5 s.
    assert answer.outcome == (0, "nothing", None)
    assert "reloading" in answer.only["reason"]
    assert loads(fleet, "p19") == loaded + 1


def test_what_changes_while_a_reload_of_another_program_loads_is_reloaded(fleet: Fleet) -> None:
    loaded = loads(fleet, "p19")
    pid = fleet.pid("p19")
    fleet.run("p19", "sh", "-c", f"kill -HUP {pid}; sleep 0.3; touch {MANIFEST}")
    answer = fleet.module("p19", "reload", **HUP)
    assert answer.outcome == (0, "signalled", None)
    assert "reloading when this call began" in answer.only["reason"]
    assert MANIFEST in answer.only["reason"]
    assert loads(fleet, "p19") == loaded + 2


def test_a_deadline_that_passes_says_what_it_waited_for_and_the_next_call_takes_it_up(fleet: Fleet) -> None:
    # Odoo 14 waits for its requests before it executes itself again, so the second call finds the first HUP at work.
    loaded = loads(fleet, "p14")
    pid = fleet.pid("p14")
    with request(fleet, "p14", "/lab/hold/reload") as long:
        answer = fleet.module("p14", "reload", timeout=3, **HUP)
        assert answer.outcome == (2, "signalled", "timeout.new_exec")
        assert answer.only["signals"] == ["HUP"]
        assert [word for word in (f"pid {pid} ", " 3 s ", "HUP") if word not in answer.result["msg"]] == []
        call = fleet.begin("p14", "reload", **HUP)
        time.sleep(3)
        free(fleet, "p14", "reload")
        second = call()
        assert second.outcome == (0, "nothing", None)
        assert "draining" in second.only["reason"]
    assert long.status == 200
    assert loads(fleet, "p14") == loaded + 1


def test_a_virtualenv_started_by_its_full_path_is_refused_with_the_remedy(fleet: Fleet) -> None:
    before = fleet.processes("venv")
    for options in (["--check"], []):
        answer = fleet.module("venv", "reload", *options, **HUP)
        assert answer.outcome == (2, "refused", "rehearsal.virtualenv_lost")
        assert answer.only["signals"] == []
        assert f"pid {answer.only['pid']}" in answer.result["msg"]
        assert "Environment=PATH=/opt/odoo/venv/bin:" in answer.result["msg"]
        assert "odoo.service" in answer.result["msg"]
    assert fleet.processes("venv") == before


@pytest.mark.thorough
def test_a_virtualenv_on_the_path_is_reloaded(fleet: Fleet) -> None:
    for _attempt in range(2):  # after the first HUP argv[0] is a bare name
        answer = fleet.module("onpath", "reload", **HUP)
        assert (answer.code, answer.only["did"]) == (0, "signalled")


@pytest.mark.parametrize(
    ("host", "line", "expected"),
    [
        ("p19", "workers = abc", "workers"),
        ("p14", "just some words", "odoo.conf"),
        ("p19", "log_level = loud", "loud"),
        *[
            pytest.param(*case, marks=pytest.mark.thorough)
            for case in (
                ("p14", "workers = abc", "workers"),
                ("p19", "just some words", "odoo.conf"),
                ("p14", "log_level = loud", "loud"),
            )
        ],
    ],
)
def test_a_broken_odoo_conf_is_found_before_the_hup(fleet: Fleet, host: str, line: str, expected: str) -> None:
    if major_of(host) < CHECKS_LEVELS and line.startswith("log_level"):
        pytest.skip("an older Odoo takes any level")
    before = fleet.processes(host)
    fleet.run(host, "cp", "-p", "/etc/odoo/odoo.conf", "/etc/odoo/good.conf")
    try:
        fleet.run(host, "bash", "-c", f"sed -i '/^workers/d' /etc/odoo/odoo.conf; echo '{line}' >> /etc/odoo/odoo.conf")
        answer = fleet.module(host, "reload", **HUP)
        assert answer.outcome == (2, "refused", "rehearsal.bad_configuration")
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
            answer = fleet.module(host, "reload", *options, **HUP)
            assert answer.outcome == (2, "refused", "rehearsal.syntax_error")
            assert f"{addon}/{expected}" in answer.result["msg"]
            assert "SyntaxError" in answer.result["msg"]
        hup = fleet.module(host, "send_signal", signal="HUP")
        assert hup.outcome == (2, "refused", "rehearsal.syntax_error")
        assert f"{addon}/{expected}" in hup.result["msg"]
    finally:
        fleet.run(host, "rm", "-r", addon)
    assert fleet.processes(host) == before


# test_broken_addon.py finds the words of a failed load in the journal.
@pytest.mark.parametrize("host", ["p19", *thorough("journal")])
def test_a_server_that_dies_on_its_hup_leaves_its_last_words(fleet: Fleet, host: str) -> None:
    plant_killer(fleet, host)
    try:
        answer = fleet.module(host, "reload", timeout=30, **HUP)
        assert answer.outcome == (2, "signalled", "failed.ended")
        assert answer.result["changed"] is True
        assert answer.only["signals"] == ["HUP"]
        assert [word for word in (f"pid {answer.only['pid']} ", "HUP") if word not in answer.result["msg"]] == []
        assert "the end, db_password=********" in answer.result["msg"]
    finally:
        pull_out_killer(fleet, host)


def test_a_host_without_a_server_is_refused_unless_allow_none(fleet: Fleet) -> None:
    answer = fleet.module("p19", "reload", match={"http_port": 1})
    assert (answer.code, answer.result["code"], answer.result["results"]) == (2, "host.no_master", [])
    assert "{'http_port': 1}" in answer.result["msg"]
    assert fleet.module("p19", "reload", match={"http_port": 1}, allow_none=True).result["results"] == []


def test_without_privileges_it_refuses(fleet: Fleet) -> None:
    answer = fleet.module("p19", "reload", "-e", "ansible_user=ops", **HUP)
    assert answer.outcome == (2, "refused", "rehearsal.environment_hidden")
    assert f"pid {answer.only['pid']}" in answer.result["msg"]


def test_as_the_servers_own_user(fleet: Fleet) -> None:
    answer = fleet.module("p19", "reload", "--become", "--become-method", "sudo", "--become-user", "odoo", **HUP)
    assert answer.outcome == (0, "signalled", None)


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        ({"policy": "since"}, None, ["since"]),
        ({"policy": "since", "since": "2026-11-24 05:00:00"}, "option.not_a_moment", ["since", "2026-11-24 05:00:00"]),
        ({"policy": "since", "since": "yesterday"}, "option.not_a_moment", ["since", "yesterday"]),
        ({"policy": "since", "since": "4102444800"}, "option.in_future", ["since", "4102444800"]),
        ({"health": {"path": "web/health"}}, "option.not_a_url_path", ["health.path", "web/health"]),
        ({"health": {"port": 70000}}, "option.out_of_range", ["health.port", "65535", "70000"]),
        ({"match": {"pid": []}}, "option.bad_match_value", ["match", "pid", "[]"]),
    ],
)
def test_wrong_options_are_named(
    fleet: Fleet, arguments: dict[str, object], code: str | None, named: list[str]
) -> None:
    answer = fleet.module("p19", "reload", **arguments)
    # Of what its argument specification forbids Ansible says so, and it knows no codes.
    assert (answer.code, answer.result.get("code")) == (2, code)
    assert [word for word in named if word not in answer.result["msg"]] == []


def test_health_that_never_comes(fleet: Fleet) -> None:
    before = fleet.processes("t19")
    for options in (["--check"], []):
        refused = fleet.module("t19", "reload", *options, health={"path": "/nowhere"}, **HUP)
        assert refused.outcome == (2, "refused", "refused.health_not_accepted")
        assert "/nowhere answers 404" in refused.result["msg"]
    assert fleet.processes("t19") == before
    answer = fleet.module("t19", "reload", health={"path": "/nowhere"}, timeout=8, force=True, **HUP)
    assert answer.outcome == (2, "signalled", "timeout.healthy")
    assert "/nowhere answers 404" in answer.result["msg"]
    assert fleet.module("t19", "reload", health={"enabled": False}, **HUP).outcome == (0, "signalled", None)


def test_no_secret_in_the_most_verbose_output(fleet: Fleet) -> None:
    # Every call looks for secrets in what it prints; this one prints all there is.
    assert fleet.module("p19", "reload", "-vvv", "--diff", **HUP).code == 0
