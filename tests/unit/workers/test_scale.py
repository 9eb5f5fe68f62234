# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scaling a server whose master keeps up a number that it does not show."""

from __future__ import annotations

import os
import random
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.stack import Dump
from ansible_collections.fleetops.odoo.plugins.module_utils._messages import rehearsal
from ansible_collections.fleetops.odoo.plugins.module_utils._messages.code import Problem
from ansible_collections.fleetops.odoo.plugins.module_utils._messages.refused import STATE
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Instance
from ansible_collections.fleetops.odoo.plugins.module_utils._server.host import Host
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.rules import Objection, Rule
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.send import SignalRefused
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import OperationFailed, Refused
from ansible_collections.fleetops.odoo.plugins.module_utils._workers.scale import (
    ScaleOrder,
    ScaleResult,
    scale_all,
)

from .. import build
from .model import MASTER, Model, Put, host_of, http_workers

__all__ = ["host_of"]
#: How many random histories are lived through.
STORIES = int(os.environ.get("FLEETOPS_STORIES", "40"))
NO_DATABASE = Refused(rehearsal.SPAWN_WITHOUT_DATABASE(error="no such host"))


def scale(
    host: Host, model: Model, count: int, *, check: bool = False, timeout: float = 60, **more: t.Any
) -> ScaleResult:
    """Scale the only server; the one result."""
    seen = model.look()
    order = ScaleOrder(count, timeout, **more)
    (result,) = scale_all(host, seen, [seen.instances[0].identity], order, check_mode=check)
    return result


def failing(host: Host, model: Model, count: int, **more: t.Any) -> tuple[OperationFailed, ScaleResult]:
    """The same, which must fail: the failure and the result."""
    with pytest.raises(OperationFailed) as caught:
        scale(host, model, count, **more)
    (result,) = caught.value.results
    assert result.code == caught.value.code
    return caught.value, t.cast("ScaleResult", result)


def state(model: Model) -> tuple[int, int]:
    """Workers that are there, and that its master keeps up, when all has come to rest."""
    for _step in range(100):
        model.clock.sleep(0.3)
    return len(model.http()), model.kept_up


def test_up_takes_one_ttin_each_and_no_more(host_of: Put) -> None:
    model = Model(2, 2)
    result = scale(host_of(model), model, 6)
    assert result.signals == ["TTIN"] * 4
    assert (result.target, state(model)) == (6, (6, 6))
    assert "a HUP or a restart makes it 2 again" in result.reason
    assert (result.code, http_workers(result.told()["after"])) == (None, 6)


def test_down_is_known_before_it_is_lowered(host_of: Put) -> None:
    model = Model(6, 6)
    result = scale(host_of(model), model, 2)
    assert result.signals == ["TTIN", *["TTOU"] * 5, *["INT"] * 5]
    assert (result.target, state(model)) == (2, (2, 2))
    assert "again" not in result.reason


def test_the_same_number_needs_nothing(host_of: Put) -> None:
    model = Model(3, 3)
    result = scale(host_of(model), model, 3)
    assert (result.did, result.signals, result.target, model.sent) == ("nothing", [], None, [])
    assert result.reason == "the server has 3 http workers"


@pytest.mark.parametrize("kept_up", [2, 1, 0, -5])
def test_a_number_that_drifted_is_found(host_of: Put, kept_up: int) -> None:
    for there, count in ((2, 4), (5, 3)):
        model = Model(there, kept_up)
        result = scale(host_of(model), model, count)
        assert (result.target, state(model)) == (count, (count, count))
        assert result.signals.count("TTIN") == max(count, there + 1 if there > count else 0) - kept_up


@pytest.mark.parametrize("kept_up", [4, 3, -2])
def test_a_number_is_proved_when_that_is_asked_for(host_of: Put, kept_up: int) -> None:
    model = Model(4, kept_up)
    result = scale(host_of(model), model, 4, prove=True)
    assert (result.target, state(model)) == (4, (4, 4))
    assert result.signals == ["TTIN"] * (5 - kept_up) + ["TTOU", "INT"]
    assert "the target of its master" in result.reason


@pytest.mark.parametrize("there", [2, 5])
@pytest.mark.parametrize("check", [False, True])
def test_workers_that_nothing_tells_apart_are_not_counted(host_of: Put, there: int, *, check: bool) -> None:
    model = Model(there, there)
    model.names_workers = False
    model.hidden = Problem("dump.level", "its log level hides them")
    with pytest.raises(OperationFailed) as caught:
        scale(host_of(model), model, 2, check=check)
    assert (caught.value.code, model.sent) == ("refused.not_told_apart", [])


def test_a_dump_tells_workers_apart_where_nothing_else_does(host_of: Put) -> None:
    model = Model(4, 4)
    model.names_workers = False
    host = host_of(model)
    result = scale(host, model, 2)
    assert (result.target, state(model)) == (2, (2, 2))
    assert set(host.proc.classes.values()) == {"WorkerHTTP"}


def test_a_number_left_in_doubt_by_a_call_is_proved_by_the_next(host_of: Put) -> None:
    model = Model(2, 2)
    host = host_of(model)
    model.deaf = True
    failing(host, model, 3, timeout=3)
    model.deaf, model.kept_up = False, -3
    result = scale(host, model, 2)
    assert (result.target, state(model)) == (2, (2, 2))
    assert scale(host, model, 2).signals == []


def test_fewer_workers_than_configured_are_told_and_repaired(host_of: Put) -> None:
    model = Model(1, -2, configured=2)
    result = scale(host_of(model), model, 2, check=True)
    assert result.reason.endswith("the target of its master is lower than its configuration says (2)")
    assert scale(host_of(model), model, 2).target == 2
    assert state(model) == (2, 2)


def test_another_program_that_raises_the_number_does_not_make_ttous_without_end(host_of: Put) -> None:
    model = Model(4, 4)
    host = host_of(model)

    def raise_again(_seconds: float) -> None:
        if [name for name, _pid in model.sent].count("TTOU") and model.kept_up < 4:
            model.kept_up = 4
        model.settle()

    model.clock._on_sleep = raise_again
    failure, _result = failing(host, model, 2, timeout=900)
    assert failure.code == "failed.number_rises"
    assert [name for name, _pid in model.sent].count("TTOU") <= 3 * (2 + 1) + 5


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_signals_that_get_lost_are_sent_again(host_of: Put, lost: int) -> None:
    model = Model(2, 2)
    host = host_of(model)
    model.lost = lost
    scale(host, model, 4)
    assert state(model) == (4, 4)

    def lose(_seconds: float) -> None:
        # The second TTOU and the third of them.
        if [name for name, _pid in model.sent].count("TTOU") == 1 and not model.lost:
            model.lost = lost
        model.settle()

    model.sent.clear()
    model.clock = build.FakeClock(lose)
    host.clock = model.clock
    scale(host, model, 1)
    assert state(model) == (1, 1)


def test_a_slow_master_gets_too_many_signals_and_is_corrected(host_of: Put) -> None:
    model = Model(2, 2)
    host = host_of(model)
    model.delay = 2.5
    result = scale(host, model, 4)
    assert state(model) == (4, 4)
    assert result.target == 4


def test_random_histories_end_at_the_right_number(host_of: Put) -> None:
    numbers = random.Random(11)
    for _story in range(STORIES):
        there = numbers.randint(1, 7)
        model = Model(there, numbers.randint(-3, there))
        host = host_of(model)
        model.delay = numbers.choice([0.01, 0.03, 0.1, 1.5])
        for worker in model.http():
            worker.until = model.clock.now + numbers.choice([0, 0, 1, 5])
        deaths = numbers.choice([0, 0.02])

        def live(_seconds: float, model: Model = model, deaths: float = deaths) -> None:
            # limit_request: one that has served enough ends by itself.
            if numbers.random() < deaths and model.http():
                model.workers[numbers.choice(model.http()).pid].told = True
            model.settle()

        model.clock._on_sleep = live
        count = numbers.randint(1, 7)
        wait_busy, prove = numbers.random() < 0.5, numbers.random() < 0.3
        result = scale(host, model, count, timeout=900, wait_busy=wait_busy, prove=prove)
        model.clock._on_sleep = lambda _seconds, model=model: model.settle()
        if result.signals:
            assert state(model) == (count, count)
        assert len(model.http()) >= count or not result.signals


def test_there_are_never_fewer_than_wished_for_and_one_more_at_most(host_of: Put) -> None:
    model = Model(6, 6)
    host = host_of(model)
    seen: set[int] = set()

    def watch(_seconds: float) -> None:
        model.settle()
        seen.add(len(model.http()))

    model.clock._on_sleep = watch
    scale(host, model, 3)
    assert (min(seen), max(seen)) == (3, 7)


@pytest.mark.parametrize("moment", ["lowered", "asked"])
def test_a_worker_that_ends_by_itself_meanwhile_is_counted(host_of: Put, moment: str) -> None:
    model = Model(6, 6)
    host = host_of(model)
    fewest: list[int] = []

    def some_end() -> None:
        # limit_memory_soft, say. Once the number has been lowered they are not replaced.
        if len(model.http()) == 7:
            for worker in model.http()[:2]:
                del model.workers[worker.pid]

    def live(_seconds: float) -> None:
        if moment == "lowered" and [name for name, _pid in model.sent].count("TTOU") == 4:
            some_end()
        model.settle()
        fewest.append(len(model.http()))

    def take(instance: Instance, pids: t.Collection[int], *, names: bool = True) -> tuple[dict[int, Dump], list[str]]:
        found = take_from_model(instance, pids, names=names)
        if moment == "asked":
            some_end()
        return found

    model.clock._on_sleep = live
    take_from_model, model.take = model.take, take  # type: ignore[method-assign]
    scale(host, model, 3)
    assert (min(fewest), state(model)) == (3, (3, 3))


def test_busy_workers_are_left_alone_and_named(host_of: Put) -> None:
    model = Model(3, 3)
    for worker in model.http():
        worker.until = model.clock.now + 1000
    busy = {worker.pid for worker in model.http()}
    failure, result = failing(host_of(model), model, 1)
    assert failure.code == "timeout.workers_busy"
    values = failure.problem.values
    assert (values["surplus"], values["there"], values["count"]) == (2, 3, 1)
    assert "with http://h/slow/10" in values["busy"]
    # The one that was started for the proof was idle.
    assert result.signals == ["TTIN", "TTOU", "TTOU", "TTOU", "INT"]
    assert {worker.pid for worker in model.http()} == busy
    assert {one["pid"] for one in result.told()["busy"]} == busy


def test_busy_workers_that_were_told_to_end_and_do_not_are_named(host_of: Put) -> None:
    model = Model(2, 2)
    for worker in model.http():
        worker.until = model.clock.now + 1000
    failure, result = failing(host_of(model), model, 1, wait_busy=True)
    assert (failure.code, result.did) == ("timeout.workers_leaving", "signalled")
    assert "with http://h/slow/10" in failure.problem.values["busy"]


def test_a_master_that_starts_no_worker_is_told(host_of: Put) -> None:
    model = Model(2, 2)
    model.deaf = True
    failure, result = failing(host_of(model), model, 3, timeout=5)
    assert (failure.code, set(result.signals)) == ("timeout.more_workers", {"TTIN"})
    failure, result = failing(host_of(model), model, 1, timeout=5)
    assert (failure.code, set(result.signals)) == ("timeout.fewer_workers", {"TTIN"})


def test_busy_workers_end_after_their_request(host_of: Put) -> None:
    model = Model(3, 3)
    for worker in model.http():
        worker.until = model.clock.now + 20
    result = scale(host_of(model), model, 1, wait_busy=True)
    assert result.signals.count("INT") == 3
    assert (model.clock.now - 1000 > 19, state(model)) == (True, (1, 1))


def test_without_dumps_only_waiting_helps(host_of: Put) -> None:
    model = Model(3, 3)
    model.hidden = Problem("dump.terminal", "its log goes to a terminal")
    failure, result = failing(host_of(model), model, 1)
    assert (failure.code, failure.problem.values["why"]) == ("refused.idle_unknown", model.hidden.text)
    assert (result.did, model.sent) == ("refused", [])
    assert scale(host_of(model), model, 1, wait_busy=True).target == 1
    assert scale(host_of(model), model, 2).target == 2


def test_a_hup_meanwhile_makes_the_number_unknown_again(host_of: Put) -> None:
    model = Model(4, 4, configured=5)
    host = host_of(model)

    def hup(_seconds: float) -> None:
        if model.sent and model.sent[-1][0] == "TTOU" and model.fingerprint == 7000:
            model.hang_up()
        model.settle()

    model.clock._on_sleep = hup
    result = scale(host, model, 2)
    assert (result.target, state(model)) == (2, (2, 2))


def test_check_mode_says_what_would_be_sent(host_of: Put) -> None:
    for there, count, signals in ((2, 4, ["TTIN", "TTIN"]), (3, 2, ["TTIN", "TTOU", "TTOU", "INT", "INT"]), (2, 2, [])):
        model = Model(there, there)
        result = scale(host_of(model), model, count, check=True)
        assert (result.signals, model.sent, result.changed) == (signals, [], bool(signals))
        assert result.did == ("signalled" if signals else "nothing")


def test_without_enough_memory_no_worker_is_added(host_of: Put) -> None:
    model = Model(2, 2)
    host = host_of(model)
    for worker in model.http():
        worker.rss_pages = 100_000
    model.free = 1 << 20
    failure, _result = failing(host, model, 4)
    assert (failure.code, model.sent) == ("rehearsal.little_memory", [])
    assert "2 more http workers" in failure.problem.values["shortages"]
    result = scale(host, model, 4, force=True)
    assert (result.target, [one.code for one in result.warnings]) == (4, ["rehearsal.little_memory"])
    # To scale down none is needed.
    assert scale(host, model, 2).target == 2


def test_a_server_without_http_is_refused(host_of: Put) -> None:
    model = Model(2, 2)
    model.http_enable = False
    failure, result = failing(host_of(model), model, 3)
    assert (failure.code, result.did, model.sent) == ("refused.no_http", "refused", [])


def test_the_number_is_not_written_where_there_is_no_odoo_conf(host_of: Put) -> None:
    model = Model(2, 2)
    for check in (True, False):
        failure, _result = failing(host_of(model), model, 3, persist=True, check=check)
        assert (failure.code, model.sent) == ("refused.conf_none", [])


@pytest.mark.parametrize("check", [True, False])
def test_without_its_databases_nothing_is_done(host_of: Put, *, check: bool) -> None:
    model = Model(2, 2)
    model.no_database = [NO_DATABASE]
    host = host_of(model)
    failure, result = failing(host, model, 3, check=check, force=True)
    assert (failure.code, model.sent, result.did) == ("rehearsal.spawn_without_database", [], "refused")
    # The databases are not asked if no worker will be started.
    assert scale(host, model, 2, check=check).signals == []
    failing(host, model, 2, check=check, prove=True)
    # Fewer are kept up after a TTOU and a TTIN, which starts one.
    failing(host, model, 1, check=check)
    assert (model.sent, model.rehearsed) == ([], 3)


def test_a_doubt_about_its_databases_is_told(host_of: Put) -> None:
    model = Model(2, 2)
    model.doubt = rehearsal.DATABASES_UNKNOWN(why="it is slow")
    assert scale(host_of(model), model, 3).warnings == [model.doubt]


def test_a_rule_that_force_lifts_is_told(host_of: Put) -> None:
    model = Model(2, 2)
    send, lifted = model.send, Objection(Rule.STATE, STATE(state="reloading", signal="TTIN"))
    model.send = lambda *arguments, **keywords: [*send(*arguments, **keywords), lifted]  # type: ignore[method-assign]
    assert scale(host_of(model), model, 4, force=True).warnings == [lifted.problem]


def test_threaded_servers_are_refused(host_of: Put) -> None:
    model = Model(2, 2)
    model.processes = lambda: build.threaded(MASTER)  # type: ignore[method-assign]
    for check in (True, False):
        failure, result = failing(host_of(model), model, 2, check=check)
        assert (failure.code, result.did) == ("refused.threaded", "refused")


def test_a_server_that_ends(host_of: Put) -> None:
    model = Model(2, 2)
    host = host_of(model)

    def end(_seconds: float) -> None:
        model.alive = not model.sent
        model.settle()

    model.clock._on_sleep = end
    failure, result = failing(host, model, 4)
    assert (failure.code, result.signals, result.after) == ("failed.ended", ["TTIN"], None)


def test_a_refused_signal_is_told_with_what_was_done(host_of: Put) -> None:
    model = Model(2, 2)
    first = model.send

    def send(*arguments: t.Any, **keywords: t.Any) -> list[Objection]:
        if len(model.sent) == 2:
            raise SignalRefused(Objection(Rule.STATE, STATE(state="reloading", signal="TTIN")))
        return first(*arguments, **keywords)

    model.send = send  # type: ignore[method-assign]
    failure, result = failing(host_of(model), model, 6)
    assert failure.code == "refused.state"
    assert (result.did, result.signals, http_workers(result.after)) == ("signalled", ["TTIN", "TTIN"], 4)


def test_a_server_behind_one_that_is_refused_is_in_the_results_too(host_of: Put) -> None:
    model = Model(2, 2)
    model.no_database = [NO_DATABASE]
    seen = model.look()
    with pytest.raises(OperationFailed) as caught:
        scale_all(host_of(model), seen, [seen.instances[0].identity] * 2, ScaleOrder(3, 60), check_mode=False)
    assert [(one.did, one.code) for one in caught.value.results] == [
        ("refused", "rehearsal.spawn_without_database"),
        ("not_reached", "failed.not_reached"),
    ]
    assert caught.value.results[1].told()["persisted"] is None


def test_the_number_that_signals_have_set_is_remembered(host_of: Put) -> None:
    model = Model(3, 3, configured=3)
    host = host_of(model)
    scale(host, model, 3)
    master = model.look().instances[0].master
    assert host.store.scaled(master) is None
    scale(host, model, 1)
    assert host.store.scaled(master) == 1
    model.hang_up()
    assert host.store.scaled(model.look().instances[0].master) is None
