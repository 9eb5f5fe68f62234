# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drain and the way back, on a fleet of its own. Hosts are worked on side by side, since most of it is waiting."""

from __future__ import annotations

import concurrent.futures
import contextlib
import http.client
import os
import pathlib
import time
import typing as t

import pytest

from .conftest import KINDS, Answer, Fleet, address, free, lab, lab_up, python_of, request, side_by_side, thorough
from .stops import Stops, counts, each

pytestmark = pytest.mark.versions

PREFORK, THREADED = ("p19", "p14"), ("t19", "t14")
DROP_IN = "zz-fleetops-drain.conf"
#: Whether the tests that use the other hosts of the fleet run.
EVERY = bool(os.environ.get("FLEETOPS_ALL"))
#: The command line of a server: Debian's script, or that of a checkout. It does not match the command of pgrep itself.
ODOO = "[/]usr/bin/odoo|[.]/odoo-bin"
BEGINS, ENDS = "lab slow cron: begins", "lab slow cron: ends"


@pytest.fixture(scope="module")
def fleet() -> t.Iterator[Fleet]:
    """A fleet of its own, for the run of this file."""
    only = () if EVERY else (*KINDS, "always")
    for one in lab_up("drain", str(pathlib.Path(__file__).parent / "drain.yml"), only=only):
        for host in ("p14", "t14"):
            # It looks for jobs every minute. The tests wait for one.
            server = python_of(host)[1] + "/odoo/service/server.py"
            one.run(host, "sed", "-i", "s/^SLEEP_INTERVAL = 60/SLEEP_INTERVAL = 3/", server)
            one.run(host, "systemctl", "restart", "odoo")
        yield one


@pytest.fixture(scope="module")
def away(fleet: Fleet) -> t.Iterator[tuple[float, Answer]]:
    """One of two instances, drained when the tests of this file begin; Restart=always would have it back in 1 s."""
    answer = fleet.module("many", "drain", match={"unit": "odoo@prod.service"})
    yield time.monotonic(), answer
    at_once(fleet, [*KINDS, "many", "superv", "always"], state="undrained")


@pytest.fixture(autouse=True)
def _serving(fleet: Fleet, request: pytest.FixtureRequest) -> None:
    """Every kind serves when a test begins."""
    if EVERY:
        # It is to begin before the first test.
        request.getfixturevalue("away")
    serves = "systemctl is-active odoo; ls /run/fleetops-odoo/drain-*.json 2>/dev/null; true"
    drained = [host for host, said in each(fleet, KINDS, serves).items() if said.split() != ["active"]]
    at_once(fleet, drained, state="undrained", timeout=40)


def at_once(fleet: Fleet, hosts: t.Iterable[str], *options: str, **arguments: t.Any) -> dict[str, Answer]:
    """Run the module on several hosts at the same moment. It looks for 1 s after the end."""
    arguments.setdefault("min_gone_time", 1)
    return side_by_side(fleet, hosts, "drain", *options, **arguments)


def codes(answer: Answer) -> list[str]:
    """The codes of what the caller is warned of."""
    return [one["code"] for one in answer.only["warnings"]]


@contextlib.contextmanager
def requests(fleet: Fleet, hosts: t.Iterable[str], path: str) -> t.Iterator[dict[str, int]]:
    """A request under way at each of several hosts while the block runs, and afterwards the status of each."""
    statuses: dict[str, int] = {}
    with contextlib.ExitStack() as stack:
        connections = {}
        for host in hosts:
            connections[host] = http.client.HTTPConnection(address(fleet.inventory, host), 8069, timeout=60)
            stack.enter_context(contextlib.closing(connections[host]))
            connections[host].request("GET", path)
        time.sleep(0.5)
        try:
            yield statuses
        except BaseException:
            # What is held would still be held in the next test.
            if path.startswith("/lab/hold/"):
                for host in connections:
                    free(fleet, host, path.rpartition("/")[2])
            raise
        for host, connection in connections.items():
            with contextlib.suppress(ConnectionError, http.client.HTTPException):
                statuses[host] = connection.getresponse().status


def start_jobs(fleet: Fleet) -> None:
    """Let the job of 20 s begin on every kind, and no other one."""
    ours = "id = (select res_id from ir_model_data where module = 'lab_slow' and name = 'cron')"
    sql = f"update ir_cron set active = ({ours}), nextcall = now() at time zone 'utc' - interval '1 minute'"
    in_postgres(fleet, f'psql -qXd $host -c "{sql}"; psql -qXd postgres -c "notify cron_trigger, \'$host\'";')


def stop_jobs(fleet: Fleet) -> None:
    """Prevent that the job begins again. Odoo holds its row while it runs, so this returns when it ends."""
    in_postgres(fleet, "psql -qXd $host -c 'update ir_cron set active = false' &")


def in_postgres(fleet: Fleet, script: str) -> None:
    """Run a script for the database of every kind, as its owner."""
    script = f"cd /; for host in {' '.join(KINDS)}; do {script} done; wait"
    fleet.run("db", "runuser", "-u", "postgres", "--", "sh", "-c", script)


def surroundings(fleet: Fleet, hosts: t.Iterable[str]) -> dict[str, str]:
    """Return the lines of systemctl status that are equal in all runs of a server; and drop-ins."""
    names = "ActiveState,SubState,Result,Restart,KillMode,DropInPaths,NeedDaemonReload,UnitFileState,NRestarts"
    return each(fleet, hosts, f"systemctl show -p {names} odoo; find /run/systemd/system; ls /run/systemd")


def notes(fleet: Fleet, hosts: t.Iterable[str]) -> str:
    """The notes of all of them."""
    return "".join(each(fleet, hosts, "ls /run/fleetops-odoo/drain-*.json 2>/dev/null || true").values())


def active(fleet: Fleet, hosts: t.Iterable[str]) -> dict[str, str]:
    """State of the unit, whether it would restart, and the number of Odoo's processes."""
    said = each(fleet, hosts, f"systemctl show --value -p ActiveState -p Restart odoo; pgrep -fc '{ODOO}' || true")
    return {host: " ".join(text.split()) for host, text in said.items()}


GONE = "no inactive 0"


def test_four_runs_and_four_back(fleet: Fleet) -> None:
    before = surroundings(fleet, KINDS)
    stops = Stops(fleet, KINDS)
    for host, answer in at_once(fleet, KINDS, "--check").items():
        assert (answer.code, answer.result["changed"], answer.only["did"]) == (0, True, "signalled"), host
        assert answer.only["signals"] == ["INT"]
        held = [step["what"] for step in answer.only["steps"] if DROP_IN in step["what"]]
        assert bool(held) == (host != "t14"), answer.only["steps"]
    assert surroundings(fleet, KINDS) == before

    for host, answer in at_once(fleet, KINDS, "--diff").items():
        assert (answer.code, answer.result["changed"], answer.only["did"]) == (0, True, "signalled"), answer.output
        assert (answer.only["signals"], answer.only["after"]) == (["INT"], {"state": "gone"})
        assert ("supervisor.kill_mode" in codes(answer)) == (host in ("p19", "t19"))
    assert set(active(fleet, KINDS).values()) == {GONE}

    for options in (["--check"], []):
        for host, answer in at_once(fleet, KINDS, *options).items():
            assert (answer.code, answer.result["changed"], answer.only["did"]) == (0, False, "nothing"), host
            assert "has not run since" in answer.only["reason"]
    assert set(stops.since().values()) == {(1, 0)}

    for host, answer in at_once(fleet, KINDS, "--check", state="undrained").items():
        assert (answer.code, answer.result["changed"], answer.only["did"]) == (0, True, "started"), host
    assert set(active(fleet, KINDS).values()) == {GONE}
    for answer in at_once(fleet, KINDS, state="undrained", min_healthy_time=2).values():
        assert (answer.code, answer.result["changed"], answer.only["did"]) == (0, True, "started"), answer.output
        assert answer.only["after"]["state"] == "running"
        assert answer.only["successor"]
    for options in (["--check"], []):
        for host, answer in at_once(fleet, KINDS, *options, state="undrained").items():
            assert (answer.code, answer.result["changed"], answer.only["did"]) == (0, False, "nothing"), host
    assert surroundings(fleet, KINDS) == before
    assert notes(fleet, KINDS) == ""


def test_a_request_and_a_job_come_to_their_end(fleet: Fleet) -> None:
    stops = Stops(fleet, KINDS)
    before = counts(fleet, KINDS, BEGINS, ENDS)
    start_jobs(fleet)
    deadline = time.monotonic() + 30
    while not all(now > before[host] for host, now in counts(fleet, KINDS, BEGINS, ENDS).items()):
        assert time.monotonic() < deadline
    with requests(fleet, KINDS, "/lab/sleep/10") as sent:
        calls = {host: fleet.begin(host, "drain") for host in KINDS}
        time.sleep(5)
        stop_jobs(fleet)
    for host, call in calls.items():
        answer = call()
        assert (answer.code, answer.only["did"], answer.only["signals"]) == (0, "signalled", ["INT"]), answer.output
        assert sent.get(host) == 200, host
    for host, (begun, ended) in counts(fleet, KINDS, BEGINS, ENDS).items():
        assert begun - before[host][0] == ended - before[host][1] >= 1, host
    assert set(stops.since().values()) == {(1, 0)}


@pytest.mark.thorough
def test_two_at_the_same_moment_and_one_that_only_asks(fleet: Fleet) -> None:
    stops = Stops(fleet, KINDS)
    with requests(fleet, KINDS, "/lab/hold/two") as sent:
        calls = [(host, fleet.begin(host, "drain")) for host in KINDS for _call in range(2)]
        each(fleet, KINDS, """until grep -qs '"busy": .{' /run/fleetops-odoo/drain-*.json; do sleep 0.1; done""")
        asked = at_once(fleet, KINDS, "--check")
        for host in KINDS:
            free(fleet, host, "two")
    answers: dict[str, list[Answer]] = {host: [] for host in KINDS}
    for host, call in calls:
        answers[host].append(call())
    for host in KINDS:
        assert [answer.code for answer in answers[host]] == [0, 0]
        assert sorted(answer.only["did"] for answer in answers[host]) == ["nothing", "signalled"], host
        assert sent.get(host) == 200
        assert asked[host].only["busy"], asked[host].output
        # A thread of Odoo 14 that looks for jobs just now may be there, too, and on a slow machine a worker that has
        # written no dump in time: neither has an address.
        (busy,) = [one for one in asked[host].only["busy"] if one["url"]]
        assert busy["database"] == host
        assert busy["url"].endswith("/lab/hold/two")
        if host in PREFORK:
            assert (asked[host].result["changed"], asked[host].only["did"]) == (False, "nothing")
    assert set(stops.since().values()) == {(1, 0)}


def free_when_two_run(fleet: Fleet, name: str) -> None:
    """Let the requests go on once two calls work on each host. A module is read from the standard input."""
    each(fleet, PREFORK, "until [ $(pgrep -cxf /usr/bin/python3) -ge 2 ]; do sleep 0.1; done; sleep 1")
    for host in PREFORK:
        free(fleet, host, name)


@pytest.mark.thorough
def test_a_reload_and_a_drain_wait_for_each_other(fleet: Fleet) -> None:
    stops = Stops(fleet, PREFORK)
    with requests(fleet, PREFORK, "/lab/hold/reload") as sent:
        reloads = {host: fleet.begin(host, "reload", policy="always") for host in PREFORK}
        while not all(gracefully for gracefully, _forced in stops.since().values()):
            time.sleep(0.1)
        drains = {host: fleet.begin(host, "drain") for host in PREFORK}
        free_when_two_run(fleet, "reload")
    for host in PREFORK:
        assert reloads[host]().only["did"] == "signalled"
        assert (drains[host]().only["did"], sent.get(host)) == ("signalled", 200), host
    # Odoo says so when a HUP ends its old workers, too.
    assert set(stops.since().values()) == {(2, 0)}

    at_once(fleet, PREFORK, state="undrained")
    stops = Stops(fleet, PREFORK)
    with requests(fleet, PREFORK, "/lab/hold/drain") as sent:
        drains = {host: fleet.begin(host, "drain") for host in PREFORK}
        each(fleet, PREFORK, """until grep -qs '"sent": [0-9]' /run/fleetops-odoo/drain-*.json; do sleep 0.1; done""")
        reloads = {host: fleet.begin(host, "reload", policy="always") for host in PREFORK}
        free_when_two_run(fleet, "drain")
    for host in PREFORK:
        answer = reloads[host]()
        assert (answer.code, answer.only["signals"], answer.result["code"]) == (2, [], "failed.drained_away")
        assert (drains[host]().only["did"], sent.get(host)) == ("signalled", 200), host
    assert set(stops.since().values()) == {(1, 0)}


@pytest.mark.thorough
def test_a_call_that_is_killed_leaves_no_second_signal(fleet: Fleet) -> None:
    stops = Stops(fleet, KINDS)
    with requests(fleet, KINDS, "/lab/sleep/30") as sent:
        calls = {host: fleet.begin(host, "drain") for host in KINDS}
        # The module is read from the standard input, so its process has no arguments.
        # The drain waits for a threaded server before its INT, so there the call is killed before it.
        # All at once, and for less than their requests take: one that came later would kill the call of another test.
        until = 'until grep -qs "$0" /run/fleetops-odoo/drain-*.json; do sleep 0.1; done; sleep 0.5'
        with concurrent.futures.ThreadPoolExecutor() as pool:
            killed = [
                pool.submit(
                    each, fleet, hosts, f"timeout 40 sh -c '{until}' '{written}' && pkill -KILL -x -f /usr/bin/python3"
                )
                for hosts, written in ((PREFORK, '"sent": [0-9]'), (THREADED, '"sent": null'))
            ]
        for one in killed:
            one.result()
        for host in KINDS:
            with contextlib.suppress(AssertionError, ValueError):  # the rest of its answer is not JSON
                calls[host]()
        again = at_once(fleet, KINDS)
    for host, answer in again.items():
        assert (answer.code, sent.get(host)) == (0, 200), answer.output
        assert answer.only["did"] == ("nothing" if host in PREFORK else "signalled")
    assert set(stops.since().values()) == {(1, 0)}
    assert set(active(fleet, KINDS).values()) == {GONE}


@pytest.mark.thorough
def test_who_takes_too_long_is_named(fleet: Fleet) -> None:
    stops = Stops(fleet, KINDS)
    before = surroundings(fleet, THREADED)
    with requests(fleet, KINDS, "/lab/hold/long") as sent:
        answers = at_once(fleet, KINDS, http_timeout=2)
        for host, answer in answers.items():
            assert answer.code == 2
            # On a slow machine another worker may have written no dump in time; it is named as well.
            (busy,) = (one for one in answer.only["busy"] if one["url"])
            assert answer.result["code"] == ("timeout.work" if host in PREFORK else "timeout.work_before_int")
            parts = ("http_timeout (2 s)", "/lab/hold/long", f"database {host}", f"pid {busy['pid']} (http)")
            assert [part for part in parts if part not in answer.result["msg"]] == []
            assert busy["seconds"] >= 2
            assert any("select.select" in line for line in busy["stack"])
        assert [answers[host].only["signals"] for host in PREFORK] == [["INT"], ["INT"]]
        for host in THREADED:
            # It would have been cut off, so it goes on, and nothing of ours is left.
            assert (answers[host].only["signals"], answers[host].result["changed"]) == ([], False)
        assert (surroundings(fleet, THREADED), notes(fleet, THREADED)) == (before, "")
        calls = {host: fleet.begin(host, "drain") for host in KINDS}
        time.sleep(2)
        for host in KINDS:
            free(fleet, host, "long")
        again = {host: call() for host, call in calls.items()}
    for host, answer in again.items():
        assert (answer.code, sent.get(host)) == (0, 200), answer.output
        assert answer.only["did"] == ("nothing" if host in PREFORK else "signalled")
    assert set(stops.since().values()) == {(1, 0)}


def test_what_ends_it_by_force(fleet: Fleet) -> None:
    ways = {"p19": "abort", "t14": "abort", "p14": "kill", "t19": "kill"}
    with requests(fleet, KINDS, "/lab/sleep/50"):
        calls = {host: fleet.begin(host, "drain", http_timeout=1, on_timeout=way) for host, way in ways.items()}
        answers = {host: call() for host, call in calls.items()}
    for host, answer in answers.items():
        assert (answer.code, answer.only["did"], answer.only["busy"]) == (0, "signalled", []), answer.output
        assert "/lab/sleep/50" in answer.only["reason"]
        assert "failed.work_cut_off" in codes(answer)
        assert answer.only["signals"][:2] == (["INT", "INT"] if ways[host] == "abort" else ["INT", "KILL"])
        said = " ".join(step["what"] for step in answer.only["steps"])
        assert "http_timeout passed" in said
        assert "cuts off" in said or "KILL was sent" in said
    assert {text.split()[-1] for text in active(fleet, KINDS).values()} == {"0"}
    for answer in at_once(fleet, KINDS, state="undrained").values():
        assert (answer.code, answer.only["did"]) == (0, "started"), answer.output


@pytest.mark.thorough
def test_one_that_came_back_is_told_apart(fleet: Fleet) -> None:
    at_once(fleet, ["p19", "t14"])
    each(fleet, ["p19", "t14"], "systemctl start odoo; sleep 3")
    for host, answer in at_once(fleet, ["p19", "t14"]).items():
        assert (answer.only["did"], answer.only["signals"]) == ("signalled", ["INT"])
        assert "has started again since" in answer.only["reason"], host
    fleet.run("p19", "systemctl", "start", "odoo")
    fleet.settle("p19")
    answer = fleet.module("p19", "drain", state="undrained")
    assert (answer.code, answer.only["did"], answer.result["changed"]) == (0, "nothing", True)
    assert "runs again" in answer.only["reason"]
    assert active(fleet, ["p19"])["p19"].startswith("always active")


@pytest.mark.thorough
@pytest.mark.parametrize("hosts", [("p19", "t14"), *thorough(("t19", "p14"))])
def test_a_port_that_another_program_has_taken_is_named_before_the_start(fleet: Fleet, hosts: tuple[str, ...]) -> None:
    assert {one.outcome for one in at_once(fleet, hosts).values()} == {(0, "signalled", None)}
    each(fleet, hosts, "systemd-run --quiet --unit other python3 -m http.server 8069; sleep 1")
    try:
        before = each(fleet, hosts, "find /run/systemd/system /run/fleetops-odoo | sort")
        for options in (["--check"], []):
            for answer in at_once(fleet, hosts, *options, state="undrained").values():
                assert answer.outcome == (2, "refused", "refused.port_taken"), answer.output
                assert "http_port" in answer.result["msg"]
        assert each(fleet, hosts, "find /run/systemd/system /run/fleetops-odoo | sort") == before
    finally:
        each(fleet, hosts, "systemctl stop other")
    assert {one.outcome for one in at_once(fleet, hosts, state="undrained").values()} == {(0, "started", None)}


@pytest.mark.thorough
def test_nothing_to_bring_back(fleet: Fleet) -> None:
    answer = fleet.module("p19", "drain", state="undrained", match={"http_port": 1234})
    assert (answer.code, answer.result["changed"]) == (2, False)
    assert answer.result["code"] == "host.nothing_drained"
    none = fleet.module("p19", "drain", match={"http_port": 1234})
    assert (none.code, none.result["changed"], none.result["results"]) == (0, False, [])
    strict = fleet.module("p19", "drain", match={"http_port": 1234}, allow_none=False)
    assert (strict.code, strict.result["code"]) == (2, "host.no_master")
    late = fleet.module("p19", "drain", state="undrained", min_healthy_time=60, timeout=60)
    assert late.result["code"] == "option.too_long"


@pytest.mark.parametrize(
    ("host", "state"), [pytest.param("superv", "EXITED", marks=pytest.mark.thorough), ("always", "STOPPED")]
)
def test_supervisord(fleet: Fleet, host: str, state: str) -> None:
    with request(fleet, host, "/lab/sleep/4") as sent:
        answer = fleet.module(host, "drain")
    assert (answer.code, answer.only["did"], sent.status) == (0, "signalled", 200), answer.output
    again = any("supervisord started the server again" in step["what"] for step in answer.only["steps"])
    assert again == (host == "always")
    time.sleep(2)
    assert fleet.run(host, "supervisorctl", "status", "odoo", check=False).split()[1] == state
    assert fleet.module(host, "drain").only["did"] == "nothing"
    back = fleet.module(host, "drain", state="undrained")
    assert (back.code, back.only["did"], back.only["after"]["state"]) == (0, "started", "running"), back.output
    assert fleet.run(host, "supervisorctl", "status", "odoo").split()[1] == "RUNNING"


@pytest.mark.thorough
def test_a_terminal(fleet: Fleet) -> None:
    before = fleet.master("term")
    answer = fleet.module("term", "drain")
    assert (answer.code, answer.only["did"], answer.only["hold"]["kind"]) == (0, "signalled", "none")
    refused = fleet.module("term", "drain", state="undrained")
    assert (refused.code, refused.only["did"]) == (2, "refused")
    assert refused.result["code"] == refused.only["code"] == "supervisor.nothing_starts_it"
    back = fleet.module("term", "drain", state="undrained", start_recorded=True)
    assert (back.code, back.only["did"]) == (0, "started"), back.output
    after = fleet.master("term")
    assert all(before[key] == after[key] for key in ("user", "cmdline", "cwd", "executable", "workers"))


@pytest.mark.thorough
def test_the_other_instance_goes_on_and_the_drained_one_stays_away(fleet: Fleet, away: tuple[float, Answer]) -> None:
    since, answer = away
    assert (answer.code, answer.only["did"]) == (0, "signalled")
    time.sleep(max(0.0, since + 60 - time.monotonic()))
    master = fleet.master("many")
    assert (master["supervisor"]["unit"], master["state"]) == ("odoo@test.service", "running")
    assert fleet.run("many", "systemctl", "is-active", "odoo@prod.service", check=False).strip() == "inactive"
    assert fleet.run("many", "ls", "/run/systemd/system/odoo@prod.service.d").split() == [DROP_IN]

    lab(fleet.name, "reboot", "many")
    masters = fleet.module("many", "master_info").result["masters"]
    assert {master["supervisor"]["unit"] for master in masters} == {"odoo@prod.service", "odoo@test.service"}
    assert fleet.run("many", "sh", "-c", "ls -d /run/fleetops-odoo /run/systemd/system/* 2>/dev/null || true") == ""
