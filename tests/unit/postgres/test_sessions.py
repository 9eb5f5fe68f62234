# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sessions of PostgreSQL as rows: asked for, made safe, and limited in number and size."""

from __future__ import annotations

import contextlib
import json

from ansible_collections.fleetops.odoo.plugins.module_utils._messages import dump
from ansible_collections.fleetops.odoo.plugins.module_utils._postgres.connection import NoAnswer
from ansible_collections.fleetops.odoo.plugins.module_utils._postgres.psql import understood
from ansible_collections.fleetops.odoo.plugins.module_utils._postgres.sessions import Postgres, told_row
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import find_instances
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc

from .. import build
from .answers import HEAD_LINE, ROW, SECRET, answering, me


def test_told_row_hides_secrets_and_drops_values_of_a_wrong_type() -> None:
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


def test_rows_are_limited_in_number_and_in_bytes() -> None:
    asked = answering(understood("\n".join([json.dumps(ROW)] * 101 + [HEAD_LINE]), ""))(
        Proc(), None, hide_literals=False
    )
    with contextlib.ExitStack() as stack:
        (instance,) = find_instances([me()], build.PORTS).instances
        asked.ask(instance, stack)
        assert asked.take(1, 5.0, 500) == 500
        assert asked.take(1, 5.0, 1 << 20) < 1 << 20
    assert len(asked.rows) == 100
    assert [one.code for one in asked.problems] == ["dump.many_sessions", "dump.too_large"]
    assert asked.told()["code"] == "dump.many_sessions"


def test_a_server_whose_settings_cannot_be_read_has_a_reason_and_no_rows() -> None:
    argv = ("/usr/bin/python3", "/usr/bin/odoo", "-c", "/nonexistent/odoo.conf")
    asked = Postgres(Proc(), None, hide_literals=False)
    with contextlib.ExitStack() as stack:
        (instance,) = find_instances([me(argv=argv)], build.PORTS).instances
        asked.ask(instance, stack)
        assert asked.take(1, 5.0, 500) == 500
    told = asked.told()
    assert told["rows"] == []
    assert told["code"] == "dump.psql_settings"
    assert "/nonexistent/odoo.conf" in told["reason"]


def test_a_server_that_was_not_asked_has_neither_rows_nor_a_reason() -> None:
    asked = Postgres(Proc(), None, hide_literals=False)
    assert asked.take(1, 5.0, 500) == 500
    assert asked.told() == {"rows": [], "code": None, "reason": None}


def test_the_same_failure_in_two_samples_is_one_reason() -> None:
    asked = answering(NoAnswer(dump.PSQL_TIMEOUT(seconds=5.0)))(Proc(), None, hide_literals=False)
    with contextlib.ExitStack() as stack:
        (instance,) = find_instances([me()], build.PORTS).instances
        for sample in (1, 2):
            asked.ask(instance, stack)
            asked.take(sample, 5.0, 500)
    assert [one.code for one in asked.problems] == ["dump.psql_timeout"]
    assert asked.told()["rows"] == []


def test_rows_name_their_sample_server_and_moment_and_strangers_have_no_worker() -> None:
    asked = answering(understood("\n".join([json.dumps(ROW), HEAD_LINE, '{"system": "77"}']), ""))(
        Proc(), None, hide_literals=False
    )
    with contextlib.ExitStack() as stack:
        (instance,) = find_instances([me()], build.PORTS).instances
        asked.ask(instance, stack)
        left = asked.take(3, 5.0, 1 << 20)
    (row,) = asked.rows
    assert left == (1 << 20) - len(json.dumps(asked.rows))
    assert (row["sample"], row["server"], row["version"], row["time"]) == (
        3,
        "77/20261124T090102.1",
        "15.1",
        "2026-11-24T10:30:22.120Z",
    )
    assert (row["worker"], row["log_pid"], row["role"], row["blocked_by"]) == (None, None, None, [8])
