# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scaling and recycling workers of real servers. What concerns both versions is done to both side by side."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import time
import typing as t

import pytest

from .conftest import Answer, Fleet, address, request, side_by_side, thorough

LOAD = pathlib.Path(__file__).resolve().parents[1] / "lab" / "load.py"
BOTH = ("p19", "p14")
#: Random steps of scaling: a few in the gate, and as many as one likes by hand (`make scale-steps`).
STEPS = int(os.environ.get("FLEETOPS_SCALE_STEPS", "2"))
HELD = ("busyone", "busytwo")
#: What /lab/free does.
FREE = """
import os, time
for name in {names}:
    pipe = os.open("/tmp/lab-" + name, os.O_RDWR)
    os.write(pipe, b".")
    time.sleep(0.2)
    os.close(pipe)
"""

pytestmark = [pytest.mark.versions, pytest.mark.timeout(300 + 15 * STEPS)]


def both(fleet: Fleet, name: str, *options: str, **arguments: t.Any) -> dict[str, Answer]:
    """Run a module on both prefork hosts at the same time."""
    return side_by_side(fleet, BOTH, name, *options, **arguments)


def good(answers: dict[str, Answer]) -> dict[str, dict[str, t.Any]]:
    """Return the result of each host; all must succeed."""
    for answer in answers.values():
        assert answer.code == 0, answer.output
    return {host: answer.only for host, answer in answers.items()}


def pids(fleet: Fleet, host: str, role: str = "http") -> list[int]:
    """Workers of a host."""
    return [child["pid"] for child in fleet.master(host)["children"] if child["role"] == role]


@pytest.fixture
def _reloaded(fleet: Fleet) -> t.Iterator[None]:
    """A test that leaves another number than the configured one: a HUP brings that back."""
    yield
    for one in good(both(fleet, "reload", policy="always")).values():
        assert one["after"]["workers"]["http"] == 2


@contextlib.contextmanager
def load(fleet: Fleet, folder: pathlib.Path, rate: int = 4) -> t.Iterator[dict[str, dict[str, t.Any]]]:
    """Requests at both hosts while the block runs; what became of them is there at its end.

    So few that two workers keep up with them on a machine that has other work too: what overflows the backlog of 16
    connections is lost while workers are replaced.
    """
    counted: dict[str, dict[str, t.Any]] = {}
    running = {}
    for host in BOTH:
        command = [sys.executable, str(LOAD), "--url", f"http://{address(fleet.inventory, host)}:8069/"]
        command += ["--rate", str(rate), "--seconds", "250", "--paths", "/lab/pid=3,/lab/sleep/0.3"]
        command += ["--tally", str(folder / host)]
        running[host] = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield counted
    finally:
        for process in running.values():
            process.terminate()
        for host, process in running.items():
            process.wait(60)
            counted[host] = json.loads((folder / host).read_text(encoding="utf-8"))


@pytest.mark.usefixtures("_reloaded")
def test_four_runs_of_workers(fleet: Fleet) -> None:
    before = {host: pids(fleet, host) for host in BOTH}
    for one in good(both(fleet, "workers", "--check", count=4)).values():
        assert (one["did"], one["signals"], one["after"]) == ("signalled", ["TTIN", "TTIN"], None)
    assert {host: pids(fleet, host) for host in BOTH} == before
    answers = both(fleet, "workers", "--diff", count=4)
    for host, one in good(answers).items():
        assert answers[host].result["changed"] is True
        assert (one["did"], one["target"], one["after"]["workers"]["http"]) == ("signalled", 4, 4)
        assert set(one["signals"]) == {"TTIN"}
        assert "a HUP or a restart makes it 2 again" in one["reason"]
        # The workers that were there stay.
        assert set(before[host]) < {child["pid"] for child in one["after"]["children"]}
        assert re.search(r'^- .*"http": 2,?$', answers[host].output, re.MULTILINE)
    for options in (["--check"], []):
        answers = both(fleet, "workers", *options, count=4)
        for host, one in good(answers).items():
            assert (answers[host].result["changed"], one["did"], one["signals"]) == (False, "nothing", [])
            assert one["reason"] == "the server has 4 http workers"


def test_four_runs_of_recycle_workers(fleet: Fleet) -> None:
    chosen = {host: [pids(fleet, host)[0], pids(fleet, host, "gevent")[0]] for host in BOTH}

    def run(*options: str) -> dict[str, Answer]:
        roles = ["http", "gevent"]
        begun = {h: fleet.begin(h, "recycle_workers", *options, pids=chosen[h], roles=roles) for h in BOTH}
        return {host: answer() for host, answer in begun.items()}

    for host, one in good(run("--check")).items():
        assert [entry["pid"] for entry in one["recycled"]] == chosen[host]
        assert (one["did"], one["signals"]) == ("signalled", ["INT", "INT"])
    for host, one in good(run()).items():
        assert [(entry["pid"], entry["ended"]) for entry in one["recycled"]] == [(pid, True) for pid in chosen[host]]
        assert one["after"]["workers"] == {"http": 2, "cron": 1, "gevent": 1, "other": 0}
        there = [child["identity"] for child in one["after"]["children"]]
        assert all(entry["replaced_by"]["identity"] in there for entry in one["recycled"])
        assert not {entry["identity"] for entry in one["recycled"]} & set(there)
    for options in (["--check"], []):
        answers = run(*options)
        for host, one in good(answers).items():
            assert (answers[host].result["changed"], one["did"], one["recycled"]) == (False, "nothing", [])
            assert f"no such worker with pid {chosen[host][0]}" in one["reason"]


def test_threaded_servers_are_refused(fleet: Fleet) -> None:
    for host, name, arguments in (("t19", "workers", {"count": 2}), ("t14", "recycle_workers", {"older_than": 0})):
        answer = fleet.module(host, name, **arguments)
        assert (answer.code, answer.result["changed"]) == (2, False)
        assert answer.result["code"] == "refused.threaded"
        assert (answer.only["did"], answer.only["code"]) == ("refused", "refused.threaded")


def test_no_request_is_lost(fleet: Fleet, tmp_path: pathlib.Path) -> None:
    """2 -> 6 -> 2, and then every worker in turn, with load on."""
    with load(fleet, tmp_path) as counted:
        good(both(fleet, "workers", count=6))
        for one in good(both(fleet, "workers", count=2, wait_busy=True)).values():
            assert (one["target"], one["after"]["workers"]["http"]) == (2, 2)
        for one in good(both(fleet, "recycle_workers", older_than=0, roles=["http", "cron"])).values():
            assert [entry["ended"] for entry in one["recycled"]] == [True, True, True]
            assert all(entry["replaced_by"] for entry in one["recycled"])
    for tally in counted.values():
        assert tally["first_errors"] == []
        assert (tally["failed"], tally["requests"] > 40) == (0, True), tally


@pytest.mark.thorough
@pytest.mark.usefixtures("_reloaded")
def test_a_number_that_drifted_is_found_and_put_right(fleet: Fleet) -> None:
    """A number that was lowered by hand shows when a worker ends and is not replaced."""
    lower = "for i in 1 2 3; do kill -TTOU $(systemctl show odoo -p MainPID --value); sleep 0.2; done"
    for host in BOTH:
        fleet.run(host, "sh", "-c", lower)
    for host, answer in both(fleet, "recycle_workers", older_than=0).items():
        assert (answer.code, answer.result["changed"]) == (2, True), answer.output
        assert answer.result["code"] == answer.only["code"] == "failed.not_replaced"
        # The other one was not touched.
        assert answer.only["signals"] == ["INT"]
        assert answer.only["after"]["workers"]["http"] == 1
        assert len(pids(fleet, host)) == 1
    for one in good(both(fleet, "workers", count=2)).values():
        assert one["signals"] == ["TTIN"] * 3
        assert one["target"] == 2
    for host in BOTH:
        fleet.run(host, "sh", "-c", lower)
    # There are as many as wanted, so the module does nothing without prove.
    for one in good(both(fleet, "workers", count=2)).values():
        assert one["signals"] == []
    for one in good(both(fleet, "workers", count=2, prove=True)).values():
        assert one["signals"].count("TTIN") == 4
        assert (one["target"], one["after"]["workers"]["http"]) == (2, 2)


@pytest.mark.thorough
@pytest.mark.usefixtures("_reloaded")
def test_busy_workers_are_waited_for(fleet: Fleet) -> None:
    good(both(fleet, "workers", count=3))
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(request(fleet, host, f"/lab/hold/{name}")) for host in BOTH for name in HELD]
        for answer in both(fleet, "workers", count=1, timeout=20).values():
            assert (answer.code, answer.result["code"]) == (2, "timeout.workers_busy")
            assert re.search(r"pid \d+ \(http\) .*/lab/hold/", answer.result["msg"])
            assert all("/lab/hold/" in one["url"] for one in answer.only["busy"])
            assert answer.only["after"]["workers"]["http"] == 2
            assert answer.only["signals"].count("INT") == 2  # the idle one, and the one started for the proof
        begun = [fleet.begin(host, "workers", count=1, wait_busy=True) for host in BOTH]
        # They have their INT by then. If not, this proves less, and does not fail.
        time.sleep(5)
        for host in BOTH:
            # No worker is left that could answer a request for that.
            fleet.run(host, "python3", "-c", FREE.format(names=HELD))
        for wait in begun:
            done = wait()
            assert (done.code, done.only["after"]["workers"]["http"]) == (0, 1), done.output
    assert [one.status for one in held] == [200] * 4
    # With fewer than are configured they are complete until their next reload, which follows.
    assert [answer.code for answer in both(fleet, "wait_healthy", timeout=10).values()] == [0, 0]


@pytest.mark.thorough
def test_a_long_request_is_cut_off_and_named(fleet: Fleet) -> None:
    with contextlib.ExitStack() as stack:
        for host in BOTH:
            stack.enter_context(contextlib.suppress(OSError))
            stack.enter_context(request(fleet, host, "/lab/hold/abort"))
        checked = good(both(fleet, "recycle_workers", "--check", busy_longer_than=1, on_timeout="abort"))
        assert [one["signals"] for one in checked.values()] == [[], []]
        for one in good(both(fleet, "recycle_workers", busy_longer_than=1, on_timeout="abort")).values():
            assert one["signals"] == ["XCPU"]
            (entry,) = one["recycled"]
            assert entry["lost"]["url"].endswith("/lab/hold/abort")
            assert entry["replaced_by"]
            assert "cut off: pid" in one["reason"]
    for one in good(both(fleet, "recycle_workers", busy_longer_than=1, on_timeout="abort")).values():
        assert one["did"] == "nothing"


@pytest.mark.usefixtures("_reloaded")
def test_the_number_is_written_to_odoo_conf(fleet: Fleet) -> None:
    shown = {
        host: fleet.run(host, "sh", "-c", "stat -c '%U %G %a' /etc/odoo/odoo.conf; ls -a /etc/odoo") for host in BOTH
    }
    text = {host: fleet.run(host, "cat", "/etc/odoo/odoo.conf") for host in BOTH}
    try:
        answers = both(fleet, "workers", "--check", "--diff", count=3, persist=True)
        for host, one in good(answers).items():
            assert (one["persisted"]["before"], one["persisted"]["after"]) == ("workers = 2", "workers = 3")
            assert "-workers = 2\n+workers = 3\n" in answers[host].output
            assert fleet.run(host, "cat", "/etc/odoo/odoo.conf") == text[host]
        for host, one in good(both(fleet, "workers", count=3, persist=True)).items():
            assert (one["after"]["workers"]["http"], "stale" in one["reason"]) == (3, True)
            written = fleet.run(host, "cat", "/etc/odoo/odoo.conf")
            assert written == text[host].replace("workers = 2", "workers = 3")
            assert fleet.run(host, "cat", one["persisted"]["backup"]) == text[host]
            lines = fleet.run(host, "sh", "-c", "stat -c '%U %G %a' /etc/odoo/odoo.conf; ls -a /etc/odoo").splitlines()
            lines.remove(os.path.basename(one["persisted"]["backup"]))
            assert lines == shown[host].splitlines()
        for one in good(both(fleet, "workers", count=3, persist=True)).values():
            assert (one["did"], one["persisted"]["changed"]) == ("nothing", False)
        for host in BOTH:
            fleet.run(host, "sh", "-c", "echo 'limit_time_real = soon' >> /etc/odoo/odoo.conf")
        for host, answer in both(fleet, "workers", count=2, persist=True).items():
            assert (answer.code, answer.result["code"]) == (2, "refused.conf_unreadable")
            assert (answer.only["did"], answer.only["signals"]) == ("refused", [])
            assert "workers = 3" in fleet.run(host, "cat", "/etc/odoo/odoo.conf")
            assert ".fleetops" not in fleet.run(host, "ls", "-a", "/etc/odoo")
    finally:
        for host in BOTH:
            fleet.run(
                host,
                "sh",
                "-c",
                "rm /etc/odoo/odoo.conf.*~; sed -i '/soon/d; s/workers = 3/workers = 2/' /etc/odoo/odoo.conf",
            )


#: As chattr (FS_IOC_SETFLAGS), which the hosts do not have.
CHATTR = "python3 -c 'import fcntl, struct, sys; fcntl.ioctl(open(sys.argv[1]), 0x40086602, struct.pack(\"l\", %d))'"
#: How odoo.conf cannot be replaced: it is a mount on the host, a mount that only the server has, or immutable.
KEPT = {
    "host": ("mount --bind /root/mounted.conf $C", "umount $C", "refused.conf_mounted"),
    "server": (
        "nsenter -m -t $(pgrep -o -u odoo) mount --bind /root/mounted.conf $C",
        "systemctl restart odoo",
        "refused.conf_mounted",
    ),
    "file": (f"{CHATTR % 16} $C", f"{CHATTR % 0} $C", "refused.conf_immutable"),
}


@pytest.mark.usefixtures("_reloaded")
@pytest.mark.parametrize("how", ["host", *thorough("server", "file")])
def test_an_odoo_conf_that_no_file_can_replace_is_refused_before_the_first_signal(fleet: Fleet, how: str) -> None:
    do, undo, code = (words.replace("$C", "/etc/odoo/odoo.conf") for words in KEPT[how])
    for host in BOTH:
        fleet.run(host, "sh", "-ec", "cp -p /etc/odoo/odoo.conf /root/mounted.conf; " + do)
    try:
        before = {host: fleet.run(host, "ls", "-a", "/etc/odoo") for host in BOTH}
        for options in (["--check"], []):
            for host, answer in both(fleet, "workers", *options, count=3, persist=True).items():
                assert (answer.code, answer.result["code"]) == (2, code), answer.output
                assert (answer.only["did"], answer.only["signals"]) == ("refused", [])
                assert fleet.run(host, "ls", "-a", "/etc/odoo") == before[host]
    finally:
        for host in BOTH:
            fleet.run(host, "sh", "-c", undo + "; rm /root/mounted.conf")
            fleet.settle(host)


@pytest.mark.thorough
@pytest.mark.usefixtures("_reloaded")
def test_calls_from_two_controllers_at_once_converge(fleet: Fleet) -> None:
    same = [fleet.begin(host, "workers", count=5) for host in BOTH for _controller in (1, 2)]
    done = [answer() for answer in same]
    assert [answer.code for answer in done] == [0] * 4, done
    # One of the two acts, and the other one finds it done.
    assert sorted(answer.only["did"] for answer in done) == ["nothing", "nothing", "signalled", "signalled"]
    differing = [fleet.begin(host, "workers", count=number) for host in BOTH for number in (3, 4)]
    assert [answer().code for answer in differing] == [0] * 4
    for host in BOTH:
        assert len(pids(fleet, host)) in (3, 4)


@pytest.mark.usefixtures("_reloaded")
# `make scale-steps` takes fifty.
@pytest.mark.thorough
def test_random_steps_end_at_the_right_number(fleet: Fleet) -> None:
    numbers = random.Random(7)  # the same steps each time
    for _step in range(STEPS):
        count = numbers.randint(1, 7)
        for one in good(both(fleet, "workers", count=count)).values():
            assert one["after"]["workers"]["http"] == count
            assert one["target"] in (count, None)


def play(fleet: Fleet, name: str, *options: str, **values: t.Any) -> tuple[int, str]:
    """Run one of the playbooks: its exit code, and what it said."""
    given = {f"{name}_{key}": value for key, value in values.items()}
    done = fleet.playbook(name, "-e", json.dumps(given), *options)
    return done.returncode, re.sub(r"\s+", " ", done.stdout)


@pytest.mark.usefixtures("_reloaded")
def test_the_playbooks(fleet: Fleet) -> None:
    code, said = play(fleet, "scale_workers", hosts="p19,p14,t19", count="3")
    assert code == 2
    assert re.search(r"p19: the server had 2 http workers and has 3, .*\(TTIN; ", said)
    assert re.search(r"p14: the server had 2 http workers and has 3, ", said)
    assert re.search(r"t19: 'FAILED: .* threaded", said)
    assert "These hosts failed: t19. The summary above says why. [roll.hosts_failed]" in said
    code, said = play(fleet, "scale_workers", "-l", "p19,p14", count=3)
    assert (code, said.count("the server has 3 http workers")) == (0, 2)
    code, said = play(fleet, "recycle_workers", hosts="p19", rss_above="1k", pids="", batch="2", roles="http")
    assert (code, "3 workers replaced (3 INT; " in said) == (0, True), said


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("scale_workers", {}, "[option.wrong_variables]"),
        ("scale_workers", {"count": 0}, "[option.out_of_range]"),
        ("recycle_workers", {}, "[option.no_condition]"),
        ("recycle_workers", {"older_than": 0, "on_timeout": "kill"}, "[option.wrong_variables]"),
    ],
)
def test_a_wrong_value_is_refused(fleet: Fleet, name: str, values: dict[str, t.Any], message: str) -> None:
    code, said = play(fleet, name, hosts="p19", **values)
    assert code == 2
    assert message in said
