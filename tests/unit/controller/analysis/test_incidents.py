# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that findings about the same work are told as one incident, and others are not."""

from __future__ import annotations

import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis.incidents import Seen, incidents, joined

from ...conftest import KINDS
from ...dumps.dumped import captured
from .explained import explained


def seen(kind: str, cost: float, work: t.Iterable[int], cause: t.Iterable[int] | None = None) -> Seen:
    """Return a finding over these pieces of work."""
    finding = {"kind": kind, "server": f"{kind}-{cost:g}", "sentence": f"{kind} {cost:g}", "cost": cost, "todo": [kind]}
    return Seen(finding, frozenset(work), frozenset(work if cause is None else cause))


def parts(*some: Seen) -> list[tuple[str, int | None]]:
    return [(one["sentence"], one["part_of"]) for one in joined(some)]


def test_a_full_server_and_its_work_are_one_incident() -> None:
    assert parts(seen("work", 9, [1, 2]), seen("starved", 1000, [1, 2])) == [("starved 1000", None), ("work 9", 0)]


def test_work_elsewhere_is_another_incident() -> None:
    assert parts(seen("starved", 1000, [1, 2]), seen("work", 9, [3])) == [("starved 1000", None), ("work 9", None)]
    # Only one of the two places of a full server explains it, and this one has work on other servers too.
    other = seen("work", 9, [2, 7, 8])
    assert parts(seen("starved", 1000, [1, 2], cause=[1]), other) == [("starved 1000", None), ("work 9", None)]


def test_servers_that_are_full_for_one_reason_are_one_incident() -> None:
    servers = [seen("starved", 1000 + number, [number, number + 10], cause=[number]) for number in range(6)]
    at_one_place = seen("work", 50, range(6))
    assert [one for _sentence, one in parts(*servers, at_one_place)] == [None, 0, 0, 0, 0, 0, 0]
    (incident,) = incidents(joined([*servers, at_one_place]))
    names = "starved-1004, starved-1003, starved-1002, starved-1001 and 1 more"
    assert incident["also"] == [f"5 servers have no http worker left for new requests: {names}", "work 50"]
    assert incident["todo"] == ["starved", "work"]


def test_work_that_is_all_within_one_incident_belongs_to_it() -> None:
    servers = [seen("starved", 1000 + number, [number, number + 10], cause=[number]) for number in range(2)]
    both = [seen("work", 50, [0, 1]), seen("work", 5, [10, 11])]
    assert [one for _sentence, one in parts(*servers, *both)] == [None, 0, 0, 0]


def test_a_chain_of_locks_is_one_incident_with_its_waiters_and_its_remedy_comes_first() -> None:
    found = joined([seen("starved", 1000, [1, 2]), seen("blocked", 90, [1, 2, 3]), seen("work", 9, [3])])
    assert [one["part_of"] for one in found] == [None, 0, 0]
    (incident,) = incidents(found)
    assert incident["todo"] == ["blocked", "starved", "work"]
    assert incident["also"] == ["blocked 90", "work 9"]


def test_findings_without_work_stay_alone() -> None:
    assert [one for _sentence, one in parts(seen("blocked", 2, []), seen("blocked", 1, []))] == [None, None]
    assert joined([]) == incidents([]) == []


def test_reports_of_before_have_no_parts() -> None:
    (one,) = incidents([{"kind": "work", "sentence": "x", "cost": 1}])
    assert (one["also"], one["todo"]) == ([], [])


@pytest.mark.parametrize("kind", KINDS)
def test_a_lock_of_two_requests_is_one_incident(kind: str) -> None:
    report = explained(captured(f"{kind}/dumps/quit-rowlock-holder-and-waiter.log"))
    assert len(report["findings"]) == (3 if "prefork" in kind else 2)
    (incident,) = incidents(report["findings"])
    assert any("pg_blocking_pids" in text for text in incident["todo"])
    assert any("Remove the sleep from lab_slow.lab_lock" in text for text in incident["todo"])


def test_a_thousand_full_servers_take_no_square_of_time() -> None:
    servers = [seen("starved", 1000, [number], cause=[number]) for number in range(5000)]
    begun = time.process_time()
    assert len(incidents(joined([*servers, seen("work", 1, range(5000))]))) == 1
    assert time.process_time() - begun < 5
