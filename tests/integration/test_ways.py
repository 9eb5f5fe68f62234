# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Odoo as it is started elsewhere: several on a host, supervisord, a terminal, containers of podman."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import typing as t

import pytest

from .conftest import HUP, Fleet, lab_up, plant_killer, request, thorough
from .restarts import four_runs, since_now

HOSTS = ("superv", "term", "pod", "podone", "pod14")


@pytest.fixture(scope="module")
def ways() -> t.Iterator[Fleet]:
    """A fleet of its own, for the run of this file."""
    yield from lab_up("ways", "ways")


@pytest.mark.parametrize(
    ("host", "kind", "log", "version"),
    [
        ("superv", "supervisord", "none", "19.0"),
        ("term", "none", "terminal", "19.0"),
        ("pod", "container", "container", "19.0"),
        ("podone", "container", "container", "19.0"),
        ("pod14", "container", "container", "14.0"),
    ],
)
def test_each_is_known_for_what_it_is(ways: Fleet, host: str, kind: str, log: str, version: str) -> None:
    master = ways.master(host)
    assert (master["supervisor"]["kind"], master["log"]["kind"], master["version"]) == (kind, log, version)
    assert (master["mode"], master["state"]) == ("prefork", "running")
    assert master["workers"] == {"http": 2, "cron": 1, "gevent": 1, "other": 0}
    assert {"address": "0.0.0.0", "port": 8069} in master["listening"]
    if kind == "container":
        assert master["container"]["runtime"] == "podman"
        assert master["container"]["pid"] < master["pid"]
        assert master["supervisor"]["unit"] == master["container"]["id"]
    else:
        assert master["container"] is None
    if kind == "supervisord":
        assert master["supervisor"]["unit"] == "odoo:odoo"


# What is under supervisord is reloaded in test_supervisord, too; pod14 differs from pod in the release alone.
@pytest.mark.parametrize("host", ["term", *thorough("pod", "superv", "pod14")])
def test_each_is_reloaded_once(ways: Fleet, host: str) -> None:
    old = ways.processes(host)
    answer = ways.module(host, "reload", **HUP)
    assert (answer.outcome, answer.only["signals"]) == ((0, "signalled", None), ["HUP"])
    new = ways.processes(host)
    assert new[0] == old[0]
    assert set(new[1:]).isdisjoint(old[1:])
    again = ways.module(host, "reload")
    assert again.outcome == (0, "nothing", None)


@pytest.mark.parametrize("host", ["pod", "podone", "pod14"])
def test_every_process_of_a_container_writes_its_stacks(ways: Fleet, host: str) -> None:
    found = ways.module(host, "stack_dump", samples=3, interval=0).only
    assert (found["did"], found["code"], found["missing"], found["warnings"]) == ("signalled", None, [], [])
    assert {dump["code"] for dump in found["dumps"]} == {None}
    assert found["log_source"].startswith("the log of container ")
    # On Python 3.11 the master is asked once, in the last sample.
    workers = ["http", "http", "gevent", "cron"]
    asked = ["master", *workers] * 3 if host == "pod14" else [*workers * 2, "master", *workers]
    assert [dump["role"] for dump in found["dumps"]] == asked
    for dump in found["dumps"]:
        assert dump["log_pid"] < dump["pid"]
        assert any("dumpstacks" in frame["function"] for thread in dump["threads"] for frame in thread["frames"])


@pytest.mark.parametrize(("host", "signal"), [("pod", "USR2"), ("pod14", "USR1")])
def test_the_processes_of_a_container_write_their_cache_statistics(ways: Fleet, host: str, signal: str) -> None:
    found = ways.module(host, "cache_stats", memory=True, timeout=20).only
    assert (found["missing"], found["signals"]) == ([], [signal])
    assert [one["role"] for one in found["statistics"]] == ["master", "http", "http", "cron"]
    assert all(one["log_pid"] < one["pid"] and one["caches"] and not one["other"] for one in found["statistics"])


@pytest.mark.parametrize(("host", "code"), [("superv", "dump.no_log"), ("term", "dump.terminal")])
def test_no_process_is_asked_whose_stacks_cannot_be_read(ways: Fleet, host: str, code: str) -> None:
    found = ways.module(host, "stack_dump").only
    assert (found["did"], found["code"], found["asked"], found["dumps"]) == ("refused", code, [], [])
    assert {one["code"] for one in found["missing"]} == {code}


def test_several_servers_of_a_host_are_asked_together(ways: Fleet) -> None:
    prod, test = ways.module("many", "stack_dump").result["results"]
    assert (len(prod["dumps"]), prod["missing"], len(test["dumps"]), test["missing"]) == (5, [], 1, [])
    assert test["log_source"] == "/var/log/odoo/test.log"


def test_a_container_is_rehearsed_in_its_own_files(ways: Fleet) -> None:
    # Its Odoo is broken inside; the host has none at all.
    old = ways.processes("pod")
    name = ways.run("pod", "podman", "ps", "--format", "{{.Names}}").split()[0]
    inside = ["podman", "exec", "-u", "0", name, "sh", "-c"]
    path = "/usr/lib/python3/dist-packages/odoo/http.py"
    ways.run("pod", *inside, f"cp -p {path} /tmp/good && echo 'raise RuntimeError(\"broken inside\")' >> {path}")
    try:
        answer = ways.module("pod", "reload", **HUP)
    finally:
        ways.run("pod", *inside, f"mv /tmp/good {path}")
    assert answer.outcome == (2, "refused", "rehearsal.import_error")
    assert "RuntimeError: broken inside" in answer.result["msg"]
    assert ways.processes("pod") == old


#: What master_info does, for a container that has Python but no sshd.
INSIDE = """
import importlib, json, sys, time
sys.path.insert(0, "/tmp/code")
use = lambda name: importlib.import_module("ansible_collections.fleetops.odoo.plugins.module_utils." + name)
proc, store = use("_processes.proc").Proc(), use("_facts.loaded").ServerRecords()
seen = use("_processes.look").look(proc)
facts = use("_facts.gather").survey(proc, seen, store, staleness=True)
print(json.dumps(use("_facts.results").masters(seen, facts, time.time(), {})))
"""


@pytest.fixture(scope="module")
def inside(ways: Fleet, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Copy the code into the container of pod; return its name."""
    code = "ansible_collections/fleetops/odoo/plugins/module_utils"
    # In one piece: file by file it would take a minute.
    packed = shutil.make_archive(
        str(tmp_path_factory.mktemp("inside") / "code"), "gztar", os.environ["ANSIBLE_COLLECTIONS_PATH"], code
    )
    ways.run("pod", "mkdir", "-p", "/tmp/code")
    copy = {"src": packed, "dest": "/tmp/code"}
    command = ["ansible", "-i", ways.inventory, "pod", "-m", "ansible.builtin.unarchive", "-a", json.dumps(copy)]
    subprocess.run(command, check=True, capture_output=True)
    name = ways.run("pod", "podman", "ps", "--format", "{{.Names}}").split()[0]
    ways.run("pod", "podman", "cp", "/tmp/code", f"{name}:/tmp/")
    return name


@pytest.mark.parametrize("user", ["0", "odoo"])
def test_a_container_seen_from_inside(ways: Fleet, user: str, inside: str) -> None:
    (master,) = json.loads(ways.run("pod", "podman", "exec", "-u", user, inside, "python3", "-B", "-c", INSIDE))
    assert (master["version"], master["mode"], master["state"]) == ("19.0", "prefork", "running")
    assert master["workers"] == {"http": 2, "cron": 1, "gevent": 1, "other": 0}
    assert (master["supervisor"]["kind"], master["container"]) == ("container", None)
    # The root of a container may not look into another user's process.
    assert master["hidden"] is (user == "0")


@pytest.mark.thorough
def test_only_the_chosen_one_of_several(ways: Fleet) -> None:
    masters = {m["supervisor"]["unit"]: m for m in ways.module("many", "master_info").result["masters"]}
    assert sorted(masters) == ["odoo@prod.service", "odoo@test.service"]
    assert masters["odoo@prod.service"]["user"] != masters["odoo@test.service"]["user"]
    for choice in ({"match": {"unit": "odoo@test.service"}}, {"select": "[?options.http_port==`8169`]"}):
        answer = ways.module("many", "reload", **choice, **HUP)
        assert (answer.code, answer.only["pid"]) == (0, masters["odoo@test.service"]["pid"])
    after = {m["supervisor"]["unit"]: m for m in ways.module("many", "master_info").result["masters"]}
    prod = "odoo@prod.service"
    assert [c["pid"] for c in after[prod]["children"]] == [c["pid"] for c in masters[prod]["children"]]
    both = ways.module("many", "reload", **HUP)
    assert [one["did"] for one in both.result["results"]] == ["signalled", "signalled"]


@pytest.mark.parametrize("options", [*thorough(["--check"]), []])
def test_every_chosen_server_has_a_result_where_the_first_one_is_refused(ways: Fleet, options: list[str]) -> None:
    first, second = ways.module("many", "master_info").result["masters"]
    path = first["config_file"]
    ways.run("many", "cp", "-p", path, "/root/kept.conf")
    try:
        ways.run("many", "sed", "-i", "s/^db_name.*/&\\nlog_level = loud/; /^log_level/d", path)
        answer = ways.module("many", "reload", *options, policy="always")
    finally:
        ways.run("many", "sh", "-c", f"cat /root/kept.conf > {path}")
    refused, other = answer.result["results"]
    assert (refused["identity"], other["identity"]) == (first["identity"], second["identity"])
    assert (refused["did"], refused["code"]) == ("refused", "rehearsal.bad_configuration")
    assert (other["did"], other["code"]) == ("not_reached", "failed.not_reached")
    assert (answer.code, answer.result["code"], answer.result["changed"]) == (2, "rehearsal.bad_configuration", False)
    assert [word for word in (f"pid {first['pid']}", path, "loud") if word not in answer.result["msg"]] == []
    assert [one["signals"] + one["steps"] for one in (refused, other)] == [[], []]
    # No server was signalled: the same processes are there, all of the generation that was there before.
    after = ways.module("many", "master_info").result["masters"]
    for before, now in zip((first, second), after, strict=True):
        assert (now["identity"], now["state"], now["loaded"]) == (before["identity"], "running", before["loaded"])
        assert [(child["identity"], child["generation"]) for child in now["children"]] == [
            (child["identity"], "current") for child in before["children"]
        ]


def test_a_container_that_would_come_back_is_not_drained(ways: Fleet) -> None:
    old = ways.processes("pod")
    for options in (["--check"], []):
        answer = ways.module("pod", "drain", *options)
        assert answer.outcome == (2, "refused", "supervisor.container_starts_again")
        assert (answer.result["changed"], answer.only["signals"]) == (False, [])
        assert " always, " in answer.result["msg"]
        assert "podman update --restart=no" in answer.result["msg"]
    assert ways.processes("pod") == old


@pytest.mark.thorough
@pytest.mark.parametrize("by_hand", [False, True])
def test_a_drained_container_of_podman_is_started_again(ways: Fleet, *, by_hand: bool) -> None:
    answer = ways.module("podone", "drain")
    assert (answer.outcome, answer.only["signals"]) == ((0, "signalled", None), ["INT"]), answer.output
    assert answer.only["hold"]["policy"] == "no"
    if by_hand:
        ways.run("podone", "podman", "start", answer.only["hold"]["unit"])
        ways.settle("podone")
    back = ways.module("podone", "drain", state="undrained")
    did = "nothing" if by_hand else "started"
    assert (back.outcome, back.only["after"]["state"]) == ((0, did, None), "running"), back.output
    again = ways.module("podone", "drain", "--check", state="undrained")
    assert (again.outcome, again.only["signals"], again.only["hold"]) == ((0, "nothing", None), [], None)


def test_supervisord(ways: Fleet) -> None:
    run = four_runs(ways, "superv", method="supervisor", **since_now())
    assert run.only["reason"].endswith(" by supervisord")
    assert ways.module("superv", "reload", policy="stale", method="supervisor").outcome == (0, "nothing", None)
    hup = ways.module("superv", "reload", policy="always", method="auto")
    assert hup.outcome == (0, "signalled", None)


@pytest.mark.thorough
def test_supervisord_kills_a_master_that_waits_for_its_requests(ways: Fleet) -> None:
    # After its stopwaitsecs (10). The worker goes on and has the port for as long, so the first new servers die of it.
    with request(ways, "superv", "/lab/sleep/13") as long:
        answer = ways.module("superv", "reload", policy="always", method="supervisor", timeout=60)
    assert answer.outcome == (0, "restarted", None), answer.output
    assert long.status == 200
    assert ways.master("superv")["identity"] == answer.only["successor"]


@pytest.mark.thorough
def test_supervisord_and_a_server_that_does_not_come_back(ways: Fleet) -> None:
    plant_killer(ways, "superv")
    try:
        answer = ways.module("superv", "reload", policy="always", method="supervisor", timeout=30)
        code = str(answer.result["code"])
        assert (answer.outcome, answer.result["changed"]) == ((2, "restarted", code), True)
        # Whether it lives for a second each time, which is enough for supervisord to go on for ever, is chance.
        assert code == "failed.not_back" or code.startswith("timeout.")
        assert code.startswith("timeout.") or "odoo:odoo" in answer.result["msg"]
    finally:
        ways.restore("superv")


@pytest.mark.thorough
@pytest.mark.parametrize(("host", "code"), [("term", "supervisor.none"), ("pod", "supervisor.container_not_restarted")])
def test_a_restart_without_a_supervisor_is_refused(ways: Fleet, host: str, code: str) -> None:
    old = ways.processes(host)
    for options in (["--check"], []):
        answer = ways.module(host, "reload", *options, policy="always", method="supervisor")
        assert answer.outcome == (2, "refused", code)
    assert ways.processes(host) == old
    hup = ways.module(host, "reload", policy="always", method="auto")
    assert hup.outcome == (0, "signalled", None)
