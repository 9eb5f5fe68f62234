# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test servers whose journal loses lines: vacuumed, volatile, not stored at all, and limited by a rate."""

from __future__ import annotations

import contextlib
import pathlib
import threading
import time
import typing as t

import pytest

from .before import on_each
from .conftest import HUP, Fleet, lab_up

pytestmark = [pytest.mark.timeout(600), pytest.mark.thorough]

HOSTS = ("j19", "j14")
JOURNALD = "/etc/systemd/journald.conf.d/lab.conf"
LIMIT = "/run/systemd/system/odoo.service.d/limit.conf"
#: Have the newest entries in a file of their own, and remove every other one.
VACUUM = "journalctl --quiet --rotate; journalctl --quiet --vacuum-time=1ms; journalctl --quiet --vacuum-size=1"
#: Fill a journal that may have 4 MB, until its oldest files are gone. Random digits are hard to compress.
FILL = "import random\nfor _n in range(12000): print('%x' % random.getrandbits(4000))\n"
#: Let a server fill its caches, so that all of its processes have something to count.
WARM = "import urllib.request as u; [u.urlopen('http://127.0.0.1:8069/web/login').read() for _n in range(12)]"


@pytest.fixture(scope="module")
def fleet() -> t.Iterator[Fleet]:
    """A fleet of its own, for the run of this file."""
    yield from lab_up("journals", str(pathlib.Path(__file__).parent / "journals.yml"))


@contextlib.contextmanager
def journald(fleet: Fleet, host: str, *settings: str) -> t.Iterator[None]:
    """Set other settings of journald while the block runs."""
    write = 'mkdir -p "$(dirname "$1")"; printf "[Journal]\\n%s\\n" "$2" >"$1"; systemctl restart systemd-journald'
    fleet.run(host, "sh", "-ec", write, "sh", JOURNALD, "\n".join(settings))
    try:
        yield
    finally:
        fleet.run(host, "sh", "-c", f"rm {JOURNALD}; systemctl restart systemd-journald; systemctl restart odoo")
        fleet.settle(host, seconds=60)


def whole_or_named(fleet: Fleet, host: str) -> None:
    """Check that every process is asked and that each dump and each statistic is whole, or named as missing."""
    stacks = fleet.module(host, "stack_dump").only
    assert {one["code"] for one in stacks["missing"]} <= {"dump.not_at_rest"}, stacks["missing"]
    assert len(stacks["dumps"]) + len(stacks["missing"]) == 5
    assert all(dump["understood"] and dump["threads"] for dump in stacks["dumps"])
    caches = fleet.module(host, "cache_stats", timeout=20).only
    empty = {"dump.no_statistics"} if host == "j14" else set()
    assert {one["code"] for one in caches["missing"]} <= empty, caches["missing"]
    assert caches["warnings"] == [] or caches["missing"]


def hup_by_hand(fleet: Fleet, host: str) -> None:
    """Send a HUP, of which the log alone tells, and wait until the server has loaded its code again."""
    before = fleet.master(host)["loaded"]["not_after"]
    fleet.run(host, "sh", "-c", "rm -rf /run/fleetops-odoo; kill -HUP $(systemctl show odoo -p MainPID --value)")
    deadline = time.monotonic() + 90
    while True:
        masters = fleet.module(host, "master_info").result["masters"]
        seen = [(one["state"], one["loaded"]["evidence"], one["loaded"]["not_after"] == before) for one in masters]
        if seen == [("running", "log", False)]:
            return
        assert time.monotonic() < deadline, seen
        time.sleep(0.5)


def test_a_vacuumed_journal_takes_the_record_of_a_load_and_no_answer(fleet: Fleet) -> None:
    def vacuumed(host: str) -> None:
        hup_by_hand(fleet, host)
        whole_or_named(fleet, host)
        fleet.run(host, "sh", "-c", VACUUM)
        loaded = fleet.master(host)["loaded"]
        # Now it is only known that it was after the start of the process.
        assert (loaded["evidence"], loaded["not_before"] < loaded["not_after"]) == ("process", True)
        whole_or_named(fleet, host)
        # A change that no load has taken is not taken for loaded.
        addon = "/opt/lab/addons/lab_slow/__init__.py"
        fleet.run(host, "touch", addon)
        answer = fleet.module(host, "reload", "--check")
        assert answer.outcome == (0, "signalled", None), answer.output
        assert fleet.module(host, "reload").outcome == (0, "signalled", None)
        assert fleet.module(host, "reload").outcome == (0, "nothing", None)

    on_each(HOSTS, vacuumed)


def test_dumps_stay_whole_while_the_journal_is_vacuumed(fleet: Fleet) -> None:
    def vacuumed(host: str) -> None:
        over = threading.Event()

        def vacuum() -> None:
            while not over.is_set():
                fleet.run(host, "sh", "-c", VACUUM)

        worker = threading.Thread(target=vacuum)
        worker.start()
        try:
            for _turn in range(3):
                stacks = fleet.module(host, "stack_dump", samples=2, interval=0).only
                told = [one for one in stacks["dumps"] if one["code"] is None]
                assert all(one["understood"] and one["threads"] for one in told)
                # What the vacuum removed, if anything, is named.
                named = {one["code"] for one in [*stacks["dumps"], *stacks["missing"]]} - {None}
                assert "every process" not in stacks["reason"] or not named
        finally:
            over.set()
            worker.join()

    on_each(HOSTS, vacuumed)


def test_a_volatile_journal_that_is_rotated_away_is_read_as_far_as_it_goes(fleet: Fleet) -> None:
    def rotated(host: str) -> None:
        with journald(fleet, host, "Storage=volatile", "RuntimeMaxUse=4M", "RateLimitBurst=0"):
            fleet.run(host, "systemctl", "restart", "odoo")
            fleet.settle(host, seconds=60)
            assert fleet.master(host)["loaded"]["evidence"] == "log"
            fleet.run(host, "systemd-run", "--quiet", "--wait", "python3", "-c", FILL, seconds=180)
            own = f"_PID={fleet.master(host)['pid']}"
            assert "Odoo version" not in fleet.run(host, "journalctl", own, "--output=cat", "--no-pager", "--boot")
            assert fleet.master(host)["loaded"]["evidence"] == "process"
            whole_or_named(fleet, host)
            answer = fleet.module(host, "reload", **HUP)
            assert answer.outcome == (0, "signalled", None), answer.output

    on_each(HOSTS, rotated)


def test_no_process_is_asked_where_journald_stores_nothing(fleet: Fleet) -> None:
    def not_stored(host: str) -> None:
        # The files of the journal as it was stay.
        with journald(fleet, host, "Storage=none"):
            for name in ("stack_dump", "cache_stats"):
                found = fleet.module(host, name).only
                assert (found["did"], found["code"], found["asked"]) == ("refused", "dump.no_journal", []), found
            answer = fleet.module(host, "reload", **HUP)
            assert answer.outcome == (0, "signalled", None), answer.output
            assert fleet.module(host, "reload").outcome == (0, "nothing", None)

    on_each(HOSTS, not_stored)


def test_no_process_is_asked_where_the_user_of_the_task_may_not_read_the_journal(fleet: Fleet) -> None:
    def unreadable(host: str) -> None:
        for name in ("stack_dump", "cache_stats"):
            found = fleet.module(host, name, "--become", "--become-user=odoo").only
            assert (found["did"], found["code"], found["asked"]) == ("refused", "dump.journal_rights", []), found
        fleet.run(host, "usermod", "--append", "--groups", "systemd-journal", "odoo")
        try:
            # The groups of a login are those of that moment, and ssh keeps the connection of root alone.
            found = fleet.module(host, "stack_dump", "--become", "--become-user=odoo").only
            assert len(found["dumps"]) + len(found["missing"]) == 5, found
            assert {one["code"] for one in found["missing"]} <= {"dump.not_at_rest"}
        finally:
            fleet.run(host, "gpasswd", "--delete", "odoo", "systemd-journal")

    on_each(HOSTS, unreadable)


def methods(statistics: t.Mapping[str, t.Any]) -> set[tuple[str, str]]:
    """Return what has a cache in the statistics of a process."""
    return {(one["model"], one["method"]) for one in statistics["caches"]}


# journald multiplies it where the disk has room (journald.conf(5)).
@pytest.mark.parametrize("burst", [3, 16])
def test_answers_of_which_journald_drops_lines_are_never_told_as_whole(fleet: Fleet, burst: int) -> None:
    def limited(host: str) -> None:
        lines = f"[Service]\\nLogRateLimitIntervalSec=20s\\nLogRateLimitBurst={burst}\\n"
        fleet.run(host, "sh", "-ec", f"mkdir -p $(dirname {LIMIT}); printf '{lines}' >{LIMIT}; systemctl daemon-reload")
        try:
            fleet.run(host, "systemctl", "restart", "odoo")
            fleet.settle(host, seconds=60)
            fleet.run(host, "python3", "-c", WARM)
            time.sleep(21)
            caches = fleet.module(host, "cache_stats", timeout=4).only
            time.sleep(21)
            stacks = fleet.module(host, "stack_dump", sample_timeout=6).only
            threads = {one["pid"]: len(one["threads"]) for one in stacks["dumps"] if one["code"] is None}
            kernel = {pid: int(fleet.run(host, "sh", "-c", f"ls /proc/{pid}/task | wc -l")) for pid in threads}
            doubtful = [one["code"] for one in [*stacks["missing"], *stacks["dumps"]] if one["code"]]
            assert "every process" not in stacks["reason"] or not doubtful
            # Without the limit the same processes tell everything. This is where systemd tells journald of the limit.
            lift = "ln -sfn 100000 /run/systemd/units/log-rate-limit-burst:odoo.service; sleep 8"
            fleet.run(host, "sh", "-ec", lift)
            told = fleet.module(host, "cache_stats", timeout=20).only["statistics"]
        finally:
            fleet.run(host, "sh", "-c", f"rm {LIMIT}; systemctl daemon-reload; systemctl restart odoo")
        truth = {one["pid"]: methods(one) for one in told}
        warned = " ".join(one["message"] for one in caches["warnings"])
        # Nothing marks the end of the statistics of Odoo 14.
        for one in caches["statistics"] if host == "j19" else []:
            whole = methods(one) >= truth[one["pid"]]
            assert whole or f"pid {one['pid']} " in warned, (one, truth[one["pid"]])
        roles = {one["pid"]: one["role"] for one in stacks["dumps"]}
        for pid, count in threads.items():
            # The gevent process has greenlets in one thread.
            assert count == kernel[pid] or roles[pid] == "gevent", (pid, count, kernel[pid])

    on_each(HOSTS, limited)
