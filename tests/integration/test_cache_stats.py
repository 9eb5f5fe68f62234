# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cache statistics of real servers."""

from __future__ import annotations

import contextlib
import http.client
import json
import pathlib
import re
import threading
import time
import typing as t

import pytest

from .conftest import KINDS, Answer, Fleet, address, lab, no_secrets, release, request, under_test
from .test_stack_dump import LOG, level

pytestmark = pytest.mark.versions

HOSTS = (*KINDS, "journal")
PREFORK = ["master", "http", "http", "cron"]
#: check, run, check again, run again
RUNS = ("--check", None, "--check", None)


def warm(fleet: Fleet, host: str) -> None:
    """Request a page, so that the caches are not empty. An earlier file may have restarted the server."""
    fleet.settle(host, seconds=60)
    with request(fleet, host, "/web/login") as sent:
        pass
    assert sent.status == 200


@pytest.fixture(scope="module")
def answers(fleet: Fleet) -> dict[str, list[Answer]]:
    """Return the answers of each kind of server in the four runs, asked side by side; the journal only once."""
    hosts = under_test(HOSTS)
    for host in hosts:
        warm(fleet, host)
    found: dict[str, list[Answer]] = {host: [] for host in hosts}
    for number, option in enumerate(RUNS, 1):
        asked = [host for host in hosts if host in KINDS or number == len(RUNS)]
        begun = {host: fleet.begin(host, "cache_stats", *filter(None, [option])) for host in asked}
        for host, answer in begun.items():
            found[host].append(answer())
    return found


@pytest.mark.parametrize("host", KINDS)
def test_in_four_runs_every_process_answers_and_none_ends(
    fleet: Fleet, answers: dict[str, list[Answer]], host: str
) -> None:
    roles = PREFORK if host.startswith("p") else ["master"]
    first = answers[host][0].only
    for option, answer in zip(RUNS, answers[host], strict=True):
        assert (answer.code, answer.result["changed"]) == (0, False), answer.output
        found = answer.only
        assert (found["did"], found["missing"], found["signals"]) == ("signalled", [], ["USR1"]), found
        # The order is that in which they were started, and workers are replaced.
        assert sorted(one["role"] for one in found["asked"]) == sorted(roles)
        # The gevent process never gets a signal.
        assert [one["role"] for one in found["left_out"]] == (["gevent"] if len(roles) > 1 else [])
        assert [one["pid"] for one in found["statistics"]] == ([] if option else [one["pid"] for one in found["asked"]])
        assert [one["identity"] for one in found["asked"]] == [one["identity"] for one in first["asked"]]
    master = fleet.master(host)
    alive = {master["pid"]: "master", **{child["pid"]: child["role"] for child in master["children"]}}
    assert alive == {one["pid"]: one["role"] for one in [*first["asked"], *first["left_out"]]}


@pytest.mark.parametrize("host", HOSTS)
def test_what_they_tell(answers: dict[str, list[Answer]], host: str) -> None:
    found = answers[host][-1].only
    version = release(host if host in KINDS else "p19")
    # Caches have names since 17, and since 19 what fits into each is told.
    named, sized = int(version.partition(".")[0].lstrip("sa~")) >= 17, host not in ("p14", "t14")
    assert found["version"] == version
    assert found["log_source"] == ("the journal" if host == "journal" else LOG)
    for one in found["statistics"]:
        assert (one["other"], one["log_pid"]) == ([], one["pid"])
        assert bool(one["usage"]) == sized
        for row in one["caches"]:
            assert row["database"] == host
            assert row["memory"] is None
            assert (row["cache"] is not None) == named
        if sized:
            assert sum(use["entries"] for use in one["usage"]) == sum(row["entries"] for row in one["caches"])
    made = {(row["model"], row["method"]) for one in found["statistics"] for row in one["caches"]}
    expected = {"14.0": ("ir.qweb", "compile"), "19.0": ("IrUiView", "_get_cached_template_info")}
    assert expected.get(version, ("ir.model.fields", "_all_manual_field_data")) in made


def test_sizes_are_asked_for_where_the_signal_is_caught(fleet: Fleet) -> None:
    begun = [fleet.begin(host, "cache_stats", memory=True) for host in ("p19", "p14")]
    new, old = (answer().only for answer in begun)
    assert (new["signals"], old["signals"], new["missing"], old["missing"]) == (["USR2"], ["USR1"], [], [])
    assert all(row["memory"] > 0 for one in new["statistics"] for row in one["caches"] if row["entries"])
    assert {row["memory"] for one in old["statistics"] for row in one["caches"]} == {None}
    for host, found in (("p19", new), ("p14", old)):
        alive = fleet.identities(host)
        assert {one["identity"] for one in found["asked"]} < set(alive)


@contextlib.contextmanager
def load(fleet: Fleet, *hosts: str) -> t.Iterator[None]:
    """One request after the other at each of these hosts while the block runs."""
    done = threading.Event()
    lost: list[str] = []

    def ask(host: str) -> None:
        while not done.wait(0.05):
            try:
                warm(fleet, host)
            except (AssertionError, OSError) as exc:
                lost.append(f"{host}: {exc}")

    threads = [threading.Thread(target=ask, args=(host,)) for host in hosts]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert lost == []


def test_under_load_no_request_is_lost(fleet: Fleet) -> None:
    asked: dict[str, list[list[str]]] = {host: [] for host in KINDS}
    with load(fleet, *KINDS):
        for option in (None, "--check"):
            begun = {host: fleet.begin(host, "cache_stats", *filter(None, [option]), timeout=10) for host in KINDS}
            for host, answer in begun.items():
                found = answer().only
                assert found["missing"] == []
                asked[host].append([one["identity"] for one in found["asked"]])
    # The same processes are there to be asked again.
    assert all(first == second for first, second in asked.values())


def test_one_of_14_that_is_at_work_all_the_time_is_not_asked(fleet: Fleet) -> None:
    connection = http.client.HTTPConnection(address(fleet.inventory, "t14"), 8069)
    with contextlib.closing(connection):
        # Longer than the test on any machine; it ends with the server.
        connection.request("GET", "/lab/cpu/300")
        time.sleep(0.5)
        found = fleet.module("t14", "cache_stats", timeout=0.5).only
        assert (found["did"], found["asked"], found["signals"]) == ("refused", [], [])
        assert (found["code"], found["missing"][0]["code"]) == ("dump.none_asked", "dump.at_work")
        assert fleet.master("t14")["identity"] == found["identity"]
        # A server that is only told to stop waits for the request.
        fleet.run("t14", "sh", "-c", "systemctl kill --signal=KILL odoo; systemctl restart odoo")
    fleet.settle("t14")


def test_no_process_is_asked_if_the_log_hides_the_statistics(fleet: Fleet) -> None:
    # Stack dumps, which another logger writes, would show.
    with level(fleet, "t19", "log_handler = :INFO,odoo.tools.cache:WARNING"):
        master = fleet.master("t19")
        answer = fleet.module("t19", "cache_stats")
        found = answer.only
        assert (answer.code, found["did"], found["asked"]) == (0, "refused", [])
        assert (found["code"], {one["code"] for one in found["missing"]}) == ("dump.level", {"dump.level"})
        assert (master["log"]["shows_dumps"], fleet.master("t19")["identity"]) == (True, master["identity"])


def test_a_log_that_was_rotated(fleet: Fleet) -> None:
    fleet.run("p19", "mv", LOG, LOG + ".1")
    found = fleet.module("p19", "cache_stats").only
    assert (found["missing"], len(found["statistics"])) == ([], 4)


def report(fleet: Fleet, folder: pathlib.Path, hosts: str, *options: str, **values: t.Any) -> tuple[int, str]:
    """Run the playbook; its exit code, and what it printed with single spaces."""
    given = {"hosts": hosts, "report_dir": str(folder), **values}
    done = fleet.playbook(
        "cache_report", "-e", json.dumps({f"cache_report_{key}": value for key, value in given.items()}), *options
    )
    return done.returncode, re.sub(r"\s+", " ", done.stdout)


def test_the_report_of_a_fleet_and_a_host_that_does_not_answer(fleet: Fleet, tmp_path: pathlib.Path) -> None:
    lab(fleet.name, "exec", "t14", "sh", "-c", "systemctl stop ssh.socket ssh.service; pkill -9 sshd; true")
    try:
        # As a job with a limit has it.
        code, said = report(fleet, tmp_path, "all", "--limit", ",".join(KINDS), memory="yes", top="3")
    finally:
        lab(fleet.name, "exec", "t14", "systemctl", "start", "ssh")
    assert code == 2, said
    assert "[dump.no_answer]" in said
    assert "caches of 7 processes of 3 servers on 3 hosts, the most costly first" in said
    (folder,) = tmp_path.iterdir()
    assert {path.name for path in folder.iterdir()} == {"report.json", "report.html"}
    found = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert (found["schema"], found["hosts"], found["silent"]) == (1, ["p14", "p19", "t19"], [])
    assert {one["version"] for one in found["caches"]} == {release("p14"), release("p19")}
    assert any(one["memory"] for one in found["caches"])
    costs = [one["cost"] for one in found["caches"]]
    assert costs == sorted(costs, reverse=True)
    assert (len(found["worst"]), len(found["lines"])) == (3, 7)
    for path in folder.iterdir():
        no_secrets(path.read_text(encoding="utf-8"))
    fleet.settle("t14")


def test_the_report_of_those_who_answer(fleet: Fleet, tmp_path: pathlib.Path) -> None:
    code, said = report(fleet, tmp_path, "p19")
    assert code == 0, said
    assert "report.html and report.json" in said


@pytest.mark.parametrize(
    ("options", "values", "message"),
    [
        (["--check"], {}, "[dump.check_mode]"),
        ([], {"match": {"unit": "none.service"}}, "[dump.no_answer]"),
        ([], {"report_dir": "here"}, "[option.not_a_path]"),
        ([], {"top": "0"}, "[option.out_of_range]"),
        ([], {"timeout": "long"}, "[option.wrong_variables]"),
    ],
)
def test_what_cannot_be_done_is_said(
    fleet: Fleet, tmp_path: pathlib.Path, options: list[str], values: dict[str, t.Any], message: str
) -> None:
    code, said = report(fleet, tmp_path, "p19", *options, **values)
    assert code != 0
    assert message in said, said
    assert list(tmp_path.iterdir()) == []
