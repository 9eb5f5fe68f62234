# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks drain and undrain: real servers of all kinds behind one balancer."""

from __future__ import annotations

import contextlib
import http.client
import json
import pathlib
import re
import subprocess
import sys
import threading
import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import (
    KINDS,
    Fleet,
    address,
    held,
    lab,
    lab_up,
    results_by_host,
)
from ansible_collections.fleetops.odoo.tests.integration.rolls import HAPROXY, Roll, all_in, balancer, locked, set_state

LOAD = pathlib.Path(__file__).resolve().parents[1] / "lab" / "load.py"
#: What a server writes when it gets its INT.
STOPS = r"Stopping gracefully|Stopping workers gracefully|Initiating shutdown"
LOG = "/var/log/odoo/odoo-server.log"


@pytest.fixture(scope="module")
def fleet() -> t.Iterator[Fleet]:
    """A fleet of its own, for the run of this file."""
    yield from lab_up("graceful", str(pathlib.Path(__file__).parent / "graceful.yml"))


@pytest.fixture(autouse=True)
def _serving(fleet: Fleet) -> t.Iterator[None]:
    """Every host serves and is in when a test begins."""
    yield
    if not all_in(fleet):
        done = play(fleet, "undrain")
        assert done.returncode == 0, done.stdout
        until(lambda: all_in(fleet))


def play(
    fleet: Fleet,
    name: str,
    hosts: str = "odoo",
    *options: str,
    behind: dict[str, t.Any] | None = None,
    **values: t.Any,
) -> subprocess.CompletedProcess[str]:
    """Run one of the playbooks. A drain looks for 1 s after the end of a server."""
    if name == "drain":
        values.setdefault("min_gone_time", 1)
    given = {**(behind or HAPROXY), **{f"graceful_drain_{key}": value for key, value in values.items()}}
    return fleet.playbook(name, "-e", json.dumps({**given, "graceful_drain_hosts": hosts}), *options)


def until(holds: t.Callable[[], bool], seconds: float = 30) -> None:
    """Wait for it."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.3)


def changes(done: subprocess.CompletedProcess[str]) -> list[int]:
    """Return how many tasks changed something, by host, from the recap."""
    return [int(number) for number in re.findall(r"ok=\d+ +changed=(\d+)", done.stdout)]


def traces(fleet: Fleet, host: str) -> tuple[str, str]:
    """Return what a drain may leave behind: the unit as systemd shows it, and drop-ins."""
    shown = fleet.run(host, "systemctl", "show", "odoo", "-p", "ActiveState,SubState,Restart,DropInPaths,UnitFileState")
    return shown, fleet.run(host, "sh", "-c", "ls -d /run/systemd/system/odoo.service.d 2>&1; true")


def stops(fleet: Fleet, host: str) -> int:
    """Return how often a server has logged that it got an INT."""
    return int(fleet.run(host, "grep", "-cE", STOPS, LOG, check=False))


@contextlib.contextmanager
def long_requests(url: str) -> t.Iterator[dict[str, int]]:
    """A request of ten seconds at every host, through the balancer; statuses are there at the end of the block."""
    found: dict[str, int] = {}

    def ask(host: str) -> None:
        with contextlib.closing(http.client.HTTPConnection(url, 80, timeout=60)) as connection:
            connection.request("GET", "/lab/sleep/10", headers={"X-Lab-Server": host})
            found[host] = connection.getresponse().status

    threads = [threading.Thread(target=ask, args=(host,)) for host in KINDS]
    for thread in threads:
        thread.start()
    time.sleep(1)
    yield found
    for thread in threads:
        thread.join(60)


@pytest.mark.thorough
def test_nothing_is_lost_and_nothing_is_left_behind(fleet: Fleet, tmp_path: pathlib.Path) -> None:
    before = {host: traces(fleet, host) for host in KINDS}
    stopped = {host: stops(fleet, host) for host in KINDS}
    front = address(fleet.inventory, "lb")
    tally = tmp_path / "tally.json"
    # What half of the servers answers while other labs take the rest of the machine.
    command = [sys.executable, str(LOAD), "--url", f"http://{front}/", "--rate", "10", "--seconds", "300"]
    load = subprocess.Popen([*command, "--tally", str(tally)], stdout=subprocess.DEVNULL)
    try:
        for pair in ("p19,t14", "t19,p14"):
            with long_requests(front) as long:
                done = play(fleet, "drain", pair)
            assert done.returncode == 0, done.stdout
            assert long == dict.fromkeys(KINDS, 200)
            for host in pair.split(","):
                assert f"{host}: " in done.stdout
                assert fleet.module(host, "master_info").result["masters"] == []
                assert balancer(fleet)[host][0] == "drain"
                assert locked(fleet, host)["id"] == "graceful_drain"
                assert stops(fleet, host) == stopped[host] + 1
                assert "Forced shutdown" not in fleet.run(host, "cat", LOG)
            back = play(fleet, "undrain", pair, min_healthy_time=1)
            assert back.returncode == 0, back.stdout
    finally:
        load.terminate()
        load.wait()
    counted = json.loads(tally.read_text(encoding="utf-8"))
    assert (counted["failed"], counted["requests"] > 300) == (0, True), counted
    until(lambda: all_in(fleet))
    assert {host: traces(fleet, host) for host in KINDS} == before
    assert {host: locked(fleet, host) for host in KINDS} == dict.fromkeys(KINDS)


def quiet(done: subprocess.CompletedProcess[str]) -> None:
    """Check that a host takes at most six lines of a green run, that none is skipped, and that the summary is last."""
    # The tasks that run once show the first host.
    shown = results_by_host(done.stdout)["t14"]
    assert len(shown) <= 6, done.stdout
    assert "skipping" not in done.stdout
    last = done.stdout[done.stdout.rindex("\nTASK [") :]
    assert [host for host in ("p19: ", "t14: ") if host not in last] == []


def test_four_runs_and_four_back(fleet: Fleet) -> None:
    identity = fleet.master("p19")["identity"]
    foreseen = play(fleet, "drain", "p19", "--check")
    assert (foreseen.returncode, all_in(fleet)) == (0, True), foreseen.stdout
    assert "would leave its load balancer; would be drained (" in foreseen.stdout
    assert "zz-fleetops-drain.conf, and make systemd read it" in re.sub(r"\s+", " ", foreseen.stdout)
    assert fleet.master("p19")["identity"] == identity
    first = play(fleet, "drain", "p19,t14", reason="new kernel")
    quiet(first)
    assert (first.returncode, changes(first)[0] > 0) == (0, True), first.stdout
    assert "odoo.service (Restart=always) is held" in re.sub(r"\s+", " ", first.stdout)
    # Tasks after the drain do not belong to it.
    assert [word for word in ("Notify", "Run graceful_drain_after") if word in first.stdout] == []
    for options in (["--check"], []):
        again = play(fleet, "drain", "p19", *options)
        assert (again.returncode, changes(again)) == (0, [0]), again.stdout
        assert "has not run since" in re.sub(r"\s+", " ", again.stdout)
    foreseen = play(fleet, "undrain", "p19", "--check")
    assert (foreseen.returncode, changes(foreseen)) == (0, [1]), foreseen.stdout
    assert balancer(fleet)["p19"][0] == "drain"
    back = play(fleet, "undrain", "p19,t14")
    assert back.returncode == 0, back.stdout
    quiet(back)
    until(lambda: all_in(fleet))
    for options in (["--check"], []):
        again = play(fleet, "undrain", "p19", *options)
        assert (again.returncode, changes(again)) == (0, [0]), again.stdout


def too_few(said: str, left: int, least: int) -> bool:
    """Return whether a drain was refused because so few servers would stay in the backend odoo."""
    return bool(re.search(rf"\bodoo\b.{{1,60}}\b{left}\b.{{1,60}}\b{least}\b.{{0,200}}\[roll\.too_few_left\]", said))


def test_enough_must_stay(fleet: Fleet) -> None:
    before = fleet.processes("p19")
    done = play(fleet, "drain")
    assert done.returncode == 2, done.stdout
    said = re.sub(r"\s+", " ", done.stdout)
    assert too_few(said, 0, 1)
    more = play(fleet, "drain", "p19", least=4)
    assert too_few(re.sub(r"\s+", " ", more.stdout), 3, 4)
    assert (fleet.processes("p19"), all_in(fleet)) == (before, True)


@pytest.mark.thorough
def test_a_server_of_weight_0_does_not_stay(fleet: Fleet) -> None:
    say = "echo 'set server odoo/t19 weight {}' | socat - /run/haproxy/admin.sock"
    fleet.run("lb", "sh", "-c", say.format(0))
    try:
        done = play(fleet, "drain", "p19", least=3)
    finally:
        fleet.run("lb", "sh", "-c", say.format(1))
    assert done.returncode == 2, done.stdout
    assert too_few(re.sub(r"\s+", " ", done.stdout), 2, 3)


NGINX: dict[str, t.Any] = {
    "balancer": "nginx",
    "balancer_nginx_hosts": ["lb"],
    "balancer_nginx_upstreams": ["odoo"],
    "balancer_nginx_websocket_upstreams": ["odoo_gevent"],
    "balancer_nginx_servers": "{{ ansible_host }}",
}


@pytest.mark.thorough
def test_enough_must_stay_in_nginx(fleet: Fleet) -> None:
    out = {"upstreams": ["odoo"], "servers": [address(fleet.inventory, "t14")], "wait": False}
    assert fleet.module("lb", "nginx_upstream", state="down", **out).code == 0
    try:
        done = play(fleet, "drain", "p19", "--check", behind=NGINX, least=3)
        enough = play(fleet, "drain", "p19", "--check", behind=NGINX, least=2)
    finally:
        fleet.module("lb", "nginx_upstream", state="up", **out)
    said = re.sub(r"\s+", " ", done.stdout)
    assert (done.returncode, enough.returncode) == (2, 0), done.stdout + enough.stdout
    assert too_few(said, 2, 3)
    assert "Backend odoo_gevent" not in said


@pytest.mark.thorough
def test_enough_must_stay_where_hosts_refuse_connections(fleet: Fleet) -> None:
    """Of the six other hosts of the inventory, those count that accept connections and serve."""
    behind = {"balancer": "firewall"}
    assert fleet.module("t14", "gate", state="closed", lease=300, wait=False).code == 0
    try:
        done = play(fleet, "drain", "p19", behind=behind, least=3)
        named = play(fleet, "drain", "p19", behind={**behind, "balancer_firewall_hosts": "p14,t14,p19"}, least=2)
        enough = play(fleet, "drain", "p19", "--check", behind=behind, least=2)
    finally:
        fleet.module("t14", "gate", state="open")
    said = re.sub(r"\s+", " ", done.stdout)
    assert (done.returncode, named.returncode, enough.returncode) == (2, 2, 0), done.stdout + enough.stdout
    assert "would leave 2 healthy hosts that accept connections, and it must leave 3" in said
    assert "[roll.too_few_open]" in said
    assert "would leave 1 healthy hosts" in re.sub(r"\s+", " ", named.stdout)
    assert all_in(fleet)


@pytest.mark.thorough
def test_rolls_and_drains_keep_out_of_each_others_way(fleet: Fleet, tmp_path: pathlib.Path) -> None:
    assert play(fleet, "drain", "t19", reason="new kernel").returncode == 0
    refused = Roll(fleet, tmp_path / "1", "-l", "p19,t19").end()
    assert (refused.code, refused.outcomes) == (2, {"p19": "not touched", "t19": "failed"}), refused.output
    assert refused.code_of("t19") == "roll.drained"
    assert refused.report["stats"]["out_of_balancer"] == ["t19"]
    assert "(new kernel)" in refused.reason("t19")
    skipped = Roll(fleet, tmp_path / "3", "-l", "t19", drained="skip").end()
    assert (skipped.code, skipped.outcomes) == (0, {"t19": "skipped"}), skipped.output
    assert "(new kernel)" in skipped.reason("t19")
    # A release is for locks of rolls, also with other names to take over.
    lock = locked(fleet, "t19")
    for named in ("*", "graceful_drain"):
        extra = json.dumps({**HAPROXY, "rolling_restart_take_over": named})
        released = fleet.playbook("release", "-l", "t19", "-e", extra)
        assert (released.returncode, "left alone: " in released.stdout) == (0, True), released.stdout
    kept = locked(fleet, "t19")
    assert (kept["id"], kept["ttl"], kept["out"]) == (lock["id"], lock["ttl"], lock["out"])
    assert play(fleet, "undrain", "t19").returncode == 0
    before = fleet.processes("p14")
    with held(fleet, "p19", "rolled"):
        roll = Roll(fleet, tmp_path / "2", "-l", "p19,p14")
        roll.wait_for_turn("p19", "Take the host out of HAProxy, and wait until its requests have ended")
        done = play(fleet, "drain", "p14")
        assert done.returncode == 2, done.stdout
        assert re.search(r"NOT DRAINED \(lock\): .*\[roll\.locked\]", re.sub(r"\s+", " ", done.stdout)), done.stdout
        assert fleet.processes("p14") == before
    assert roll.end().code == 0


@pytest.mark.thorough
def test_who_holds_it_is_named_and_what_serves_goes_back_in(fleet: Fleet) -> None:
    with held(fleet, "p19", "one") as one, held(fleet, "t19", "other") as other:
        done = play(fleet, "drain", "p19,t19", http_timeout=2)
        said = re.sub(r"\s+", " ", done.stdout)
        assert done.returncode == 2, done.stdout
        assert re.search(
            r"p19: .NOT DRAINED \(drain\): .*/lab/hold/one.*p19.*it stays out of its load balancer", said
        ), said
        # A threaded server gets its signal when it is idle, so nothing has happened to it.
        assert re.search(r"t19: .NOT DRAINED \(drain\): .*/lab/hold/other.*it is in service as before", said), said
        assert balancer(fleet)["p19"][0] == "drain"
        assert balancer(fleet)["t19"] == ("ready", "UP")
        # Who comes next waits for the drain that is under way.
        again = fleet.begin("p19", "drain")
    assert again().only["did"] == "nothing"
    assert play(fleet, "drain", "p19").returncode == 0
    assert (one.status, other.status) == (200, 200)
    assert "Forced shutdown" not in fleet.run("p19", "cat", LOG)
    assert locked(fleet, "t19") is None


@pytest.mark.thorough
def test_a_host_that_an_administrator_has_taken_out_is_not_put_in(fleet: Fleet) -> None:
    set_state(fleet, "t19", "drain")
    with held(fleet, "t19", "mine"):
        done = play(fleet, "drain", "t19", http_timeout=2)
    assert done.returncode == 2, done.stdout
    assert "it is in service as before; it was out of its load balancer before" in re.sub(r"\s+", " ", done.stdout)
    assert (balancer(fleet)["t19"][0], locked(fleet, "t19")) == ("drain", None)


@pytest.mark.thorough
def test_an_undrain_without_the_balancer_does_not_forget_it(fleet: Fleet) -> None:
    assert play(fleet, "drain", "p19").returncode == 0
    # A release leaves the lock of a drain alone.
    for name, code in (("undrain", 2), ("release", 0)):
        done = fleet.playbook(name, "-l", "p19")
        assert done.returncode == code, done.stdout
        assert locked(fleet, "p19")["out"], done.stdout
    assert play(fleet, "undrain", "p19").returncode == 0
    assert locked(fleet, "p19") is None


def test_a_host_that_cannot_be_reached_is_told_and_the_others_are_drained(fleet: Fleet) -> None:
    fleet.run("t19", "sh", "-c", "(sleep 0.3; systemctl stop ssh.socket ssh.service; pkill -9 sshd) >/dev/null 2>&1 &")
    time.sleep(1)
    try:
        done = play(fleet, "drain", "t19,t14")
    finally:
        lab(fleet.name, "exec", "t19", "systemctl", "start", "ssh")
    said = re.sub(r"\s+", " ", done.stdout)
    assert done.returncode == 2, done.stdout
    assert "t19: 'NOT DRAINED (lock): " in said
    assert re.search(r"t14: drained in", said)
    fleet.settle("t19")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"on_timeout": "never"}, "[option.wrong_variables]"),
        pytest.param({"http_timeout": "soon"}, "[option.wrong_variables]", marks=pytest.mark.thorough),
        ({"hosts": "oddo"}, "[option.no_hosts]"),
        pytest.param({"hosts": ""}, "[option.no_hosts]", marks=pytest.mark.thorough),
        ({"host": "p19"}, "[option.set_by_role]"),
    ],
)
def test_a_wrong_value_is_refused(fleet: Fleet, values: dict[str, t.Any], message: str) -> None:
    done = play(fleet, "drain", values.pop("hosts", "p19"), **values)
    assert done.returncode != 0
    assert message in re.sub(r"\s+", " ", done.stdout)
    assert all_in(fleet)


def test_an_undrain_that_fails_leaves_no_lock_where_nothing_was_drained(fleet: Fleet) -> None:
    done = play(fleet, "undrain", "p19", start_timeout=0)
    assert done.returncode == 2, done.stdout
    assert re.search(r"p19: .NOT BACK \(start\): .*\[option\.not_positive\]", re.sub(r"\s+", " ", done.stdout)), (
        done.stdout
    )
    assert locked(fleet, "p19") is None


# As test_drain.py has it, without a balancer.
@pytest.mark.thorough
def test_a_boot_leaves_nothing_behind(fleet: Fleet) -> None:
    assert play(fleet, "drain", "p19").returncode == 0
    lab(fleet.name, "reboot", "p19")
    assert fleet.settle("p19")["state"] == "running"
    # Its balancer does not know of the boot.
    assert balancer(fleet)["p19"][0] == "drain"
    back = play(fleet, "undrain", "p19")
    assert back.returncode == 0, back.stdout
    assert "the server runs and was not drained" in re.sub(r"\s+", " ", back.stdout)
    until(lambda: all_in(fleet))
