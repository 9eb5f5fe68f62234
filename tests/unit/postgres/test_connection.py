# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of a server as an environment for psql."""

from __future__ import annotations

import os
import pathlib

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._config.cmdline import parse_command
from ansible_collections.fleetops.odoo.plugins.module_utils._postgres.connection import (
    NoAnswer,
    connection,
    parse_address,
    read_connection,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc
from hypothesis import given
from hypothesis import strategies as st

from .. import build
from .answers import SECRET, me


def test_connection_turns_settings_into_variables_of_libpq() -> None:
    content = {"db_host": "db1", "db_port": "6432", "db_user": "odoo", "db_password": SECRET, "db_name": "prod,test"}
    found = build.settings({**content, "db_sslmode": "require"}, "--db_user=me")
    assert connection(found, {}) == {
        "PGHOST": "db1",
        "PGPORT": "6432",
        "PGUSER": "me",
        "PGPASSWORD": SECRET,
        "PGSSLMODE": "require",
        "PGDATABASE": "prod",
    }
    assert SECRET not in repr(found)


def test_connection_gives_what_odoo_gives_by_default() -> None:
    # Odoo passes its own sslmode to the library, for every PGSSLMODE.
    for content in ({}, {"db_host": "False", "db_password": "False", "db_name": ""}):
        found = connection(build.settings(content), {"PGSSLMODE": "require"})
        assert found == {"PGDATABASE": "postgres", "PGSSLMODE": "prefer"}


def test_connection_takes_pg_variables_of_the_server_where_no_setting_is_given() -> None:
    environ = {"PGHOST": "/run/pg", "PGUSER": "x", "PGOPTIONS": "-c a=b", "PGDATABASE": "y", "PGSSLROOTCERT": "/ca"}
    found = connection(build.settings({"db_user": "odoo"}), {**environ, "LD_PRELOAD": "/x", "PATH": "/x"})
    assert found == {
        "PGHOST": "/run/pg",
        "PGUSER": "odoo",
        "PGDATABASE": "postgres",
        "PGSSLROOTCERT": "/ca",
        "PGSSLMODE": "prefer",
    }


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("postgresql://u:p%40ss@h:6543/prod", "u p@ss h 6543 prod"),
        ("postgres:///prod?host=/run/pg&user=u&sslmode=require", "u - /run/pg - prod"),
        ("postgresql://u@[::1]/prod", "u - ::1 - prod"),
        ("postgresql://u@h", "u - h - u"),
        ("postgresql://h:port/x", "- - - - postgres"),
    ],
)
def test_parse_address_returns_the_parts_of_a_connection_url(address: str, expected: str) -> None:
    found = parse_address(address)
    names = ("PGUSER", "PGPASSWORD", "PGHOST", "PGPORT", "PGDATABASE")
    assert " ".join(found.get(name, "-") for name in names) == expected


def test_connection_uses_only_the_url_when_db_name_is_one() -> None:
    found = connection(build.settings({"db_name": "postgresql://u@h/prod", "db_password": SECRET, "db_port": "1"}), {})
    assert found == {"PGHOST": "h", "PGUSER": "u", "PGDATABASE": "prod"}


@given(st.text())
def test_parse_address_takes_any_text(text: str) -> None:
    parse_address("postgresql://" + text)


def test_read_connection_lets_the_environment_win_only_for_odoo_19(tmp_path: pathlib.Path) -> None:
    conf = tmp_path / "odoo.conf"
    conf.write_text(f"[options]\ndb_host = file\ndb_password = {SECRET}\n")
    command = parse_command(("/usr/bin/python3", "/usr/bin/odoo", "-c", str(conf), "-r", "arg"))
    assert command

    class Scene(Proc):
        def read(self, _pid: int, _name: str) -> bytes:
            return b"PGHOST=environment\0PGUSER=environment\0HOME=/h\0"

    for version, host in (("19.0", "environment"), ("14.0", "file"), (None, "file")):
        found = read_connection(Scene(), build.process(os.getpid(), cwd="/"), command, version)
        assert (found["PGHOST"], found["PGUSER"], found["PGPASSWORD"], found["HOME"]) == (host, "arg", SECRET, "/h")


def test_read_connection_raises_when_odoo_conf_cannot_be_read() -> None:
    command = parse_command(("/usr/bin/python3", "/usr/bin/odoo", "-c", "/nonexistent/odoo.conf"))
    assert command
    with pytest.raises(NoAnswer) as caught:
        read_connection(Proc(), me(), command, None)
    assert caught.value.code == "dump.psql_settings"
    assert "/nonexistent/odoo.conf" in caught.value.problem.values["error"]
