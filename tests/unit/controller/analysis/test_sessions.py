# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sessions of PostgreSQL from rows of several hosts."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis.sessions import Backend, backends_of, moments
from hypothesis import given
from hypothesis import strategies as st


def test_backends_of_rows_of_the_module() -> None:
    row = {
        "pid": 1,
        "log_pid": 5,
        "worker": 77,
        "query": "<insufficient privilege>",
        "type": "client backend",
        "seconds": 2,
    }
    (told,) = backends_of([row], "h1")
    assert (told.host, told.worker, told.query, told.kind, told.seconds) == ("h1", 5, None, "client backend", 2.0)
    (stranger,) = backends_of([{"pid": 1, "log_pid": None, "blocked_by": "x"}], "h1")
    assert (stranger.host, stranger.worker, stranger.blocked_by, stranger.seen_by) == (None, None, (), "h1")
    with pytest.raises(ValueError, match="no pid"):
        backends_of([{}], "h1")


def session(pid: int, *blocked_by: int, **fields: t.Any) -> Backend:
    """Return a session of server A, seen by h1."""
    values = {"server": "A", "seen_by": "h1", "time": "1", "started": f"s{pid}", **fields}
    return Backend(pid, blocked_by=blocked_by, **values)


@pytest.mark.parametrize("rows", [[3], [None], [[]], [{"pid": "7"}], [{"pid": None}]])
def test_rows_without_a_pid_are_refused(rows: list[t.Any]) -> None:
    with pytest.raises(ValueError, match="no pid"):
        backends_of(rows, "h1")


def test_values_of_a_wrong_type_in_a_row_are_left_out() -> None:
    row = {"pid": 1, "blocked_by": [2, "x", None], "seconds": "long", "query": 3, "state": "", "waited": 1}
    (found,) = backends_of([row], "h1")
    assert (found.blocked_by, found.seconds, found.query, found.state, found.waited) == ((2,), None, None, None, 1.0)


@pytest.mark.parametrize(
    ("seconds", "waited", "waits"), [(5.0, None, 5.0), (5.0, 2.0, 2.0), (5.0, 0.0, 0.0), (None, None, None)]
)
def test_waits_is_the_time_for_the_lock_where_it_is_known(
    seconds: float | None, waited: float | None, waits: float | None
) -> None:
    assert session(1, seconds=seconds, waited=waited).waits == waits


def test_moments_are_sorted_by_time_the_latest_first() -> None:
    found = moments([session(1), session(1, time="3"), session(2, time="3"), session(1, seen_by="h2", time="2")])
    assert [(one.time, one.seen_by, sorted(one.by_pid)) for one in found] == [
        ("3", "h1", [1, 2]),
        ("2", "h2", [1]),
        ("1", "h1", [1]),
    ]


def test_a_moment_has_what_another_host_knows_of_a_session() -> None:
    told = session(1, seen_by="h2", host="h2", worker=803, query="SELECT 1", state="active", client="10.0.0.1")
    (first, _second) = moments([told, session(1, time="2")])
    known = first.by_pid[1]
    assert (known.seen_by, known.host, known.worker, known.query, known.state, known.client) == (
        "h1",
        "h2",
        803,
        "SELECT 1",
        "active",
        "10.0.0.1",
    )


def test_a_later_session_of_the_same_pid_is_another_one() -> None:
    told = session(1, seen_by="h2", query="SELECT 1")
    (first, _second) = moments([told, session(1, time="2", started="later")])
    assert first.by_pid[1].query is None


def test_a_session_whose_begin_is_hidden_is_the_only_one_of_its_pid() -> None:
    told = session(1, seen_by="h2", query="SELECT 1")
    (first, *_others) = moments([told, session(1, time="2", started=None)])
    assert first.by_pid[1].query == "SELECT 1"
    (first, *_others) = moments([told, session(1, seen_by="h3", started="other"), session(1, time="2", started=None)])
    assert first.by_pid[1].query is None


@pytest.mark.parametrize(
    ("backends", "root"),
    [
        ([session(1)], 1),
        ([session(1, 2), session(2, 3), session(3)], 3),
        # Session 2 waits in the same queue, session 3 holds the lock.
        ([session(1, 2, 3), session(2, 3), session(3)], 3),
        # No row tells of session 9.
        ([session(1, 9)], 9),
        # A circle: the least of it.
        ([session(1, 3), session(3, 2), session(2, 3)], 1),
    ],
)
def test_root_is_the_session_at_the_end_of_a_chain(backends: list[Backend], root: int) -> None:
    (moment,) = moments(backends)
    assert moment.root(moment.by_pid[1]).pid == root


@given(st.lists(st.builds(session, st.integers(1, 5), st.integers(1, 6), st.integers(1, 6)), min_size=1))
def test_root_ends_for_any_rows(backends: list[Backend]) -> None:
    for moment in moments(backends):
        for backend in moment.by_pid.values():
            assert moment.root(backend).server == "A"
