# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test which processes are busy, from processes and dumps."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.parse import parse_dumps
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.stack import Dump, Frame, Stack
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.work import Busy, find_busy
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Instance, Role

from .. import build
from .dumped import lines


def dumps(kind: str, instance: Instance) -> dict[int, Dump]:
    """The captured dumps, as if the processes of this instance had written them: those at work first."""
    found = {dump.pid: dump for dump in parse_dumps(lines(kind))}
    if "threaded" in kind:
        return {instance.master.pid: next(iter(found.values()))}
    https, (cron,) = instance.having(Role.HTTP), instance.having(Role.CRON)
    chosen = [found[pid] for pid in ((41, 42, 46) if kind.startswith("19") else (34, 32, 37))]
    return dict(zip([*(c.process.pid for c in https), cron.process.pid], chosen))


def told(found: t.Iterable[Busy]) -> list[tuple[str, str | None, str | None, str | None]]:
    return [(one.role, (one.url or "")[-9:] or None, one.database, one.job) for one in found]


def test_a_threaded_server() -> None:
    one = build.instance(build.threaded())
    found = find_busy(one, dumps("19-threaded", one), [*lines("19-threaded")], 2.0, leaving=False)
    assert told(found) == [("http", "/sleep/10", "t19", None), ("cron", None, "t19", None)]
    # The log of the captured one shows another pid than the one that is made up here.
    renamed = [line.replace(",451 33 INFO", f",451 {one.master.pid} INFO") for line in lines("19-threaded")]
    assert told(find_busy(one, dumps("19-threaded", one), renamed, 2.0, leaving=False))[1][3] == "lab slow cron"
    assert [round(busy.seconds, 1) for busy in found] == [5.6, 0.0]
    assert found[0].stack[-1].endswith("lab_slow/controllers/main.py:28 sleep: time.sleep(_seconds(seconds))")
    text = str(found[0])
    assert "pid 100 (http) for 6 s with http://192.0.2.10:8069/lab/sleep/10 of database t19, at /opt/" in text


@pytest.mark.parametrize(("kind", "busy"), [("19-prefork", ["http", "cron"]), ("14-prefork", ["http"])])
def test_a_prefork_server_at_rest_and_one_that_leaves(kind: str, busy: list[str]) -> None:
    one = build.instance(build.prefork())
    found = dumps(kind, one)
    gevent = [c.process.pid for c in one.children if c.role == "gevent"]
    # gevent has written none, which does not prove that it is idle.
    running = find_busy(one, found, [], 3.0, leaving=False)
    assert [b.role for b in running if b.pid not in gevent] == busy
    leaving = find_busy(one, found, [], 30.0, leaving=True)
    assert [b.role for b in leaving if b.pid not in gevent] == busy
    assert all(b.seconds >= 30 for b in leaving)
    # If nothing is visible, every remaining process counts.
    blind = find_busy(one, {}, [], 30.0, leaving=True)
    assert sorted(b.pid for b in blind) == sorted(c.process.pid for c in one.children)


def test_a_missing_dump_does_not_prove_that_a_process_is_idle() -> None:
    one = build.instance(build.threaded())
    (busy,) = find_busy(one, {}, [], 4.0, leaving=False)
    assert (busy.pid, busy.role, busy.seconds, busy.url, busy.stack) == (100, "http", 4.0, None, ())
    assert str(busy).startswith("pid 100 (http) for 4 s, ")


@pytest.mark.parametrize(
    "threads", [(), (Stack("t"),), (Stack("t"), Stack("idle", frames=(Frame("/x.py", 1, "wait"),)))]
)
def test_a_dump_that_cannot_be_parsed_does_not_prove_that_a_process_is_idle(threads: tuple[Stack, ...]) -> None:
    one = build.instance(build.threaded())
    (busy,) = find_busy(one, {100: Dump(100, "", None, threads)}, [], 4.0, leaving=False)
    assert (busy.pid, busy.role, busy.seconds, busy.url, busy.stack) == (100, "http", 4.0, None, ())
    # The remaining processes of a leaving server show its work, and this one has only its master.
    assert find_busy(one, {}, [], 4.0, leaving=True) == []


def test_it_can_be_told() -> None:
    busy = Busy(1, Role.CRON, 1.234, database="x\udcff", job="Clean up", stack=("a", "b"))
    assert busy.at_least(5.0).seconds == 5.0
    assert busy.told()["seconds"] == 1.2
    assert busy.told()["database"] == "x\\xff"
    assert str(busy) == "pid 1 (cron) for 1 s with the cron job 'Clean up' of database x\udcff, at b"
