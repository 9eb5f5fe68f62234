# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test what rows of pg_stat_activity add to dumps: chains of locks, and waiting times."""

from __future__ import annotations

import csv
import dataclasses
import io
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis.locks import chains
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis.sessions import Backend
from hypothesis import given
from hypothesis import strategies as st

from ...conftest import KINDS
from ...dumps.dumped import captured, captures
from .explained import explained


def rows(kind: str) -> list[Backend]:
    """pg_stat_activity while two requests waited for a row that a session of psql held."""
    text = captures()[f"{kind}/pg_stat_activity-two-requests-on-one-rowlock.csv"]
    return [
        Backend(
            int(row["pid"]),
            application=row["application_name"] or None,
            state=row["state"] or None,
            wait_type=row["wait_event_type"] or None,
            wait_event=row["wait_event"] or None,
            blocked_by=tuple(int(pid) for pid in row["blocked_by"].strip("{}").split(",") if pid),
            query=row["query"],
        )
        for row in csv.DictReader(io.StringIO(text))
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_chain_of_locks_is_told_from_its_head(kind: str) -> None:
    ((finding, _work),) = chains(rows(kind), [])
    assert finding["count"] == 2
    assert 'UPDATE "res_partner"' in finding["sentence"]
    assert "(psql-lock-holder)" in finding["sentence"]
    assert "select pg_sleep(" in finding["sentence"].partition("blocked by")[2]


def test_workers_are_named_in_a_chain() -> None:
    backends = [
        Backend(1, "h1", 803, blocked_by=(2,), query="UPDATE res_partner SET a = 1", seconds=41.2),
        Backend(2, "h2", 812, state="idle in transaction", query="SELECT 1"),
    ]
    ((finding, _work),) = chains(backends, [])
    assert finding["sentence"] == (
        "worker 803 on h1 waits 41 s for worker 812 on h2: UPDATE res_partner SET a = 1, "
        "blocked by idle in transaction SELECT 1"
    )


def session(pid: int, seen_by: str, time: str = "1", **fields: t.Any) -> Backend:
    return Backend(pid, seen_by=seen_by, time=time, started=f"s{pid}", server=fields.pop("server", "A"), **fields)


def test_hosts_that_share_a_server_know_its_sessions_together() -> None:
    """Each knows its own processes only, and may not be shown the query of another user."""
    backends = [
        session(
            1, "h1", host="h1", worker=803, blocked_by=(2,), query="UPDATE a", state="active", seconds=50.0, waited=41.2
        ),
        # To another user not even the beginning of a session is shown.
        dataclasses.replace(session(2, "h1"), started=None),
        session(1, "h2", "2", blocked_by=(2,)),
        session(2, "h2", "2", host="h2", worker=812, query="SELECT 1", state="idle in transaction"),
    ]
    ((finding, _work),) = chains(backends, [])
    assert finding["count"] == 1
    earlier = [dataclasses.replace(one, time="3") if one.seen_by == "h1" else one for one in backends]
    assert next(chains(earlier, []))[0]["sentence"] == (
        "worker 803 on h1 waits 41 s for worker 812 on h2: UPDATE a, blocked by idle in transaction SELECT 1"
    )
    assert finding["sentence"].endswith("worker 812 on h2: UPDATE a, blocked by idle in transaction SELECT 1")
    # The later moment counts: there it is not told for how long.
    assert finding["sentence"].startswith("worker 803 on h1 waits for ")


def test_pids_of_two_servers_may_coincide() -> None:
    one = [
        session(1, "h1", host="h1", worker=5, blocked_by=(2,), query="UPDATE a"),
        session(2, "h1", application="psql"),
    ]
    other = [
        session(1, "h2", server="B", host="h2", worker=6, blocked_by=(2,), query="UPDATE b"),
        session(2, "h2", server="B", host="h2", worker=7),
    ]
    sentences = [finding["sentence"] for finding, _work in chains([*one, *other], [])]
    assert sentences[0].startswith("worker 5 on h1 waits for backend 2 (psql): UPDATE a")
    assert sentences[1].startswith("worker 6 on h2 waits for worker 7 on h2: UPDATE b")


def test_what_waited_in_an_earlier_sample_is_told_too() -> None:
    backends = [
        session(1, "h1", "1", blocked_by=(9,), query="UPDATE early"),
        session(2, "h1", "2", blocked_by=(9,), query="UPDATE late"),
        session(9, "h1", "1", user="me", application="pg_dump", client="10.0.0.9"),
        session(9, "h1", "2", user="me", application="pg_dump", client="10.0.0.9"),
    ]
    ((finding, _work),) = chains(backends, [])
    assert finding["count"] == 2
    assert "for backend 9 (pg_dump of user me from 10.0.0.9), and 1 more" in finding["sentence"]


@pytest.mark.parametrize(
    ("blocker", "name"),
    [
        (Backend(0), "a prepared transaction"),
        (Backend(2, kind="autovacuum worker"), "backend 2 (autovacuum worker)"),
        (Backend(2, kind="client backend", application="odoo-33", user="odoo"), "backend 2 (odoo-33 of user odoo)"),
        (Backend(2), "backend 2: "),
    ],
)
def test_a_stranger_is_named_by_what_it_calls_itself(blocker: Backend, name: str) -> None:
    ((finding, _work),) = chains([Backend(1, blocked_by=(blocker.pid,)), *([blocker] if blocker.pid else [])], [])
    assert f" waits for {name}" in finding["sentence"]


def test_locks_among_others_are_told_last() -> None:
    waiting: dict[str, t.Any] = {"blocked_by": (2,), "seconds": 100.0}
    theirs = [session(1, "h1", database="theirs", **waiting), session(2, "h1")]
    assert next(chains(theirs, []))[0]["cost"] < 1
    assert next(chains([*theirs, session(3, "h1", host="h1", worker=5)], []))[0]["cost"] < 1
    assert next(chains([session(1, "h1", host="h1", worker=5, **waiting), session(2, "h1")], []))[0]["cost"] > 100


def planted(kind: str, **rows: dict[str, t.Any]) -> dict[str, t.Any]:
    """The report of a holder and a waiter at one row, with rows of the workers that are named by their roles."""
    dumps = captured(f"{kind}/dumps/quit-rowlock-holder-and-waiter.log")
    work = explained(dumps)["work"]
    pids = {
        "holder": next(o for o in work if o["wait"] == "sleep"),
        "waiter": next(o for o in work if o["wait"] != "sleep"),
    }
    backends = [
        session(number, "h1", pids["waiter"]["times"][-1], host="h1", worker=pids[who]["pid"], **fields)
        for number, (who, fields) in enumerate(sorted(rows.items()), 1)
    ]
    return explained(dumps, backends=backends)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_name_a_lock_and_its_holder(kind: str) -> None:
    report = planted(
        kind,
        holder={"state": "idle in transaction", "query": "SELECT 1", "seconds": 9.0},
        waiter={
            "state": "active",
            "wait_type": "Lock",
            "blocked_by": (1,),
            "query": "SELECT 2 FOR UPDATE",
            "seconds": 8.0,
        },
    )
    blocked = next(one for one in report["findings"] if one["kind"] == "blocked")
    waiting = next(one for one in report["work"] if one["wait"] == "postgresql lock")
    assert (waiting["query"], waiting["query_seconds"]) == ("SELECT 2 FOR UPDATE", 8.0)
    assert waiting["holder"].startswith(f"worker {blocked['evidence'][1]['worker']} on h1")
    assert "which sleeps in lab_slow.lab_lock" in blocked["sentence"]
    assert not any("maybe" in one["sentence"] for one in report["findings"])
    first = report["findings"][0]
    assert first["kind"] == ("starved" if "prefork" in kind else "blocked")
    assert "SELECT 2 FOR UPDATE" in first["sentence"]


@pytest.mark.parametrize("kind", KINDS)
def test_rows_without_a_lock_override_the_guess(kind: str) -> None:
    report = planted(kind, waiter={"state": "active", "query": "SELECT slow", "seconds": 700.0})
    waiting = next(one for one in report["work"] if one["query"])
    assert (waiting["wait"], waiting["seconds"]) == ("postgresql", 700.0)
    work = next(one for one in report["findings"] if one["kind"] == "work")
    assert "its query runs for 700.0 s: SELECT slow" in work["sentence"]
    assert "maybe" not in work["sentence"]


def test_a_row_of_long_ago_or_of_a_session_at_rest_says_nothing() -> None:
    for fields in ({"time": "2020-01-01T00:00:00.000Z"}, {"state": "idle in transaction"}):
        dumps = captured("19-prefork/dumps/quit-http-busy-sql.log")
        (work,) = explained(dumps)["work"]
        row = {"time": work["times"][-1], "state": "active", **fields}
        (work,) = explained(dumps, backends=[session(1, "h1", host="h1", worker=work["pid"], query="x", **row)])["work"]
        assert (work["query"], work["wait"]) == (None, "postgresql")


def test_work_is_as_old_as_its_transaction_where_it_is_the_only_one() -> None:
    dumps = captured("14-prefork/dumps/quit-http-busy-sql.log")
    (work,) = explained(dumps)["work"]
    assert work["seconds"] is None
    rows = [
        session(n, "h1", work["times"][-1], host="h1", worker=work["pid"], transaction_seconds=s)
        for n, s in ((1, 12.5), (2, None))
    ]
    (work,) = explained(dumps, backends=rows)["work"]
    assert work["seconds"] == 12.5


@given(st.lists(st.builds(Backend, st.integers(1, 6), blocked_by=st.lists(st.integers(1, 7), max_size=3).map(tuple))))
def test_chains_end(backends: list[Backend]) -> None:
    list(chains(backends, []))
