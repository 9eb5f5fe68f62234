# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test which Odoo a server runs."""

from __future__ import annotations

import os
import pathlib
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._config.cmdline import Command, parse_command
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.release import (
    Release,
    find_release,
    is_newer,
    major,
    parse_release,
)
from hypothesis import given
from hypothesis import strategies as st

from .. import build

RELEASE = "# -*- coding: utf-8 -*-\nRELEASE_LEVELS = [ALPHA]\nversion_info = (%s, 'final', 0, '')\nversion = 'x'\n"


@pytest.mark.parametrize(
    ("info", "version"),
    [
        ("19, 0, FINAL", "19.0"),
        ("14, 0", "14.0"),
        ("'saas~17', 4", "saas~17.4"),
        ('"saas~18", 2, 0', "saas~18.2"),
        ("8, 0", "8.0"),
    ],
)
def test_release_files(info: str, version: str) -> None:
    assert parse_release(RELEASE % info) == version


@pytest.mark.parametrize("text", ["", "version_info = x", "# version_info = (1, 0)", "version_info = ()"])
def test_a_file_that_is_not_a_release_file_gives_no_version(text: str) -> None:
    assert parse_release(text) is None


@given(st.text())
def test_no_text_raises(text: str) -> None:
    parse_release(text)
    major(text)


@pytest.mark.parametrize(("version", "number"), [("19.0", 19), ("saas~17.4", 17), (None, None), ("", None)])
def test_major(version: str | None, number: int | None) -> None:
    assert major(version) == number


def find(root: pathlib.Path, line: str, cwd: str = "/", executable: str | None = "/usr/bin/python3.11") -> t.Any:
    """Find the release of a server below a folder."""
    command = t.cast(Command, parse_command(line.split()))
    return find_release(Proc(str(root)), build.process(100, cwd=cwd, executable=executable), command)


def put(root: pathlib.Path, folder: str, info: str) -> None:
    """Put a release.py where a server sees it."""
    path = root / "100/root" / folder.lstrip("/")
    path.mkdir(parents=True, exist_ok=True)
    (path / "release.py").write_text(RELEASE % info)


@pytest.mark.parametrize(
    ("folder", "line", "cwd"),
    [
        ("/opt/odoo/odoo", "python3 /opt/odoo/odoo-bin", "/"),
        ("/opt/odoo/odoo", "python3 odoo-bin", "/opt/odoo"),
        ("/opt/odoo/odoo", "python3 ./odoo-bin", "/opt/odoo (deleted)"),
        ("/opt/odoo/openerp", "python2 openerp-server", "/opt/odoo"),
        ("/opt/odoo/odoo", "python3 -m odoo", "/opt/odoo"),
        ("/venv/lib/python3.11/site-packages/odoo", "/venv/bin/python3 /venv/bin/odoo", "/"),
        ("/venv/lib/python3.11/site-packages/odoo", "/venv/bin/python3 -m odoo", "/"),
        ("/venv/lib/python3.11/site-packages/odoo", "python3 /venv/bin/odoo", "/"),
        ("/usr/lib/python3/dist-packages/odoo", "python3 /usr/bin/odoo", "/"),
        ("/usr/local/lib/python3.9/dist-packages/odoo", "python3 /usr/local/bin/odoo", "/"),
    ],
)
def test_where_it_is_found(tmp_path: pathlib.Path, folder: str, line: str, cwd: str) -> None:
    put(tmp_path, folder, "17, 0")
    found = find(tmp_path, line, cwd)
    assert (found.version, os.path.normpath(found.package)) == ("17.0", folder)


def test_links_lead_to_where_they_do_for_the_server(tmp_path: pathlib.Path) -> None:
    put(tmp_path, "/srv/17/odoo", "17, 0")
    put(tmp_path, "/venvs/1/lib/python3.11/site-packages/odoo", "18, 0")
    (tmp_path / "100/root/opt").symlink_to("/srv/17")
    (tmp_path / "100/root/venv").symlink_to("/venvs/1")
    assert find(tmp_path, "python3 /opt/odoo-bin") == Release("17.0", "/opt/odoo")
    found = find(tmp_path, "/venv/bin/python3 /venv/bin/odoo")
    assert found == Release("18.0", "/venv/lib/python3.11/site-packages/odoo")


def test_beside_the_script_goes_first(tmp_path: pathlib.Path) -> None:
    put(tmp_path, "/usr/lib/python3/dist-packages/odoo", "14, 0")
    put(tmp_path, "/opt/odoo/odoo", "17, 0")
    assert find(tmp_path, "python3 /opt/odoo/odoo-bin").version == "17.0"


def test_beside_a_script_that_is_a_link_is_where_the_link_leads(tmp_path: pathlib.Path) -> None:
    put(tmp_path, "/srv/2/odoo", "18, 0")
    root = tmp_path / "100/root"
    (root / "srv/2/odoo-bin").touch()
    (root / "srv/current").symlink_to("2")
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/bin/odoo-bin").symlink_to("/srv/current/odoo-bin")
    assert find(tmp_path, "python3 /usr/bin/odoo-bin") == Release("18.0", "/srv/2/odoo")


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        ("PYTHONPATH=/src", "python3 /usr/bin/odoo"),
        ("PATH=/venv/bin", "python3 /usr/bin/odoo"),
        ("", "/venv/bin/python3 /venv/bin/odoo"),
    ],
)
def test_an_odoo_that_the_interpreter_finds_elsewhere(tmp_path: pathlib.Path, environ: str, line: str) -> None:
    # The package of the system is not what is loaded.
    put(tmp_path, "/usr/lib/python3/dist-packages/odoo", "14, 0")
    put(tmp_path, "/src/odoo", "17, 0")
    root = tmp_path / "100/root"
    site = root / "venv/lib/python3.11/site-packages"
    site.mkdir(parents=True)
    (site / "odoo.pth").write_text("/src\n")
    (root / "venv/pyvenv.cfg").touch()
    (root / "venv/bin").mkdir()
    (root / "venv/bin/python3").touch(mode=0o755)
    (root / "venv/pyvenv.cfg").write_text("include-system-site-packages = false\n")
    (tmp_path / "100/environ").write_text(environ + "\0")
    assert find(tmp_path, line) == Release("17.0", "/src/odoo")


def test_nowhere(tmp_path: pathlib.Path) -> None:
    assert find(tmp_path, "python3 odoo-bin", executable=None).version is None


@pytest.mark.parametrize("cwd", ["/opt/[o]doo", "/opt/o*", "/*/*"])
def test_a_folder_whose_name_is_a_pattern(tmp_path: pathlib.Path, cwd: str) -> None:
    put(tmp_path, "/opt/odoo/odoo", "17, 0")
    assert find(tmp_path, "python3 odoo-bin", cwd).version is None


@pytest.mark.parametrize(
    ("version", "newer"),
    [
        ("20.0", True),
        ("saas~19.1", True),
        ("19.0", False),
        ("saas~18.4", False),
        ("9.0", False),
        (None, False),
        ("", False),
    ],
)
def test_a_version_newer_than_the_tested_ones_is_recognised(version: t.Optional[str], newer: bool) -> None:  # noqa: FBT001
    assert is_newer(version) is newer
