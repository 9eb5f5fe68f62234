# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recycling workers: which ones, how many at a time, and what proves it."""

from __future__ import annotations

import json
import types
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.work import Busy
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.known_secrets import Secrets
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.results import Outcome
from ansible_collections.fleetops.odoo.plugins.module_utils._messages import rehearsal
from ansible_collections.fleetops.odoo.plugins.module_utils._messages.code import Problem
from ansible_collections.fleetops.odoo.plugins.module_utils._messages.refused import STOPPED
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Role
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._server.host import Host
from ansible_collections.fleetops.odoo.plugins.module_utils._server.operation import OnTimeout
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.rules import Objection, Rule, Target
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.send import SignalRefused
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import OperationFailed, Refused
from ansible_collections.fleetops.odoo.plugins.module_utils._workers.recycle import (
    RecycleOrder,
    RecycleResult,
    batches,
    choose_workers,
    recycle_all,
)
from ansible_collections.fleetops.odoo.plugins.modules import recycle_workers

from .. import build
from .model import MASTER, Model, Put, host_of, http_workers

__all__ = ["host_of"]
ALL = (Role.HTTP, Role.CRON, Role.GEVENT)


def recycle(host: Host, model: Model, *, check: bool = False, timeout: float = 60, **order: t.Any) -> RecycleResult:
    """Recycle workers of the only server; the one result."""
    seen = model.look()
    (result,) = recycle_all(host, seen, [seen.instances[0].identity], RecycleOrder(timeout, **order), check_mode=check)
    return result


def failing(host: Host, model: Model, **order: t.Any) -> tuple[OperationFailed, RecycleResult]:
    """The same, which must fail: the failure and the result."""
    with pytest.raises(OperationFailed) as caught:
        recycle(host, model, **order)
    (result,) = caught.value.results
    assert result.code == caught.value.code
    return caught.value, t.cast("RecycleResult", result)


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
    assert result.reason.endswith("; 3 workers replaced")


@pytest.mark.parametrize("check", [True, False])
def test_without_its_databases_no_worker_is_recycled(host_of: Put, *, check: bool) -> None:
    model = Model(3, 3)
    model.no_database = [Refused(rehearsal.SPAWN_WITHOUT_DATABASE(error="no such host"))]
    host = host_of(model)
    failure, result = failing(host, model, older_than=0, check=check)
    assert (failure.code, model.sent, result.did) == ("rehearsal.spawn_without_database", [], "refused")
    assert recycle(host, model, older_than=1_000_000, check=check).signals == []
    assert model.rehearsed == 1


def test_in_batches_and_every_role(host_of: Put) -> None:
    model = Model(5, 5, cron=2)
    host = host_of(model)
    result = recycle(host, model, older_than=0, roles=ALL, batch=2)
    assert [one["role"] for one in result.recycled] == ["http"] * 5 + ["cron"] * 2 + ["gevent"]
    assert all(one["replaced_by"] for one in result.recycled)
    assert recycle(host, model, pids=frozenset([101, 102]), roles=ALL).signals == []


def test_the_results_of_a_batch_with_a_refusal_name_the_others(host_of: Put) -> None:
    model = Model(3, 3)
    send = model.send

    def refusing(_proc: Proc, name: str, target: Target, *, force: bool = False) -> list[Objection]:
        if target.process.pid == 103:
            raise SignalRefused(Objection(Rule.STATE, STOPPED(pid=103)))
        return send(_proc, name, target, force=force)

    model.send = refusing  # type: ignore[method-assign]
    failure, result = failing(host_of(model), model, older_than=0, batch=2, on_timeout=OnTimeout.ABORT)
    assert (failure.code, failure.problem.values) == ("refused.stopped", {"pid": 103})
    assert [(one["pid"], one["ended"]) for one in result.recycled] == [(101, True), (102, True)]


def test_a_worker_that_is_not_replaced_is_told_and_no_other_is_touched(host_of: Put) -> None:
    model = Model(4, 3)
    failure, result = failing(host_of(model), model, older_than=0, batch=4)
    assert failure.code == "failed.not_replaced"
    assert failure.problem.values["workers"] == "pid 101 (http)"
    assert failure.problem.values["left"] == "3 http workers"
    assert 8 <= failure.problem.values["seconds"] < 9
    assert (result.did, result.signals, len(model.http())) == ("signalled", ["INT"], 3)
    assert [(one["pid"], one["ended"], one["replaced_by"]) for one in result.recycled] == [(101, True, None)]
    assert http_workers(result.after) == 3


def test_a_gevent_process_that_is_not_replaced_is_waited_for_until_the_timeout(host_of: Put) -> None:
    model = Model(2, 2)
    model.deaf = True
    failure, result = failing(host_of(model), model, older_than=0, roles=(Role.GEVENT,), timeout=20)
    assert (failure.code, failure.problem.values) == ("timeout.replaced", {"roles": "gevent"})
    assert result.seconds >= 20


def test_a_busy_worker_is_waited_for_and_named_when_it_takes_too_long(host_of: Put) -> None:
    model = Model(2, 2)
    model.workers[101].until = model.clock.now + 30
    host = host_of(model)
    failure, result = failing(host, model, older_than=0, timeout=10)
    assert (failure.code, result.did) == ("timeout.recycled", "signalled")
    assert failure.problem.values["busy"].startswith("pid 101 (http) for 18 s with http://h/slow/101")
    assert [(one["pid"], one["ended"]) for one in result.recycled] == [(101, False)]
    model.workers[102].until = model.clock.now + 30
    assert all(one["ended"] for one in recycle(host, model, older_than=0).recycled)


def test_without_time_for_the_next_worker_it_gets_no_signal(host_of: Put) -> None:
    model = Model(3, 3)
    model.workers[101].until = model.clock.now + 9
    model.delay = 2.0
    failure, result = failing(host_of(model), model, older_than=0, timeout=10)
    assert (failure.code, failure.problem.values) == ("timeout.not_signalled", {"workers": "pid 102 (http)"})
    assert result.signals == ["INT"]


def test_abort_says_what_is_lost(host_of: Put) -> None:
    model = Model(3, 3)
    for pid in (101, 103):
        model.workers[pid].until = model.clock.now + 1000
    model.silent = {103}
    result = recycle(host_of(model), model, older_than=0, roles=ALL, on_timeout=OnTimeout.ABORT)
    assert result.signals == ["XCPU", "XCPU", "XCPU", "XCPU", "INT"]
    assert [one["lost"] and one["lost"]["url"] for one in result.recycled[:3]] == ["http://h/slow/101", None, None]
    assert "cut off: pid 101 with http://h/slow/101" in result.reason
    assert [(one.code, one.values) for one in result.warnings] == [("failed.lost_work_unknown", {"pid": 103})]


@pytest.mark.parametrize("version", ["19.0", "14.0"])
def test_workers_that_are_busy_for_long_are_chosen(host_of: Put, version: str) -> None:
    model = Model(4, 4, version=version)
    model.workers[101].until = model.clock.now + 20
    model.workers[102].until = model.clock.now + 3
    model.workers[103].until = model.clock.now + 20
    model.silent = {103}
    # The dumps of 19 say 18 seconds; those of 14 say nothing, so it is watched.
    result = recycle(host_of(model), model, busy_longer_than=9 if version == "19.0" else 5)
    expected = [101, 102] if version == "19.0" else [101]
    assert [one["pid"] for one in result.recycled] == expected
    assert [(one.code, one.values) for one in result.warnings] == [("failed.work_time_unknown", {"pids": "103"})]


def test_the_time_to_watch_workers_must_fit_into_the_timeout(host_of: Put) -> None:
    model = Model(1, 1, version="14.0")
    model.workers[101].until = model.clock.now + 1000
    failure, _result = failing(host_of(model), model, busy_longer_than=100)
    assert (failure.code, failure.problem.values) == ("refused.watch_too_long", {"seconds": 100, "timeout": 60})


def test_without_dumps_no_work_is_known(host_of: Put) -> None:
    model = Model(2, 2)
    model.hidden = Problem("dump.terminal", "its log goes to a terminal")
    for check in (True, False):
        failure, result = failing(host_of(model), model, busy_longer_than=1, check=check)
        assert (failure.code, failure.problem.values["why"]) == ("refused.work_time_unknown", model.hidden.text)
        assert (result.did, model.sent) == ("refused", [])


def test_check_mode(host_of: Put) -> None:
    model = Model(2, 2)
    host = host_of(model)
    result = recycle(host, model, check=True, older_than=0, roles=ALL, on_timeout=OnTimeout.ABORT)
    assert (result.did, result.signals, model.sent) == ("signalled", ["XCPU", "XCPU", "XCPU", "INT"], [])
    result = recycle(host, model, check=True, busy_longer_than=1)
    assert (result.did, result.signals) == ("nothing", [])
    assert "the other conditions match pid 101 (http), pid 102 (http)" in result.reason
    assert recycle(host, model, check=True, rss_above=1 << 40).did == "nothing"


def test_a_server_that_reloads_is_looked_at_again_in_check_mode(host_of: Put) -> None:
    model = Model(2, 2)
    old = build.process(99, MASTER, build.WORKER, fingerprint=1)
    there = model.processes
    model.processes = lambda: [*there(), old]  # type: ignore[method-assign]
    result = recycle(host_of(model), model, check=True, older_than=0)
    assert (result.did, result.signals, result.changed) == ("nothing", [], False)
    assert "reloading" in result.reason
    failure, _result = failing(host_of(model), model, older_than=0, timeout=5)
    assert (failure.code, failure.problem.values) == ("timeout.running", {"state": "reloading"})


def test_a_threaded_server_is_refused(host_of: Put) -> None:
    model = Model(2, 2)
    model.processes = lambda: build.threaded(MASTER)  # type: ignore[method-assign]
    failure, result = failing(host_of(model), model, older_than=0)
    assert (failure.code, result.did) == ("refused.threaded", "refused")


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


SECRET = "hunter22"


def test_work_that_was_cut_off_shows_no_secret() -> None:
    module = t.cast("t.Any", types.SimpleNamespace(_diff=False))
    lost = Busy(7, Role.HTTP, 3.0, f"http://h/?x={SECRET}", "shop", None, (f"/x.py:1 f: {SECRET}",)).told()
    worker = {"pid": 7, "identity": "7:7", "role": SECRET, "lost": lost}
    warning = rehearsal.DATABASES_UNKNOWN(why=SECRET)
    result = RecycleResult(
        "1:1", 1, Outcome.SIGNALLED, SECRET, busy=[lost], warnings=[warning], recycled=[worker], signals=["XCPU"]
    )
    result.step(1.0, f"XCPU cuts off {SECRET}")
    found = recycle_workers.tell(module, [result], Secrets(((SECRET, "admin_passwd of odoo.conf"),)))
    # Words of the collection stay as they are, even where a password is one of them: others go by them.
    assert found["results"][0]["recycled"][0].pop("role") == SECRET
    assert SECRET not in json.dumps(found)
    assert (found["changed"], found["results"][0]["warnings"][0]["code"]) == (True, "rehearsal.databases_unknown")


class _Failed(Exception):
    pass


def _order_of(**given: t.Any) -> RecycleOrder:
    """The order that options make; a bad one raises what the module would return."""

    def fail_json(**result: t.Any) -> t.NoReturn:
        raise _Failed(result)

    params = {name: spec.get("default") for name, spec in recycle_workers.SPEC.items()}
    module = types.SimpleNamespace(params={**params, **given}, fail_json=fail_json)
    return recycle_workers.order_of(t.cast("t.Any", module))


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, "option.no_condition"),
        ({"older_than": 0.0, "roles": []}, "option.empty_list"),
        ({"older_than": 0.0, "batch": 0}, "option.out_of_range"),
        ({"older_than": -1.0}, "option.negative"),
        ({"busy_longer_than": -1.0}, "option.negative"),
        ({"older_than": 0.0, "timeout": 0.0}, "option.not_positive"),
        ({"rss_above": "much"}, "option.not_a_size"),
        ({"rss_above": "-1M"}, "option.not_a_size"),
    ],
)
def test_an_option_that_cannot_be_used_is_refused(given: dict[str, t.Any], code: str) -> None:
    with pytest.raises(_Failed) as caught:
        _order_of(**given)
    assert caught.value.args[0]["code"] == code


def test_options_become_an_order() -> None:
    order = _order_of(rss_above="1.5G", pids=[3], roles=["cron"], on_timeout="abort")
    assert (order.rss_above, order.pids, order.roles) == (3 << 29, frozenset([3]), (Role.CRON,))
    assert (order.aborts, order.older_than, order.batch) == (True, None, 1)
