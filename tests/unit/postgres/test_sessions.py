# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asking PostgreSQL: settings, the text of queries, real sockets, and a psql that is none."""

from __future__ import annotations

import contextlib
import os
import pathlib
import socket
import struct
import subprocess
import sys
import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._postgres.connection import (
    NoAnswer,
    connection,
    parse_address,
    read_connection,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._postgres.peers import Session, parse_diag, tied, unix_peers
from ansible_collections.fleetops.odoo.plugins.module_utils._postgres.query import shown_query, without_literals
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.cmdline import parse_command
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.options import Settings
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.process import Process
from hypothesis import given
from hypothesis import strategies as st

from .. import build

SECRET = "LAB-SECRET-pg"


def settings(content: dict[str, str], given_: dict[str, str] | None = None) -> Settings:
    return Settings(given_ or {}, content, None, None)


def test_settings_become_an_environment() -> None:
    content = {"db_host": "db1", "db_port": "6432", "db_user": "odoo", "db_password": SECRET, "db_name": "prod,test"}
    assert connection(settings({**content, "db_sslmode": "require"}, {"db_user": "me"}), {}) == {
        "PGHOST": "db1",
        "PGPORT": "6432",
        "PGUSER": "me",
        "PGPASSWORD": SECRET,
        "PGSSLMODE": "require",
        "PGDATABASE": "prod",
    }
    assert connection(settings({"db_host": "False", "db_password": "False", "db_name": ""}), {}) == {
        "PGDATABASE": "postgres"
    }
    assert SECRET not in repr(settings(content))


def test_what_the_library_takes_from_the_environment_counts_where_nothing_else_is_said() -> None:
    environ = {"PGHOST": "/run/pg", "PGUSER": "x", "PGOPTIONS": "-c a=b", "PGDATABASE": "y", "PGSSLROOTCERT": "/ca"}
    found = connection(settings({"db_user": "odoo"}), {**environ, "LD_PRELOAD": "/x", "PATH": "/x"})
    assert found == {"PGHOST": "/run/pg", "PGUSER": "odoo", "PGDATABASE": "postgres", "PGSSLROOTCERT": "/ca"}


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
def test_a_database_may_be_an_address(address: str, expected: str) -> None:
    found = parse_address(address)
    names = ("PGUSER", "PGPASSWORD", "PGHOST", "PGPORT", "PGDATABASE")
    assert " ".join(found.get(name, "-") for name in names) == expected


def test_an_address_is_all_there_is() -> None:
    found = connection(settings({"db_name": "postgresql://u@h/prod", "db_password": SECRET, "db_port": "1"}), {})
    assert found == {"PGHOST": "h", "PGUSER": "u", "PGDATABASE": "prod"}


@given(st.text())
def test_no_address_raises(text: str) -> None:
    parse_address("postgresql://" + text)


def test_it_is_read_of_a_server_of_any_version(tmp_path: pathlib.Path) -> None:
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


def test_without_odoo_conf_nobody_else_is_asked() -> None:
    command = parse_command(("/usr/bin/python3", "/usr/bin/odoo", "-c", "/nonexistent/odoo.conf"))
    assert command
    with pytest.raises(NoAnswer, match=r"/nonexistent/odoo\.conf cannot be read"):
        read_connection(Proc(), me(), command, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT 1, 'a''b', E'a\\'b', $$x$$, $t$y$t$", "SELECT ?, …"),
        ('UPDATE "res partner" SET a1 = 1.5e3 WHERE x = $1', 'UPDATE "res partner" SET a1 = ? WHERE x = $1'),
        ("SELECT 'cut off", "SELECT ?"),
        ("SELECT E'cut off\\", "SELECT ?"),
        ("SELECT /* a comment", "SELECT  "),
        ("SELECT 1 -- a\n, x2", "SELECT ?  \n, x2"),
        ("WHERE id IN (1, 2,3)", "WHERE id IN (?, …)"),
    ],
)
def test_literals(text: str, expected: str) -> None:
    assert without_literals(text) == expected


@pytest.mark.parametrize(
    "query",
    [
        f"SELECT 1 -- password={SECRET}",
        f"SELECT 1 /* token: {SECRET} */",
        f"INSERT INTO res_users (login, password) VALUES ('me', '{SECRET}')",
        f"INSERT INTO res_users (login, password) VALUES ('me', E'a\\'{SECRET}",
        f"UPDATE ir_config_parameter SET value = '{SECRET}' WHERE key = 'database.secret'",
        f"ALTER ROLE odoo PASSWORD '{SECRET}'",
        f"SELECT dblink('postgresql://odoo:{SECRET}@db/prod')",
    ],
)
def test_secrets_in_queries_are_hidden(query: str) -> None:
    assert SECRET not in shown_query(query)
    assert SECRET not in shown_query(query, hide_literals=True)


def test_other_queries_are_told_in_one_line() -> None:
    assert shown_query("UPDATE a\n   SET b = 'c' WHERE id = 7") == "UPDATE a SET b = 'c' WHERE id = 7"
    assert shown_query("UPDATE a SET b = 'c' WHERE id = 7", hide_literals=True) == "UPDATE a SET b = ? WHERE id = ?"
    assert len(shown_query("x" * 5000)) < 1010


@given(st.text(st.sampled_from("'\"$-/*E\\ab1,\n ?"), max_size=40))
def test_no_query_raises(text: str) -> None:
    shown_query(text, hide_literals=True)
    found = without_literals("password = '" + text.replace("'", "''").replace("\\", "") + "' AND x")
    assert found == "password = ? AND x"


def test_a_long_query_costs_no_more_than_its_length() -> None:
    begun = time.process_time()
    for piece in ("'", "''", "E'\\", "/*", "--", "$a$", '"', "1.", "?, "):
        without_literals(piece * 100_000)
    assert time.process_time() - begun < 3


def me(**fields: t.Any) -> Process:
    return build.process(os.getpid(), **fields)


@contextlib.contextmanager
def connected() -> t.Iterator[tuple[int, tuple[str, int]]]:
    """A port, and the end of a connection to it that this process has."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as mine:
        theirs, _address = server.accept()
        with theirs:
            yield server.getsockname()[1], mine.getsockname()


def test_a_session_is_tied_by_its_tcp_socket() -> None:
    with connected() as (port, end):
        sessions = [Session(7, *end), Session(8, end[0], 1), Session(9, "10.9.9.9", end[1]), Session(10, None, None)]
        own = Session(1, "127.0.0.1", 5)
        assert tied(Proc(), [me()], sessions, own, port) == {7: me()}
        # Another's socket, another server, and the loopback of another host.
        assert tied(Proc(), [build.process(1)], sessions, own, port) == {}
        assert tied(Proc(), [me()], sessions, own, port + 1) == {}
        assert tied(Proc(), [me()], sessions, Session(1, "10.0.0.1", 5), port) == {}
        assert tied(Proc(), [me()], sessions, Session(1, None, -1), port) == {}
        assert tied(Proc(), [me()], sessions, None, port) == {}


BACKEND = """
import socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
print("ready", flush=True)
connection, _address = server.accept()
connection.recv(1)
"""


def test_a_session_is_tied_by_its_unix_socket(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "s")
    with subprocess.Popen([sys.executable, "-c", BACKEND, path], stdout=subprocess.PIPE) as backend:
        assert t.cast("t.IO[bytes]", backend.stdout).readline() == b"ready\n"
        with socket.socket(socket.AF_UNIX) as mine:
            mine.connect(path)
            inode = os.fstat(mine.fileno()).st_ino
            try:
                assert inode in dict(unix_peers())
            except OSError:
                mine.send(b".")
                pytest.skip("this kernel does not tell who is at the other end")
            sessions = [Session(backend.pid, None, -1), Session(1, None, -1)]
            own = Session(2, None, -1)
            for _attempt in range(100):  # accept() gives the other end to the backend
                found = tied(Proc(), [me()], sessions, own, 5432)
                if found:
                    break
                time.sleep(0.02)
            assert found == {backend.pid: me()}
            assert tied(Proc(), [me()], sessions, Session(2, "127.0.0.1", 1), 5432) == {}
            mine.send(b".")


def test_what_the_kernel_says_of_unix_sockets() -> None:
    peer = struct.pack("=HHI", 8, 2, 77)
    other = struct.pack("=HH", 5, 1) + b"x\0\0\0"
    body = struct.pack("=BBBBIII", 1, 1, 1, 0, 66, 0, 0) + other + peer
    one = struct.pack("=IHHII", 16 + len(body), 20, 2, 1, 0) + body
    done = struct.pack("=IHHIIi", 20, 3, 2, 1, 0, 0)
    assert parse_diag(one + one) == ([(66, 77)] * 2, False)
    assert parse_diag(one + done) == ([(66, 77)], True)
    assert parse_diag(b"") == ([], False)
    with pytest.raises(OSError, match="sock_diag"):
        parse_diag(struct.pack("=IHHIIi", 20, 2, 0, 1, 0, -2))


@given(st.binary(max_size=60))
def test_no_answer_of_the_kernel_hangs(data: bytes) -> None:
    with contextlib.suppress(OSError, struct.error):
        parse_diag(data)
