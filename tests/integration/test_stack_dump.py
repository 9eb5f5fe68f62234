# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stack dumps of real servers."""

from __future__ import annotations

import contextlib
import typing as t

import pytest

from .conftest import KINDS, Answer, Fleet, free, request, thorough, under_test, unwatched

pytestmark = pytest.mark.versions

LOG = "/var/log/odoo/odoo-server.log"
#: How often every process must answer in a row. (By hand it was 20 times.)
TRIES = 5
PREFORK = ["master", "http", "http", "gevent", "cron"]


def dumps(found: dict[str, t.Any], sample: int = 1) -> dict[str, list[dict[str, t.Any]]]:
    """The dumps of a sample by role."""
    by_role: dict[str, list[dict[str, t.Any]]] = {}
    for dump in found["dumps"]:
        if dump["sample"] == sample:
            by_role.setdefault(dump["role"], []).append(dump)
    return by_role


def busy(found: dict[str, t.Any], path: str) -> list[dict[str, t.Any]]:
    """Threads at work on a request. The balancer's own checks may be under way beside it."""
    threads = [thread for dump in found["dumps"] for thread in dump["threads"] if not thread["idle"]]
    return [thread for thread in threads if path in (thread["url"] or "")]


def without_master(found: dict[str, t.Any]) -> dict[str, t.Any]:
    """A result without what it tells of the master."""
    lists = {key: [one for one in found[key] if one["role"] != "master"] for key in ("dumps", "missing", "asked")}
    return {**found, **lists}


def in_log(fleet: Fleet, host: str) -> int:
    """Return the number of dumps in the log of a host."""
    return int(fleet.run(host, "bash", "-c", f"grep -c 'odoo.tools.misc: $' {LOG} || true"))


@pytest.fixture(scope="module", autouse=True)
def quiet(fleet: Fleet) -> t.Iterator[None]:
    """No health check wakes the idle workers of p19, so that they can be asked on any Python."""
    with unwatched(fleet, "p19"):
        yield


@pytest.fixture(scope="module")
def answers(fleet: Fleet) -> dict[str, Answer]:
    """Return the answers of each kind of server, asked side by side."""
    hosts = under_test((*KINDS, "journal", "seed"))
    begun = {host: fleet.begin(host, "stack_dump", samples=TRIES, interval=0) for host in hosts}
    return {host: answer() for host, answer in begun.items()}


@pytest.mark.parametrize(
    ("host", "roles"),
    [
        ("p19", PREFORK),
        ("t19", ["master"]),
        ("p14", PREFORK),
        ("t14", ["master"]),
        ("journal", PREFORK),
        ("seed", ["master", *["http"] * 5, "gevent", "cron", "cron"]),
    ],
)
def test_every_process_answers_every_time(answers: dict[str, Answer], host: str, roles: list[str]) -> None:
    answer = answers[host]
    assert (answer.code, answer.result["changed"]) == (0, False), answer.output
    found = answer.only
    assert (found["did"], found["signals"]) == ("signalled", ["QUIT"])
    cautious = found["python"] in ("3.10", "3.11")
    if cautious and len(roles) > 1:
        # The master is asked last and once, and never at work: that of five workers is hardly ever at rest.
        masters = [one["sample"] for one in found["dumps"] + found["missing"] if one["role"] == "master"]
        assert masters == [TRIES]
        found = without_master(found)
        roles = [role for role in roles if role != "master"]
    else:
        assert (found["code"], found["warnings"]) == (None, [])
        assert found["asked"][0]["role"] == "master"
    assert found["missing"] == []
    assert {dump["code"] for dump in found["dumps"]} == {None}
    # They are the same ones to the end: none of them was harmed. (In the order of their pids: an earlier test may have
    # recycled the workers of HTTP, and they come last then.)
    assert sorted(one["role"] for one in found["asked"]) == sorted(roles)
    assert [one["pid"] for one in found["asked"]] == sorted(one["pid"] for one in found["asked"])
    assert all(one["signals"] >= TRIES for one in found["asked"])
    for sample in range(1, TRIES + 1):
        pids = [dump["pid"] for dump in found["dumps"] if dump["sample"] == sample]
        assert pids == [one["pid"] for one in found["asked"]]
    for dump in found["dumps"]:
        assert dump["raw"].startswith(dump["time"].replace("T", " ").replace(".", ",").rstrip("Z"))
        assert any("dumpstacks" in frame["function"] for thread in dump["threads"] for frame in thread["frames"])
        assert dump["log_pid"] == dump["pid"]
    assert found["seconds"] / TRIES < (5.5 if cautious else 1.5)
    assert found["log_source"] == ("the journal" if host == "journal" else LOG)


@pytest.mark.parametrize("host", KINDS)
def test_raw_is_what_stands_in_the_log(fleet: Fleet, answers: dict[str, Answer], host: str) -> None:
    log = fleet.run(host, "cat", LOG)
    assert all(dump["raw"] in log for dump in answers[host].only["dumps"])


def test_a_request_that_hangs_is_seen_and_does_not_move(fleet: Fleet) -> None:
    path = "/lab/hold/dump?token=LAB-SECRET-1"
    with request(fleet, "p19", path) as prefork, request(fleet, "t14", path) as threaded:
        begun = [fleet.begin(host, "stack_dump", samples=2, interval=0.3) for host in ("p19", "t14")]
        answers = [answer() for answer in begun]
        for host in ("p19", "t14"):
            free(fleet, host, "dump")
    assert (prefork.status, threaded.status) == (200, 200)
    for answer in answers:
        found = answer.only
        first, second = busy(found, "/lab/hold/")
        assert "/lab/hold/dump?token=********" in first["url"]
        assert first["frames"] == second["frames"]
        assert first["frames"][-1]["file"].endswith("lab_slow/controllers/main.py")
        samples = [dump["sample"] for dump in found["dumps"]]
        # On Python 3.11 the master is asked once, in the last sample.
        assert samples == sorted(samples)
        assert samples.count(2) - samples.count(1) in (0, 1)


def test_only_these_roles(fleet: Fleet) -> None:
    found = fleet.module("seed", "stack_dump", roles=["cron", "gevent"]).only
    assert {role: len(some) for role, some in dumps(found).items()} == {"cron": 2, "gevent": 1}
    assert sum(one["signals"] for one in found["asked"]) == 3


def test_check_mode_says_who_would_be_asked(fleet: Fleet) -> None:
    before = in_log(fleet, "p14")
    found = fleet.module("p14", "stack_dump", "--check", samples=2).only
    assert (found["did"], found["dumps"], found["missing"]) == ("signalled", [], [])
    assert sorted(one["role"] for one in found["asked"]) == sorted(PREFORK)
    assert {one["signals"] for one in found["asked"]} == {2}
    assert (found["code"], len(found["asked"])) == (None, 5)
    fleet.run("p14", "sleep", "0.5")
    assert in_log(fleet, "p14") == before


@contextlib.contextmanager
def level(fleet: Fleet, host: str, line: str) -> t.Iterator[None]:
    """Another line in odoo.conf while the block runs."""
    fleet.run(host, "sh", "-c", f"cp -p /etc/odoo/odoo.conf /root/kept; echo '{line}' >> /etc/odoo/odoo.conf")
    fleet.run(host, "systemctl", "restart", "odoo")
    fleet.settle(host)
    try:
        yield
    finally:
        fleet.run(host, "sh", "-c", "cat /root/kept > /etc/odoo/odoo.conf")
        fleet.run(host, "systemctl", "restart", "odoo")
        fleet.settle(host)


def test_no_process_is_asked_if_the_log_level_hides_dumps(fleet: Fleet) -> None:
    with level(fleet, "t19", "log_level = warn"):
        answer = fleet.module("t19", "stack_dump")
        found = answer.only
        assert (answer.code, found["did"], found["signals"], found["asked"]) == (0, "refused", [], [])
        assert found["code"] == "dump.level"
        assert [one["code"] for one in found["warnings"]] == ["dump.level", "dump.py_spy_helps"]
        assert [(one["role"], one["code"]) for one in found["missing"]] == [("master", "dump.level")]
        said = answer.output.split("=>")[0] + str(answer.result.get("warnings"))
        assert f"pid {found['pid']}: {found['reason']}" in said


def test_a_stopped_worker_is_named_and_the_others_answer(fleet: Fleet) -> None:
    workers = [child["pid"] for child in fleet.master("p19")["children"] if child["role"] == "http"]
    fleet.run("p19", "kill", "-STOP", str(workers[0]))
    try:
        found = fleet.module("p19", "stack_dump").only
    finally:
        fleet.run("p19", "kill", "-CONT", str(workers[0]))
    others = without_master(found)
    assert [(one["pid"], one["role"]) for one in others["missing"]] == [(workers[0], "http")]
    assert others["missing"][0]["code"] == "refused.stopped"
    assert len(others["dumps"]) == 3
    assert found["seconds"] < 6


#: A log that is not yet the server's own ends who writes to it (docs/signals.md), so the new one comes into its place
#: when it is.
ROTATE = {
    "rename": f"install -o odoo -g adm -m 640 /dev/null {LOG}.0; ln -f {LOG} {LOG}.1; mv {LOG}.0 {LOG}",
    "rename only": f"mv {LOG} {LOG}.1",
    "copytruncate": f"cp {LOG} {LOG}.1; truncate -s 0 {LOG}",
}


@pytest.mark.parametrize("way", ["rename", *thorough("rename only", "copytruncate")])
def test_a_rotation_before_and_in_the_middle(fleet: Fleet, way: str) -> None:
    fleet.run("p19", "bash", "-c", ROTATE[way])
    again = f"(for n in 1 2 3 4; do sleep 0.9; {ROTATE[way]}; done) >/dev/null 2>&1 &"
    fleet.run("p19", "bash", "-c", again)
    found = without_master(fleet.module("p19", "stack_dump", samples=12, interval=0.3).only)
    lost = [one for one in found["missing"] if one["code"] != "dump.not_written"]
    assert lost == []
    # A copytruncate loses lines that are written between its two steps, for every reader.
    assert len(found["dumps"]) == 12 * 4 if way != "copytruncate" else len(found["dumps"]) >= 12 * 4 - 2


#: Whole lines, as Odoo writes them: 20 MB a second.
FLOOD = f"""
import os, time
log = os.open("{LOG}", os.O_WRONLY | os.O_APPEND)
end = time.monotonic() + 5
while time.monotonic() < end:
    os.write(log, (b"2026-11-24 10:30:21,999 9 INFO t14 odoo.http: " + b"x" * 100 + b"\\n") * 3000)
    time.sleep(0.02)
"""


def test_a_log_that_grows_by_megabytes_a_second(fleet: Fleet) -> None:
    fleet.run("seed", "bash", "-c", f"python3 -c '{FLOOD}' >/dev/null 2>&1 &")
    found = fleet.module("seed", "stack_dump", samples=2, interval=0.5).only
    size = int(fleet.run("seed", "stat", "-c", "%s", LOG))
    fleet.run("seed", "bash", "-c", f"sleep 2; truncate -s 0 {LOG}")
    assert size > 10_000_000
    # On Python 3.11 the master is asked once.
    assert (len(found["dumps"]), found["missing"]) == (17, [])
    assert not any("xxx" in dump["raw"] for dump in found["dumps"])


def test_a_server_that_ends_in_between(fleet: Fleet) -> None:
    # As soon as the first sample is in the log, however late the module begins.
    count = f"$(grep -c 'odoo.tools.misc: $' {LOG})"
    wait = f"n={count}; until [ {count} -gt $n ]; do sleep 0.1; done; sleep 1; systemctl restart odoo"
    fleet.run("t14", "bash", "-c", f"({wait}) >/dev/null 2>&1 &")
    found = fleet.module("t14", "stack_dump", samples=2, interval=4).only
    # Python takes the handlers away before its process ends.
    assert [one["code"] for one in found["missing"]] in (["failed.master_ended"], ["refused.no_handler"])
    fleet.settle("t14")


def test_while_it_boots_who_would_die_is_not_asked(fleet: Fleet) -> None:
    assert fleet.module("p19", "send_signal", signal="HUP").code == 0
    found = fleet.module("p19", "stack_dump").only
    assert len(found["dumps"]) + len(found["missing"]) >= 1
    codes = {"refused.no_handler", "refused.role", "refused.process_ended", "dump.process_ended"}
    # On Python 3.11 a process that boots is not at rest.
    codes |= {"refused.master_at_work", "refused.at_work", "dump.not_at_rest"}
    assert {one["code"] for one in found["missing"]} <= codes
    assert fleet.module("p19", "wait_healthy").only["identity"] == found["identity"]


def test_none(fleet: Fleet) -> None:
    assert fleet.module("lb", "stack_dump").code == 2
    assert fleet.module("lb", "stack_dump", allow_none=True).result["results"] == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"samples": 0}, "option.out_of_range"),
        ({"interval": -1}, "option.negative"),
        ({"sample_timeout": 0}, "option.not_positive"),
        ({"roles": ["shepherd"]}, None),
        ({"timeout": 3}, None),
    ],
)
def test_a_bad_option_is_named(fleet: Fleet, arguments: dict[str, t.Any], code: str | None) -> None:
    answer = fleet.module("p19", "stack_dump", **arguments)
    assert answer.code == 2
    assert (answer.result.get("code"), next(iter(arguments)) in answer.result["msg"].lower()) == (code, True)


def test_who_may_not_look_is_told_so(fleet: Fleet) -> None:
    found = fleet.module("p19", "stack_dump", "--become", "--become-user", "nobody").only
    assert (found["did"], found["dumps"]) == ("refused", [])
