# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers side by side: instances of a template, servers of users, guests. Each is drained and brought back alone."""

from __future__ import annotations

import contextlib
import pathlib
import shutil
import time
import typing as t

import pytest

from .before import drained_and_back, on_each
from .conftest import Fleet, lab_up

pytestmark = [pytest.mark.timeout(600), pytest.mark.thorough]

#: Two servers of two users whose own systemd starts them, from copies of odoo.conf.
USERS = r"""systemctl stop odoo
for user in ann bob; do
    id $user >/dev/null 2>&1 || useradd --create-home --shell /bin/bash $user
    port=8069; [ $user = ann ] || port=8169
    conf=/etc/odoo/$user.conf
    sed -e '/_port = 8/d' -e "s|^data_dir.*|data_dir = /home/$user/data|" /etc/odoo/odoo.conf >$conf
    printf 'http_port = %s\ngevent_port = %s\nlongpolling_port = %s\n' $port $((port + 3)) $((port + 3)) >>$conf
    chown $user $conf
    folder=/home/$user/.config/systemd/user
    mkdir -p $folder
    printf '[Service]\nExecStart=/usr/bin/odoo -c %s --logfile=/home/%s/log\nRestart=always\nRestartSec=1\n' \
        $conf $user >$folder/erp.service
    chown -R $user /home/$user
    loginctl enable-linger $user
done
for user in ann bob; do
    uid=$(id -u $user)
    until [ -S /run/user/$uid/systemd/private ]; do sleep 0.2; done
    runuser -u $user -- env XDG_RUNTIME_DIR=/run/user/$uid systemctl --user daemon-reload
    runuser -u $user -- env XDG_RUNTIME_DIR=/run/user/$uid systemctl --user start erp
done
"""
NO_USERS = r"""for user in ann bob; do
    loginctl disable-linger $user
    systemctl stop user@$(id -u $user)
    rm -f /etc/odoo/$user.conf
done
rm -f /run/fleetops-odoo/drain-*
systemctl start odoo
"""
#: As LXC has it: a cgroup of that name, and a PID namespace. The program itself needs more than a host of the lab may.
LXC = r"""group=/sys/fs/cgroup/lxc.payload.shop
mkdir -p $group/system.slice
sed -e '/_port = 8/d' /etc/odoo/odoo.conf >/etc/odoo/guest.conf
printf 'http_port = 8269\ngevent_port = 8272\n' >>/etc/odoo/guest.conf
chgrp odoo /etc/odoo/guest.conf
echo 0 >$group/system.slice/cgroup.procs
exec setsid unshare --pid --fork --kill-child --mount-proc runuser -u odoo -- \
    /usr/bin/odoo -c /etc/odoo/guest.conf --logfile=/var/log/odoo/guest.log </dev/null >/dev/null 2>&1 &
"""


@pytest.fixture(scope="module")
def fleet() -> t.Iterator[Fleet]:
    """A fleet of its own, for the run of this file."""
    yield from lab_up("alone", str(pathlib.Path(__file__).parent / "alone.yml"))


def settled(fleet: Fleet, host: str, count: int = 2) -> dict[int, dict[str, t.Any]]:
    """The servers of a host by their ports, as soon as all run."""
    deadline = time.monotonic() + 90
    while True:
        masters = fleet.module(host, "master_info").result["masters"]
        if [one["state"] for one in masters] == ["running"] * count:
            return {one["options"]["http_port"]: one for one in masters}
        assert time.monotonic() < deadline, masters


def each_alone(fleet: Fleet, host: str) -> None:
    """Drain and bring back each of two servers, and make sure that the other one goes on."""
    masters = settled(fleet, host)
    for port, other in ((8069, 8169), (8169, 8069)):
        drained_and_back(fleet, host, port=port, match={"http_port": port})
        after = settled(fleet, host)
        assert after[other]["identity"] == masters[other]["identity"]
        masters = after


def test_two_instances_of_a_template_are_drained_and_brought_back_alone(fleet: Fleet) -> None:
    on_each(("many", "many14"), lambda host: each_alone(fleet, host))


@contextlib.contextmanager
def users(fleet: Fleet, hosts: t.Sequence[str]) -> t.Iterator[None]:
    """Start two servers on hosts, each a unit of another user's systemd."""
    on_each(hosts, lambda host: fleet.run(host, "sh", "-ec", USERS))
    try:
        yield
    finally:
        on_each(hosts, lambda host: fleet.run(host, "sh", "-c", NO_USERS))


def test_the_servers_of_two_users_are_drained_and_brought_back_alone(fleet: Fleet) -> None:
    hosts = ("p19", "p14")
    with users(fleet, hosts):
        for host in hosts:
            masters = settled(fleet, host)
            assert {one["supervisor"]["kind"] for one in masters.values()} == {"systemd-user"}
            assert {one["user"] for one in masters.values()} == {"ann", "bob"}
        on_each(hosts, lambda host: each_alone(fleet, host))
        wish = {"policy": "always", "method": "supervisor", "timeout": 60, "match": {"http_port": 8169}}
        for host in hosts:
            restarted = fleet.module(host, "reload", **wish)
            assert restarted.outcome == (0, "restarted", None), restarted.output


def test_a_guest_of_lxc_is_named_and_neither_drained_nor_restarted_from_its_host(fleet: Fleet) -> None:
    fleet.run("p19", "sh", "-ec", LXC)
    try:
        guest = settled(fleet, "p19")[8269]
        assert (guest["container"]["runtime"], guest["container"]["id"]) == ("lxc", "shop")
        match = {"http_port": 8269}
        for options in (["--check"], []):
            drain = fleet.module("p19", "drain", *options, match=match)
            assert drain.outcome == (2, "refused", "supervisor.guest"), drain.output
            assert "Make shop a host of the inventory" in drain.result["msg"]
        restart = fleet.module("p19", "reload", match=match, policy="always", method="supervisor")
        assert restart.outcome == (2, "refused", "supervisor.guest"), restart.output
        assert settled(fleet, "p19")[8269]["identity"] == guest["identity"]
    finally:
        fleet.run("p19", "sh", "-c", "pkill -INT -u odoo -f guest.conf; sleep 3; rm -f /etc/odoo/guest.conf")


def test_a_guest_of_nspawn_is_named_and_neither_drained_nor_restarted_from_its_host(fleet: Fleet) -> None:
    # The hosts of the lab are such guests of this machine, which may have other labs too.
    here, name = "localhost", f"fl-{fleet.name}-p19"
    match, notes = {"unit": name}, pathlib.Path("/run/fleetops-odoo")
    was_there = notes.exists()
    try:
        (guest,) = fleet.module(here, "master_info", match=match).result["masters"]
        inside = fleet.master("p19")
        assert (guest["container"]["runtime"], guest["container"]["id"]) == ("nspawn", name)
        assert (guest["container"]["pid"], guest["pid"] > inside["pid"]) == (inside["pid"], True)
        for options in (["--check"], []):
            drain = fleet.module(here, "drain", *options, match=match)
            assert drain.outcome == (2, "refused", "supervisor.guest"), drain.output
            assert f"Make {name} a host of the inventory" in drain.result["msg"]
        restart = fleet.module(here, "reload", match=match, policy="always", method="supervisor")
        assert restart.outcome == (2, "refused", "supervisor.guest"), restart.output
        assert fleet.master("p19")["identity"] == inside["identity"]
    finally:
        if not was_there:
            shutil.rmtree(notes, ignore_errors=True)
