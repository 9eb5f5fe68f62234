# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the classification of every captured moment of real Odoo 19.0 and 14.0."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import (
    Generation,
    Mode,
    Role,
    State,
    find_instances,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import Look, look
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.process import AtSocket, Process

from .. import build
from ..conftest import KINDS, captured, postgres, states

See = t.Callable[[str, str], Look]

#: state of the instance, and its children as "role generation", for each captured moment with one instance
MOMENTS: dict[tuple[str, str], tuple[str, list[str]]] = {
    ("19-prefork", "booting-handlers-not-installed-first"): ("booting", []),
    ("19-prefork", "booting-handlers-not-installed-last"): ("booting", []),
    ("19-prefork", "booting-handlers-just-installed"): ("booting", []),
    ("19-prefork", "booting-some-workers-without-handlers"): (
        "running",
        ["http current", "http current", "gevent current", "cron current"],
    ),
    ("19-prefork", "running"): ("running", ["http current", "http current", "gevent current", "cron current"]),
    ("19-prefork", "running-with-setproctitle"): (
        "running",
        ["http current", "http current", "gevent current", "cron current"],
    ),
    ("19-prefork", "running-on-a-pty-through-script-and-runuser"): (
        "running",
        ["http current", "http current", "gevent current", "cron current"],
    ),
    ("19-prefork", "hup-19-shepherd-and-main-reexecuted-no-handlers-old-workers-serving"): (
        "reloading",
        ["http old", "http old", "gevent old", "cron old", "shepherd old"],
    ),
    ("19-prefork", "hup-19-shepherd-old-and-new-generation"): (
        "reloading",
        [
            "http old",
            "http old",
            "gevent old",
            "cron old",
            "shepherd old",
            "http current",
            "http current",
            "gevent current",
            "cron current",
        ],
    ),
    ("19-prefork", "hup-19-shepherd-drains-old-worker-in-flight"): (
        "reloading",
        ["http old", "cron old", "shepherd old", "http current", "http current", "gevent current", "cron current"],
    ),
    ("19-prefork", "hup-19-shepherd-alone-with-new-generation"): (
        "reloading",
        ["shepherd old", "http current", "http current", "gevent current", "cron current"],
    ),
    ("19-prefork", "hup-with-setproctitle"): (
        "reloading",
        [
            "http old",
            "http old",
            "cron old",
            "shepherd old",
            "http current",
            "http current",
            "gevent current",
            "cron current",
        ],
    ),
    ("19-prefork", "hup-19-done"): ("running", ["http current", "http current", "gevent current", "cron current"]),
    ("19-prefork", "int-draining-in-flight"): ("draining", ["http current", "http current"]),
    ("14-prefork", "booting-handlers-not-installed-first"): ("booting", []),
    ("14-prefork", "booting-handlers-not-installed-last"): ("booting", []),
    ("14-prefork", "booting-handlers-just-installed"): ("booting", []),
    ("14-prefork", "booting-some-workers-without-handlers"): (
        "running",
        ["http current", "http current", "gevent current", "cron current"],
    ),
    ("14-prefork", "running"): ("running", ["http current", "http current", "gevent current", "cron current"]),
    ("14-prefork", "running-with-setproctitle"): (
        "running",
        ["http current", "http current", "gevent current", "cron current"],
    ),
    ("14-prefork", "running-on-a-pty-through-script-and-runuser"): (
        "running",
        ["http current", "http current", "gevent current", "cron current"],
    ),
    ("14-prefork", "hup-with-setproctitle"): (
        "running",
        ["http current", "http current", "gevent current", "cron current"],
    ),
    ("14-prefork", "hup-14-draining-first"): ("draining", ["http current", "cron current"]),
    ("14-prefork", "hup-14-draining-in-flight"): ("draining", ["http current"]),
    ("14-prefork", "hup-14-main-reexecuted-no-handlers"): ("booting", []),
    ("14-prefork", "hup-14-done"): ("running", ["http current", "http current", "gevent current", "cron current"]),
    ("14-prefork", "int-draining-in-flight"): ("draining", ["http current"]),
    ("19-threaded", "booting-handlers-not-installed-first"): ("booting", []),
    ("19-threaded", "booting-handlers-not-installed-last"): ("booting", []),
    ("19-threaded", "booting-handlers-just-installed"): ("booting", []),
    ("19-threaded", "running"): ("running", []),
    ("19-threaded", "running-with-setproctitle"): ("running", []),
    ("19-threaded", "running-on-a-pty-through-script-and-runuser"): ("running", []),
    ("19-threaded", "hup-19-threaded-draining-in-flight"): ("draining", []),
    ("19-threaded", "hup-19-threaded-main-reexecuted-no-handlers"): ("booting", []),
    ("19-threaded", "hup-19-threaded-done"): ("running", []),
    ("19-threaded", "int-draining-in-flight"): ("draining", []),
    ("14-threaded", "booting-handlers-not-installed-first"): ("booting", []),
    ("14-threaded", "booting-handlers-not-installed-last"): ("booting", []),
    # Odoo 14 listens as soon as it has its handlers.
    ("14-threaded", "booting-handlers-just-installed"): ("running", []),
    ("14-threaded", "running"): ("running", []),
    ("14-threaded", "running-with-setproctitle"): ("running", []),
    ("14-threaded", "running-on-a-pty-through-script-and-runuser"): ("running", []),
    ("14-threaded", "hup-14-threaded-draining-in-flight"): ("draining", []),
    ("14-threaded", "hup-14-threaded-main-reexecuted-no-handlers"): ("booting", []),
    ("14-threaded", "hup-14-threaded-done"): ("running", []),
    ("14-threaded", "int-draining-in-flight"): ("draining", []),
}


def test_every_captured_moment_is_in_the_table() -> None:
    captured_moments = {(kind, state) for kind in KINDS for state in states(kind)}
    assert captured_moments - set(MOMENTS) == {("19-prefork", "decoys"), ("14-prefork", "decoys")}


@pytest.mark.parametrize(("kind", "state"), MOMENTS)
def test_state_roles_and_generations(see: See, kind: str, state: str) -> None:
    seen = see(kind, state)
    assert len(seen.instances) == 1
    instance = seen.instances[0]
    children = [f"{c.role} {c.generation}" for c in instance.children]
    assert (instance.state, children) == MOMENTS[kind, state]
    if instance.master.catches("QUIT"):
        assert instance.mode == kind.split("-")[1]
    assert seen.one_off == ()


def test_decoys_are_left_out_and_one_off_runs_listed_apart(see: See) -> None:
    # The unit's server and two that were started by hand, through sudo and through timeout and runuser.
    seen = see("19-prefork", "decoys")
    assert [(i.master.pid, i.mode, i.state) for i in seen.instances] == [
        (778, "prefork", "running"),
        (881, "threaded", "running"),
        (883, "threaded", "running"),
    ]
    assert [len(i.children) for i in seen.instances] == [4, 0, 0]
    assert [i.listening for i in seen.instances] == [(("0.0.0.0", port),) for port in (8069, 8090, 8091)]
    assert [process.pid for process in seen.one_off] == [876, 901]  # a shell and --stop-after-init


def test_decoys_of_odoo_14(see: See) -> None:
    seen = see("14-prefork", "decoys")
    assert [(i.master.pid, i.mode) for i in seen.instances] == [(476, "prefork"), (573, "threaded"), (581, "threaded")]
    assert [process.pid for process in seen.one_off] == [577, 605]


def test_postgresql_is_not_odoo() -> None:
    seen = look(postgres())
    assert seen.instances == ()
    assert seen.one_off == ()


def test_a_worker_whose_master_died_is_not_a_master() -> None:
    # Its handlers look like those of a threaded server, but it has none for HUP.
    proc = captured("19-prefork", "running")
    for name in list(proc.files):
        if name.startswith("472/"):
            del proc.files[name]
    assert [i for i in look(proc).instances if i.master.catches("QUIT")] == []


def test_a_process_that_ends_while_it_is_read_is_left_out() -> None:
    proc = captured("19-prefork", "running")
    del proc.files["475/status"]
    proc.files["477/stat"] = b""
    (instance,) = look(proc).instances
    assert sorted(c.role for c in instance.children) == ["cron", "gevent"]


def test_without_aslr_the_shepherd_named_by_the_environment_tells_the_generations() -> None:
    proc = captured("19-prefork", "hup-19-shepherd-old-and-new-generation")
    for pid in proc.pids():
        name = f"{pid}/stat"
        head, tail = proc.files[name].rsplit(b")", 1)
        fields = tail.split()
        fields[25] = b"1"
        proc.files[name] = head + b") " + b" ".join(fields)
    (instance,) = look(proc).instances
    assert instance.state == "reloading"
    assert sorted(f"{c.role} {c.generation}" for c in instance.children) == sorted(
        MOMENTS["19-prefork", "hup-19-shepherd-old-and-new-generation"][1]
    )


def roles(processes: t.Iterable[Process]) -> dict[int, tuple[str, str]]:
    """Role and generation of the children of the only instance, by pid."""
    return {child.process.pid: (child.role, child.generation) for child in build.instance(processes).children}


def test_a_worker_with_a_title_of_its_own_is_told_by_its_exec() -> None:
    renamed = build.process(170, 100, build.WORKER, argv=("odoo at work",))
    assert 170 in roles([*build.prefork(100), renamed])
    assert 170 not in roles([*build.prefork(100), dataclasses.replace(renamed, fingerprint=1)])
    # Where no exec can be seen, an unknown title says nothing.
    hidden = dataclasses.replace(renamed, fingerprint=None)
    assert 170 not in roles([*build.prefork(100, fingerprint=None), hidden])


def test_a_worker_of_an_earlier_exec_is_old() -> None:
    master, *others = build.prefork(100)
    fresh = dataclasses.replace(master, fingerprint=8000)
    found = roles([fresh, *others])
    assert (found[101], found[160]) == ((Role.HTTP, Generation.OLD), (Role.CRON, Generation.OLD))
    assert build.instance([fresh, *others]).state == State.RELOADING
    # Whose exec cannot be seen is taken for one of today.
    unseen = [dataclasses.replace(one, fingerprint=None) for one in others]
    assert set(roles([fresh, *unseen]).values()) == {
        (Role.HTTP, Generation.CURRENT),
        (Role.CRON, Generation.CURRENT),
        (Role.GEVENT, Generation.CURRENT),
    }


@pytest.mark.parametrize(
    ("caught", "sockets", "nice", "role"),
    [
        (build.WORKER, None, 0, Role.HTTP),
        (("INT", "QUIT"), None, 0, Role.UNKNOWN),
        (build.WORKER, frozenset(), 0, Role.OTHER),
        (build.WORKER, frozenset(), 19, Role.CRON),
        (("INT", "QUIT"), frozenset(), 19, Role.UNKNOWN),
    ],
)
def test_a_worker_that_shows_little(
    caught: tuple[str, ...], sockets: frozenset[int] | None, nice: int, role: str
) -> None:
    worker = build.process(170, 100, caught, sockets=sockets, nice=nice)
    assert roles([*build.prefork(100, nice=nice), worker])[170] == (role, Generation.CURRENT)


@pytest.mark.parametrize(
    ("age", "state"), [(0, State.BOOTING), (49, State.BOOTING), (50, State.DRAINING), (999, State.DRAINING)]
)
def test_the_youngest_worker_tells_whether_a_silent_server_starts(age: int, state: str) -> None:
    processes = [
        build.process(100, start=0),
        *(build.process(101 + n, 100, build.WORKER, start=1000 - n) for n in (0, 1)),
    ]
    (found,) = find_instances(processes, {}, 1000 + age).instances
    assert found.state == state


@pytest.mark.parametrize(("age", "state"), [(0, State.BOOTING), (999, State.BOOTING), (1000, State.DRAINING)])
def test_without_workers_the_master_tells_it(age: int, state: str) -> None:
    (found,) = find_instances(build.threaded(100, start=5000), {}, 5000 + age).instances
    assert found.state == state


@pytest.mark.parametrize(
    ("caught", "age", "state"),
    [((), 0, State.BOOTING), ((), 999, State.BOOTING), ((), 1000, State.DRAINING), (("INT",), 100_000, State.BOOTING)],
)
def test_without_handlers_it_starts_or_it_ends(caught: tuple[str, ...], age: int, state: str) -> None:
    (found,) = find_instances([build.process(100, caught=caught, start=5000)], build.PORTS, 5000 + age).instances
    assert (found.mode, found.state) == (None, state)


@pytest.mark.parametrize(
    ("child", "state"),
    [
        # What has just been forked may become the gevent process.
        (build.process(170, 100), State.RUNNING),
        (build.process(170, 100, nice=10), State.DRAINING),
        (build.process(170, 100, ("INT", "QUIT"), sockets=frozenset()), State.DRAINING),
        (build.process(170, 100, build.WORKER), State.DRAINING),
    ],
)
def test_a_server_that_has_ended_its_gevent_process_stops(child: Process, state: str) -> None:
    without = [process for process in build.prefork(100) if process.argv != build.GEVENT_ARGV]
    assert build.instance([*without, child]).state == state


def test_an_instance_listens_where_any_of_it_does() -> None:
    processes = build.prefork(100)
    gevent = next(process for process in processes if process.argv == build.GEVENT_ARGV)
    processes[processes.index(gevent)] = dataclasses.replace(gevent, sockets=frozenset([7]))
    ports = {**build.PORTS, 7: ("0.0.0.0", 8072), 8: ("0.0.0.0", 5432)}
    (found,) = find_instances(processes, ports, 100_000).instances
    assert (found.listening, found.ports) == ((("0.0.0.0", 8069),), (("0.0.0.0", 8069), ("0.0.0.0", 8072)))


def test_a_server_of_other_code_that_a_server_has_started_is_one_of_its_own() -> None:
    argv = ("/usr/bin/python3", "/opt/other/odoo-bin", *build.SERVER_ARGV[2:])
    found = find_instances([*build.prefork(100), *build.prefork(500, ppid=100, argv=argv)], build.PORTS, 100_000)
    assert [one.master.pid for one in found.instances] == [100, 500]


def with_other(**fields: t.Any) -> list[Process]:
    """A server at rest, and a worker that an addon has added."""
    return [*build.prefork(100), build.process(170, 100, build.WORKER, **fields)]


def others(processes: list[Process], **keywords: t.Any) -> list[tuple[int, str | None]]:
    """The workers of an addon, with their classes."""
    found = build.instance(processes, **keywords).having(Role.OTHER)
    assert all(child.told for child in found)
    return [(child.process.pid, child.kind) for child in found]


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"named": "WorkerJobRunner"}, "WorkerJobRunner"),
        ({"named": "WorkerJobRunner", "sockets": frozenset()}, "WorkerJobRunner"),
        ({"argv": ("odoo: WorkerJobRunner 170",)}, "WorkerJobRunner"),
        ({"argv": ("odoo: JobRunner 170 h1",)}, "JobRunner"),
        ({"named": "WorkerQueue", "nice": 10, "sockets": frozenset()}, "WorkerQueue"),
        ({"sockets": frozenset()}, None),
        ({"at_socket": AtSocket.ELSEWHERE}, None),
    ],
)
def test_a_worker_of_an_addon_is_not_an_http_worker(fields: dict[str, t.Any], kind: str | None) -> None:
    assert others(with_other(**fields)) == [(170, kind)]
    assert len(build.instance(with_other(**fields)).having(Role.HTTP)) == 2


def test_the_title_of_another_process_names_no_class() -> None:
    (other,) = [c for c in build.instance(with_other(argv=("odoo: WorkerHTTP 9",))).children if c.process.pid == 170]
    assert (other.role, other.told, other.kind) == (Role.HTTP, False, None)


@pytest.mark.parametrize(
    ("at_socket", "own_modules", "told"),
    [
        (None, False, False),
        (None, True, False),
        (AtSocket.WAITS, False, False),
        (AtSocket.WAITS, True, True),
        (AtSocket.ACCEPTED, False, True),
    ],
)
def test_a_worker_without_a_name_is_an_http_worker_by_evidence(
    *, at_socket: AtSocket | None, own_modules: bool, told: bool
) -> None:
    own = {100} if own_modules else ()
    (child,) = [
        c for c in build.instance(with_other(at_socket=at_socket), own_modules=own).children if c.process.pid == 170
    ]
    assert (child.role, child.told) == (Role.HTTP, told)


def test_a_subclass_in_the_place_of_odoos_own_serves_http() -> None:
    workers = [dataclasses.replace(p, named="WorkerCounted", at_socket=AtSocket.WAITS) for p in build.prefork()[1:3]]
    feeder = build.process(170, 100, build.WORKER, named="WorkerFeeder", at_socket=AtSocket.ELSEWHERE)
    found = build.instance([build.prefork()[0], *workers, *build.prefork()[3:], feeder])
    assert [(c.process.pid, c.told) for c in found.having(Role.HTTP)] == [(101, True), (102, True)]
    assert [c.kind for c in found.having(Role.OTHER)] == ["WorkerFeeder"]


def test_a_subclass_of_the_cron_worker_is_one_where_there_is_no_other() -> None:
    *rest, cron = build.prefork()
    found = build.instance([*rest, dataclasses.replace(cron, named="WorkerCronTimed")])
    assert len(found.having(Role.CRON)) == 1


def test_with_a_socket_of_systemd_niceness_comes_first() -> None:
    processes = [dataclasses.replace(p, sockets=frozenset([build.SOCKET])) for p in build.prefork()]
    found = build.instance(processes)
    assert [len(found.having(role)) for role in (Role.HTTP, Role.CRON, Role.GEVENT)] == [2, 1, 1]


@pytest.mark.parametrize("age", [1, 100, 60_000])
def test_a_prefork_server_that_loads_its_registry_boots_for_as_long_as_that_takes(age: int) -> None:
    master = build.process(100, start=0)
    (found,) = find_instances([master], build.PORTS, age).instances
    assert found.state == State.BOOTING


@pytest.mark.parametrize(("ignored", "state"), [(build.mask(["INT"]), State.BOOTING), (0, State.DRAINING)])
def test_a_server_that_inherited_an_ignored_int_boots(ignored: int, state: State) -> None:
    master = build.process(100, caught=(), start=0, ignored=ignored, sockets=frozenset())
    (found,) = find_instances([master], build.PORTS, 60_000).instances
    assert found.state == state


def gevent_alone(**fields: t.Any) -> Process:
    """A gevent process that systemd has started."""
    return build.process(300, **{"caught": build.GEVENT, "argv": build.GEVENT_ARGV, "session": 300, **fields})


def test_a_gevent_process_of_its_own_is_a_server() -> None:
    (found,) = find_instances([gevent_alone()], build.PORTS, 99_999, alive=(1,)).instances
    assert (found.mode, found.state, found.children) == (Mode.GEVENT, State.RUNNING, ())
    (found,) = find_instances([gevent_alone(caught=build.BOOTING)], build.PORTS, 99_999, alive=(1,)).instances
    assert (found.mode, found.state) == (Mode.GEVENT, State.BOOTING)


@pytest.mark.parametrize(("alive", "listed"), [((1,), 0), ((90,), 0), ((1, 90), 1)])
def test_a_gevent_process_whose_master_has_ended_is_not_a_server(alive: tuple[int, ...], listed: int) -> None:
    found = find_instances([gevent_alone(session=90)], build.PORTS, 99_999, alive=alive)
    assert len(found.instances) == listed


def test_the_gevent_process_of_a_master_is_its_child() -> None:
    found = find_instances(build.prefork(), build.PORTS, 99_999)
    assert [one.mode for one in found.instances] == [Mode.PREFORK]
