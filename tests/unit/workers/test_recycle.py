# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recycling workers: whom, how many at a time, and what proves it."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.filter.workers_line import FilterModule
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Role
from ansible_collections.fleetops.odoo.plugins.module_utils._server.host import Host
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.rules import Refusal, Rule
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.send import Refused, Target
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import WouldFail
from ansible_collections.fleetops.odoo.plugins.module_utils._workers.recycle import (
    RecycleOrder,
    RecycleResult,
    batches,
    choose_workers,
    recycle_all,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._workers.workers import CrewFailed

from .. import build
from .model import MASTER, Model, host_of

__all__ = ["host_of"]
Put = t.Callable[[Model], Host]
ALL = (Role.HTTP, Role.CRON, Role.GEVENT)


def recycle(host: Host, model: Model, *, check: bool = False, timeout: float = 60, **order: t.Any) -> RecycleResult:
    """Recycle workers of the only server; the one result."""
    seen = model.look()
    (result,) = recycle_all(host, seen, [seen.instances[0].identity], RecycleOrder(timeout, **order), check_mode=check)
    return result


def failing(host: Host, model: Model, **order: t.Any) -> tuple[str, RecycleResult]:
    """The same, which must fail: message and result."""
    with pytest.raises(CrewFailed) as caught:
        recycle(host, model, **order)
    (result,) = caught.value.results
    return str(caught.value), t.cast("RecycleResult", result)


def test_one_after_the_other_and_each_is_replaced(host_of: Put) -> None:
    model = Model(3, 3)
    host = host_of(model)
    least: list[int] = []

    def watch(_seconds: float) -> None:
        model.settle()
        least.append(len(model.http()))

    model.clock._on_sleep = watch
    before = {worker.pid for worker in model.http()}
    result = recycle(host, model, older_than=0)
    assert [one["pid"] for one in result.recycled] == sorted(before)
    assert all(one["ended"] and one["lost"] is None for one in result.recycled)
    assert {one["replaced_by"]["pid"] for one in result.recycled} == {worker.pid for worker in model.http()}
    assert (result.signals, min(least)) == (["INT"] * 3, 2)
    assert result.reason.endswith("; 3 of its workers were replaced")


@pytest.mark.parametrize("check", [True, False])
def test_without_its_databases_nobody_is_recycled(host_of: Put, *, check: bool) -> None:
    model = Model(3, 3)
    model.no_database = [WouldFail("no such host")]
    host = host_of(model)
    message, result = failing(host, model, older_than=0, check=check)
    assert "no such host" in message
    assert (model.sent, result.did) == ([], "refused")
    assert recycle(host, model, older_than=1_000_000, check=check).signals == []
    assert model.rehearsed == 1


def test_in_batches_and_every_role(host_of: Put) -> None:
    model = Model(5, 5, cron=2)
    host = host_of(model)
    result = recycle(host, model, older_than=0, roles=ALL, batch=2)
    assert [one["role"] for one in result.recycled] == ["http"] * 5 + ["cron"] * 2 + ["gevent"]
    assert all(one["replaced_by"] for one in result.recycled)
    assert recycle(host, model, pids=frozenset([101, 102]), roles=ALL).signals == []


def test_where_one_of_a_batch_is_refused_it_is_told_what_became_of_the_others(
    host_of: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Model(3, 3)
    send = model.send

    def refusing(proc: object, name: str, target: Target, **keywords: t.Any) -> list[Refusal]:
        if target.process.pid == 103:
            raise Refused(Refusal(Rule.STATE, "process 103 is stopped"))
        return send(proc, name, target, **keywords)

    monkeypatch.setattr(model, "send", refusing)
    message, result = failing(host_of(model), model, older_than=0, batch=2, abort=True)
    assert "process 103 is stopped" in message
    assert [(one["pid"], one["ended"]) for one in result.recycled] == [(101, True), (102, True)]


def test_who_is_not_replaced_is_told_and_nobody_else_is_touched(host_of: Put) -> None:
    model = Model(4, 3)
    message, result = failing(host_of(model), model, older_than=0, batch=4)
    assert "nobody has come in the place of pid 101 (http) within 8 s, so no other was touched: 3 http" in message
    assert "fleetops.odoo.workers with the count that is wished for puts that right" in message
    assert (result.did, result.signals, len(model.http())) == ("signalled", ["INT"], 3)
    assert [(one["pid"], one["ended"], one["replaced_by"]) for one in result.recycled] == [(101, True, None)]
    assert result.after == {"http": 3}


def test_who_is_at_work_is_waited_for_and_named_when_it_takes_too_long(host_of: Put) -> None:
    model = Model(2, 2)
    model.workers[101].until = model.clock.now + 30
    host = host_of(model)
    message, result = failing(host, model, older_than=0, timeout=10)
    assert "within its timeout (10 s): still waiting for pid 101 (http) for 18 s with http://h/slow/101" in message
    assert "Whoever got an INT ends after that; abort would cut it off" in message
    assert [(one["pid"], one["ended"]) for one in result.recycled] == [(101, False)]
    model.workers[102].until = model.clock.now + 30
    assert all(one["ended"] for one in recycle(host, model, older_than=0).recycled)


def test_abort_says_what_is_lost(host_of: Put) -> None:
    model = Model(3, 3)
    for pid in (101, 103):
        model.workers[pid].until = model.clock.now + 1000
    model.silent = {103}
    result = recycle(host_of(model), model, older_than=0, roles=ALL, abort=True)
    assert result.signals == ["XCPU", "XCPU", "XCPU", "XCPU", "INT"]
    assert [one["lost"] and one["lost"]["url"] for one in result.recycled[:3]] == ["http://h/slow/101", None, None]
    assert "cut off: pid 101 with http://h/slow/101" in result.reason
    assert result.warnings == ["what pid 103 was at when it was cut off is not known: it wrote no stacks"]


@pytest.mark.parametrize("version", ["19.0", "14.0"])
def test_who_is_at_one_piece_of_work_for_long(host_of: Put, version: str) -> None:
    model = Model(4, 4, version=version)
    model.workers[101].until = model.clock.now + 20
    model.workers[102].until = model.clock.now + 3
    model.workers[103].until = model.clock.now + 20
    model.silent = {103}
    # Its dumps say 18 seconds; those of 14 say nothing, so it is watched.
    result = recycle(host_of(model), model, busy_longer_than=9 if version == "19.0" else 5)
    expected = [101, 102] if version == "19.0" else [101]
    assert [one["pid"] for one in result.recycled] == expected
    assert result.warnings == ["pid 103 wrote no stacks, so for how long they work is not known"]


def test_who_is_watched_must_fit_into_the_timeout(host_of: Put) -> None:
    model = Model(1, 1, version="14.0")
    model.workers[101].until = model.clock.now + 1000
    message, _result = failing(host_of(model), model, busy_longer_than=100)
    assert "must be watched for busy_longer_than (100 s), and the timeout is 60 s" in message


def test_without_dumps_nothing_is_known_of_work(host_of: Put) -> None:
    model = Model(2, 2)
    model.hidden = "its log goes to a terminal"
    for check in (True, False):
        message, result = failing(host_of(model), model, busy_longer_than=1, check=check)
        assert "have been at work cannot be seen: its log goes to a terminal" in message
        assert (result.did, model.sent) == ("refused", [])


def test_check_mode(host_of: Put) -> None:
    model = Model(2, 2)
    host = host_of(model)
    result = recycle(host, model, check=True, older_than=0, roles=ALL, abort=True)
    assert (result.did, result.signals, model.sent) == ("signalled", ["XCPU", "XCPU", "XCPU", "INT"], [])
    result = recycle(host, model, check=True, busy_longer_than=1)
    assert (result.did, result.signals) == ("nothing", [])
    assert "the other conditions hold for pid 101 (http), pid 102 (http); whether they" in result.reason
    assert recycle(host, model, check=True, rss_above=1 << 40).did == "nothing"


def test_a_threaded_server_is_refused(host_of: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model(2, 2)
    host = host_of(model)
    monkeypatch.setattr(model, "processes", lambda: build.threaded(MASTER))
    message, result = failing(host, model, older_than=0)
    assert "it is threaded (workers = 0)" in message
    assert result.did == "refused"


@pytest.mark.parametrize(
    ("order", "pids"),
    [
        ({"older_than": 0}, [101, 102, 103]),
        ({"older_than": 88.98}, [101]),
        ({"older_than": 100}, []),
        ({"rss_above": 4096 * 10}, [103]),
        ({"pids": frozenset([102, 160])}, [102]),
        ({"pids": frozenset([102, 160]), "roles": ALL}, [102, 160]),
        ({"pids": frozenset([102]), "rss_above": 4096 * 10}, []),
        ({"older_than": 0, "roles": ("gevent",)}, [150]),
    ],
)
def test_every_condition_must_hold(order: dict[str, t.Any], pids: list[int]) -> None:
    processes = build.prefork(100, workers=2)
    processes.append(build.process(103, 100, build.WORKER, rss_pages=11))
    children = build.instance(processes).children
    found = choose_workers(children, RecycleOrder(60, **order), 10_000, ticks=100, page=4096)
    assert [child.process.pid for child in found] == pids


def test_old_generations_are_not_touched() -> None:
    old = build.process(99, 100, build.WORKER, fingerprint=1)
    children = build.instance([*build.prefork(100), old]).children
    found = choose_workers(children, RecycleOrder(60, older_than=0), 10_000, ticks=100, page=4096)
    assert [child.process.pid for child in found] == [101, 102]


def test_the_first_http_worker_goes_alone() -> None:
    children = choose_workers(
        build.instance(build.prefork(100, workers=5)).children,
        RecycleOrder(60, older_than=0, roles=ALL),
        10_000,
        ticks=100,
        page=4096,
    )
    shown = [[child.process.pid for child in batch] for batch in batches(children, 3)]
    assert shown == [[101], [102, 103, 104], [105], [160, 150]]


@pytest.mark.parametrize(
    ("results", "check", "said"),
    [
        ([], False, "no Odoo server runs"),
        ([{"signals": [], "reason": "it has 2", "seconds": 0.4}], False, "it has 2"),
        (
            [{"signals": ["TTIN", "TTOU", "TTOU", "INT"], "reason": "that", "seconds": 1.23}],
            False,
            "that (TTIN, 2 TTOU, INT; 1.2 s)",
        ),
        ([{"signals": ["TTIN", "TTIN"], "reason": "that", "seconds": 0}], True, "that (2 TTIN would be sent)"),
    ],
)
def test_one_line_for_a_host(results: list[dict[str, t.Any]], check: bool, said: str) -> None:  # noqa: FBT001
    assert FilterModule().filters()["workers_line"]({"results": results}, check) == said
