# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scaling a server whose master keeps up a number that nobody sees."""

from __future__ import annotations

import os
import random
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps import ask as _stacks
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.stack import Dump
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Instance, Role
from ansible_collections.fleetops.odoo.plugins.module_utils._server.host import Host
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.rules import Refusal, Rule
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.send import Refused
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import WouldFail
from ansible_collections.fleetops.odoo.plugins.module_utils._workers import scale as _scale
from ansible_collections.fleetops.odoo.plugins.module_utils._workers import workers as _crew
from ansible_collections.fleetops.odoo.plugins.module_utils._workers.scale import (
    ScaleOrder,
    ScaleResult,
    foreseen,
    pick,
    scale_all,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._workers.workers import CrewFailed

from .. import build
from .model import MASTER, Model, host_of

__all__ = ["host_of"]
#: How many random histories are lived through.
STORIES = int(os.environ.get("FLEETOPS_STORIES", "40"))

Put = t.Callable[[Model], Host]


def scale(
    host: Host, model: Model, count: int, *, check: bool = False, timeout: float = 60, **more: t.Any
) -> ScaleResult:
    """Scale the only server; the one result."""
    seen = model.look()
    order = ScaleOrder(count, timeout, **more)
    (result,) = scale_all(host, seen, [seen.instances[0].identity], order, check_mode=check)
    return result


def failing(host: Host, model: Model, count: int, **more: t.Any) -> tuple[str, ScaleResult]:
    """The same, which must fail: message and result."""
    with pytest.raises(CrewFailed) as caught:
        scale(host, model, count, **more)
    (result,) = caught.value.results
    return str(caught.value), t.cast("ScaleResult", result)


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
    assert result.reason == (
        "it had 2 http workers and has 6, which its master keeps up; a HUP or a restart makes it 2 again, as it is"
        " configured"
    )
    assert result.told()["after"] == {"http": 6}


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
    assert result.reason == "it has 3 http workers"


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
    assert "which its master keeps up" in result.reason


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
    scale(Host(host.proc, model.clock, host.store), model, 1)
    assert state(model) == (1, 1)


def test_a_master_that_is_slow_gets_too_many_and_is_put_right(host_of: Put) -> None:
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
def test_whoever_ends_by_himself_meanwhile_is_counted(
    host_of: Put, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    model = Model(6, 6)
    host = host_of(model)
    fewest: list[int] = []

    def some_end() -> None:
        # limit_memory_soft, say. Once the number has been lowered nobody is started in their place.
        if len(model.http()) == 7:
            for worker in model.http()[:2]:
                del model.workers[worker.pid]

    def live(_seconds: float) -> None:
        if moment == "lowered" and [name for name, _pid in model.sent].count("TTOU") == 4:
            some_end()
        model.settle()
        fewest.append(len(model.http()))

    def take(instance: Instance, pids: t.Collection[int]) -> tuple[dict[int, Dump], list[str]]:
        found = model.take(instance, pids)
        if moment == "asked":
            some_end()
        return found

    model.clock._on_sleep = live
    monkeypatch.setattr(_stacks.Stacks, "take", lambda _stacks, instance, pids: take(instance, pids))
    scale(host, model, 3)
    assert (min(fewest), state(model)) == (3, (3, 3))


def test_who_is_at_work_is_left_alone_and_named(host_of: Put) -> None:
    model = Model(3, 3)
    for worker in model.http():
        worker.until = model.clock.now + 1000
    busy = {worker.pid for worker in model.http()}
    message, result = failing(host_of(model), model, 1)
    assert "within its timeout (60 s): still waiting for 2 of 3 http workers to end: pid 10" in message
    assert "with http://h/slow/10" in message
    assert "Its master keeps up 1, so whoever ends is not replaced. With wait_busy" in message
    # The one that was started for the proof was idle.
    assert result.signals == ["TTIN", "TTOU", "TTOU", "TTOU", "INT"]
    assert {worker.pid for worker in model.http()} == busy
    assert len(result.busy) == 3


def test_who_is_at_work_ends_after_his_request(host_of: Put) -> None:
    model = Model(3, 3)
    for worker in model.http():
        worker.until = model.clock.now + 20
    result = scale(host_of(model), model, 1, wait_busy=True)
    assert result.signals.count("INT") == 3
    assert (model.clock.now - 1000 > 19, state(model)) == (True, (1, 1))


def test_without_dumps_only_waiting_helps(host_of: Put) -> None:
    model = Model(3, 3)
    model.hidden = "its log goes to a terminal"
    message, result = failing(host_of(model), model, 1)
    assert "cannot be seen: its log goes to a terminal; set wait_busy" in message
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


def test_what_speaks_against_it(host_of: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model(2, 2)
    host = host_of(model)
    for worker in model.http():
        worker.rss_pages = 100_000
    monkeypatch.setattr(_scale, "free_memory", lambda: 1 << 20)
    message, _result = failing(host, model, 4)
    assert "2 more http workers of up to " in message
    assert "ask for fewer, or set force" in message
    assert model.sent == []
    result = scale(host, model, 4, force=True)
    assert (result.target, "forced against: 2 more http workers" in result.warnings[0]) == (4, True)
    # To scale down none is needed.
    assert scale(host, model, 2).target == 2


@pytest.mark.parametrize("check", [True, False])
def test_without_its_databases_nothing_is_done(host_of: Put, *, check: bool) -> None:
    model = Model(2, 2)
    model.no_database = [WouldFail("no such host")]
    host = host_of(model)
    message, result = failing(host, model, 3, check=check, force=True)
    assert "no such host" in message
    assert (model.sent, result.did) == ([], "refused")
    # Nobody is asked where nobody is to be started.
    assert scale(host, model, 2, check=check).signals == []
    failing(host, model, 2, check=check, prove=True)
    # Fewer are kept up after a TTOU and a TTIN, which starts one.
    failing(host, model, 1, check=check)
    assert (model.sent, model.rehearsed) == ([], 3)


def test_a_doubt_about_its_databases_is_told(host_of: Put) -> None:
    model = Model(2, 2)
    model.doubt = "who knows"
    assert scale(host_of(model), model, 3).warnings[0] == "who knows"


def test_threaded_servers_are_refused(host_of: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model(2, 2)
    host = host_of(model)
    monkeypatch.setattr(model, "processes", lambda: build.threaded(MASTER))
    for check in (True, False):
        message, result = failing(host, model, 2, check=check)
        assert "it is threaded (workers = 0)" in message
        assert result.did == "refused"


def test_a_server_that_ends(host_of: Put) -> None:
    model = Model(2, 2)
    host = host_of(model)

    def end(_seconds: float) -> None:
        model.alive = not model.sent
        model.settle()

    model.clock._on_sleep = end
    message, result = failing(host, model, 4)
    assert "the server ended after TTIN" in message
    assert result.signals == ["TTIN"]


def test_a_refused_signal_is_told_with_what_was_done(host_of: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model(2, 2)
    host = host_of(model)
    first = model.send

    def send(*arguments: t.Any, **keywords: t.Any) -> list[Refusal]:
        if len(model.sent) == 2:
            raise Refused(Refusal(Rule.STATE, "the server is reloading"))
        return first(*arguments, **keywords)

    monkeypatch.setattr(_crew, "send", send)
    message, result = failing(host, model, 6)
    assert "the server is reloading" in message
    assert (result.did, result.signals, result.after) == ("signalled", ["TTIN", "TTIN"], {"http": 4})


def test_what_it_was_told_to_have_is_remembered(host_of: Put) -> None:
    model = Model(3, 3, configured=3)
    host = host_of(model)
    scale(host, model, 3)
    master = model.look().instances[0].master
    assert host.store.scaled(master) is None
    scale(host, model, 1)
    assert host.store.scaled(master) == 1
    model.hang_up()
    assert host.store.scaled(model.look().instances[0].master) is None


@pytest.mark.parametrize(
    ("there", "count", "prove", "signals"),
    [
        (2, 2, False, ""),
        (2, 2, True, "TTIN TTOU INT"),
        (1, 3, True, "TTIN TTIN"),
        (4, 2, False, "TTIN TTOU TTOU TTOU INT INT INT"),
    ],
)
def test_what_is_foreseen(there: int, count: int, prove: bool, signals: str) -> None:  # noqa: FBT001
    assert foreseen(there, count, prove=prove) == signals.split()


def test_whom_to_end() -> None:
    children = build.instance(build.prefork(100, workers=4)).having(Role.HTTP)
    assert [c.process.pid for c in pick(children, {104, 102}, 1, wait_busy=False)] == [103]
    assert [c.process.pid for c in pick(children, {104, 102}, 3, wait_busy=False)] == [103, 101]
    assert [c.process.pid for c in pick(children, {104, 102}, 3, wait_busy=True)] == [103, 101, 104]
