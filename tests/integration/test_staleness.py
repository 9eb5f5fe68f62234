# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When was it loaded, and what has changed since?"""

from __future__ import annotations

import contextlib
import time
import typing as t

import pytest

from .conftest import HUP, Fleet, thorough

#: Options of ``reload`` for a HUP where something has changed, and for nothing else.
STALE = {"policy": "stale", "method": "hup"}
MODEL = "/opt/lab/addons/lab_slow/__manifest__.py"


@pytest.fixture(params=["p19", *thorough("t14")])
def fresh(fleet: Fleet, request: pytest.FixtureRequest) -> str:
    """A host whose server has just been reloaded by us."""
    host = str(request.param)
    assert fleet.module(host, "reload", **HUP).code == 0
    return host


# As test_reload.py has it, with the default method.
@pytest.mark.thorough
def test_four_runs(fleet: Fleet, fresh: str) -> None:
    assert fleet.master(fresh)["needs"] == "none"
    fleet.run(fresh, "touch", MODEL)
    master = fleet.master(fresh)
    assert (master["stale"], master["needs"], master["stale_files"], master["stale_count"]) == (
        True,
        "reload",
        [MODEL],
        1,
    )
    check = fleet.module(fresh, "reload", "--check", **STALE)
    assert (check.result["changed"], check.outcome) == (True, (0, "signalled", None))
    run = fleet.module(fresh, "reload", **STALE)
    assert run.outcome == (0, "signalled", None)
    assert MODEL in run.only["reason"]
    for options in (["--check"], []):
        again = fleet.module(fresh, "reload", *options, **STALE)
        assert (again.result["changed"], again.outcome) == (False, (0, "nothing", None))
        assert run.only["after"]["loaded"]["not_before"] in again.only["reason"]


@contextlib.contextmanager
def touched(fleet: Fleet, *paths: str) -> t.Iterator[None]:
    """Newer than the last load, and gone afterwards where they have not been there before."""
    assert fleet.module("p19", "reload", **HUP).code == 0
    new = [path for path in paths if not fleet.run("p19", "ls", path, check=False)]
    for path in paths:
        fleet.run("p19", "mkdir", "-p", path.rpartition("/")[0])
        fleet.run("p19", "touch", path)
    try:
        yield
    finally:
        if new:
            fleet.run("p19", "rm", *new)


@pytest.mark.parametrize(
    ("path", "needs"),
    [
        ("/etc/odoo/odoo.conf", "reload"),
        pytest.param("/opt/lab/addons/lab_slow/new.js", "reload", marks=pytest.mark.thorough),
        ("/usr/lib/python3/dist-packages/odoo/release.py", "reload"),
        ("/etc/systemd/system/odoo.service.d/first.conf", "restart"),
    ],
)
def test_what_makes_it_stale(fleet: Fleet, path: str, needs: str) -> None:
    with touched(fleet, path):
        master = fleet.master("p19")
        assert (master["needs"], master["stale"], master["stale_files"]) == (needs, True, [path])
        if needs == "restart":
            # A HUP keeps the environment: refused, with what would help.
            answer = fleet.module("p19", "reload", **STALE)
            assert answer.outcome == (2, "refused", "refused.needs_restart")
            assert path in answer.result["msg"]
            # With the method auto, which is the default, it is restarted.
            default = fleet.module("p19", "reload", "--check")
            assert default.outcome == (0, "restarted", None)
            assert path in default.only["reason"]


def test_what_leaves_it_fresh(fleet: Fleet) -> None:
    addon = "/opt/lab/addons/lab_slow"
    with touched(fleet, f"{addon}/__pycache__/x.pyc", f"{addon}/notes.txt", "/var/lib/odoo/some.py"):
        master = fleet.master("p19")
        assert (master["needs"], master["stale"], master["stale_files"]) == ("none", False, [])


def test_an_old_modification_time_hides_nothing(fleet: Fleet) -> None:
    # As packages and rsync leave it.
    assert fleet.module("p19", "reload", **HUP).code == 0
    fleet.run("p19", "touch", "-d", "2020-01-01", MODEL)
    assert fleet.master("p19")["needs"] == "reload"


@pytest.mark.thorough
def test_a_hup_of_another_program_is_known_from_the_log(fleet: Fleet) -> None:
    hosts = ("p19", "journal")
    for host in hosts:
        assert fleet.module(host, "reload", **HUP).code == 0
        fleet.run(host, "touch", MODEL)
    # More than what Odoo may take to import its core lies between the change and the load.
    time.sleep(31)
    for host in hosts:
        old = fleet.processes(host)
        before = fleet.master(host)
        assert (before["loaded"]["evidence"], before["needs"]) == ("marker", "reload")
        fleet.run(host, "kill", "-HUP", str(before["pid"]))
        while fleet.processes(host) == old:
            fleet.settle(host)
        after = fleet.settle(host)
        assert (after["loaded"]["evidence"], after["needs"]) == ("log", "none")
