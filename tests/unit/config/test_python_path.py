# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test where the interpreter of a server finds packages: PYTHONPATH, pip, editable installs, files with a path."""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._code.places import addons_in
from ansible_collections.fleetops.odoo.plugins.module_utils._config.python_path import (
    Interpreter,
    PythonPath,
    program_of,
    python_path,
)

LOCAL = "/usr/local/lib/python3.11/dist-packages"


@pytest.fixture
def root(tmp_path: pathlib.Path) -> pathlib.Path:
    """A server's root."""
    return tmp_path


def found(root: pathlib.Path, program: str | None = "/usr/bin/python3", **environ: str) -> PythonPath:
    """Return where an interpreter finds packages."""
    interpreter = Interpreter(program, "/usr/bin/python3.11", environ, "/home/odoo", "/work")
    return python_path(str(root), interpreter)


def addons(root: pathlib.Path, program: str | None = "/usr/bin/python3", **environ: str) -> list[str]:
    """Folders of addons that an interpreter finds."""
    return addons_in(str(root), found(root, program, **environ))


def put(root: pathlib.Path, path: str, text: str = "") -> None:
    """Write a file."""
    (root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
    (root / path[1:]).write_text(text)


def test_addons_that_pip_installed(root: pathlib.Path) -> None:
    user = "/home/odoo/.local/lib/python3.11/site-packages"
    for folder in (LOCAL, "/usr/lib/python3/dist-packages", user):
        put(root, folder + "/odoo/addons/m/__manifest__.py")
    expected = [f"{folder}/odoo/addons" for folder in (LOCAL, "/usr/lib/python3/dist-packages", user)]
    assert sorted(addons(root)) == sorted(expected)
    assert f"{user}/odoo/addons" not in addons(root, PYTHONNOUSERSITE="1")
    put(root, "/opt/base/lib/python3.11/site-packages/odoo/addons/m/x.py")
    elsewhere = addons(root, PYTHONUSERBASE="/opt/base")
    assert "/opt/base/lib/python3.11/site-packages/odoo/addons" in elsewhere
    assert f"{user}/odoo/addons" not in elsewhere


@pytest.mark.parametrize(("system", "count"), [("true", 2), ("false", 1)])
def test_a_virtualenv_takes_packages_of_the_system_if_it_says_so(root: pathlib.Path, system: str, count: int) -> None:
    put(root, "/venv/pyvenv.cfg", f"home = /usr/bin\ninclude-system-site-packages = {system}\n")
    put(root, "/venv/lib/python3.11/site-packages/odoo/addons/m/x.py")
    put(root, LOCAL + "/odoo/addons/m/x.py")
    there = addons(root, "/venv/bin/python3")
    assert (there[0], len(there)) == ("/venv/lib/python3.11/site-packages/odoo/addons", count)


def test_pythonpath_and_files_with_a_path(root: pathlib.Path) -> None:
    for folder in ("/src/a", "/src/b", LOCAL + "/rel", "/work/up"):
        put(root, folder + "/odoo/addons/m/x.py")
    put(root, LOCAL + "/some.pth", "# no\n\nimport os; os.abort()\n/src/b\n/nowhere\nrel\n")
    assert addons(root, PYTHONPATH="/src/a:./up:none") == [
        "/src/a/odoo/addons",
        "/work/up/odoo/addons",
        "/src/b/odoo/addons",
        LOCAL + "/rel/odoo/addons",
    ]


def test_what_an_editable_install_maps(root: pathlib.Path) -> None:
    put(root, "/src/mine/__manifest__.py")
    put(root, "/src/tree/odoo/addons/m/x.py")
    text = "from __future__ import annotations\nMAPPING: dict[str, str] = "
    text += "{'odoo.addons.mine': '/src/mine', 'odoo': '/src/tree/odoo', 'other': '/src/other', 'bad': 3}\n"
    put(root, LOCAL + "/__editable___mine_finder.py", text + "MAPPING = {__import__('os').abort(): 1}\n")
    assert addons(root) == ["/src/tree/odoo/addons", "/src/mine"]
    # A package outside of odoo.addons is a library.
    assert found(root).packages == ("/src/other",)


def test_the_folder_of_the_script_comes_first_and_an_empty_word_is_the_working_directory(root: pathlib.Path) -> None:
    interpreter = Interpreter(None, None, {"PYTHONPATH": "/a:"}, "/home/odoo", "/work", "/opt/odoo")
    assert python_path(str(root), interpreter).folders == ("/opt/odoo", "/a", "/work")


def test_a_bare_name_is_looked_up_in_the_path_of_the_server(root: pathlib.Path) -> None:
    # The name that a HUP leaves.
    for folder in ("/first", "/venv/bin"):
        put(root, folder + "/python3")
    (root / "venv/bin/python3").chmod(0o755)
    environ = {"PATH": "/none:/first:venv/bin:/venv/bin"}
    assert program_of("python3", "/", environ, str(root)) == "/venv/bin/python3"
    assert program_of("python3", "/", {}, str(root)) is None
    assert program_of("bin/python3", "/venv", {}, str(root)) == "/venv/bin/python3"
