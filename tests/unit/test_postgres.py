# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asking PostgreSQL: settings, the text of queries, real sockets, and a psql that is none."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import socket
import struct
import subprocess
import sys
import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils import _postgres, _psql
from ansible_collections.fleetops.odoo.plugins.module_utils._cmdline import parse_command
from ansible_collections.fleetops.odoo.plugins.module_utils._connection import (
    NoAnswer,
    connection,
    parse_address,
    read_connection,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._instances import find_instances
from ansible_collections.fleetops.odoo.plugins.module_utils._options import Settings
from ansible_collections.fleetops.odoo.plugins.module_utils._peers import Session, parse_diag, tied, unix_peers
from ansible_collections.fleetops.odoo.plugins.module_utils._postgres import Postgres, told_row
from ansible_collections.fleetops.odoo.plugins.module_utils._proc import Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._process import Process
from ansible_collections.fleetops.odoo.plugins.module_utils._psql import Answer, Question, understood
from ansible_collections.fleetops.odoo.plugins.module_utils._sql_text import shown_query, without_literals
from hypothesis import given
from hypothesis import strategies as st

from . import build, test_stack_dump
from .scene import PREFORK_19
from .test_stack_dump import Play, Staged

SECRET = "LAB-SECRET-pg"

play = test_stack_dump.play


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


HEAD_LINE = json.dumps(
    {
        "time": "2026-11-24T10:30:22.120Z",
        "server": "20261124T090102.1",
        "version": "15.1",
        "backend": 9,
        "address": "10.0.0.1",
        "port": 5000,
    }
)
ROW = {"pid": 7, "blocked_by": [8], "client": "10.0.0.1", "client_port": 5001, "state": "active", "seconds": 1.5}


def test_what_psql_prints() -> None:
    text = "\n".join([json.dumps(ROW), HEAD_LINE, '{"system" : "77"}', "", "noise"])
    found = understood(text, "")
    assert (found.rows, found.head["server"], found.head["system"], found.cut) == (
        [ROW],
        "20261124T090102.1",
        "77",
        False,
    )
    many = understood(
        "\n".join([json.dumps(ROW)] * 101 + [HEAD_LINE]), "ERROR: permission denied for pg_control_system"
    )
    assert (len(many.rows), many.cut) == (100, True)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("psql: error: connection to server failed:\n  timeout expired\n", "failed: timeout expired"),
        ("", "psql failed: it said nothing"),
        (f"FATAL: password={SECRET}", "psql failed: FATAL: password=********"),
    ],
)
def test_what_psql_complains_of(wrong: str, why: str) -> None:
    with pytest.raises(NoAnswer) as told:
        understood("", wrong)
    assert why in str(told.value)
    assert SECRET not in str(told.value)


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")


@pytest.fixture
def psql(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> t.Callable[[str], None]:
    """Something else in place of psql."""

    def put(script: str) -> None:
        tmp_path.chmod(0o755)
        for folder in list(tmp_path.parents)[:-2]:
            folder.chmod(0o755)
        (tmp_path / "psql").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "psql").chmod(0o755)
        monkeypatch.setattr(_psql, "find_psql", lambda *_arguments: (str(tmp_path / "psql"), ()))

    return put


@needs_root
def test_psql_is_run_as_the_servers_user_and_the_password_is_in_its_environment_only(
    psql: t.Callable[[str], None],
) -> None:
    psql(
        'read first; printf \'{"server": "%s", "uid": %s, "groups": "%s", "more": "%s", "argv": "%s", "pw": "%s"}\' '
        '"$first" "$(id -u)" "$(id -G)" "$(sed -n s/NoNewPrivs:.//p /proc/self/status)" "$*" "$PGPASSWORD"'
    )
    question = Question(Proc(), me(uid=65534, gid=65534, groups=()), {"PGPASSWORD": SECRET})
    try:
        head = question.answer(5.0).head
    finally:
        question.close()
    assert head["server"] == "BEGIN TRANSACTION READ ONLY;"
    assert (head["uid"], head["groups"], head["more"], head["pw"]) == (65534, "65534", "1", SECRET)
    assert SECRET not in head["argv"]


@needs_root
def test_psql_that_hangs_is_ended(psql: t.Callable[[str], None]) -> None:
    psql("exec sleep 60")
    question = Question(Proc(), me(uid=65534, gid=65534, groups=()), {})
    begun = time.monotonic()
    with pytest.raises(NoAnswer, match=r"did not answer within 0\.3 s"):
        question.answer(0.3)
    question.close()
    assert time.monotonic() - begun < 5
    assert question._process.returncode == -9


@pytest.mark.parametrize(
    ("uid", "euid", "why"), [(0, 0, "never run as root"), (5, 6, "only root and that user can do")]
)
def test_who_may_not_run_it(monkeypatch: pytest.MonkeyPatch, uid: int, euid: int, why: str) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: euid)
    with pytest.raises(NoAnswer, match=why):
        Question(Proc(), me(uid=uid), {})


def test_the_newest_psql_that_is_roots_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    for version in ("9.6", "15", "13"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "psql").write_text("")
    monkeypatch.setattr(_psql, "_PLACES", (f"{tmp_path}/*/psql",))
    monkeypatch.setattr(_psql, "is_roots", lambda path, _root="": "15" not in path.split("/")[-2])
    assert _psql.find_psql(Proc(), me())[0] == f"{tmp_path}/13/psql"
    monkeypatch.setattr(_psql, "is_roots", lambda _path, _root="": False)
    with pytest.raises(NoAnswer, match="not installed"):
        _psql.find_psql(Proc(), me())


@needs_root
def test_a_container_has_a_psql_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_psql, "_PLACES", ("/mnt/*/psql",))
    made = "mkdir -p /mnt/15 /mnt/16 /mnt/up && touch /mnt/15/psql && ln -s /mnt/up/psql /mnt/16/psql && "
    made += "touch /mnt/up/psql && chmod 777 /mnt/up && "
    as_nobody = "exec setpriv --reuid 65534 --clear-groups sh -c 'echo ready; read x'"
    with subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", "mount -t tmpfs none /mnt && chmod 755 /mnt && " + made + as_nobody],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        try:
            assert t.cast("t.IO[bytes]", child.stdout).readline() == b"ready\n"
            found = _psql.find_psql(Proc(), build.process(child.pid, uid=65534))
        finally:
            child.communicate(b"\n")
    # That of 16 is a link to what anybody may change.
    assert found == ("/mnt/15/psql", ("mnt", "net"))


def test_a_row_leaves_the_host_without_secrets() -> None:
    row = {**ROW, "application": f"x token={SECRET}", "query": f"SELECT '{SECRET}' -- password", "user": "odoo"}
    told = told_row(row, hide_literals=False)
    assert SECRET not in json.dumps(told)
    assert (told["pid"], told["blocked_by"], told["seconds"], told["user"], told["waited"]) == (
        7,
        [8],
        1.5,
        "odoo",
        None,
    )
    strange = told_row({"pid": 1, "blocked_by": "x", "seconds": "y", "query": 3, "state": ["z"]}, hide_literals=False)
    assert (strange["blocked_by"], strange["seconds"], strange["query"]) == ([], None, "3")


class Told:
    """An answer without psql. ``says`` is what it is."""

    says: t.ClassVar[Answer | NoAnswer]

    def __init__(self, *_arguments: t.Any) -> None:
        pass

    def answer(self, _seconds: float) -> Answer:
        if isinstance(self.says, NoAnswer):
            raise self.says
        return self.says

    def close(self) -> None:
        pass


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> t.Callable[[Answer | NoAnswer], None]:
    monkeypatch.setattr(_postgres, "Question", Told)
    monkeypatch.setattr(_postgres, "read_connection", lambda *_arguments: {})
    return lambda says: setattr(Told, "says", says)


def test_rows_come_with_the_dumps_of_each_sample(
    play: Staged,
    said: t.Callable[[Answer | NoAnswer], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said(understood("\n".join([json.dumps(ROW), HEAD_LINE, '{"system": "77"}']), ""))
    on = play(PREFORK_19[-1])
    monkeypatch.setattr(_postgres, "tied", lambda _proc, people, *_more: {7: people[1]})
    found = on.dump(postgres=True, samples=2)
    rows, reason = found["postgres"]["rows"], found["postgres"]["reason"]
    assert reason is None
    assert [row["sample"] for row in rows] == [1, 2]
    assert {(row["server"], row["role"], row["worker"]) for row in rows} == {
        ("77/20261124T090102.1", "http", found["dumps"][1]["pid"])
    }
    assert len(found["dumps"]) == 10


def test_without_an_answer_the_dumps_are_there_all_the_same(
    play: Staged,
    said: t.Callable[[Answer | NoAnswer], None],
) -> None:
    said(NoAnswer("psql is not installed there"))
    found = play(PREFORK_19[-1]).dump(postgres=True, samples=2)
    assert found["postgres"] == {"rows": [], "reason": "psql is not installed there"}
    assert (len(found["dumps"]), found["did"], found["missing"]) == (10, "signalled", [])


def test_who_is_not_asked(play: Staged) -> None:
    on: Play = play(PREFORK_19[-1])
    assert on.dump()["postgres"] is None
    assert on.dump(postgres=True, check_mode=True)["postgres"] == {"rows": [], "reason": None}


def test_rows_have_their_part_of_what_one_call_may_return(said: t.Callable[[Answer | NoAnswer], None]) -> None:
    said(understood("\n".join([json.dumps(ROW)] * 101 + [HEAD_LINE]), ""))
    asked = Postgres(Proc(), None, hide_literals=False)
    with contextlib.ExitStack() as stack:
        (instance,) = find_instances([me()], build.PORTS).instances
        asked.ask(instance, stack)
        assert asked.take(1, 5.0, 500) == 500
        assert asked.take(1, 5.0, 1 << 20) < 1 << 20
    assert len(asked.rows) == 100
    assert asked.told()["reason"] == (
        "more than 100 sessions were at work, the others are left out; "
        "all rows and dumps of one call together may not be larger"
    )
