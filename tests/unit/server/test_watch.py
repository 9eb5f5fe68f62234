# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Watching servers over captured moments, on a clock that costs no time."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.loaded import ServerRecords
from ansible_collections.fleetops.odoo.plugins.module_utils._messages import timeout
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Instance
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import Look, look
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.process import Process
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.release import Release
from ansible_collections.fleetops.odoo.plugins.module_utils._server.health import HealthCheck
from ansible_collections.fleetops.odoo.plugins.module_utils._server.host import Host
from ansible_collections.fleetops.odoo.plugins.module_utils._server.watch import (
    Watched,
    WatchOrder,
    watch_all,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.find import Supervisor, SupervisorKind
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import OperationFailed
from hypothesis import given
from hypothesis import strategies as st

from .. import build
from ..build import FakeClock
from ..conftest import captured
from ..scene import GONE, PREFORK_19, SILENT, Scene

DONE = PREFORK_19[-1]
RELOADING = PREFORK_19[2]


class StageHost(Host):
    """A machine whose supervisor may have started another server."""

    successor: tuple[Look, Instance] | None = None
    #: looks until the master executes itself again, in between two of them
    looks_until_exec = 1_000_000
    old_configuration = False

    def has_old_configuration(self, _seen: Look, _instance: Instance) -> bool:
        """Return the message."""
        return self.old_configuration

    def look_again(self, instance: Instance) -> Look:
        """Look; the fingerprint tells of an exec that no look has seen."""
        seen = super().look_again(instance)
        self.looks_until_exec -= 1
        if self.looks_until_exec > 0:
            return seen
        (one,) = seen.instances
        master = dataclasses.replace(one.master, fingerprint=1)
        return dataclasses.replace(seen, instances=(dataclasses.replace(one, master=master),))

    def find_successor(self, *_arguments: object) -> tuple[Look, Instance] | None:
        """Return the message."""
        return self.successor

    def supervisor_of(self, _process: Process) -> Supervisor:
        """A unit."""
        return Supervisor(SupervisorKind.SYSTEMD, "odoo.service")


class Stage:
    """One server, a clock, and a health check with given faults."""

    def __init__(self, moments: list[str], folder: pathlib.Path) -> None:
        self.scene = Scene("19-prefork", moments, folder / "proc")
        self.clock = FakeClock(lambda _seconds: self.scene.go_on())
        #: answers of the first checks; None is healthy, like all later ones
        self.answers: list[str | None] = []
        self.patience: list[float] = []
        self.successor: tuple[Look, Instance] | None = None
        self.looks_until_exec = StageHost.looks_until_exec
        self.old_configuration = False

    def check_health(self, check: HealthCheck, *_arguments: object) -> str | None:
        """The next answer."""
        self.patience.append(check.timeout)
        return self.answers.pop(0) if self.answers else None

    def watch(self, duration: float = 0, timeout: float = 60, *, health: bool = True) -> Watched:
        """Watch the only instance; the one result."""
        seen = look(self.scene)
        order = WatchOrder(HealthCheck() if health else None, duration, timeout)
        host = StageHost(self.scene, self.clock, ServerRecords("/nonexistent"), health=self)
        host.successor, host.looks_until_exec = self.successor, self.looks_until_exec
        host.old_configuration = self.old_configuration
        (result,) = watch_all(host, seen, [seen.instances[0].identity], order)
        return result

    def failing(self, *arguments: float) -> tuple[str, Watched]:
        """As :meth:`watch`, which must fail: message and result."""
        with pytest.raises(OperationFailed) as caught:
            self.watch(*arguments)
        (result,) = caught.value.results
        return str(caught.value), result


Staged = t.Callable[[t.List[str]], Stage]


@pytest.fixture
def stage(tmp_path: pathlib.Path) -> Staged:
    """Make a stage."""
    return lambda moments: Stage(moments, tmp_path)


def test_a_healthy_server_costs_one_look(stage: Staged) -> None:
    on = stage([DONE])
    result = on.watch()
    assert on.clock.slept == []
    assert (result.healthy, result.state, result.breaks, result.last_break) == (True, "running", 0, None)
    assert result.reason == "it is complete and healthy"


def test_it_is_watched_for_the_duration_about_twice_a_second(stage: Staged) -> None:
    on = stage([DONE])
    result = on.watch(30)
    assert 30 <= result.seconds <= 31
    # In the first seconds it is asked more often.
    assert len(on.patience) < 30 * 2 + 40
    assert result.reason == "it has been complete and healthy for %.1f s" % result.seconds


@pytest.mark.parametrize("moment", PREFORK_19[:-1])
def test_what_is_not_complete_is_waited_for(stage: Staged, moment: str) -> None:
    on = stage([moment, moment, moment, DONE])
    result = on.watch()
    assert (result.healthy, result.breaks) == (True, 0)
    assert len(on.clock.slept) == 3


def test_a_sick_server_is_waited_for(stage: Staged) -> None:
    on = stage([DONE])
    on.answers = ["it sleeps", "it sleeps"]
    assert on.watch().breaks == 0
    assert len(on.patience) == 3


def test_a_break_begins_the_duration_anew_and_is_told(stage: Staged) -> None:
    on = stage([DONE])
    on.answers = [None] * 10 + ["it hangs"] + [None] * 5 + ["it coughs", "it sneezes"]
    result = on.watch(10)
    assert (result.healthy, result.breaks) == (True, 2)
    assert str(result.last_break).endswith("(it coughs)")
    assert result.reason.endswith("(it coughs)")
    assert result.seconds > 10 + sum(on.clock.slept[:17])


def test_a_reload_in_between_is_a_break(stage: Staged) -> None:
    on = stage([DONE] * 5 + [RELOADING] * 3 + [DONE])
    result = on.watch(5)
    assert result.breaks == 1
    assert sum(on.clock.slept[8:]) >= 5


def test_a_reload_that_no_look_has_seen_is_a_break(stage: Staged) -> None:
    on = stage([DONE])
    on.looks_until_exec = 3
    result = on.watch(5)
    assert (result.breaks, result.last_break) == (1, timeout.SETTLED().text)


def test_not_healthy_in_time_says_what_is_missing(stage: Staged) -> None:
    on = stage([RELOADING])
    message, result = on.failing(0, 20)
    assert message.startswith("pid %d was not healthy within 20 s: waiting for " % result.pid)
    assert (result.healthy, result.state) == (False, "reloading")
    assert str(result.code).startswith("timeout.")
    assert result.seconds == pytest.approx(20, abs=0.1)


def test_healthy_too_late_says_since_when(stage: Staged) -> None:
    on = stage([RELOADING] * 60 + [DONE])
    message, result = on.failing(20, 25)
    assert "was not healthy for 20 s without a break within 25 s: it has been healthy for " in message
    assert (result.healthy, result.state) == (False, "running")


def test_the_breaks_are_told_on_failure_too(stage: Staged) -> None:
    on = stage([DONE])
    on.answers = [None, "x", None] + ["y"] * 500
    message, result = on.failing(0.5, 10)
    assert result.breaks == 2
    assert (result.last_break or "?") in message


def test_a_request_does_not_outlast_the_deadline(stage: Staged) -> None:
    on = stage([DONE])
    on.answers = ["x"] * 500
    on.failing(0, 12)
    assert on.patience[0] == 10
    assert on.patience[-1] == 0.5
    assert min(on.patience) == 0.5


def test_without_a_health_check_complete_is_enough(stage: Staged) -> None:
    on = stage([RELOADING, DONE])
    assert on.watch(health=False).healthy
    assert on.patience == []


def test_a_server_without_http_is_not_asked(stage: Staged) -> None:
    on = stage([DONE])
    on.scene.end_http()
    on.watch()
    assert on.patience == []


@pytest.mark.parametrize("conf", ["workers = 7", "workers = 0", "workers = 2\nhttp_port = 8169"])
def test_a_server_that_has_not_loaded_its_new_configuration_is_healthy_as_it_is(stage: Staged, conf: str) -> None:
    on = stage([RELOADING, DONE])
    on.scene.write_conf(conf + "\n")
    assert on.failing(0, 5)[1].code in ("timeout.processes", "timeout.configuration")
    on.old_configuration = True
    on.answers = ["it hangs"]
    on.patience = []
    assert on.watch().healthy
    assert len(on.patience) == 2


def test_a_configuration_that_cannot_be_read_is_told(stage: Staged) -> None:
    on = stage([DONE])
    on.scene.write_conf("garbage\n")
    message, result = on.failing(0, 1)
    assert result.code == "timeout.mode"
    assert "(/etc/odoo/odoo.conf" in message


def test_a_master_without_arguments_for_a_moment_is_not_gone(stage: Staged) -> None:
    on = stage([DONE, SILENT, SILENT, DONE])
    on.answers = ["it boots"]
    assert on.watch().healthy


def test_a_master_that_is_gone_is_a_failure_at_once(stage: Staged) -> None:
    on = stage([DONE, DONE, GONE])
    message, result = on.failing(30)
    assert message.startswith("pid %d: " % result.pid)
    assert (result.state, result.healthy, result.code) == ("gone", False, "failed.ended")
    assert result.seconds < 1


def test_the_one_that_systemd_has_started_instead_is_named(stage: Staged) -> None:
    on = stage([DONE, GONE])
    other = build.instance(build.prefork(4000))
    on.successor = (Look((other,), (), {}, {}, frozenset()), other)
    assert on.failing(5)[0].endswith(", and odoo.service has started another one with pid 4000.")


class AtRest(Host):
    """A machine that always looks the same."""

    seen: Look

    def look_again(self, _instance: Instance) -> Look:
        """The one look."""
        return self.seen


class Two:
    """Two servers at rest whose health is given by the second, without any /proc."""

    def __init__(self, ill: dict[int, set[int]]) -> None:
        self.clock = FakeClock()
        instances = [build.instance(build.prefork(100)), build.instance(build.prefork(300))]
        self.identities = [instance.identity for instance in instances]
        (options,) = look(captured("19-prefork", DONE)).options.values()
        self.seen = Look(
            tuple(instances),
            (),
            dict.fromkeys(self.identities, dataclasses.replace(options, workers=2, max_cron_threads=1)),
            dict.fromkeys(self.identities, Release("19.0", None)),
            frozenset(),
        )
        self._ill = ill
        #: since when each has answered well
        self.since: dict[int, float | None] = {100: None, 300: None}
        self.longest = -1.0

    def check_health(self, _check: object, instance: t.Any, *_arguments: object) -> str | None:
        """Ill in those seconds."""
        pid = instance.master.pid
        ill = int(self.clock.now - 1000) in self._ill[pid]
        since = self.since[pid]
        self.since[pid] = None if ill else self.clock.now if since is None else since
        if pid == 300:
            self.longest = max(self.longest, self.both())
        return "ill" if ill else None

    def both(self) -> float:
        """Return for how long both have been healthy; -1 if one is not."""
        first, second = self.since.values()
        return -1 if first is None or second is None else self.clock.now - max(first, second)

    def watch(self, order: WatchOrder) -> list[Watched]:
        """Watch both."""
        host = AtRest(Proc("/nonexistent"), self.clock, ServerRecords("/nonexistent"), health=self)
        host.seen = self.seen
        return watch_all(host, self.seen, self.identities, order)


@given(
    first=st.sets(st.integers(0, 40)),
    second=st.sets(st.integers(0, 40)),
    duration=st.floats(0, 30),
    timeout=st.floats(31, 90),
)
def test_both_are_well_at_the_same_time_for_as_long_as_was_asked(
    first: set[int], second: set[int], duration: float, timeout: float
) -> None:
    two = Two({100: first, 300: second})
    try:
        results = two.watch(WatchOrder(HealthCheck(), duration, timeout))
    except OperationFailed as exc:
        results = exc.results
        assert two.clock.now - 1000 == pytest.approx(timeout)
        assert two.longest < duration or two.longest == -1
    else:
        assert two.both() >= duration
    assert all(one.healthy for one in results) == (two.both() >= duration)
