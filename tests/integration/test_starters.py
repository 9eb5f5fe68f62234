# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test drains of servers that other units of systemd start again (sockets, timers, BindsTo=), and of quadlets."""

from __future__ import annotations

import contextlib
import pathlib
import socket
import time
import typing as t

import pytest

from .before import as_before, drained_and_back, on_each, state_of
from .conftest import Fleet, address, lab_up, request

pytestmark = [pytest.mark.timeout(600), pytest.mark.thorough]

UNITS = "/etc/systemd/system"
HOSTS = ("p19", "t14")
RESTART = {f"{UNITS}/odoo.service.d/restart.conf": "[Service]\nRestart=always\nRestartSec=1\n"}
SOCKET = {**RESTART, f"{UNITS}/odoo.socket": "[Socket]\nListenStream=0.0.0.0:8069\n"}
#: What podman's generator makes of a file erp.container, in other words: podman 4.3 of Debian 12 has no such generator.
#: Its container lies within the cgroup of the unit, conmon is the main process, and a stop removes the container.
QUADLET = """[Unit]
Description=Odoo as a quadlet has it
[Service]
Environment=PODMAN_SYSTEMD_UNIT=%n
Type=notify
NotifyAccess=all
Delegate=yes
KillMode=mixed
Restart=always
RestartSec=1
SyslogIdentifier=%N
ExecStartPre=-/bin/rm -f %t/%N.cid
ExecStart=/usr/bin/podman run --name=systemd-%N --cidfile=%t/%N.cid --replace --rm --cgroups=split \\
    --sdnotify=conmon --detach --network=host --log-driver=journald --user=odoo {volumes} \\
    localhost/lab/odoo:{version} \\
    /usr/bin/odoo --config /etc/odoo/odoo.conf --logfile /var/log/odoo/odoo-server.log
ExecStop=/usr/bin/podman rm -v -f -i --cidfile=%t/%N.cid
ExecStopPost=-/usr/bin/podman rm -v -f -i --cidfile=%t/%N.cid
"""
VOLUMES = " ".join(
    f"--volume={place}:{place}" for place in ("/etc/odoo", "/opt/lab/addons", "/var/lib/odoo", "/var/log/odoo")
)


@pytest.fixture(scope="module")
def fleet() -> t.Iterator[Fleet]:
    """A fleet of its own, for the run of this file."""
    yield from lab_up("starters", str(pathlib.Path(__file__).parent / "starters.yml"))


def shell(fleet: Fleet, host: str, *commands: str) -> str:
    """Run commands on a host, one after the other."""
    return fleet.run(host, "sh", "-ec", "\n".join(commands))


@contextlib.contextmanager
def units(fleet: Fleet, host: str, files: t.Mapping[str, str], *start: str) -> t.Iterator[None]:
    """Add units besides odoo.service while the block runs; the server is started again with them.

    :param start: units to start before odoo.service.
    """
    for path, text in files.items():
        fleet.run(host, "sh", "-c", 'mkdir -p "$(dirname "$1")"; printf %s "$2" >"$1"', "sh", path, text)
    shell(fleet, host, "systemctl stop odoo", "systemctl daemon-reload", *(f"systemctl start {one}" for one in start))
    shell(fleet, host, "systemctl start odoo")
    try:
        fleet.settle(host, seconds=60)
        yield
    finally:
        others = " ".join(path.rpartition("/")[2] for path in files if not path.endswith(".conf"))
        shell(fleet, host, f"systemctl stop {others} odoo || true", f"rm -f {' '.join(files)}")
        shell(fleet, host, "rm -f /run/fleetops-odoo/drain-*", "systemctl daemon-reload", "systemctl start odoo")


def is_open(fleet: Fleet, host: str) -> bool:
    """Return whether the port of a server takes a connection; systemd would start the server for it."""
    with contextlib.suppress(OSError), socket.create_connection((address(fleet.inventory, host), 8069), timeout=2):
        return True
    return False


def test_a_socket_unit_is_held_with_its_server_and_opened_again(fleet: Fleet) -> None:
    def there_and_back(host: str) -> None:
        with units(fleet, host, SOCKET, "odoo.socket"):
            before = state_of(fleet, host)
            assert before["units"]["odoo.socket"]["SubState"] == "running"
            check = fleet.module(host, "drain", "--check")
            assert check.only["hold"]["sockets"] == ["odoo.socket"]
            with request(fleet, host, "/lab/sleep/3") as sent:
                drained = fleet.module(host, "drain", min_gone_time=4)
            assert (drained.outcome, sent.status) == ((0, "signalled", None), 200), drained.output
            # Each second of the silence a client tries the port.
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                assert not is_open(fleet, host)
                time.sleep(1)
            assert fleet.module(host, "master_info").result["masters"] == []
            back = fleet.module(host, "drain", state="undrained", timeout=90)
            assert back.outcome == (0, "started", None), back.output
            as_before(fleet, host, before, None)

    on_each(HOSTS, there_and_back)


def test_a_socket_that_its_server_requires_is_refused(fleet: Fleet) -> None:
    needed = {**SOCKET, f"{UNITS}/odoo.service.d/socket.conf": "[Unit]\nRequires=odoo.socket\n"}
    with units(fleet, "p19", needed, "odoo.socket"):
        before = fleet.identities("p19")
        for options in (["--check"], []):
            answer = fleet.module("p19", "drain", *options)
            assert answer.outcome == (2, "refused", "supervisor.socket_needed"), answer.output
        assert fleet.identities("p19") == before


def test_a_timer_is_named_and_one_that_starts_the_server_again_fails_the_drain(fleet: Fleet) -> None:
    timer = {
        **RESTART,
        f"{UNITS}/wake.timer": "[Timer]\nOnCalendar=*-*-* 03:00:00\nUnit=odoo.service\n",
    }

    def named(host: str) -> None:
        with units(fleet, host, timer, "wake.timer"):
            drained, _back = drained_and_back(fleet, host)
            assert "wake.timer" in drained.warned["supervisor.started_by"]

    on_each(HOSTS, named)
    timer[f"{UNITS}/wake.timer"] = "[Timer]\nOnUnitInactiveSec=3\nAccuracySec=100ms\nUnit=odoo.service\n"
    with units(fleet, "p19", timer, "wake.timer"):
        drained = fleet.module("p19", "drain")
        assert drained.outcome == (2, "signalled", "failed.place_taken"), drained.output
        assert "wake.timer" in drained.warned["supervisor.started_by"]
        now = fleet.settle("p19")
        assert now["identity"] == drained.only["successor"]
        assert "zz-fleetops" not in fleet.run("p19", "sh", "-c", "find /run/systemd/system; true")


def test_units_that_are_bound_to_the_server_are_named_and_come_back_with_it(fleet: Fleet) -> None:
    # "proxy" ends with the server; a start of "shop" starts the server, which ends by itself without ending "shop".
    service = "[Service]\nExecStart=/bin/sleep infinity\n"
    bound = {
        **RESTART,
        f"{UNITS}/proxy.service": f"[Unit]\nBindsTo=odoo.service\nAfter=odoo.service\n{service}",
        f"{UNITS}/shop.service": f"[Unit]\nRequires=odoo.service\nAfter=odoo.service\n{service}",
        f"{UNITS}/guard.service": f"[Unit]\nPartOf=odoo.service\nAfter=odoo.service\n{service}",
    }

    def there_and_back(host: str) -> None:
        with units(fleet, host, bound):
            shell(fleet, host, "systemctl start proxy shop guard")
            drained, back = drained_and_back(fleet, host)
            assert "stops proxy.service when odoo.service ends" in drained.warned["supervisor.bound"]
            assert drained.warned["supervisor.started_by"].startswith("shop.service ")
            assert drained.only["hold"]["bound"] == ["proxy.service"]
            assert "proxy.service was started" in back.only["steps"][-1]["what"]

    on_each(HOSTS, there_and_back)


@contextlib.contextmanager
def quadlet(fleet: Fleet, host: str) -> t.Iterator[dict[str, t.Any]]:
    """Run the server of a host in a container of a unit while the block runs; yield what master_info tells of it."""
    path = f"{UNITS}/erp.service"
    text = QUADLET.format(volumes=VOLUMES, version=host[-2:])
    fleet.run(host, "sh", "-c", 'podman rm -f odoo; printf %s "$2" >"$1"', "sh", path, text)
    shell(fleet, host, "systemctl daemon-reload", "systemctl start erp")
    try:
        yield fleet.settle(host, seconds=60)
    finally:
        shell(fleet, host, "systemctl stop erp || true", f"rm -f {path} /run/fleetops-odoo/drain-*")
        shell(fleet, host, "systemctl daemon-reload", "systemctl restart odoo-containers")
        fleet.settle(host, seconds=60)


def test_a_quadlet_is_held_by_its_unit_and_comes_back_with_a_new_container(fleet: Fleet) -> None:
    def there_and_back(host: str) -> None:
        with quadlet(fleet, host) as master:
            assert (master["supervisor"]["kind"], master["supervisor"]["unit"]) == ("systemd", "erp.service")
            assert master["container"]["runtime"] == "podman"
            drained, _back = drained_and_back(fleet, host)
            assert (drained.only["hold"]["unit"], drained.only["hold"]["policy"]) == ("erp.service", "always")
            now = fleet.master(host)
            assert now["container"]["id"] != master["container"]["id"]
            wish = {"policy": "always", "method": "supervisor", "timeout": 90}
            restarted = fleet.module(host, "reload", **wish)
            assert restarted.outcome == (0, "restarted", None), restarted.output

    on_each(("pod19", "pod14"), there_and_back)
