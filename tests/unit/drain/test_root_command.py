# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test commands that root may run, and commands that use a file of another user."""

from __future__ import annotations

import os
import pathlib

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._drain import root_command
from ansible_collections.fleetops.odoo.plugins.module_utils._drain.root_command import check_root_command
from ansible_collections.fleetops.odoo.plugins.module_utils._messages.code import Problem
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs files of root and of others")

OTHER = 54321
NOT_UNDERSTOOD = "refused.command_not_understood"
NOT_PLAIN = "refused.command_path_not_plain"
GONE = "refused.command_path_gone"
NOT_ROOTS = "refused.command_not_roots"


class Place:
    """A virtualenv, a checkout, addons and odoo.conf, all of them root's."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        for name in ("venv/bin", "venv/lib/python3.11/site-packages/babel", "odoo/odoo", "addons/shop", "data", "home"):
            (folder / name).mkdir(parents=True)
        for name in ("venv/bin/python3", "venv/pyvenv.cfg", "odoo/odoo-bin", "odoo/odoo/sql_db.py", "addons/shop/a.py"):
            (folder / name).write_text("")
        (folder / "venv/lib/python3.11/site-packages/babel/__init__.py").write_text("")
        self.write_conf(f"addons_path = {folder}/addons", f"data_dir = {folder}/data", "admin_passwd = $pbkdf2$x/y")

    def write_conf(self, *lines: str) -> None:
        """Write odoo.conf."""
        (self.folder / "odoo.conf").write_text("\n".join(["[options]", *lines, ""]))

    def check(self, *words: str, script: str = "odoo/odoo-bin") -> None:
        """Ask about a command line, in which @ stands for the folder."""
        args = [word.replace("@", str(self.folder)) for word in words]
        check_root_command(f"{self.folder}/venv/bin/python3", [f"{self.folder}/{script}", *args], str(self.folder))

    def refusal(self, *words: str) -> Problem:
        """Return why a command line is refused."""
        with pytest.raises(Refused) as caught:
            self.check(*words)
        return caught.value.problem


@pytest.fixture
def place(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr(root_command, "_SYSTEM_PACKAGES", ())
    monkeypatch.setattr(root_command, "_HOME", str(tmp_path / "home"))
    return Place(tmp_path)


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("server",),
        ("--config", "@/odoo.conf"),
        ("--config=@/odoo.conf", "--workers=2", "--no-http"),
        ("-c", "@/odoo.conf", "-d", "prod", "-p8070"),
        ("-c@/odoo.conf", "--db_host=/var/run/postgresql", "--log-handler", "odoo.http:DEBUG", "--proxy-mode"),
        ("--addons-path=@/addons,@/odoo",),
    ],
)
def test_a_command_whose_files_are_all_roots_may_be_run(place: Place, words: tuple[str, ...]) -> None:
    place.check(*words)


@pytest.mark.parametrize(
    ("words", "code", "value"),
    [
        # Short options that are joined: -s, then -c with a path.
        (("-sc@/odoo.conf",), NOT_UNDERSTOOD, "-sc@/odoo.conf"),
        (("-sc", "@/odoo.conf"), NOT_UNDERSTOOD, "-sc"),
        (("--conf", "@/odoo.conf"), NOT_UNDERSTOOD, "--conf"),
        (("--unknown=1",), NOT_UNDERSTOOD, "--unknown"),
        (("shell",), NOT_UNDERSTOOD, "shell"),
        (("--config",), NOT_UNDERSTOOD, "--config"),
        (("--without-demo", "--config=@/odoo.conf"), NOT_UNDERSTOOD, "--without-demo"),
        (("-c", "~odoo/odoo.conf"), NOT_PLAIN, "~odoo/odoo.conf"),
        (("-c", "$HOME/odoo.conf"), NOT_PLAIN, "$HOME/odoo.conf"),
        (("-c", "@/$X/odoo.conf"), NOT_PLAIN, "@/$X/odoo.conf"),
        (("-c", " @/odoo.conf"), NOT_PLAIN, " @/odoo.conf"),
        (("-c", "odoo.conf"), NOT_PLAIN, "odoo.conf"),
        (("-c", "@/../x/odoo.conf"), NOT_PLAIN, "@/../x/odoo.conf"),
        (("--addons-path=@/addons, @/odoo",), NOT_PLAIN, " @/odoo"),
        # A file that is made after the check.
        (("-c", "@/later.conf"), GONE, "@/later.conf"),
        (("--addons-path=@/addons,@/later",), GONE, "@/later"),
        (("--logfile=@/later.log",), GONE, "@/later.log"),
        (("--upgrade-path", "@/later"), GONE, "@/later"),
    ],
)
def test_a_command_that_is_not_understood_is_refused(
    place: Place, words: tuple[str, ...], code: str, value: str
) -> None:
    problem = place.refusal(*words)
    assert problem.code == code
    assert value.replace("@", str(place.folder)) in problem.values.values()


@pytest.mark.parametrize("words", [["-m", "odoo"], ["-X", "dev", "/x"], ["-c", "import odoo"], ["odoo-bin"], []])
def test_an_interpreter_that_runs_no_script_by_its_full_path_is_refused(place: Place, words: list[str]) -> None:
    with pytest.raises(Refused) as caught:
        check_root_command(f"{place.folder}/venv/bin/python3", words, "/")
    assert caught.value.code in (NOT_UNDERSTOOD, NOT_PLAIN)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "venv/bin",
        "venv/bin/python3",
        "venv/pyvenv.cfg",
        "venv/lib/python3.11/site-packages",
        "venv/lib/python3.11/site-packages/babel",
        "venv/lib/python3.11/site-packages/babel/__init__.py",
        "odoo",
        "odoo/odoo-bin",
        "odoo/odoo",
        "odoo/odoo/sql_db.py",
        "odoo.conf",
        "addons",
        "addons/shop",
        "addons/shop/a.py",
        "data",
    ],
)
@pytest.mark.parametrize("how", ["owner", "mode"])
def test_a_file_that_another_user_can_change_is_refused(place: Place, name: str, how: str) -> None:
    path = place.folder / name
    if how == "owner":
        os.chown(path, OTHER, OTHER)
    else:
        path.chmod(path.stat().st_mode | 0o020)
    assert place.refusal("-c", "@/odoo.conf").code == NOT_ROOTS


def test_a_link_to_a_file_of_another_user_is_refused(place: Place) -> None:
    theirs = place.folder / "theirs.py"
    theirs.write_text("")
    os.chown(theirs, OTHER, OTHER)
    (place.folder / "addons/link.py").symlink_to(theirs)
    problem = place.refusal("-c", "@/odoo.conf")
    assert (problem.code, problem.values["path"]) == (NOT_ROOTS, f"{place.folder}/addons/link.py")


def test_a_link_that_leads_nowhere_yet_is_refused(place: Place) -> None:
    (place.folder / "addons/link.py").symlink_to("/tmp/made-later.py")
    problem = place.refusal("-c", "@/odoo.conf")
    assert (problem.code, problem.values["path"]) == (NOT_ROOTS, f"{place.folder}/addons/link.py")


@pytest.mark.parametrize(
    ("line", "code", "value"),
    [
        ("addons_path = ~/addons", NOT_PLAIN, "~/addons"),
        ("logfile = /nonexistent/x", GONE, "/nonexistent/x"),
        ("upgrade_path = relative", NOT_PLAIN, "relative"),
        ("own_option = /tmp/x", "refused.command_option_unknown", "own_option"),
        ("own_option = ~x", "refused.command_option_unknown", "own_option"),
    ],
)
def test_an_odoo_conf_that_leads_elsewhere_is_refused(place: Place, line: str, code: str, value: str) -> None:
    place.write_conf(line)
    problem = place.refusal("-c", "@/odoo.conf")
    assert problem.code == code
    assert value in problem.values.values()


def test_an_odoo_conf_that_cannot_be_parsed_is_refused(place: Place) -> None:
    place.write_conf("workers 2")
    assert place.refusal("-c", "@/odoo.conf").code == "refused.command_conf_unreadable"


def test_without_an_option_the_odoo_conf_of_root_is_checked(place: Place) -> None:
    (place.folder / "home/.odoorc").write_text("[options]\naddons_path = /nonexistent\n")
    assert place.refusal().code == GONE


def test_a_walk_that_takes_too_long_is_refused(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(root_command, "_LONGEST_WALK", -1.0)
    assert place.refusal("-c", "@/odoo.conf").code == "refused.command_code_timeout"
