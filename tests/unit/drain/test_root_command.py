# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands that root may run, and commands that lead to a file of somebody else."""

from __future__ import annotations

import os
import pathlib

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._drain import root_command
from ansible_collections.fleetops.odoo.plugins.module_utils._drain.root_command import NotRoots, check_root_command

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs files of root and of others")

OTHER = 54321


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
    ("words", "why"),
    [
        # Short options that are joined: -s, then -c with a path.
        (("-sc@/odoo.conf",), "not understood at '-sc"),
        (("-sc", "@/odoo.conf"), "not understood at '-sc'"),
        (("--conf", "@/odoo.conf"), "not understood at '--conf'"),
        (("--unknown=1",), "not understood at '--unknown'"),
        (("shell",), "not understood at 'shell'"),
        (("--config",), "has no value"),
        (("--without-demo", "--config=@/odoo.conf"), "has no value"),
        (("-c", "~odoo/odoo.conf"), "not a plain absolute path"),
        (("-c", "$HOME/odoo.conf"), "not a plain absolute path"),
        (("-c", "@/$X/odoo.conf"), "not a plain absolute path"),
        (("-c", " @/odoo.conf"), "not a plain absolute path"),
        (("-c", "odoo.conf"), "not a plain absolute path"),
        (("-c", "@/../x/odoo.conf"), "not a plain absolute path"),
        (("--addons-path=@/addons, @/odoo",), "not a plain absolute path"),
        # A file that is made after the check.
        (("-c", "@/later.conf"), "does not exist"),
        (("--addons-path=@/addons,@/later",), "does not exist"),
        (("--logfile=@/later.log",), "does not exist"),
        (("--upgrade-path", "@/later"), "does not exist"),
    ],
)
def test_a_command_that_is_not_understood_is_refused(place: Place, words: tuple[str, ...], why: str) -> None:
    with pytest.raises(NotRoots, match=why):
        place.check(*words)


@pytest.mark.parametrize("words", [["-m", "odoo"], ["-X", "dev", "/x"], ["-c", "import odoo"], ["odoo-bin"], []])
def test_an_interpreter_that_runs_no_script_by_its_full_path_is_refused(place: Place, words: list[str]) -> None:
    with pytest.raises(NotRoots, match=r"not understood|not a plain absolute path"):
        check_root_command(f"{place.folder}/venv/bin/python3", words, "/")


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
def test_a_file_that_somebody_else_can_change_is_refused(place: Place, name: str, how: str) -> None:
    path = place.folder / name
    if how == "owner":
        os.chown(path, OTHER, OTHER)
    else:
        path.chmod(path.stat().st_mode | 0o020)
    with pytest.raises(NotRoots, match="is not root's alone"):
        place.check("-c", "@/odoo.conf")


def test_a_link_to_a_file_of_somebody_else_is_refused(place: Place) -> None:
    theirs = place.folder / "theirs.py"
    theirs.write_text("")
    os.chown(theirs, OTHER, OTHER)
    (place.folder / "addons/link.py").symlink_to(theirs)
    with pytest.raises(NotRoots, match=r"link\.py is not root's alone"):
        place.check("-c", "@/odoo.conf")


def test_a_link_that_leads_nowhere_yet_is_refused(place: Place) -> None:
    (place.folder / "addons/link.py").symlink_to("/tmp/made-later.py")
    with pytest.raises(NotRoots, match=r"link\.py is not root's alone"):
        place.check("-c", "@/odoo.conf")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("addons_path = ~/addons", "not a plain absolute path"),
        ("logfile = /nonexistent/x", "does not exist"),
        ("upgrade_path = relative", "not a plain absolute path"),
        ("own_option = /tmp/x", "whether the option own_option names a file"),
        ("own_option = ~x", "whether the option own_option names a file"),
    ],
)
def test_an_odoo_conf_that_leads_elsewhere_is_refused(place: Place, line: str, why: str) -> None:
    place.write_conf(line)
    with pytest.raises(NotRoots, match=why):
        place.check("-c", "@/odoo.conf")


def test_an_odoo_conf_that_cannot_be_parsed_is_refused(place: Place) -> None:
    place.write_conf("workers 2")
    with pytest.raises(NotRoots, match="cannot be read"):
        place.check("-c", "@/odoo.conf")


def test_without_an_option_the_odoo_conf_of_root_is_checked(place: Place) -> None:
    (place.folder / "home/.odoorc").write_text("[options]\naddons_path = /nonexistent\n")
    with pytest.raises(NotRoots, match="does not exist"):
        place.check()


def test_a_walk_that_takes_too_long_is_refused(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(root_command, "_LONGEST_WALK", -1.0)
    with pytest.raises(NotRoots, match="could not be checked within"):
        place.check("-c", "@/odoo.conf")
