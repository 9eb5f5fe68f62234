# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""psql: what it prints, one that is none, who may run it, and its rows beside the dumps."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import subprocess
import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._postgres import psql as _psql
from ansible_collections.fleetops.odoo.plugins.module_utils._postgres import sessions as _postgres
from ansible_collections.fleetops.odoo.plugins.module_utils._postgres.connection import (
    NoAnswer,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._postgres.psql import Answer, Question, understood
from ansible_collections.fleetops.odoo.plugins.module_utils._postgres.sessions import Postgres, told_row
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import find_instances
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc

from .. import build
from ..dumps import test_stack_dump
from ..dumps.test_stack_dump import Play, Staged
from ..scene import PREFORK_19
from .test_sessions import SECRET, me

play = test_stack_dump.play


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
