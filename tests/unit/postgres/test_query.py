# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Queries as they may be shown: one line, without secrets, and without literals where that is wanted."""

from __future__ import annotations

import time

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._postgres.query import shown_query, without_literals
from hypothesis import given
from hypothesis import strategies as st

from .answers import SECRET


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
def test_without_literals_puts_question_marks_for_strings_and_numbers(text: str, expected: str) -> None:
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


def test_shown_query_is_one_line_of_limited_length() -> None:
    assert shown_query("UPDATE a\n   SET b = 'c' WHERE id = 7") == "UPDATE a SET b = 'c' WHERE id = 7"
    assert shown_query("UPDATE a SET b = 'c' WHERE id = 7", hide_literals=True) == "UPDATE a SET b = ? WHERE id = ?"
    assert len(shown_query("x" * 5000)) < 1010


@given(st.text(st.sampled_from("'\"$-/*E\\ab1,\n ?"), max_size=40))
def test_any_query_can_be_shown(text: str) -> None:
    shown_query(text, hide_literals=True)
    found = without_literals("password = '" + text.replace("'", "''").replace("\\", "") + "' AND x")
    assert found == "password = ? AND x"


def test_a_long_query_costs_no_more_than_its_length() -> None:
    begun = time.process_time()
    for piece in ("'", "''", "E'\\", "/*", "--", "$a$", '"', "1.", "?, "):
        without_literals(piece * 100_000)
    assert time.process_time() - begun < 3
