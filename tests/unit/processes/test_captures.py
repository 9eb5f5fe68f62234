# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test random trees: nothing raises, no decoy is a master, no child has two masters."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import (
    Found,
    Generation,
    Mode,
    Role,
    State,
    find_instances,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.process import Process
from hypothesis import given
from hypothesis import strategies as st

from .. import build
from ..config.command_lines import NOTHING, ONE_OFFS, SERVERS

DECOYS = [tuple(line.split(" ")) for line in NOTHING if line]
ARGVS = st.sampled_from(
    [
        *DECOYS,
        *[tuple(line.split(" ")) for line in [*ONE_OFFS, *SERVERS]],
        *[build.SERVER_ARGV] * 20,
        *[build.GEVENT_ARGV] * 5,
        ("odoo: WorkerHTTP 1410",),
        (),
        ("",),
    ]
)
CAUGHT = st.sampled_from(
    [(), build.BOOTING, build.PREFORK_MASTER, build.THREADED_MASTER, build.WORKER, build.GEVENT, ("HUP",)]
)


@st.composite
def trees(draw: st.DrawFn) -> list[Process]:
    """Any processes with any parents: cycles, orphans and pids that are there twice in time included."""
    pids = draw(st.lists(st.integers(1, 12), unique=True, min_size=1, max_size=12))
    return [
        build.process(
            pid,
            draw(st.integers(0, 13)),
            draw(CAUGHT),
            argv=draw(ARGVS),
            start=draw(st.integers(0, 30)),
            nice=draw(st.sampled_from([0, 0, 10, 19, -5])),
            run_state=draw(st.sampled_from("SSSSRDZXT")),
            fingerprint=draw(st.sampled_from([None, 1, 1, 2, 3])),
            sockets=draw(st.sampled_from([None, frozenset(), frozenset([build.SOCKET])])),
            marks=draw(st.sampled_from([{}, {}, {"ODOO_READY_SIGHUP_PID": "5"}])),
        )
        for pid in pids
    ]


def check(processes: list[Process], found: Found) -> None:
    """Check the conditions of every tree."""
    by_pid = {process.pid: process for process in processes}
    masters = [instance.master.pid for instance in found.instances]
    children = [child.process.pid for instance in found.instances for child in instance.children]
    assert len(set(masters)) == len(masters)
    assert len(set(children)) == len(children)
    assert not set(masters) & set(children)
    for pid in [*masters, *(process.pid for process in found.one_off)]:
        assert by_pid[pid].argv not in DECOYS
        assert by_pid[pid].run_state not in "ZX"
    for instance in found.instances:
        assert instance.state in (State.BOOTING, State.RUNNING, State.RELOADING, State.DRAINING)
        if instance.mode == Mode.GEVENT:
            # The first process of a container, seen from within.
            assert (instance.children, instance.master.ppid) == ((), 0)
            continue
        assert instance.mode in (Mode.PREFORK, Mode.THREADED, None)
        assert (instance.mode is None) == (not instance.master.catches("QUIT"))
        # A worker whose master died is not a master.
        assert instance.master.catches("HUP") or not instance.master.catches("QUIT")
        for child in instance.children:
            assert child.process.ppid == instance.master.pid
            assert child.process.argv not in DECOYS or child.process.fingerprint == instance.master.fingerprint
            assert child.role in (Role.HTTP, Role.CRON, Role.GEVENT, Role.OTHER, Role.SHEPHERD, Role.UNKNOWN)
            assert child.generation in (Generation.CURRENT, Generation.OLD)
            assert child.role != Role.SHEPHERD or child.process.catches("HUP")
        if instance.state == State.RUNNING:
            assert not any(c.role == Role.SHEPHERD or c.generation == Generation.OLD for c in instance.children)


@given(trees(), st.none() | st.integers(0, 5000))
def test_any_tree(processes: list[Process], now: int | None) -> None:
    check(processes, find_instances(processes, build.PORTS, now))


@given(trees(), st.randoms())
def test_the_order_of_the_records_means_nothing(processes: list[Process], random: t.Any) -> None:
    shuffled = list(processes)
    random.shuffle(shuffled)
    assert find_instances(shuffled, build.PORTS, 99) == find_instances(processes, build.PORTS, 99)


@given(trees())
def test_what_stands_beside_a_server_does_not_change_it(processes: list[Process]) -> None:
    server = build.prefork(100, ppid=60)
    strangers = [dataclasses.replace(p, ppid=p.ppid if p.ppid < 50 else 1) for p in processes]
    alone = find_instances(server, build.PORTS, 9999).instances[0]
    beside = find_instances([*strangers, *server], build.PORTS, 9999)
    assert [i for i in beside.instances if i.master.pid == 100] == [alone]


@pytest.mark.parametrize("argv", DECOYS, ids=" ".join)
def test_a_decoy_with_all_the_handlers_of_a_master_is_not_a_server(argv: tuple[str, ...]) -> None:
    for caught in (build.PREFORK_MASTER, build.THREADED_MASTER, build.BOOTING):
        found = find_instances([build.process(7, 1, caught, argv=argv)], build.PORTS, 9999)
        assert found == Found((), ())


@pytest.mark.parametrize("line", SERVERS)
def test_no_way_of_starting_is_missed(line: str) -> None:
    argv = tuple(line.split(" "))
    instance = build.instance(build.prefork(argv=argv))
    assert (instance.mode, instance.state) == (Mode.PREFORK, State.RUNNING)
    alone = build.instance(build.threaded(argv=argv))
    assert (alone.mode, alone.state) == (Mode.THREADED, State.RUNNING)


def test_several_servers_side_by_side() -> None:
    found = find_instances(
        [*build.prefork(100), *build.prefork(200, workers=5, uid=7), *build.threaded(300)], build.PORTS, 9999
    )
    assert [(i.master.pid, i.mode, len(i.children)) for i in found.instances] == [
        (100, Mode.PREFORK, 4),
        (200, Mode.PREFORK, 7),
        (300, Mode.THREADED, 0),
    ]


def test_a_server_under_wrappers() -> None:
    wrappers = [
        build.process(10, 1, (), argv=("sudo", "-u", "odoo", "timeout", "60", "python3", "odoo-bin")),
        build.process(11, 10, (), argv=("timeout", "60", "python3", "odoo-bin")),
        build.process(12, 11, (), argv=("bash", "-c", "python3 odoo-bin")),
    ]
    found = find_instances([*wrappers, *build.threaded(100, ppid=12)], build.PORTS, 9999)
    assert [i.master.pid for i in found.instances] == [100]


def test_orphaned_workers_belong_to_no_server() -> None:
    orphans = [dataclasses.replace(p, ppid=1) for p in build.prefork(100)[1:]]
    assert find_instances(orphans, build.PORTS, 9999).instances == ()


def test_an_orphaned_shepherd_is_never_at_rest() -> None:
    # The new server died while it loaded; the old master lives on for a moment, without its workers.
    shepherd = build.process(105, 1)
    (instance,) = find_instances([shepherd], build.PORTS, 99_999).instances
    assert instance.state in (State.BOOTING, State.DRAINING)


def test_a_later_worker_with_the_pid_of_the_shepherd_is_a_worker() -> None:
    processes = build.prefork(100)
    master = dataclasses.replace(processes[0], marks={"ODOO_READY_SIGHUP_PID": "101"})
    instance = build.instance([master, *processes[1:]])
    assert instance.state == State.RUNNING
    assert instance.having(Role.SHEPHERD) == []


def test_a_worker_just_forked_with_the_pid_of_the_shepherd() -> None:
    processes = build.prefork(100)
    master = dataclasses.replace(processes[0], marks={"ODOO_READY_SIGHUP_PID": "101"})
    fresh = dataclasses.replace(processes[1], caught=master.caught)
    instance = build.instance([master, fresh, *processes[2:]])
    # It looks like a shepherd for a moment. That no signal is sent then is what counts.
    assert instance.state != State.RUNNING or instance.having(Role.UNKNOWN)


def test_the_shepherd_of_a_container_is_named_by_its_pid_in_there() -> None:
    processes = [
        dataclasses.replace(p, fingerprint=None, namespace_pids=(p.pid, p.pid - 95)) for p in build.prefork(100)
    ]
    master = dataclasses.replace(processes[0], marks={"ODOO_READY_SIGHUP_PID": "6"})
    shepherd = dataclasses.replace(processes[1], caught=master.caught)
    instance = build.instance([master, shepherd, *processes[2:]])
    assert [child.process.pid for child in instance.having(Role.SHEPHERD)] == [101]
    assert instance.state == State.RELOADING


def _nested() -> list[Process]:
    inner = [dataclasses.replace(p, fingerprint=(p.fingerprint or 0) + 1) for p in build.prefork(300)]
    inner[0] = dataclasses.replace(inner[0], ppid=100, argv=(*build.SERVER_ARGV, "--http-port", "8070"))
    return [*build.threaded(100), *inner]


def test_a_server_that_a_server_has_started() -> None:
    # Runbot, or an addon that starts a copy of the server for a test.
    found = find_instances(_nested(), build.PORTS, 9999)
    assert [(i.master.pid, i.state) for i in found.instances] == [(100, State.RUNNING), (300, State.RUNNING)]


def test_roles_without_a_look_into_the_processes() -> None:
    # Another user's view: no sockets, no fingerprint, no environment.
    blind = [dataclasses.replace(p, sockets=None, fingerprint=None) for p in build.prefork(100)]
    instance = build.instance(blind)
    assert instance.state == State.RUNNING
    assert [child.role for child in instance.children] == [Role.HTTP, Role.HTTP, Role.GEVENT, Role.CRON]
    assert instance.listening is None


@pytest.mark.parametrize("nice", [0, 5, 15, 19])
def test_cron_workers_of_a_nice_master(nice: int) -> None:
    processes = [dataclasses.replace(p, nice=min(19, p.nice + nice)) for p in build.prefork(100)]
    assert [child.role for child in build.instance(processes).children] == [
        Role.HTTP,
        Role.HTTP,
        Role.GEVENT,
        Role.CRON,
    ]


def test_an_http_worker_that_was_reniced() -> None:
    processes = build.prefork(100)
    processes[1] = dataclasses.replace(processes[1], nice=5)
    assert len(build.instance(processes).having(Role.HTTP)) == 2


def test_a_threaded_server_that_loads_again_after_a_hup_does_not_drain() -> None:
    # Its handlers are there and its socket not yet. A HUP keeps its start time, so it is not young.
    reloading = build.threaded(100, sockets=frozenset(), start=100)
    assert build.instance(reloading).state in (State.BOOTING, State.RELOADING, State.DRAINING)
