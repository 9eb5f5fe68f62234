# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test when a server is complete."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._messages import timeout
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Instance, find_instances
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import look
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.options import Options, options_of
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.process import Process
from ansible_collections.fleetops.odoo.plugins.module_utils._server.complete import (
    gevent_ends,
    missing,
    missing_as_loaded,
    reloaded,
)

from .. import build
from ..conftest import captured
from ..processes.test_classify import MOMENTS


def options(workers: int = 2, cron: int = 1, **given: str) -> Options:
    """Options of a server with these counts."""
    return options_of(build.settings({"workers": str(workers), "max_cron_threads": str(cron), **given}))


def without(processes: list[Process], pid: int) -> Instance:
    """The instance without one of its processes."""
    return build.instance([process for process in processes if process.pid != pid])


COMPLETE = {"running", "running-with-setproctitle", "running-on-a-pty-through-script-and-runuser", "hup-19-done"}
COMPLETE |= {"hup-14-done", "hup-19-threaded-done", "hup-14-threaded-done", "hup-with-setproctitle"}
COMPLETE |= {"booting-some-workers-without-handlers"}


@pytest.mark.parametrize(("kind", "state"), MOMENTS)
def test_captured_moments(kind: str, state: str) -> None:
    instance = look(captured(kind, state)).instances[0]
    lacking = missing(instance, options(2 if "prefork" in kind else 0))
    if MOMENTS[kind, state][0] != "running":
        assert lacking is not None
    elif state in COMPLETE - {"booting-some-workers-without-handlers"}:
        assert lacking is None


def test_what_is_complete() -> None:
    assert missing(build.instance(build.prefork(100)), options()) is None
    assert missing(build.instance(build.threaded(100)), options(0)) is None


@pytest.mark.parametrize(
    ("pid", "count", "role"),
    [(101, 2, "http"), (150, 1, "gevent"), (160, 1, "cron")],
)
def test_each_process_is_missed(pid: int, count: int, role: str) -> None:
    lacking = missing(without(build.prefork(100), pid), options())
    assert lacking == timeout.PROCESSES(lacking=1, count=count, role=role)


def test_more_workers_than_configured_are_complete() -> None:
    # TTIN, or a worker that is being replaced.
    assert missing(build.instance(build.prefork(100, workers=4)), options()) is None


@pytest.mark.parametrize("caught", [(), ("INT",), build.PREFORK_MASTER])
def test_a_worker_without_its_handlers_does_not_count(caught: tuple[str, ...]) -> None:
    processes = build.prefork(100)
    processes[1] = dataclasses.replace(processes[1], caught=build.mask(caught))
    assert missing(build.instance(processes), options()) is not None


def test_an_old_worker_is_waited_for() -> None:
    processes = build.prefork(100)
    processes.append(build.process(90, 100, build.WORKER, fingerprint=6000))
    assert missing(build.instance(processes), options()) == timeout.OLD_PROCESSES(count=1, processes="http process")


def test_another_mode_than_configured() -> None:
    for instance, workers in ((build.instance(build.threaded(100)), 2), (build.instance(build.prefork(100)), 0)):
        lacking = missing(instance, options(workers))
        assert lacking is not None
        assert lacking.code == "timeout.configuration"
        assert lacking.text.endswith(f"and {workers} is configured)")


@pytest.mark.parametrize("given", [{"http_port": 1}, {"gevent_port": 1}, {"http_interface": "::1"}])
def test_other_places_than_configured(given: dict[str, t.Any]) -> None:
    lacking = missing(build.instance(build.prefork(100)), dataclasses.replace(options(), **given))
    assert lacking is not None
    assert lacking.code == "timeout.configuration"


@pytest.mark.parametrize(
    ("processes", "lacking"),
    [
        (build.prefork(100), None),
        (build.threaded(100), None),
        (build.prefork(100, workers=1), None),
        ([process for process in build.prefork(100) if process.pid not in (101, 102)], "timeout.processes"),
        ([*build.prefork(100), build.process(90, 100, build.WORKER, fingerprint=6000)], "timeout.old_processes"),
        ([build.process(100, caught=("INT",)), *build.prefork(100)[1:]], "timeout.handlers"),
        ([process for process in build.prefork(100) if process.pid != 150], "timeout.running"),
    ],
)
def test_what_a_server_lacks_as_it_was_loaded(processes: list[Process], lacking: str | None) -> None:
    found = missing_as_loaded(build.instance(processes))
    assert (found and found.code) == lacking


def test_a_gevent_process_that_does_not_listen_yet() -> None:
    silent = [dataclasses.replace(p, sockets=frozenset()) if p.pid == 150 else p for p in build.prefork(100)]
    assert missing(build.instance(silent), options()) == timeout.GEVENT_LISTENING(port=8072)


def test_a_server_that_does_not_listen() -> None:
    silent = build.instance(build.threaded(100, sockets=frozenset()))
    assert missing(silent, options(0)) == timeout.LISTENING()


def test_a_server_without_http() -> None:
    processes = [
        build.process(100, sockets=frozenset()),
        build.process(160, 100, build.WORKER, nice=10, sockets=frozenset()),
    ]
    instance = build.instance(processes, without_http=(100,))
    assert missing(instance, options(http_enable="False")) is None
    assert missing(build.instance(processes[:1], without_http=(100,)), options(http_enable="False")) is not None


def test_a_hidden_server_is_not_complete() -> None:
    blind = [dataclasses.replace(p, sockets=None, fingerprint=None) for p in build.prefork(100)]
    assert missing(build.instance(blind), options()) is None


@pytest.mark.parametrize("caught", [("HUP", "INT"), ("HUP", "INT", "TERM")])
def test_a_threaded_server_between_its_handlers_is_not_complete(caught: tuple[str, ...]) -> None:
    instance = build.instance(build.threaded(100, caught=caught))
    assert instance.state != "running"
    assert missing(instance, options(0)) is not None


@pytest.mark.parametrize("kind", ["19-prefork", "14-prefork", "19-threaded", "14-threaded"])
def test_a_reload_shows_by_the_exec(kind: str) -> None:
    done = {"19-prefork": "hup-19-done", "14-prefork": "hup-14-done"}.get(kind, f"hup-{kind}-done")
    before = look(captured(kind, "booting-handlers-just-installed")).instances[0]
    after = look(captured(kind, done)).instances[0]
    assert before.identity == after.identity
    assert reloaded(before, after)
    assert not reloaded(after, after)


def test_without_aslr_a_reload_shows_by_the_missing_handlers() -> None:
    before = build.instance(build.prefork(100))
    during = find_instances([build.process(100, caught=build.BOOTING)], build.PORTS, 9999).instances[0]
    assert reloaded(before, during)
    assert not reloaded(before, before)


def test_fewer_workers_are_enough_after_signals_for_fewer() -> None:
    three = build.instance(build.prefork(100, workers=3))
    assert missing(three, options(4)) == timeout.PROCESSES(lacking=1, count=4, role="http")
    assert missing(three, options(4), 3) is None
    assert missing(three, options(4), 2) is None
    # More than configured do not count: a TTOU may have lowered them since.
    assert missing(three, options(3), 6) is None


@pytest.mark.parametrize(("seen", "count"), [((), None), (("150:1150",), None), (("1:1", "150:1150"), None)])
def test_a_gevent_process_that_was_replaced_once_is_nothing(seen: tuple[str, ...], count: None) -> None:
    assert gevent_ends(build.instance(build.prefork()), seen) is count


def test_a_gevent_process_that_ends_again_and_again_is_told() -> None:
    problem = gevent_ends(build.instance(build.prefork()), ("1:1", "2:2", "3:3", "150:1150"))
    assert problem is not None
    assert (problem.code, problem.values) == ("timeout.gevent_ends", {"count": 3})


@pytest.mark.parametrize(
    ("caught", "sockets", "code"),
    [
        (build.GEVENT, frozenset([build.SOCKET]), None),
        (build.GEVENT, frozenset(), "timeout.gevent_listening"),
        (build.BOOTING, frozenset(), "timeout.handlers"),
    ],
)
def test_a_gevent_process_of_its_own(caught: tuple[str, ...], sockets: frozenset[int], code: str | None) -> None:
    alone = build.process(300, caught=caught, argv=build.GEVENT_ARGV, session=300, sockets=sockets)
    lacking = missing(build.instance([alone], alive=(1,)), build.options())
    assert (lacking and lacking.code) == code
