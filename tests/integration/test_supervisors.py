# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test programs between a supervisor and Odoo: launchers, init scripts, loops, watchdogs, sockets, pauses."""

from __future__ import annotations

import contextlib
import pathlib
import time
import typing as t

import pytest

from .before import drained_and_back, on_each
from .conftest import Fleet, lab_up

# A drain, its second look and the way back, after a fleet that boots.
pytestmark = [pytest.mark.timeout(600), pytest.mark.thorough]

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
#: One that is in a virtualenv, and has its own socket and password.
SUPERVISORD = """[supervisord]
logfile=/run/{name}/log
pidfile=/run/{name}/pid
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[unix_http_server]
file=/run/{name}/sock
username=joe
password=LAB-SECRET-{name}
[program:odoo]
command={command}
autorestart={autorestart}
"""
VIRTUALENV = """python3 -m venv --without-pip --system-site-packages /opt/erp/venv
cat >/opt/erp/venv/bin/supervisord <<END
#!/opt/erp/venv/bin/python3
from supervisor.supervisord import main
main()
END
chmod 755 /opt/erp/venv/bin/supervisord
sed '/_port/d' /etc/odoo/odoo.conf >/etc/odoo/two.conf
printf 'http_port = 8169\\ngevent_port = 8172\\nlongpolling_port = 8172\\n' >>/etc/odoo/two.conf
chgrp odoo /etc/odoo/two.conf
"""
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
    """Run a server that a unit starts in some way while the block runs; yield its result of master_info."""
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
        # The systemd of the user odoo, which PAM has started for "su -", ends ten seconds after its last session.
        gone = "while [ -d /run/user/$(id -u odoo) ]; do loginctl terminate-user odoo || true; sleep 0.5; done"
        fleet.run(host, "sh", "-c", f"rm -f /run/fleetops-odoo/drain-*; systemctl reset-failed; {gone}")


@contextlib.contextmanager
def supervised(fleet: Fleet, host: str) -> t.Iterator[None]:
    """Run two servers while the block runs, each below a supervisord of its own: one of root, one of the user odoo."""
    fleet.run(host, "sh", "-ec", VIRTUALENV)
    su = f"/bin/su odoo -s /bin/sh -c 'exec env -i PATH=/usr/bin:/bin {ODOO}'"
    two = ODOO.replace("odoo.conf", "two.conf").replace("odoo-server.log", "two.log")
    for name, user, command, autorestart in (("one", "root", su, "true"), ("two", "odoo", two, "unexpected")):
        path = f"/opt/erp/{name}.conf"
        write(fleet, host, path, SUPERVISORD.format(name=name, command=command, autorestart=autorestart))
        fleet.run(host, "sh", "-ec", f"chown {user}: {path}; chmod 600 {path}; install -d -o {user} /run/{name}")
        fleet.run(host, "sh", "-c", f"cd / && exec runuser -u {user} -- /opt/erp/venv/bin/supervisord -c {path}")
    try:
        yield
    finally:
        fleet.run(host, "sh", "-c", "kill $(cat /run/one/pid /run/two/pid); sleep 3; pkill -KILL -u odoo; true")
        fleet.run(host, "sh", "-c", "rm -rf /run/one /run/two /etc/odoo/two.conf /run/fleetops-odoo/drain-*")


def settled(fleet: Fleet, host: str) -> dict[int, dict[str, t.Any]]:
    """The two servers by their ports, as soon as both run."""
    deadline = time.monotonic() + 60
    while True:
        masters = fleet.module(host, "master_info").result["masters"]
        if [one["state"] for one in masters] == ["running"] * 2:
            return {one["options"]["http_port"]: one for one in masters}
        assert time.monotonic() < deadline, masters


@pytest.mark.parametrize("way", ["su", "launcher", "init"])
def test_a_launcher_that_stays_is_held_and_brings_it_back(fleet: Fleet, way: str) -> None:
    def there_and_back(host: str) -> None:
        with started(fleet, host, way) as master:
            assert (master["supervisor"]["kind"], master["supervisor"]["unit"]) == ("systemd", "erp.service")
            drained, _back = drained_and_back(fleet, host)
            assert drained.only["hold"]["unit"] == "erp.service"

    on_each(("p19", "t14"), there_and_back)


def test_two_supervisords_drain_and_start_each_its_own_server(fleet: Fleet) -> None:
    def there_and_back(host: str) -> None:
        with supervised(fleet, host):
            masters = settled(fleet, host)
            assert {one["supervisor"]["unit"] for one in masters.values()} == {"odoo:odoo"}
            for port, other in ((8069, 8169), (8169, 8069)):
                drained_and_back(fleet, host, port=port, match={"http_port": port})
                after = settled(fleet, host)
                assert after[other]["identity"] == masters[other]["identity"]
                masters = after

    on_each(("p19", "t14"), there_and_back)


def test_a_supervisord_of_a_user_restarts_its_server_for_that_user_and_for_root(fleet: Fleet) -> None:
    with supervised(fleet, "p19"):
        masters = settled(fleet, "p19")
        wish = {"policy": "always", "method": "supervisor", "timeout": 60}
        for become in (["--become", "--become-user=odoo"], []):
            answer = fleet.module("p19", "reload", *become, match={"http_port": 8169}, **wish)
            assert answer.outcome == (0, "restarted", None), answer.output
        refused = fleet.module("p19", "reload", "--become", "--become-user=odoo", match={"http_port": 8069}, **wish)
        assert refused.outcome == (2, "refused", "supervisor.supervisord_not_ours"), refused.output
        assert settled(fleet, "p19")[8069]["identity"] == masters[8069]["identity"]


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
