# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The import of changed addons in the rehearsal, run with a package that only looks like Odoo."""

from __future__ import annotations

import os

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._rehearsal import trial as _trial

from .rehearsed import CONFIG, Server, server

__all__ = ["server"]

#: As Odoo 14 and later find addons: the folders of the configuration become the path of a namespace.
MODULE = """
import odoo.addons
from odoo.tools import config
def initialize_sys_path():
    odoo.addons.__path__ += [config["addons_path"]]
"""


@pytest.fixture
def odoo(server: Server) -> Server:
    """A server with the addons base (unchanged), shop, which needs stock, and stock."""
    parsed = CONFIG.replace("db_password=False)", "db_password=False, server_wide_modules='base,web')")
    server.write("odoo/tools/__init__.py", parsed)
    server.write("odoo/modules/__init__.py", "")
    server.write("odoo/modules/module.py", MODULE)
    server.write("odoo/addons/__init__.py", "")
    server.write("odoo/addons/base/__manifest__.py", "{'name': 'base'}")
    server.write("odoo/addons/base/__init__.py", "loaded = ['base']")
    for name, needs in (("shop", "stock"), ("stock", "base")):
        server.write(f"addons/{name}/__manifest__.py", f"{{'name': '{name}', 'depends': ['{needs}']}}")
        server.write(f"addons/{name}/__init__.py", "from . import models")
        text = f"from odoo.addons.base import loaded\nloaded.append('{name}')\n"
        server.write(f"addons/{name}/models/__init__.py", text)
    server.write("odoo.conf", f"[options]\nworkers = 2\naddons_path = {server.folder}/addons\n")
    server.changed = [str(server.folder / "addons/shop/models/__init__.py")]
    server.imports = True
    server.start()
    return server


def shop(odoo: Server, text: str) -> None:
    """Change the models of the shop."""
    odoo.write("addons/shop/models/__init__.py", text)


def test_a_sound_addon_is_imported_after_what_it_depends_on(odoo: Server) -> None:
    assert odoo.rehearse() == ""
    shop(odoo, "from odoo.addons.base import loaded\nassert loaded == ['base', 'stock'], loaded")
    assert odoo.rehearse() == ""
    assert odoo.rehearse_restart() == []
    assert not list(odoo.folder.rglob("__pycache__"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import gone", "ModuleNotFoundError: No module named 'gone' ({where}:1)"),
        ("\nfrom odoo import gone", "ImportError: cannot import name 'gone' from 'odoo'"),
        ("x = 1\ny = z", "NameError: name 'z' is not defined ({where}:2)"),
        ("raise SystemExit(3)", "SystemExit: 3 ({where}:1)"),
        ("raise ValueError('db_password=Q7zX9w')", "ValueError: db_password=********"),
    ],
)
def test_an_addon_that_cannot_be_imported_is_a_refusal(odoo: Server, text: str, said: str) -> None:
    shop(odoo, text)
    where = odoo.folder / "addons/shop/models/__init__.py"
    wanted = "rehearsal.addon_error: the changed addon shop cannot be imported: " + said.format(where=where)
    assert odoo.rehearse().startswith(wanted)
    assert str(odoo.rehearse_restart()).startswith(wanted)
    odoo.imports = False
    assert odoo.rehearse() == ""


def test_a_changed_dependency_is_named_by_itself(odoo: Server) -> None:
    odoo.write("addons/stock/__init__.py", "import gone")
    odoo.changed = [*odoo.changed, str(odoo.folder / "addons/stock/__init__.py")]
    assert "the changed addon stock cannot be imported" in odoo.rehearse()


def test_an_unchanged_dependency_that_fails_counts_if_the_addon_needs_it(odoo: Server) -> None:
    odoo.write("addons/stock/__init__.py", "import gone")
    assert odoo.rehearse() == ""
    shop(odoo, "import odoo.addons.stock")
    assert "the changed addon shop cannot be imported: ModuleNotFoundError: No module named 'gone'" in odoo.rehearse()


@pytest.mark.parametrize(
    "changed",
    [
        ["odoo/http.py"],
        ["addons/gone/models.py"],
        # Another folder of this name comes first.
        ["other/shop/__init__.py"],
        ["addons/off/__init__.py"],
    ],
)
def test_other_files_are_not_imported(odoo: Server, changed: list[str]) -> None:
    odoo.write("other/shop/__manifest__.py", "{'name': 'another shop'}")
    odoo.write("other/shop/__init__.py", "import gone")
    odoo.write("addons/off/__manifest__.py", "{'name': 'off', 'installable': False}")
    odoo.write("addons/off/__init__.py", "import gone")
    odoo.changed = [str(odoo.folder / name) for name in changed]
    assert odoo.rehearse() == ""


def test_an_addon_gets_no_database(odoo: Server) -> None:
    shop(odoo, "import odoo.sql_db\nodoo.sql_db.db_connect('one')")
    assert "RuntimeError: the start-up check gives an addon no database" in odoo.rehearse()


def test_an_addon_that_ends_the_process_is_a_refusal(odoo: Server) -> None:
    shop(odoo, "import os\nos._exit(7)")
    assert odoo.rehearse().startswith("rehearsal.trial_ended: ")


def test_an_import_that_takes_too_long_is_a_refusal(odoo: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_trial, "_TIMEOUT", 1)
    monkeypatch.setattr(_trial, "_IMPORT_TIMEOUT", 1)
    shop(odoo, "import time\ntime.sleep(60)")
    said = odoo.rehearse()
    assert said.startswith("rehearsal.trial_timeout: ")
    assert "2 s" in said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
def test_an_addon_is_imported_as_the_user_of_the_server(odoo: Server) -> None:
    shop(odoo, "import os\nraise ValueError(os.getresuid(), os.getgroups())")
    assert "(65534, 65534, 65534), []" in odoo.rehearse()


def test_the_code_of_a_server_of_root_is_not_run(odoo: Server) -> None:
    shop(odoo, "import gone")
    assert odoo.rehearse(uid=0) == ""
    assert odoo.rehearse_restart(uid=0) == ["its code, because it runs as root"]
