# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the places where Odoo finds addons without configuration: pip, editable installs, files with a path."""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._code.places import addons_in, site_folders

LOCAL = "/usr/local/lib/python3.11/dist-packages"


@pytest.fixture
def root(tmp_path: pathlib.Path) -> pathlib.Path:
    """A server's root."""
    return tmp_path


def addons(root: pathlib.Path, interpreter: str | None = "/usr/bin/python3", **environ: str) -> list[str]:
    """Folders of addons that an interpreter finds."""
    return addons_in(str(root), site_folders(str(root), interpreter, "/usr/bin/python3.11", environ, "/home/odoo"))


def put(root: pathlib.Path, path: str, text: str = "") -> None:
    """Write a file."""
    (root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
    (root / path[1:]).write_text(text)


def test_addons_that_pip_installed(root: pathlib.Path) -> None:
    user = "/home/odoo/.local/lib/python3.11/site-packages"
    for folder in (LOCAL, "/usr/lib/python3/dist-packages", user):
        put(root, folder + "/odoo/addons/m/__manifest__.py")
    found = [f"{folder}/odoo/addons" for folder in (LOCAL, "/usr/lib/python3/dist-packages", user)]
    assert sorted(addons(root)) == sorted(found)
    assert f"{user}/odoo/addons" not in addons(root, PYTHONNOUSERSITE="1")


@pytest.mark.parametrize(("system", "count"), [("true", 2), ("false", 1)])
def test_a_virtualenv_takes_packages_of_the_system_if_it_says_so(root: pathlib.Path, system: str, count: int) -> None:
    put(root, "/venv/pyvenv.cfg", f"home = /usr/bin\ninclude-system-site-packages = {system}\n")
    put(root, "/venv/lib/python3.11/site-packages/odoo/addons/m/x.py")
    put(root, LOCAL + "/odoo/addons/m/x.py")
    found = addons(root, "/venv/bin/python3")
    assert (found[0], len(found)) == ("/venv/lib/python3.11/site-packages/odoo/addons", count)


def test_pythonpath_and_files_with_a_path(root: pathlib.Path) -> None:
    for folder in ("/src/a", "/src/b", LOCAL + "/rel"):
        put(root, folder + "/odoo/addons/m/x.py")
    put(root, LOCAL + "/some.pth", "# no\n\nimport os; os.abort()\n/src/b\n/nowhere\nrel\n")
    assert addons(root, PYTHONPATH="/src/a:rel:") == [
        "/src/a/odoo/addons",
        "/src/b/odoo/addons",
        LOCAL + "/rel/odoo/addons",
    ]


def test_what_an_editable_install_maps(root: pathlib.Path) -> None:
    put(root, "/src/mine/__manifest__.py")
    put(root, "/src/tree/odoo/addons/m/x.py")
    text = "from __future__ import annotations\nMAPPING: dict[str, str] = "
    text += "{'odoo.addons.mine': '/src/mine', 'odoo': '/src/tree/odoo', 'other': '/src/other', 'bad': 3}\n"
    put(root, LOCAL + "/__editable___mine_finder.py", text + "MAPPING = {__import__('os').abort(): 1}\n")
    assert addons(root) == ["/src/mine", "/src/tree/odoo/addons"]
