# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Chains of locks as drawings."""

from __future__ import annotations

import pathlib
import typing as t

from ansible_collections.fleetops.odoo.plugins.filter.explain_logs import explain_logs
from ansible_collections.fleetops.odoo.plugins.plugin_utils._pages.lock_graph import HEIGHT, WIDTH, lock_graphs
from hypothesis import given
from hypothesis import strategies as st


def test_a_lock_known_from_dumps_only_is_drawn_as_a_guess(planted: pathlib.Path) -> None:
    (graph,) = lock_graphs(explain_logs(str(planted / "lock" / "p19.log"))["findings"])
    assert (graph["known"], len(graph["boxes"]), len(graph["lines"])) == (False, 2, 1)
    assert "may wait for pid" in graph["waits"][0]


def test_chains_with_missing_and_circular_rows_are_drawn() -> None:
    rows: list[dict[str, t.Any]] = [
        {"pid": 1, "host": "h1", "worker": 7, "blocked_by": [2, 3], "query": "UPDATE x", "seconds": 4.0, "more": 1},
        {"pid": 2, "blocked_by": [3, 1], "seconds": None},
        {"pid": None},
    ]
    (graph,) = lock_graphs([{"kind": "blocked", "evidence": rows}])
    assert [(one["title"], one["holds"]) for one in graph["boxes"]] == [
        ("worker 7 on h1", False),
        ("backend 2", False),
        ("backend 3", True),
    ]
    assert len(graph["lines"]) == 4
    places = {(one["x"], one["y"]) for one in graph["boxes"]}
    assert len(places) == 3
    assert lock_graphs(
        [{"kind": "blocked", "evidence": [{"pid": 1, "blocked_by": [2]}, {"pid": 2, "blocked_by": [1]}]}]
    )


def test_a_drawing_of_too_many_sessions_keeps_the_holder_of_the_lock() -> None:
    rows: list[dict[str, t.Any]] = [{"pid": pid, "blocked_by": [7], "waited": 1.0} for pid in range(100, 160)]
    (graph,) = lock_graphs([{"kind": "blocked", "evidence": [*rows, {"pid": 7, "query": "UPDATE x", "state": "idle"}]}])
    holders = [one for one in graph["boxes"] if one["holds"]]
    assert [(one["title"], one["what"], one["how"]) for one in holders] == [("backend 7", "UPDATE x", "idle")]
    assert len(graph["boxes"]) == 40


def work(pid: int, **fields: t.Any) -> dict[str, t.Any]:
    """Return a piece of work, as a finding has it."""
    return {"pid": pid, "host": "h1", "seconds": None, "url": None, "jobs": [], "at": "f", **fields}


def test_findings_without_a_lock_are_not_drawn() -> None:
    assert lock_graphs([]) == []
    assert lock_graphs([{"kind": "starved"}, {"kind": "work", "holder": None, "evidence": [work(1)]}]) == []


def test_a_guess_is_drawn_only_where_no_lock_is_known() -> None:
    guess = {"kind": "work", "holder": work(1, url="/a"), "evidence": [work(2, jobs=["x", "y"], seconds=1.26), work(3)]}
    (graph,) = lock_graphs([guess])
    assert [(one["title"], one["what"], one["how"]) for one in graph["boxes"]] == [
        ("pid 1 on h1", "/a", "may hold it"),
        ("pid 2 on h1", "x or y", "waits, 1.3 s"),
        ("pid 3 on h1", "f", "waits"),
    ]
    assert graph["waits"] == ["pid 2 on h1 may wait for pid 1 on h1", "pid 3 on h1 may wait for pid 1 on h1"]
    (known,) = lock_graphs([guess, {"kind": "blocked", "evidence": [{"pid": 1, "blocked_by": [2]}]}])
    assert (known["known"], known["waits"]) == (True, ["backend 1 waits for backend 2"])


def test_sessions_of_the_same_pid_on_two_servers_are_two_boxes() -> None:
    rows = [{"pid": 1, "server": server, "blocked_by": [2], "application": server} for server in ("A", "B")]
    (graph,) = lock_graphs([{"kind": "blocked", "evidence": rows}])
    assert len(graph["boxes"]) == 4
    assert graph["boxes"][0]["title"] == "backend 1 (A)"


def test_a_session_that_waits_for_itself_does_not_wait() -> None:
    (graph,) = lock_graphs([{"kind": "blocked", "evidence": [{"pid": 1, "blocked_by": [1], "state": "active"}]}])
    assert [(one["how"], one["holds"]) for one in graph["boxes"]] == [("active", True)]
    assert graph["lines"] == []


def test_a_long_query_is_cut_in_its_box_and_whole_beside_it() -> None:
    (graph,) = lock_graphs([{"kind": "blocked", "evidence": [{"pid": 1, "query": "x" * 100}]}])
    (box,) = graph["boxes"]
    assert (box["what"], box["short"]["what"]) == ("x" * 100, "x" * 41 + "…")


@given(
    st.lists(
        st.fixed_dictionaries({"pid": st.integers(1, 9), "blocked_by": st.lists(st.integers(1, 9), max_size=3)}),
        min_size=1,
        max_size=12,
    )
)
def test_no_two_boxes_overlap_and_all_are_inside_the_drawing(rows: list[dict[str, t.Any]]) -> None:
    (graph,) = lock_graphs([{"kind": "blocked", "evidence": rows}])
    places = [(one["x"], one["y"]) for one in graph["boxes"]]
    assert len(set(places)) == len(places)
    assert all(0 <= x <= graph["width"] - WIDTH and 0 <= y <= graph["height"] - HEIGHT for x, y in places)
    assert len(graph["lines"]) == len(graph["waits"])
