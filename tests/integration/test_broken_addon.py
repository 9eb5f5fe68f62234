# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An addon that compiles and cannot be imported: the reload says so in seconds, or refuses before the signal."""

from __future__ import annotations

import contextlib
import pathlib
import typing as t

import pytest

from .conftest import HUP, Fleet, held, thorough
from .rolls import Roll

pytestmark = pytest.mark.versions

#: A file of an addon that each database of the lab has.
MODEL = "/opt/lab/addons/lab_slow/models/lab_slow.py"
ERROR = "ModuleNotFoundError: No module named 'does_not_exist'"


@contextlib.contextmanager
def broken(fleet: Fleet, host: str) -> t.Iterator[None]:
    """Provide an installed addon that cannot be imported while the block runs, and a healthy server afterwards."""
    fleet.run(host, "sh", "-c", f"echo 'import does_not_exist' >> {MODEL}")
    try:
        yield
    finally:
        fleet.run(host, "sed", "-i", "/does_not_exist/d", MODEL)
        # On a busy machine the new generation is not complete yet, and a call would wait for it and send nothing.
        fleet.settle(host, seconds=90)
        assert fleet.module(host, "reload", **HUP).outcome == (0, "signalled", None)


@pytest.mark.parametrize("host", ["p19", *thorough("journal", "t19", "p14", "t14")])
def test_a_broken_addon_ends_the_reload_within_seconds(fleet: Fleet, host: str) -> None:
    with broken(fleet, host):
        answer = fleet.module(host, "reload", timeout=180, **HUP)
        assert answer.outcome == (2, "signalled", "failed.load")
        first, *_log = answer.result["msg"].splitlines()
        assert f"{ERROR} ({MODEL}:" in first
        assert (" in the journal" if host == "journal" else " in /var/log/odoo/odoo-server.log") in first
        assert " answers 500 " in first
        assert any(f"wrote a traceback that ends with {ERROR}" in step["what"] for step in answer.only["steps"])
        executed = next(step["seconds"] for step in answer.only["steps"] if "executed itself again" in step["what"])
        assert answer.only["seconds"] - executed < 60


@pytest.mark.parametrize("host", thorough("p19"))
def test_a_broken_addon_ends_the_reload_while_an_old_request_works(fleet: Fleet, host: str) -> None:
    with broken(fleet, host), held(fleet, host, "old") as sent:
        answer = fleet.module(host, "reload", timeout=180, **HUP)
        assert answer.outcome == (2, "signalled", "failed.load")
        assert ERROR in answer.result["msg"].splitlines()[0]
        assert answer.only["seconds"] < 60
    assert sent.status == 200


@pytest.mark.parametrize("host", thorough("p19", "p14"))
def test_a_broken_addon_ends_the_wait_for_a_restart(fleet: Fleet, host: str) -> None:
    with broken(fleet, host):
        answer = fleet.module(host, "reload", policy="always", method="supervisor", timeout=180)
        assert answer.outcome == (2, "restarted", "failed.load")
        assert ERROR in answer.result["msg"].splitlines()[0]


@pytest.mark.parametrize("host", ["p19", *thorough("p14")])
def test_a_trial_import_refuses_before_the_signal(fleet: Fleet, host: str) -> None:
    before = fleet.processes(host)
    fleet.run(host, "sh", "-c", f"echo 'import does_not_exist' >> {MODEL}")
    try:
        for options in (["--check"], []):
            answer = fleet.module(host, "reload", *options, rehearse="import", **HUP)
            assert answer.outcome == (2, "refused", "rehearsal.addon_error")
            assert [word for word in ("lab_slow", f"{ERROR} ({MODEL}:") if word not in answer.result["msg"]] == []
        restart = fleet.module(host, "reload", rehearse="import", policy="always", method="supervisor")
        assert restart.outcome == (2, "refused", "rehearsal.addon_error")
    finally:
        fleet.run(host, "sed", "-i", "/does_not_exist/d", MODEL)
    assert fleet.processes(host) == before
    # What the addon imports is there now.
    assert fleet.module(host, "reload", rehearse="import", **HUP).outcome == (0, "signalled", None)


@pytest.mark.parametrize("host", ["p19", *thorough("p14")])
def test_a_traceback_does_not_fail_the_reload_of_a_healthy_server(fleet: Fleet, host: str) -> None:
    folder = "/opt/lab/addons/lab_wide"
    fleet.run(host, "mkdir", "-p", folder)
    fleet.run(host, "sh", "-c", f"echo \"{{'name': 'w'}}\" > {folder}/__manifest__.py")
    fleet.run(host, "sh", "-c", f"echo 'import does_not_exist' > {folder}/__init__.py")
    fleet.run(host, "sh", "-c", "echo 'server_wide_modules = base,web,lab_wide' >> /etc/odoo/odoo.conf")
    try:
        assert fleet.module(host, "reload", **HUP).outcome == (0, "signalled", None)
        assert "Failed to load server-wide module" in fleet.run(
            host, "tail", "-n", "100", "/var/log/odoo/odoo-server.log"
        )
    finally:
        fleet.run(host, "sed", "-i", "/^server_wide_modules/d", "/etc/odoo/odoo.conf")
        fleet.run(host, "rm", "-r", folder)
        assert fleet.module(host, "reload", **HUP).outcome == (0, "signalled", None)


@pytest.mark.thorough
@pytest.mark.parametrize(("rehearse", "code"), [("compile", "failed.load"), ("import", "rehearsal.addon_error")])
def test_the_summary_of_a_roll_has_the_last_line_of_the_traceback(
    fleet: Fleet, tmp_path: pathlib.Path, rehearse: str, code: str
) -> None:
    with broken(fleet, "p19"):
        roll = Roll(fleet, tmp_path / "reports", "-l", "p19", balancer="none", method="hup", rehearse=rehearse).end()
        assert roll.code != 0
        assert (roll.outcomes, roll.code_of("p19")) == ({"p19": "failed"}, code)
        assert ERROR in roll.reason("p19").splitlines()[0]
        assert ERROR in " ".join(roll.output.replace("''", "'").split())
