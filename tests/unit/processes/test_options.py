# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that a server runs with: as Odoo itself would read them, and never led astray by what it reads."""

from __future__ import annotations

import os
import pathlib
import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._config.cmdline import Command, parse_command
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.options import (
    Options,
    options_of,
    read_options,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Gone, Proc

from .. import build

SECRET = "Q7zX9w"


class Master(Proc):
    """One master with an environment, whose root is a folder."""

    def __init__(self, folder: pathlib.Path, environ: bytes | type[Exception] = b"") -> None:
        super().__init__(str(folder))
        self.environ = environ
        self.home = folder / "100" / "root"
        self.home.mkdir(parents=True)

    def read(self, pid: int, name: str) -> bytes:
        assert (pid, name) == (100, "environ")
        if isinstance(self.environ, bytes):
            return self.environ
        raise self.environ("x")

    def options(self, line: str = "", version: str | None = "19.0", cwd: str = "/") -> Options:
        """Read the options of a server that was started with these arguments."""
        command = t.cast(Command, parse_command(["python3", "odoo-bin", *line.split()]))
        return read_options(self, build.process(100, cwd=cwd), command, version)


def test_where_odoo_conf_is(tmp_path: pathlib.Path) -> None:
    master = Master(tmp_path)
    (master.home / "a").mkdir()
    for name in ("a/x.conf", ".odoorc", "rc"):
        (master.home / name).write_text(f"[options]\nworkers = {len(name)}\n")
    assert master.options("-c a/x.conf").workers == 8
    assert master.options("-c x.conf", cwd="/a").workers == 8
    assert master.options("-c x.conf", cwd="/a").config_file == "/a/x.conf"
    assert master.options("-c x.conf", cwd="/a (deleted)").config_file == "/a/x.conf"
    master.environ = b"HOME=/\0ODOO_RC=/rc\0"
    assert master.options().config_file == "/rc"
    master.environ = b"HOME=/nowhere\0"
    assert (master.options().config_file, master.options().config_error) == (None, None)


def test_a_link_leads_to_where_it_does_for_the_server(tmp_path: pathlib.Path) -> None:
    master = Master(tmp_path)
    for name in ("etc", "srv", "home"):
        (master.home / name).mkdir()
    (master.home / "srv/odoo.conf").write_text("[options]\nworkers = 7\n")
    (master.home / "etc/odoo").symlink_to("/srv")
    (master.home / "home/.odoorc").symlink_to("/etc/odoo/odoo.conf")
    assert master.options("-c /etc/odoo/odoo.conf").workers == 7
    assert master.options("-c /etc/odoo/odoo.conf").config_file == "/etc/odoo/odoo.conf"
    master.environ = b"HOME=/home\0"
    assert master.options().workers == 7
    # No file of ours is read for it.
    (tmp_path / "ours.conf").write_text("[options]\nworkers = 9\n")
    (master.home / "etc/theirs.conf").symlink_to(tmp_path / "ours.conf")
    found = master.options("-c /etc/theirs.conf")
    assert (found.workers, "cannot be read" in (found.config_error or "")) == (0, True)


def test_the_environment_counts_from_19_on_only(tmp_path: pathlib.Path) -> None:
    master = Master(tmp_path, b"ODOO_WORKERS=3\0ODOO_HTTP_PORT=8071\0")
    assert master.options("--http-port=8070").workers == 3
    assert master.options("--http-port=8070").http_port == 8070
    assert master.options("", "18.0").workers == 0
    assert master.options("", None).workers == 0


@pytest.mark.parametrize("error", [PermissionError, Gone])
def test_an_environment_that_cannot_be_read(tmp_path: pathlib.Path, error: type[Exception]) -> None:
    assert Master(tmp_path, error).options("--workers=2").workers == 2


@pytest.mark.parametrize(
    "content", [f"db_password {SECRET}\n", f"[options]\ndb_password {SECRET}\n", f"[options]\na={SECRET}\na={SECRET}\n"]
)
def test_an_error_says_nothing_of_the_content(tmp_path: pathlib.Path, content: str) -> None:
    master = Master(tmp_path)
    (master.home / "x").write_text(content)
    options = master.options(f"-c /x -w {SECRET} --db_password={SECRET}")
    assert options.config_error is not None
    assert options.config_error.startswith("/x cannot be parsed")
    assert SECRET not in repr(options)


def test_no_secret_of_odoo_conf_is_kept(tmp_path: pathlib.Path) -> None:
    master = Master(tmp_path, f"PGPASSWORD={SECRET}\0ODOO_DB_PASSWORD={SECRET}\0".encode())
    (master.home / "x").write_text(f"[options]\ndb_password={SECRET}\nadmin_passwd={SECRET}\nsmtp_password={SECRET}\n")
    assert SECRET not in repr(master.options("-c /x"))


def test_a_database_that_is_an_address_is_kept_without_its_password() -> None:
    value = f"postgresql://odoo:{SECRET},{SECRET}@db:5432/prod?sslmode=require"
    for settings in (build.settings({"db_name": value}), build.settings({}, "-d", value)):
        assert SECRET not in repr(options_of(settings))
        assert options_of(settings).databases == ("postgresql://********@db:5432/prod?sslmode=require",)


def test_the_home_of_a_user_is_that_of_the_servers_own_database_of_users(tmp_path: pathlib.Path) -> None:
    master = Master(tmp_path, b"")
    (master.home / "etc").mkdir()
    (master.home / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nodoo:x:102:102::/opt/odoo:/bin/false\nx:y\n")
    (master.home / "opt/odoo").mkdir(parents=True)
    (master.home / "opt/odoo/.odoorc").write_text("[options]\nlogfile = ~/odoo.log\naddons_path = ~root/a,$B/c\n")
    found = master.options()
    assert (found.config_file, found.logfile) == ("/opt/odoo/.odoorc", "/opt/odoo/odoo.log")
    assert found.addons_path == ("/root/a", "/$B/c")


def test_a_path_that_is_not_a_file_is_an_error_without_waiting(tmp_path: pathlib.Path) -> None:
    master = Master(tmp_path)
    os.mkfifo(master.home / "fifo")
    (master.home / "loop").symlink_to("loop")
    (master.home / "folder").mkdir()
    for name in ("fifo", "loop", "folder", "nothing", "folder/x"):
        options = master.options(f"-c /{name}")
        assert options.config_error is not None, name
        assert "cannot be read" in options.config_error


def test_a_huge_file_is_read_up_to_a_limit(tmp_path: pathlib.Path) -> None:
    master = Master(tmp_path)
    with (master.home / "huge").open("w") as file:
        file.write("[options]\nworkers = 2\n")
        file.truncate(1 << 40)
    begun = time.process_time()
    master.options("-c /huge")
    assert time.process_time() - begun < 5
