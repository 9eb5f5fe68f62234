# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test what a server loads from, and what is recorded of it."""

from __future__ import annotations

import pathlib
import time

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.loaded import Loaded
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.sources import _reaches, sources_of, trace_of
from ansible_collections.fleetops.odoo.plugins.module_utils._log.place import FILE, LogPlace
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import look
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.systemd import Unit

from ..conftest import captured


class Server:
    """A captured server whose odoo.conf, addons and log are files of the test."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.proc = captured("19-prefork", "running")
        self.proc.root = str(folder)
        self.pid = look(self.proc).instances[0].master.pid
        self.root = folder / str(self.pid) / "root"
        self.put("etc/odoo/odoo.conf", "[options]\naddons_path = /srv/addons,/srv/more\ndata_dir = /srv/data\n")
        for folder_of_addons in ("addons", "more"):
            self.put(f"srv/{folder_of_addons}/shop/__manifest__.py", "{}")
            self.put(f"srv/{folder_of_addons}/shop/__init__.py")
        self.seen = look(self.proc)
        (self.instance,) = self.seen.instances

    def put(self, name: str, text: str = "") -> None:
        """Write a file."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def server(tmp_path: pathlib.Path) -> Server:
    """A server."""
    return Server(tmp_path)


def test_the_record_of_a_server_has_its_links_its_code_and_its_configuration(server: Server) -> None:
    (server.root / "srv/addons").rename(server.root / "srv/1")
    (server.root / "srv/addons").symlink_to("1")
    place = LogPlace(FILE, "/nothing.log", shows_dumps=True)
    trace = trace_of(server.proc, server.seen, server.instance, place)
    assert trace.links == {"/srv/addons": "/srv/1"}
    assert {"/etc/odoo/odoo.conf", "/srv/addons", "/srv/more"} <= set(trace.state)
    assert trace.at <= time.time()
    # Before a signal the links are enough.
    short = trace_of(server.proc, server.seen, server.instance)
    assert (short.links, short.state) == (trace.links, {})


def test_folders_of_addons_are_compared_with_the_log_of_the_load(server: Server) -> None:
    load = Loaded(1.0, 2.0, "log", addons=("/srv/addons", "/srv/lost"))
    found = sources_of(server.proc, server.seen, server.instance, load)
    assert (found.appeared, found.gone) == (("/srv/more",), ("/srv/lost",))
    # Odoo does not take a folder without such a file.
    (server.root / "srv/more/shop/__init__.py").unlink()
    assert sources_of(server.proc, server.seen, server.instance, load).appeared == ()
    for other in (Loaded(1.0, 2.0, "log"), Loaded(1.0, 2.0, "marker", addons=("/srv/addons",))):
        found = sources_of(server.proc, server.seen, server.instance, other)
        assert (found.appeared, found.gone) == ((), ())


def test_the_folder_of_a_unit_counts_where_the_server_reaches_something_by_it(server: Server) -> None:
    load = Loaded(1.0, 2.0, "process")
    unit = Unit(working_directory="/srv/current")
    found = sources_of(server.proc, server.seen, server.instance, load, None, unit)
    assert "/srv/current" in found.starts_in
    # Its script and its configuration have whole paths.
    assert found.cwd is None or "/etc/odoo".startswith(found.cwd)


@pytest.mark.parametrize(
    ("folder", "path", "reaches"),
    [
        ("/opt", "/opt/odoo/addons", True),
        ("/opt/", "/opt/odoo", True),
        ("/opt", "/optional", False),
        ("/opt", "/opt/.venv/lib/python3.11/site-packages/odoo/addons", False),
        ("/opt", "/opt/node_modules/addons", False),
        ("/opt", "/opt/data/addons/19.0", False),
        ("/opt/data", "/opt/data/addons/19.0", True),
        ("/opt/data/addons", "/opt/data/addons/19.0", True),
    ],
)
def test_a_walk_does_not_come_to_folders_that_it_leaves_out(folder: str, path: str, *, reaches: bool) -> None:
    assert _reaches(folder, path, "/opt/data") is reaches
