# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A roll with defaults leaves all kinds of servers with what is configured, and no request behind HAProxy is lost."""

from __future__ import annotations

import contextlib
import json
import pathlib
import subprocess
import sys
import threading
import typing as t

import pytest

from .conftest import KINDS, Fleet, address, lab_up
from .rolls import Ended, Roll, all_in
from .test_applied import BEGIN, expected, own_conf
from .test_graceful_drain import LOAD, until
from .test_hup_effects import configure, look, named_for

#: Changes of odoo.conf, each on top of those before it; ``own`` is the address of the host, or its database.
CHANGES: list[dict[str, str]] = [
    {"http_port": "8269"},
    {"limit_request": "4096"},
    {"gevent_port": "8272"},
    {"http_interface": "own"},
    {"workers": "3"},
    {"max_cron_threads": "2"},
    {"limit_memory_soft": "1500000000"},
    {"http_port": "8081", "gevent_port": "8082"},
    {"http_interface": "0.0.0.0"},
    {"workers": "2", "max_cron_threads": "0"},
    {"proxy_mode": "True"},
    {"dbfilter": "own"},
    {"gevent_port": "8081", "http_port": "8082"},
    {"workers": "0"},
    {"max_cron_threads": "1"},
    {"limit_memory_hard": "2900000000"},
    {"http_port": "8069"},
    {"limit_memory_hard": "0"},
    {"log_level": "debug_rpc"},
    {"workers": "1"},
    {"gevent_port": "8072"},
    {"limit_time_cpu": "333"},
    {"db_maxconn": "12"},
    {"data_dir": "/tmp/rolled"},
    {"max_cron_threads": "3", "workers": "2"},
    {"log_level": "info"},
    {"http_interface": ""},
    {"transient_age_limit": "2.0"},
    {"server_wide_modules": "base,web"},
    {"http_port": "8169", "http_interface": "own", "workers": "3", "max_cron_threads": "1"},
]


@pytest.fixture(scope="module")
def fleet() -> t.Iterator[Fleet]:
    """A fleet of its own, for the run of this file."""
    yield from lab_up("rolled", str(pathlib.Path(__file__).parent / "graceful.yml"))


@contextlib.contextmanager
def load(fleet: Fleet, folder: pathlib.Path) -> t.Iterator[dict[str, t.Any]]:
    """Send requests to the balancer while the block runs; the tally is there once it has ended."""
    tally = folder / "tally.json"
    counted: dict[str, t.Any] = {}
    command = [sys.executable, str(LOAD), "--url", f"http://{address(fleet.inventory, 'lb')}/", "--rate", "5"]
    running = subprocess.Popen([*command, "--seconds", "7200", "--tally", str(tally)], stdout=subprocess.DEVNULL)
    try:
        yield counted
    finally:
        running.terminate()
        running.wait()
    counted.update(json.loads(tally.read_text(encoding="utf-8")))


def tell_balancer(fleet: Fleet, roll: Roll, port: str) -> None:
    """Do what an administrator does with a changed port: the balancer gets it while the host is out."""
    waiting = list(KINDS)
    while waiting and roll.process.poll() is None:
        with contextlib.suppress(AssertionError):
            roll.wait_for_turn(waiting[0])
            set_port(fleet, waiting[0], port)
            del waiting[0]


def set_port(fleet: Fleet, host: str, port: str) -> None:
    """Let the load balancer find a host at this port."""
    words = f"set server odoo/{host} addr {address(fleet.inventory, host)} port {port}"
    fleet.run("lb", "sh", "-c", f"echo '{words}' | socat - /run/haproxy/admin.sock")


@contextlib.contextmanager
def own_confs(fleet: Fleet) -> t.Iterator[None]:
    """Restore every odoo.conf of the lab when the block ends."""
    with contextlib.ExitStack() as stack:
        for host in KINDS:
            stack.enter_context(own_conf(fleet, host))
        yield
    for host in KINDS:
        set_port(fleet, host, BEGIN["http_port"])


def roll_once(fleet: Fleet, folder: pathlib.Path, change: t.Mapping[str, str]) -> Ended:
    """Roll with defaults behind the balancer."""
    roll = Roll(fleet, folder, policy="stale")
    if "http_port" in change:
        telling = threading.Thread(target=tell_balancer, args=(fleet, roll, change["http_port"]))
        telling.start()
        done = roll.end(1800)
        telling.join()
        return done
    return roll.end(1800)


@pytest.mark.thorough
@pytest.mark.timeout(7200)
def test_thirty_changes_of_odoo_conf_are_rolled_without_a_lost_request(fleet: Fleet, tmp_path: pathlib.Path) -> None:
    options = {host: {**BEGIN, "workers": "2" if host[0] == "p" else "0"} for host in KINDS}
    did: dict[str, list[str]] = {host: [] for host in KINDS}
    with own_confs(fleet), load(fleet, tmp_path) as counted:
        for number, change in enumerate(CHANGES):
            for host in KINDS:
                options[host].update(change)
                if change.get("http_interface") == "own":
                    options[host]["http_interface"] = address(fleet.inventory, host)
                if change.get("dbfilter") == "own":
                    # With more than one database the page that HAProxy asks for does not answer 200.
                    options[host]["dbfilter"] = f"^{host}$"
                configure(fleet, host, named_for(host, options[host]))
            done = roll_once(fleet, tmp_path / str(number), change)
            assert done.code == 0, (change, done.output)
            for host in KINDS:
                did[host].append(done.outcomes[host])
                seen = look(
                    fleet, host, fleet.run(host, "systemctl", "show", "odoo", "-p", "MainPID", "--value").strip()
                )
                assert seen is not None, (change, host)
                assert seen[2][:3] == expected(options[host]), (change, host, did)
            until(lambda: all_in(fleet))
            print(number, change, [did[host][-1] for host in KINDS], flush=True)
        again = Roll(fleet, tmp_path / "again", policy="stale").end(1800)
        assert set(again.outcomes.values()) == {"up to date"}, again.output
    print(counted, {host: (did[host].count("restarted"), did[host].count("reloaded")) for host in KINDS})
    assert (counted["failed"], counted["requests"] > 1000) == (0, True), counted
    # A changed port is not left to a HUP where that would not apply it.
    assert did["p19"][0] == "restarted"
    assert did["p14"][0] == "reloaded"
