# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test what the report says to do about each kind of finding."""

from __future__ import annotations

import doctest
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.stack import CRON_WORK, Frame
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis import place, todo
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis.place import Place
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis.sessions import Backend
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis.todo import (
    compared,
    for_chain,
    for_starved,
    for_work,
)
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis.work import Server, Work

SERVER = Server("h1", "h1", "", "", {41: "http"}, ["shop"], 1, [])


def work(wait: str, kind: str = "http", **fields: t.Any) -> Work:
    """Return a piece of work that waits like this, in sale.confirm."""
    frame = Frame("/addons/sale/models/order.py", 7, "confirm", "x()")
    values: dict[str, t.Any] = {"jobs": [], "seconds": 3.0, "times": ["1"], **fields}
    where = Place(wait, frame, "sale", None, None, (frame,))
    return Work(SERVER, 41, "t", kind, "shop", None, "/x", places=[where], **values)


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        (place.POSTGRES, "Find the query of this process"),
        (place.WRITE, "pg_blocking_pids(pid)"),
        (place.POSTGRES_LOCK, "pg_blocking_pids(pid)"),
        (place.LOCK, "Read the raw dump of pid 41"),
        (place.REMOTE, "Set a timeout for the call in sale.confirm"),
        (place.CLIENT, "proxy_buffering"),
        (place.PROGRAM, "ps --ppid 41"),
        (place.SLEEP, "Remove the sleep from sale.confirm"),
        (place.PYTHON, "Look in the flame graph for the calls below sale.confirm"),
    ],
)
def test_each_wait_has_its_remedy(wait: str, words: str) -> None:
    (text,) = for_work([work(wait)])
    assert words in text
    texts = for_starved([[work(wait)]])
    assert texts[0] == text
    assert "fleetops.odoo.scale_workers" in texts[1]


def test_a_lock_with_a_known_holder_is_left_to_the_finding_about_the_chain() -> None:
    assert for_work([work(place.POSTGRES_LOCK, holder="worker 5 on h2")]) == []
    assert len(for_starved([])) == 1


def test_a_slow_query_is_explained_with_the_index_that_may_be_missing_and_can_be_ended() -> None:
    slow = work(place.POSTGRES, query="SELECT …", backend=812, compared="sale_order (partner_id)")
    index, end = for_work([slow])
    assert "EXPLAIN (ANALYZE, BUFFERS) for the query of the database shop" in index
    assert "an index on sale_order (partner_id) is missing" in index
    assert end.startswith("To end the query of the database shop now: SELECT pg_cancel_backend(812).")
    assert "Its request or job fails" in end
    (only,) = for_work([work(place.POSTGRES, query="SELECT 1")])
    assert "index" not in only


def test_a_cron_job_is_named() -> None:
    first, second = for_work([work(place.SLEEP, CRON_WORK, jobs=["Send mails"])])
    assert first.startswith("Look at the scheduled action 'Send mails' of the database shop (Settings, Technical,")
    assert "sleep" in second
    assert "scheduled action of the database shop on h1 (Settings" in for_work([work(place.SLEEP, CRON_WORK)])[0]


@pytest.mark.parametrize(
    ("blocker", "words"),
    [
        (Backend(0), "ROLLBACK PREPARED"),
        (Backend(5, kind="autovacuum worker"), "Wait for the autovacuum, or end it in PostgreSQL: SELECT pg_terminate"),
        (Backend(5, "h1", 41), "Wait until the work of NAME has ended, or end its session in PostgreSQL: SELECT"),
        (Backend(5, transaction_seconds=300.0), "pg_terminate_backend(5). The changes of its transaction of 300 s are"),
        (Backend(5, state="active"), "End NAME in PostgreSQL: SELECT pg_terminate_backend(5). The changes of its tran"),
    ],
)
def test_the_end_of_a_chain_of_locks_names_the_backend_and_the_cost(blocker: Backend, words: str) -> None:
    (text,) = for_chain(blocker, "NAME")
    assert words in text


def test_a_session_that_is_idle_in_a_transaction_can_be_ended_by_postgresql() -> None:
    texts = for_chain(Backend(5, state="idle in transaction (aborted)"), "NAME")
    assert "idle_in_transaction_session_timeout" in texts[1]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (None, None),
        ("SELECT pg_sleep(1)", None),
        ("SELECT 1 FROM a", None),
        ('UPDATE "res_partner" SET "x" = 1 WHERE id IN (1, 2)', None),
        ('SELECT "s"."id" FROM "sale_order" AS "s" WHERE "s"."state" = 1', None),
        ("DELETE FROM mail WHERE state = 'a = b' AND date < now()", "mail (state, date)"),
        ("SELECT * FROM a WHERE name ILIKE '%x%' ORDER BY b = 1", "a (name)"),
        ("SELECT * FROM a WHERE c IS NOT NULL AND d NOT IN (1) LIMIT 3", "a (c, d)"),
        ("SELECT * FROM a WHERE password = 'secret token=abc", "a (password)"),
        ("SELECT * FROM a WHERE b=1 AND c=1 AND d=1 AND e=1 AND f=1", "a (b, c, d, e)"),
    ],
)
def test_the_columns_that_a_query_compares(query: str | None, found: str | None) -> None:
    assert compared(query) == found


def test_the_examples_hold() -> None:
    assert doctest.testmod(todo).failed == 0
