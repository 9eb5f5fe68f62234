# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that a server runs with: as Odoo itself would read them, and never led astray by what it reads."""

from __future__ import annotations

import configparser
import contextlib
import dataclasses
import os
import pathlib
import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.cmdline import Command, parse_command
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.options import (
    Options,
    merge,
    parse_arguments,
    parse_configuration,
    parse_environment,
    read_options,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Gone, Proc
from hypothesis import given
from hypothesis import strategies as st

from .. import build

SECRET = "Q7zX9w"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", {}),
        ("-c /etc/odoo.conf", {"config": "/etc/odoo.conf"}),
        ("-c/etc/odoo.conf", {"config": "/etc/odoo.conf"}),
        ("--config=/etc/odoo.conf", {"config": "/etc/odoo.conf"}),
        ("--conf /etc/odoo.conf", {"config": "/etc/odoo.conf"}),
        ("--work 4", {"workers": "4"}),
        ("--workers=4 --workers=2", {"workers": "2"}),
        ("-d prod,test -p 8070", {"db_name": "prod,test", "http_port": "8070"}),
        ("-p8070", {"http_port": "8070"}),
        ("--xmlrpc-port=8070 --longpolling-port 8073", {"http_port": "8070", "gevent_port": "8073"}),
        ("--no-http", {"http_enable": "False"}),
        ("--no-xmlrpc", {"http_enable": "False"}),
        ("--syslog", {"syslog": "True"}),
        ("-i base -u all --dev all --workers 3", {"workers": "3"}),
        ("server --workers 3", {"workers": "3"}),
        ("--unknown --workers 3", {"workers": "3"}),
        ("--unknown=--workers=9 --workers 3", {"workers": "3"}),
        ("--db_password --workers=9 --workers 3", {"workers": "3"}),
        ("-w -p9999 --workers 3", {"workers": "3"}),
        ("--without-demo --workers 3", {"workers": "3"}),
        ("--without-demo all --workers 3", {"workers": "3"}),
        ("--logfile=/a --logfile ", {"logfile": "/a"}),
        ("--log-level warn --max-cron-threads 0", {"log_level": "warn", "max_cron_threads": "0"}),
    ],
)
def test_arguments(line: str, expected: dict[str, str]) -> None:
    words = line.split()
    if line.endswith("--logfile "):
        words.pop()
    assert parse_arguments(words) == expected


@pytest.mark.parametrize("line", ["-c", "--workers", "--syslog=1", "-s --save=x", "--no-http=1", "--workers 3 -d"])
def test_arguments_that_optparse_would_end_the_program_for(line: str) -> None:
    # Anybody on the host may run something that is called so.
    parse_arguments(line.split())


WORDS = (
    st.sampled_from(
        [
            "-c",
            "-d",
            "--workers",
            "--workers=2",
            "--",
            "-",
            "server",
            "--x",
            "-xyz",
            "-sw",
            "x",
            "--without-demo",
            "--d",
        ]
    )
    | st.text()
)


@given(st.lists(WORDS, max_size=8))
def test_no_arguments_raise_or_hang(args: list[str]) -> None:
    with contextlib.suppress(SystemExit):  # xfail above
        parse_arguments(args)


def test_configuration() -> None:
    text = (
        "[options]\nadmin_passwd = x\nxmlrpc_port = 8070\nlongpolling_port=8073\nworkers : 4\n; comment\n# another\n"
        "db_name = a,b\n[queue_job]\nworkers = 9\n"
    )
    assert parse_configuration(text) == {"http_port": "8070", "gevent_port": "8073", "workers": "4", "db_name": "a,b"}
    assert parse_configuration("[options]\nhttp_port=1\nxmlrpc_port=2\n") == {"http_port": "1"}
    assert parse_configuration("") == {}
    assert parse_configuration("[other]\nworkers=1\n") == {}


@pytest.mark.parametrize("text", ["workers = 1\n", "[options]\nworkers\n", "[options]\na=1\na=2\n", "[options\n"])
def test_what_odoo_would_not_read_is_an_error(text: str) -> None:
    with pytest.raises(configparser.Error):
        parse_configuration(text)


LINES = st.sampled_from(
    ["[options]", "[options", "[]", "workers = 1", "workers", " = 1", "=", ":", "  more", "\t", "", "%(x)s = %(y)s"]
) | st.text(max_size=10)


@given(st.lists(LINES, max_size=8).map("\n".join))
def test_no_configuration_raises_anything_else(text: str) -> None:
    with contextlib.suppress(configparser.Error):
        merge({}, parse_configuration(text), None, None)


def test_a_long_line_costs_no_more_than_its_length() -> None:
    begun = time.process_time()
    with contextlib.suppress(configparser.Error):
        parse_configuration("[options]\na" + " " * 4000 + "b\n")
    assert time.process_time() - begun < 0.05


@pytest.mark.parametrize("line", ["x\n", "x" * 48 + "\n", "x" * 127 + "\n", " y\n", "\n", "a\r\n"])
def test_a_megabyte_that_is_no_configuration_is_refused_at_once(line: str) -> None:
    text = "[options]\n" + line * ((1 << 20) // len(line))
    begun = time.process_time()
    with contextlib.suppress(configparser.Error):
        parse_configuration(text)
    assert time.process_time() - begun < 5


@given(
    st.dictionaries(st.sampled_from([field.name for field in dataclasses.fields(Options)]), st.text(max_size=6)),
    st.dictionaries(st.sampled_from(["workers", "http_port", "db_name", "syslog", "http_enable"]), st.text(max_size=6)),
)
def test_no_value_raises(content: dict[str, str], given_: dict[str, str]) -> None:
    options = merge(given_, content, None, None)
    assert isinstance(options.workers, int)
    assert isinstance(options.http_port, int)


def test_arguments_go_over_the_file_and_the_file_over_defaults() -> None:
    options = merge({"workers": "4", "http_interface": ""}, {"workers": "2", "http_port": "8070"}, "/c", None)
    assert (options.workers, options.http_port, options.gevent_port, options.http_interface) == (4, 8070, 8072, "")
    assert (options.http_enable, options.databases, options.logfile, options.log_level) == (True, (), None, "info")
    assert merge({}, {"db_name": "False", "logfile": "None"}, None, None).databases == ()
    assert merge({}, {"db_name": " a , b,"}, None, None).databases == ("a", "b")


def test_the_environment_of_odoo_19() -> None:
    found = parse_environment({"ODOO_HTTP_PORT": "8071", "PGDATABASE": "x", "PGPASSWORD": SECRET, "HOME": "/"})
    assert found == {"http_port": "8071", "db_name": "x"}


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
    value = {"db_name": f"postgresql://odoo:{SECRET},{SECRET}@db:5432/prod?sslmode=require"}
    for options in (merge(value, {}, None, None), merge({}, value, None, None)):
        assert SECRET not in repr(options)
        assert options.databases == ("postgresql://********@db:5432/prod?sslmode=require",)


def test_what_is_no_file_is_an_error_and_nothing_waits(tmp_path: pathlib.Path) -> None:
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
