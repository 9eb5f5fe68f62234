# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""psql: what it prints, which program is run, and as which user."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._postgres import psql
from ansible_collections.fleetops.odoo.plugins.module_utils._postgres.connection import (
    NoAnswer,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._postgres.psql import Question, understood
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc

from .. import build
from .answers import HEAD_LINE, ROW, SECRET, me


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
    ("wrong", "code", "said"),
    [
        (
            "psql: error: connection to server failed:\n  timeout expired\n",
            "dump.psql_failed",
            "failed: timeout expired",
        ),
        ("", "dump.psql_silent", ""),
        (f"FATAL: password={SECRET}", "dump.psql_failed", "FATAL: password=********"),
    ],
)
def test_what_psql_complains_of(wrong: str, code: str, said: str) -> None:
    with pytest.raises(NoAnswer) as told:
        understood("", wrong)
    assert told.value.code == code
    assert said in told.value.problem.values.get("said", "")
    assert SECRET not in str(told.value)


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")


@pytest.fixture
def put_psql(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> t.Callable[[str], None]:
    """Something else in place of psql."""

    def put(script: str) -> None:
        tmp_path.chmod(0o755)
        for folder in list(tmp_path.parents)[:-2]:
            folder.chmod(0o755)
        (tmp_path / "psql").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "psql").chmod(0o755)
        monkeypatch.setattr(psql, "find_psql", lambda *_arguments: (str(tmp_path / "psql"), ()))

    return put


@needs_root
def test_psql_is_run_as_the_servers_user_and_the_password_is_in_its_environment_only(
    put_psql: t.Callable[[str], None],
) -> None:
    put_psql(
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
def test_psql_that_hangs_is_ended(put_psql: t.Callable[[str], None]) -> None:
    put_psql("exec sleep 60")
    question = Question(Proc(), me(uid=65534, gid=65534, groups=()), {})
    begun = time.monotonic()
    with pytest.raises(NoAnswer) as caught:
        question.answer(0.3)
    assert (caught.value.code, caught.value.problem.values["seconds"]) == ("dump.psql_timeout", 0.3)
    question.close()
    assert time.monotonic() - begun < 5
    assert question._process.returncode == -9


@pytest.mark.parametrize(("uid", "euid", "code"), [(0, 0, "dump.psql_root"), (5, 6, "dump.psql_user")])
def test_psql_is_refused_for_a_server_of_root_or_of_another_user(
    monkeypatch: pytest.MonkeyPatch, uid: int, euid: int, code: str
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: euid)
    with pytest.raises(NoAnswer) as caught:
        Question(Proc(), me(uid=uid), {})
    assert caught.value.code == code


def test_the_newest_psql_that_is_roots_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    for version in ("9.6", "15", "13"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "psql").write_text("")
    monkeypatch.setattr(psql, "_PLACES", (f"{tmp_path}/*/psql",))
    monkeypatch.setattr(psql, "is_roots", lambda path, _root="": "15" not in path.split("/")[-2])
    assert psql.find_psql(Proc(), me())[0] == f"{tmp_path}/13/psql"
    monkeypatch.setattr(psql, "is_roots", lambda _path, _root="": False)
    with pytest.raises(NoAnswer) as caught:
        psql.find_psql(Proc(), me())
    assert caught.value.code == "dump.no_psql"


@needs_root
def test_a_container_has_a_psql_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psql, "_PLACES", ("/mnt/*/psql",))
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
            found = psql.find_psql(Proc(), build.process(child.pid, uid=65534))
        finally:
            child.communicate(b"\n")
    # The psql of 16 is a link to a file that any user may change.
    assert found == ("/mnt/15/psql", ("mnt", "net"))
