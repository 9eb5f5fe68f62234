# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Code behind links, as release tools lay it out, and code in places that only Odoo knows."""

from __future__ import annotations

import contextlib
import pathlib
import time
import typing as t

import pytest

from .conftest import HUP, Fleet, major_of, thorough
from .rolls import Ended, Roll

CONF = "/etc/odoo/odoo.conf"
TOP = "/srv/shop"

#: From this version on each process keeps the translations of its language.
KEEPS_TRANSLATIONS = 16

HOSTS = ["p19", *thorough("p14", "t19", "t14")]


@contextlib.contextmanager
def released(fleet: Fleet, host: str) -> t.Iterator[None]:
    """Make a server load its addons through a link to one of two releases, both older than its start."""
    fleet.run(host, "cp", "-p", CONF, CONF + ".before")
    for number in ("1", "2"):
        addon = f"{TOP}/releases/{number}/addons/lab_shop"
        fleet.run(host, "mkdir", "-p", addon)
        fleet.run(
            host,
            "sh",
            "-c",
            f'printf "import logging\\nlogging.getLogger(__name__).info({number!r})\\n" > $0/__init__.py',
            addon,
        )
        fleet.run(host, "sh", "-c", "echo \"{'name': 'shop'}\" > $0/__manifest__.py", addon)
    switch(fleet, host, "1")
    fleet.run(host, "sed", "-i", f"s|^addons_path.*|&,{TOP}/current/addons|", CONF)
    fleet.run(host, "sh", "-c", f"echo server_wide_modules = base,web,lab_shop >> {CONF}")
    assert fleet.module(host, "reload", **HUP).code == 0
    try:
        yield
    finally:
        fleet.run(host, "mv", CONF + ".before", CONF)
        assert fleet.module(host, "reload", **HUP).code == 0
        fleet.run(host, "rm", "-r", TOP)


def switch(fleet: Fleet, host: str, number: str) -> None:
    """Switch the link as capistrano does: a new one, renamed over the old one."""
    fleet.run(host, "sh", "-c", f"ln -s releases/{number} {TOP}/next && mv -T {TOP}/next {TOP}/current")


def loaded(fleet: Fleet, host: str) -> str:
    """The release whose code ran last."""
    return fleet.run(host, "sh", "-c", "grep 'addons.lab_shop: ' /var/log/odoo/odoo-server.log | tail -n 1").split()[-1]


@pytest.mark.thorough
@pytest.mark.timeout(900)
@pytest.mark.parametrize("host", HOSTS)
def test_a_release_that_is_switched_back_and_forth_is_loaded_each_time(fleet: Fleet, host: str) -> None:
    with released(fleet, host):
        for turn in range(10):
            number = "12"[(turn + 1) % 2]
            switch(fleet, host, number)
            told = f"{TOP}/current leads to releases/{number} now and to releases/{'12'[turn % 2]} when it was loaded"
            run = fleet.module(host, "reload")
            assert (run.outcome, loaded(fleet, host)) == ((0, "signalled", None), number)
            assert told in run.only["reason"]
            again = fleet.module(host, "reload")
            assert (again.outcome, again.result["changed"]) == ((0, "nothing", None), False)


@pytest.mark.thorough
@pytest.mark.timeout(7200)
def test_a_roll_after_each_of_ten_switches_reloads_the_hosts_that_were_switched(
    fleet: Fleet, tmp_path: pathlib.Path
) -> None:
    hosts = ("p19", "p14")
    at = dict.fromkeys(hosts, "1")
    with released(fleet, "p19"), released(fleet, "p14"):
        for turn in range(10):
            moved = (hosts, hosts[:1], hosts[1:])[turn % 3]
            for host in moved:
                at[host] = {"1": "2", "2": "1"}[at[host]]
                switch(fleet, host, at[host])
            done = roll(fleet, tmp_path / str(turn), hosts)
            assert done.outcomes == {host: "reloaded" if host in moved else "up to date" for host in hosts}, done
            assert {host: loaded(fleet, host) for host in hosts} == at
            print(turn, done.outcomes, flush=True)
        done = roll(fleet, tmp_path / "again", hosts)
        assert done.outcomes == dict.fromkeys(hosts, "up to date"), done


def roll(fleet: Fleet, folder: pathlib.Path, hosts: t.Iterable[str]) -> Ended:
    """Roll with the default policy."""
    done = Roll(fleet, folder, "-l", ",".join(hosts), policy="stale", balancer="none").end(1200)
    assert done.code == 0, done
    return done


@pytest.mark.thorough
@pytest.mark.timeout(900)
@pytest.mark.parametrize("host", ["p19", *thorough("p14")])
def test_a_link_that_was_switched_back_is_not_a_change(fleet: Fleet, host: str) -> None:
    with released(fleet, host):
        switch(fleet, host, "2")
        switch(fleet, host, "1")
        assert fleet.master(host)["needs"] == "none"
        # Without our record the log of the load tells what it led to. Odoo may take a while to say its version, so what
        # was changed shortly before that counts as changed.
        time.sleep(31)
        assert fleet.module(host, "reload", **HUP).code == 0
        fleet.run(host, "sh", "-c", "rm /run/fleetops-odoo/*.json")
        assert (fleet.master(host)["loaded"]["evidence"], fleet.master(host)["needs"]) == ("log", "none")
        switch(fleet, host, "2")
        master = fleet.master(host)
        assert master["needs"] == "reload"
        assert f"{TOP}/current leads to releases/2 now and to releases/1 when it was loaded" in master["stale_reasons"]


ADDONS = {
    "pip": {
        "p19": "/usr/local/lib/python3.11/dist-packages/odoo/addons",
        "p14": "/usr/local/lib/python3.9/dist-packages/odoo/addons",
    },
    "data_dir": {"p19": "/var/lib/odoo/addons/19.0", "p14": "/var/lib/odoo/addons/14.0"},
}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("place", ["pip", *thorough("data_dir")])
@pytest.mark.parametrize("host", ["p19", *thorough("p14")])
def test_addons_that_no_option_names(fleet: Fleet, host: str, place: str) -> None:
    addon = ADDONS[place][host] + "/lab_more"
    fleet.run(
        host,
        "sh",
        "-c",
        "mkdir -p $0; chmod u+w $(dirname $0); mkdir -p $0; echo \"{'name': 'm'}\" > $0/__manifest__.py",
        addon,
    )
    fleet.run(host, "sh", "-c", "echo > $0/__init__.py; chown -R odoo: /var/lib/odoo/addons", addon)
    try:
        assert fleet.module(host, "reload", **HUP).code == 0
        assert fleet.master(host)["stale_reasons"] == []
        fleet.run(host, "sh", "-c", "echo '# more' >> $0/__init__.py", addon)
        assert (fleet.master(host)["needs"], fleet.master(host)["stale_files"]) == ("reload", [addon + "/__init__.py"])
        assert fleet.module(host, "reload", **HUP).code == 0
        fleet.run(host, "rm", addon + "/__init__.py")
        assert fleet.master(host)["stale_files"] == [addon + "/"]
    finally:
        fleet.run(host, "rm", "-r", addon)


@pytest.mark.versions
@pytest.mark.parametrize("host", ["p14", *thorough("p19")])
def test_translations_are_code_where_a_process_keeps_them(fleet: Fleet, host: str) -> None:
    needs = "reload" if major_of(host) >= KEEPS_TRANSLATIONS else "none"
    path = "/opt/lab/addons/lab_slow/i18n/fr.po"
    fleet.run(host, "mkdir", "-p", path.rpartition("/")[0])
    fleet.run(host, "touch", path)
    try:
        assert fleet.module(host, "reload", **HUP).code == 0
        fleet.run(host, "touch", path)
        assert fleet.master(host)["needs"] == needs
    finally:
        fleet.run(host, "rm", "-r", path.rpartition("/")[0])
