# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No question ends a process: all that asks by QUIT, in loops, under a load for which a plain QUIT ends processes.

Requests and a cron job walk syntax trees all the time, which makes frames without a line number on Python 3.11.
"""

from __future__ import annotations

import collections
import contextlib
import math
import os
import random
import threading
import time
import typing as t
import urllib.request

import pytest

from .conftest import Fleet, address, lab, thorough, unwatched

HOSTS = ("p19", *thorough("t19"))
CONF = "/etc/odoo/odoo.conf"
LOG = "/var/log/odoo/odoo-server.log"
#: Seconds of the loops for each host: a few in the gate, ten minutes with `make quit`.
SECONDS = float(os.environ.get("FLEETOPS_QUIT_SECONDS", "20"))
#: Dumps of a prefork server that long calls make. A threaded server is one process, and at rest less often.
DUMPS = int(os.environ.get("FLEETOPS_QUIT_DUMPS", "100"))
PART_OF_THREADED = 0.15
#: Seconds within which a plain QUIT must end a process of each host, for the load to be one.
PROVOKED = 300.0
#: Seconds that a request waits for its answer: eight seconds of CPU took three minutes on a machine of a load of 30.
PATIENCE = 900.0
#: What the handler says when it ends a process.
ENDS = "d format: a real number is required"
#: Every process once, as fast as the shell can.
PLAIN = f"for n in $(seq 10); do pkill -QUIT -u odoo -f /usr/bin/odoo; sleep 0.3; done; grep -c '{ENDS}' {LOG} || true"


class Load:
    """Requests that walk syntax trees, one after the other, with a pause in which their worker is idle.

    :param seconds: CPU time of a request.
    :param pause: bounds of the pause, in seconds.
    """

    def __init__(self, fleet: Fleet, host: str, seconds: float = 0.3, pause: tuple[float, float] = (0.5, 3.0)) -> None:
        self._url = f"http://{address(fleet.inventory, host)}:8069/lab/walk/{seconds}"
        self._pause = pause
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.answered = 0
        self.failed: list[str] = []

    def _run(self) -> None:
        while not self._stop.wait(random.uniform(*self._pause)):
            try:
                with urllib.request.urlopen(self._url, timeout=PATIENCE) as answer:
                    assert answer.read().startswith(b"walked")
                self.answered += 1
            except OSError as exc:
                self.failed.append(f"{time.strftime('%X')} {exc}")

    @contextlib.contextmanager
    def running(self) -> t.Iterator[Load]:
        """Run the load while the block runs."""
        self._thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            self._thread.join()


class Crowd:
    """Many workers of which one always walks, and others begin to walk at random moments. They are at rest in between.

    A connection wakes all idle workers, so the requests of a prefork server are long or rare. A threaded server is at
    rest only between its requests, so it has pauses of some seconds.
    """

    WORKERS, CRON_THREADS = 12, 3
    _SHAPES: t.ClassVar[dict[str, list[tuple[float, tuple[float, float]]]]] = {
        "p": [(8.0, (0.0, 0.5)), (0.3, (2.0, 7.0)), (0.3, (2.0, 7.0))],
        "t": [(0.3, (3.0, 9.0))],
    }

    def __init__(self, fleet: Fleet, host: str) -> None:
        self._loads = [Load(fleet, host, seconds, pause) for seconds, pause in self._SHAPES[host[0]]]

    @contextlib.contextmanager
    def running(self) -> t.Iterator[Crowd]:
        """Send the requests while the block runs."""
        with contextlib.ExitStack() as stack:
            for load in self._loads:
                stack.enter_context(load.running())
            yield self

    @property
    def answered(self) -> int:
        """The number of requests that were answered."""
        return sum(load.answered for load in self._loads)

    @property
    def failed(self) -> list[str]:
        """The requests that were lost."""
        return [one for load in self._loads for one in load.failed]


@pytest.fixture(params=HOSTS)
def walking(fleet: Fleet, request: pytest.FixtureRequest) -> t.Iterator[str]:
    """A host whose cron job walks half of the time."""
    yield from walk(fleet, request.param)


@pytest.fixture(params=HOSTS)
def crowded(fleet: Fleet, request: pytest.FixtureRequest) -> t.Iterator[str]:
    """A host for a crowd: a prefork server has more workers, and the cron job of a threaded one walks for a second."""
    host: str = request.param
    if host.startswith("t"):
        yield from walk(fleet, host, cron_walks=1)
        return
    with unwatched(fleet, host):
        more = f"workers = {Crowd.WORKERS}\nmax_cron_threads = {Crowd.CRON_THREADS}\n"
        yield from walk(fleet, host, more)


def walk(fleet: Fleet, host: str, more: str = "", cron_walks: float = 5) -> t.Iterator[str]:
    """Start a server whose cron job walks, with further options of odoo.conf, and restore it at the end."""
    said = (
        "insert into ir_config_parameter (key, value) values ('lab_slow.cron_walks', '{1}')"
        " on conflict (key) do update set value = excluded.value;"
        " update ir_cron set active = {0}, interval_number = 1, nextcall = now() at time zone 'utc'"
        " where cron_name = 'lab slow cron'"
    )
    # On a busy machine five seconds of work take minutes, and a threaded server reloads itself after two.
    limits = "limit_time_real = 3600\nlimit_time_real_cron = 3600\nlimit_time_cpu = 3600\n"
    leave = "/^workers/d; /^max_cron_threads/d" if more else ""
    change = f"cp -p {CONF} {CONF}.before; sed -i '{leave}' {CONF}; printf '{limits}{more}' >> {CONF}"
    fleet.run(host, "sh", "-c", change)
    sql(fleet, host, said.format("true", cron_walks))
    begin_anew(fleet, host)
    yield host
    fleet.run(host, "mv", CONF + ".before", CONF)
    sql(fleet, host, said.format("false", cron_walks))
    begin_anew(fleet, host)


def begin_anew(fleet: Fleet, host: str) -> None:
    """Restart the server, and wait until it serves."""
    fleet.run(host, "systemctl", "restart", "odoo", seconds=300)
    fleet.settle(host, seconds=120)


def sql(fleet: Fleet, host: str, text: str) -> None:
    """Change the database of a host."""
    lab(fleet.name, "exec", "db", "runuser", "-u", "postgres", "--", "psql", "-qXd", host, "-c", text)


def ended(fleet: Fleet, host: str) -> int:
    """Return how many processes a QUIT has ended so far, from the log."""
    return int(fleet.run(host, "sh", "-c", f"cat {LOG}* | grep -c '{ENDS}' || true"))


def main_pid(fleet: Fleet, host: str) -> str:
    """The main process of the unit; 0 where it has ended."""
    return fleet.run(host, "systemctl", "show", "odoo", "-p", "MainPID", "--value").strip()


def test_no_question_ends_a_process(fleet: Fleet, walking: str) -> None:
    host = walking
    master, before = fleet.master(host)["identity"], ended(fleet, host)
    calls: list[tuple[str, dict[str, t.Any]]] = [
        ("stack_dump", {"samples": 3, "interval": 1}),
        ("stack_dump", {"samples": 10, "interval": 0.05, "sample_timeout": 2}),
        ("evidence", {}),
        ("send_signal", {"signal": "QUIT", "roles": ["master", "http", "cron"]}),
    ]
    if host.startswith("p"):
        calls.append(("recycle_workers", {"busy_longer_than": 0.1}))
        if os.environ.get("FLEETOPS_ALL"):
            # They ask by the same function, and take as long as all others together.
            calls += [
                ("workers", {"count": 1, "timeout": 120}),
                ("workers", {"count": 2, "timeout": 120}),
                ("recycle_workers", {"older_than": 0}),
            ]
    dumps = done = 0
    end = time.monotonic() + SECONDS
    # A threaded server has one at a time.
    loads = [Load(fleet, host) for _worker in range(2 if host.startswith("p") else 1)]
    with contextlib.ExitStack() as stack:
        for load in loads:
            stack.enter_context(load.running())
        while time.monotonic() < end or done < len(calls):
            name, options = calls[done % len(calls)]
            answer = fleet.module(host, name, **options)
            done += 1
            if name == "stack_dump":
                dumps += len(answer.only["dumps"])
            # A process that is never at rest is refused. Nothing else fails.
            assert answer.code == 0 or answer.result["code"] in ("refused.at_work", "timeout.workers_busy"), (
                answer.output
            )
    answered = sum(load.answered for load in loads)
    print(f"{host}: {done} calls, {dumps} dumps, {answered} requests, {ended(fleet, host) - before} processes ended")
    assert [failure for load in loads for failure in load.failed] == []
    assert ended(fleet, host) == before
    assert fleet.master(host)["identity"] == master
    assert answered > 0


@pytest.mark.thorough
def test_thousands_of_dumps_end_no_process(fleet: Fleet, crowded: str) -> None:
    """Long calls, since most of a short one is Ansible's, and samples as short as the rule of rest allows."""
    host = crowded
    aim = DUMPS if host.startswith("p") else math.ceil(DUMPS * PART_OF_THREADED)
    before, ended_before, began = fleet.processes(host), ended(fleet, host), time.monotonic()
    dumps: collections.Counter[str] = collections.Counter()
    calls = 0
    with Crowd(fleet, host).running() as load:
        while dumps.total() < aim:
            answer = fleet.module(host, "stack_dump", samples=50, sample_timeout=1.6)
            assert answer.code == 0, answer.output
            dumps.update(str(dump["role"]) for dump in answer.only["dumps"])
            calls += 1
            print(f"{host}: {dumps.total()} of {aim} dumps, {time.monotonic() - began:.0f} s", flush=True)
    seconds = time.monotonic() - began
    print(
        f"{host}: {dumps.total()} dumps {dict(dumps)} in {calls} calls and {seconds:.0f} s, {load.answered} requests,"
        f" {len(load.failed)} lost, {ended(fleet, host) - ended_before} processes ended"
    )
    assert load.failed == []
    assert ended(fleet, host) == ended_before
    # None has ended for any other reason either.
    assert fleet.processes(host) == before
    assert load.answered > 0


@pytest.mark.thorough
def test_a_drain_loses_no_request(fleet: Fleet, walking: str) -> None:
    host = walking
    before = ended(fleet, host)
    url = f"http://{address(fleet.inventory, host)}:8069/lab/walk/3"
    said: list[bytes] = []
    asking = threading.Thread(target=lambda: said.append(urllib.request.urlopen(url, timeout=120).read()))
    asking.start()
    time.sleep(1)
    answer = fleet.module(host, "drain", timeout=170, http_timeout=160, cron_timeout=160, min_gone_time=1)
    asking.join()
    assert (answer.code, answer.only["after"]) == (0, {"state": "gone"}), answer.output
    assert said
    assert said[0].startswith(b"walked")
    assert ended(fleet, host) == before
    assert fleet.module(host, "drain", state="undrained").code == 0


@pytest.mark.thorough
def test_a_plain_quit_ends_processes_under_the_load_of_the_dumps(fleet: Fleet, crowded: str) -> None:
    """Without this test_thousands_of_dumps_end_no_process would prove nothing."""
    provoke(fleet, crowded, Crowd(fleet, crowded))


@pytest.mark.thorough
def test_a_plain_quit_ends_processes_under_the_load_of_all_questions(fleet: Fleet, walking: str) -> None:
    """Without this the others would prove nothing."""
    provoke(fleet, walking, Load(fleet, walking))


def provoke(fleet: Fleet, host: str, load: Load | Crowd) -> None:
    """Send QUITs by the shell until one ends a process."""
    before, master, begun = ended(fleet, host), main_pid(fleet, host), time.monotonic()
    with load.running():
        # A threaded server has no time to log why.
        while (ended(fleet, host), main_pid(fleet, host)) == (before, master):
            assert time.monotonic() < begun + PROVOKED, "this load does not provoke the end of a process"
            fleet.run(host, "sh", "-c", PLAIN, check=False)
    print(f"{host}: a plain QUIT has ended a process after {time.monotonic() - begun:.0f} s")
