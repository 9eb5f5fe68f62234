# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands between a supervisor and Odoo: launchers that stay, init scripts, loops, watchdogs, sockets, pauses."""

from __future__ import annotations

import contextlib
import pathlib
import typing as t

import pytest

from .conftest import Fleet, lab_up, request

# A drain, its second look and the way back, after a fleet that boots.
pytestmark = [pytest.mark.timeout(300), pytest.mark.thorough]

ODOO = "/usr/bin/odoo -c /etc/odoo/odoo.conf --logfile=/var/log/odoo/odoo-server.log"
UNIT = "/etc/systemd/system/erp.service"
INIT = f"""#!/bin/sh
# Default-Start: 2 3 4 5
case $1 in
start) start-stop-daemon --start --pidfile /run/erp.pid --make-pidfile --background --chuid odoo:odoo --startas \\
    /usr/bin/odoo -- {ODOO.partition(" ")[2]} ;;
stop) start-stop-daemon --stop --pidfile /run/erp.pid --oknodo --retry 30 ;;
esac
"""
SCRIPTS = {
    "run.sh": f"#!/bin/bash\nexport LANG=C.UTF-8\n{ODOO}\n",
    "run.py": f"import subprocess, sys\nsys.exit(subprocess.call({ODOO.split()}))\n",
    "loop.sh": f"#!/bin/bash\nwhile true; do {ODOO}; sleep 1; done\n",
}
WAYS = {
    "su": "ExecStart=/bin/su - odoo -s /bin/bash -c /opt/erp/run.sh\nRestart=always\nRestartSec=1",
    "launcher": "User=odoo\nExecStart=/usr/bin/python3 /opt/erp/run.py\nRestart=always\nRestartSec=1",
    "loop": "User=odoo\nExecStart=/opt/erp/loop.sh\nRestart=always",
    "watchdog": f"User=odoo\nExecStart={ODOO}\nWatchdogSec=3600",
}


@pytest.fixture(scope="module")
def fleet() -> t.Iterator[Fleet]:
    """A fleet of its own, for the run of this file."""
    for one in lab_up("sups", str(pathlib.Path(__file__).parent / "supervised.yml")):
        for host in ("p19", "t14"):
            one.run(host, "mkdir", "-p", "/opt/erp")
            for name, text in SCRIPTS.items():
                write(one, host, f"/opt/erp/{name}", text)
            one.run(host, "systemctl", "stop", "odoo")
        yield one
        for host in ("p19", "t14"):
            one.run(host, "systemctl", "start", "odoo")


def write(fleet: Fleet, host: str, path: str, text: str) -> None:
    """Write a file that may be executed."""
    fleet.run(host, "sh", "-c", 'printf %s "$1" >"$2"; chmod 755 "$2"', "sh", text, path)


@contextlib.contextmanager
def started(fleet: Fleet, host: str, way: str) -> t.Iterator[dict[str, t.Any]]:
    """Have a server that a unit starts in some way while the block runs; yield what master_info tells of it."""
    path = "/etc/init.d/erp" if way == "init" else UNIT
    write(fleet, host, path, INIT if way == "init" else f"[Service]\n{WAYS[way]}\n")
    fleet.run(host, "systemctl", "daemon-reload")
    fleet.run(host, "systemctl", "start", "erp")
    try:
        yield fleet.settle(host)
    finally:
        fleet.run(
            host, "sh", "-c", f"systemctl stop erp; pkill -KILL -u odoo; rm {path}; systemctl daemon-reload; true"
        )
        fleet.run(host, "sh", "-c", "rm -f /run/fleetops-odoo/drain-*; systemctl reset-failed; true")


def state_of(fleet: Fleet, host: str) -> str:
    """The environment and the limits of the master, and what is left below /run; the same before and after."""
    return fleet.run(
        host,
        "sh",
        "-c",
        'cd "/proc/$1"; tr "\\0" "\\n" <environ | sort | grep -vE "^(INVOCATION_ID|JOURNAL_STREAM|XDG_SESSION_ID|'
        'SYSTEMD_EXEC_PID|_)="; grep -v pending limits; grep -E "^(Uid|Gid|Groups|Umask|Cap)" status; readlink cwd;'
        # A first drain makes the folder of the collection.
        'find /run/systemd/system /run/fleetops-odoo -mindepth 1 ! -name "*.lock" 2>/dev/null; true',
        "sh",
        str(fleet.master(host)["pid"]),
    )


@pytest.mark.parametrize(
    ("host", "way", "unit"),
    [
        ("p19", "su", "erp.service"),
        *(
            pytest.param(host, way, "erp.service", marks=pytest.mark.thorough)
            for host, way in (("p19", "launcher"), ("p19", "init"), ("t14", "su"), ("t14", "launcher"), ("t14", "init"))
        ),
    ],
)
def test_a_launcher_that_stays_is_held_and_brings_it_back(fleet: Fleet, host: str, way: str, unit: str) -> None:
    with started(fleet, host, way) as master:
        assert (master["supervisor"]["kind"], master["supervisor"]["unit"]) == ("systemd", unit)
        before = state_of(fleet, host)
        with request(fleet, host, "/lab/sleep/3") as sent:
            answer = fleet.module(host, "drain", min_gone_time=4)
        assert (answer.outcome, sent.status) == ((0, "signalled", None), 200), answer.output
        assert answer.only["hold"]["unit"] == unit
        assert fleet.module(host, "master_info").result["masters"] == []
        back = fleet.module(host, "drain", state="undrained", timeout=60)
        assert back.outcome == (0, "started", None), back.output
        assert state_of(fleet, host) == before


def test_a_server_that_something_unknown_starts_again_is_not_drained(fleet: Fleet) -> None:
    with started(fleet, "p19", "loop") as master:
        answer = fleet.module("p19", "drain", min_gone_time=8)
        assert answer.outcome == (2, "signalled", "failed.place_taken"), answer.output
        assert "loop.sh (pid " in answer.result["msg"]
        now = fleet.settle("p19")
        assert now["identity"] == answer.only["successor"] != master["identity"]
        assert "erp.service.d" not in fleet.run("p19", "ls", "/run/systemd/system")
        assert fleet.module("p19", "drain", state="undrained", allow_none=True).outcome[0] == 0


def test_a_unit_with_a_watchdog_is_refused_until_watchdogs_are_off(fleet: Fleet) -> None:
    with started(fleet, "p19", "watchdog") as master:
        for options in (["--check"], []):
            answer = fleet.module("p19", "drain", *options)
            assert answer.outcome == (2, "refused", "supervisor.watchdog"), answer.output
        assert fleet.master("p19")["identity"] == master["identity"]
        fleet.run("p19", "systemctl", "service-watchdogs", "no")
        try:
            assert fleet.module("p19", "drain", "--check").outcome == (0, "signalled", None)
        finally:
            fleet.run("p19", "systemctl", "service-watchdogs", "yes")
