# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole reload over moments that were captured from real servers, on a clock that costs no time.

Nothing is signalled and nothing is run here: the door and the rehearsal are recorded (the door asks its rules first).
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import pathlib
import types
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils import _look, _prepare, _reload, _subject, _survey
from ansible_collections.fleetops.odoo.plugins.module_utils._decide import ReloadWish
from ansible_collections.fleetops.odoo.plugins.module_utils._health import HealthCheck
from ansible_collections.fleetops.odoo.plugins.module_utils._host import Host
from ansible_collections.fleetops.odoo.plugins.module_utils._instances import Instance
from ansible_collections.fleetops.odoo.plugins.module_utils._loads import StateDirectory
from ansible_collections.fleetops.odoo.plugins.module_utils._look import Look, look
from ansible_collections.fleetops.odoo.plugins.module_utils._proc import Gone, Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._rehearsal import WouldFail
from ansible_collections.fleetops.odoo.plugins.module_utils._reload import ReloadFailed, ReloadOrder, reload_all
from ansible_collections.fleetops.odoo.plugins.module_utils._restart import Plan
from ansible_collections.fleetops.odoo.plugins.module_utils._rules import Refusal
from ansible_collections.fleetops.odoo.plugins.module_utils._send import Refused, Target, check
from ansible_collections.fleetops.odoo.plugins.module_utils._stale import Staleness
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisor import Supervisor
from ansible_collections.fleetops.odoo.plugins.module_utils._tell import ReloadResult

from .build import FakeClock
from .conftest import CapturedProc, captured

#: The moments of one HUP, all of the same master.
PREFORK_19 = [
    "booting-some-workers-without-handlers",
    "hup-19-shepherd-and-main-reexecuted-no-handlers-old-workers-serving",
    "hup-19-shepherd-old-and-new-generation",
    "hup-19-shepherd-drains-old-worker-in-flight",
    "hup-19-shepherd-alone-with-new-generation",
    "hup-19-done",
]
PREFORK_14 = [
    "booting-some-workers-without-handlers",
    "hup-14-draining-first",
    "hup-14-draining-in-flight",
    "hup-14-main-reexecuted-no-handlers",
    "hup-14-done",
]
THREADED_14 = [
    "booting-handlers-just-installed",
    "hup-14-threaded-draining-in-flight",
    "hup-14-threaded-main-reexecuted-no-handlers",
    "hup-14-threaded-done",
]
#: Odoo 19 threaded was not captured at rest in the same boot; after a HUP it is at rest again.
THREADED_19 = ["hup-19-threaded-done"]

GONE = "gone"
SILENT = "silent"

#: A restart makes another master: this moment was captured of another server.
RESTART_19 = ["booting-some-workers-without-handlers", GONE, GONE, "running"]
OTHER_MASTERS = (472,)


class Scene(Proc):
    """A machine on which one captured moment follows another. The master's odoo.conf is a real file."""

    def __init__(self, kind: str, moments: list[str], root: pathlib.Path) -> None:
        super().__init__(root=str(root))
        self._moments = {moment: self._capture(kind, moment) for moment in set(moments) - {GONE, SILENT}}
        self._names = moments
        self._at = 0
        self.master = look(self._moments[moments[0]]).instances[0].master.pid
        workers = 2 if "prefork" in kind else 0
        self.write_conf(f"workers = {workers}\nmax_cron_threads = 1\n")

    def _capture(self, kind: str, moment: str) -> CapturedProc:
        proc = captured(kind, moment)
        proc.root = self.root
        return proc

    def write_conf(self, options: str) -> None:
        """Change odoo.conf, as the server sees it."""
        for pid in (self.master, *OTHER_MASTERS):
            folder = pathlib.Path(self.root) / str(pid) / "root/etc/odoo"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "odoo.conf").write_text("[options]\n" + options)

    @property
    def moment(self) -> str:
        """Name of the present moment."""
        return self._names[self._at]

    def go_on(self) -> None:
        """The next moment; the last one stays."""
        self._at = min(self._at + 1, len(self._names) - 1)

    def go_to(self, moment: str) -> None:
        """Jump to a moment."""
        self._at = self._names.index(moment)

    @property
    def _now(self) -> CapturedProc:
        if self.moment in (GONE, SILENT):
            earlier = [name for name in self._names[: self._at] if name not in (GONE, SILENT)]
            return self._moments[earlier[-1]]
        return self._moments[self.moment]

    def pids(self) -> list[int]:
        return [] if self.moment == GONE else self._now.pids()

    def read(self, pid: int, name: str) -> bytes:
        if self.moment == GONE and not name.startswith("net/"):
            raise Gone(str(pid))
        # In the moment of an exec there are no arguments.
        return b"" if self.moment == SILENT and name == "cmdline" else self._now.read(pid, name)

    def link(self, pid: int, name: str) -> str:
        return self._now.link(pid, name)

    def sockets(self, pid: int) -> frozenset[int]:
        return self._now.sockets(pid)

    def children(self, pid: int) -> list[int]:
        if self.moment == GONE:
            raise Gone(str(pid))
        return self._now.pids()

    def uptime_ticks(self) -> int:
        return self._now.uptime_ticks()


class Stage:
    """A scene with a clock, a store, and what was done."""

    def __init__(self, kind: str, moments: list[str], tmp_path: pathlib.Path) -> None:
        self.scene = Scene(kind, moments, tmp_path / "proc")
        self.sent: list[tuple[str, str]] = []
        self.rehearsed = 0
        self.asked = 0
        self.sick: list[str] = []
        self.on_rehearsal: t.Callable[[], object] = lambda: None
        #: how long each request for its health might have taken, in seconds
        self.patience: list[float] = []
        self.failing: list[WouldFail] = []
        self.problem: str | None = None
        self.restarts: list[str] = []
        self.clock = FakeClock(lambda _seconds: self.scene.go_on())
        self.store = StateDirectory(str(tmp_path / "state"))

    def send(self, proc: Proc, signal_name: str, target: Target, *, force: bool = False) -> list[Refusal]:
        """The door without its last step."""
        lifted = check(proc, signal_name, target, force=force)
        self.sent.append((signal_name, self.scene.moment))
        return lifted

    def rehearse(self, *_arguments: object) -> None:
        """A rehearsal that goes well."""
        self.rehearsed += 1
        self.on_rehearsal()
        for failing in self.failing:
            raise failing

    def rehearse_restart(self, *_arguments: object, **_keywords: object) -> list[str]:
        """A rehearsal of a restart that goes as well as that of a HUP that is no trap."""
        self.rehearsed += 1
        for failing in self.failing:
            if not failing.restart_helps:
                raise failing
        return ["its moods"]

    def plan_restart(self, *_arguments: object) -> Plan:
        """A supervisor that does what it is told."""
        return Plan(Supervisor("systemd", "odoo.service"), (("restart",),), notes=("it is rude",))

    def job(self, plan: Plan, _timeout: float) -> t.Any:
        """Ask it; the next moments are those of the restart."""
        self.restarts.append(plan.supervisor.unit or "")
        self.scene.go_on()
        return types.SimpleNamespace(problem=lambda **_keywords: self.problem, close=lambda: None)

    def find_successor(self, *_arguments: object) -> tuple[Look, Instance] | None:
        """The one server of the present moment, if it is another one."""
        seen = look(self.scene)
        others = [i for i in seen.instances if i.master.pid != self.scene.master]
        return (seen, others[0]) if others else None

    def check_health(self, check: HealthCheck, *_arguments: object) -> str | None:
        """A health check that is as sick as it is told to be."""
        self.asked += 1
        self.patience.append(check.timeout)
        return self.sick.pop(0) if self.sick else None

    def reload(
        self,
        policy: str = "always",
        since: float | None = None,
        *,
        check_mode: bool = False,
        health: bool = True,
        timeout: float = 60,
        method: str = "hup",
        force: bool = False,
    ) -> ReloadResult:
        """Reload the only instance; the one result."""
        host = Host(self.scene, self.clock, self.store)
        seen = look(self.scene)
        order = ReloadOrder(ReloadWish(policy, since, method), HealthCheck() if health else None, timeout, force)
        (result,) = reload_all(host, seen, [seen.instances[0].identity], order, check_mode=check_mode)
        return t.cast("ReloadResult", result)


Staged = t.Callable[[str, t.List[str]], Stage]


@pytest.fixture
def stage(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Staged:
    """Make a stage; there can be one in a test."""

    def make(kind: str, moments: list[str]) -> Stage:
        made = Stage(kind, moments, tmp_path)
        monkeypatch.setattr(_reload, "send", made.send)
        monkeypatch.setattr(_prepare, "rehearse", made.rehearse)
        monkeypatch.setattr(_prepare, "rehearse_restart", made.rehearse_restart)
        monkeypatch.setattr(_prepare, "plan_restart", made.plan_restart)
        monkeypatch.setattr(_reload, "Job", made.job)
        monkeypatch.setattr(_reload, "find_successor", made.find_successor)
        monkeypatch.setattr(_subject, "check_health", made.check_health)
        monkeypatch.setattr(_survey, "start_time", lambda process: 1_795_000_000 + process.start / 100)
        return made

    return make


@pytest.mark.parametrize(
    ("kind", "moments"),
    [("19-prefork", PREFORK_19), ("14-prefork", PREFORK_14), ("14-threaded", THREADED_14)],
)
def test_a_reload_from_the_hup_to_the_new_generation(stage: Staged, kind: str, moments: list[str]) -> None:
    on = stage(kind, moments)
    result = on.reload()
    assert on.sent == [("HUP", moments[0])]
    assert on.scene.moment == moments[-1]
    assert (result.did, result.signals, result.reason) == ("signalled", ["HUP"], "a reload was asked for")
    assert on.rehearsed == 1
    # Once before anything was done, once of the new generation.
    assert on.asked == 2
    before, after = t.cast("dict[str, t.Any]", result.before), t.cast("dict[str, t.Any]", result.after)
    assert after["state"] == "running"
    assert before["workers"] == after["workers"]
    pids = [{child["pid"] for child in summary["children"]} for summary in (before, after)]
    assert not pids[0] & pids[1]
    assert after["loaded"]["evidence"] == "marker"
    assert result.seconds > 0


def test_the_start_of_a_process_is_not_read_off_the_clock_to_the_microsecond(
    stage: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    on = stage("19-prefork", PREFORK_19)
    readings = itertools.count()
    monkeypatch.setattr(_survey, "start_time", lambda _process: 1_795_000_000 + next(readings) / 1e6)
    assert on.reload().did == "signalled"


def test_the_marker_bounds_the_load(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    begun = on.clock.time()
    on.reload()
    master = look(on.scene).instances[0].master
    load = on.store.recall(master)
    assert load is not None
    assert begun <= load.not_before < load.not_after < on.clock.time()


def test_the_same_call_again_reloads_again_and_since_does_not(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    deployed = on.clock.time()
    on.reload("since", deployed)
    assert len(on.sent) == 1
    again = on.reload("since", deployed)
    assert (again.did, again.signals) == ("nothing", [])
    assert "loaded its code at" in again.reason
    assert len(on.sent) == 1
    on.clock.now += 100
    with pytest.raises(ReloadFailed):
        # This scene has no second reload: the HUP is sent and nothing comes of it.
        on.reload("since", on.clock.time(), timeout=5)
    assert len(on.sent) == 2


@pytest.mark.parametrize("at", range(1, 5))
def test_a_call_during_a_reload_waits_for_it_and_sends_nothing(stage: Staged, at: int) -> None:
    on = stage("19-prefork", PREFORK_19)
    on.scene.go_to(PREFORK_19[at])
    result = on.reload()
    assert on.sent == []
    assert on.rehearsed == 0
    assert on.scene.moment == "hup-19-done"
    assert result.did == "nothing"
    assert result.reason == "it was reloading when this call came, and that has ended well"
    assert on.asked == 1


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_call_while_odoo_14_is_down_waits_for_it(stage: Staged, at: int) -> None:
    on = stage("14-prefork", PREFORK_14)
    on.scene.go_to(PREFORK_14[at])
    assert on.reload().did == "nothing"
    assert on.sent == []
    assert on.scene.moment == "hup-14-done"


def test_a_call_during_a_start_waits_for_it(stage: Staged) -> None:
    on = stage(
        "19-prefork",
        ["booting-handlers-not-installed-first", "booting-handlers-just-installed", PREFORK_19[0], "hup-19-done"],
    )
    result = on.reload()
    assert on.sent == []
    assert result.reason == "it was booting when this call came, and that has ended well"


def test_a_reload_by_somebody_else_does_not_count_for_since(stage: Staged) -> None:
    on = stage("19-prefork", [*PREFORK_19[1:], *PREFORK_19[1:]])
    # It waits, and since nothing proves when that load was, it sends a HUP of its own.
    assert on.reload("since", on.clock.time()).did == "signalled"
    assert [moment for _name, moment in on.sent] == ["hup-19-done"]


def test_a_call_that_waited_for_the_lock_sends_nothing(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    on.store.open()
    master = look(on.scene).instances[0].master
    lock = on.store.try_lock(master)
    assert lock is not None

    def other_call(_seconds: float) -> None:
        on.scene.go_on()
        if on.scene.moment == "hup-19-done" and not released:
            released.append(True)
            os.close(lock)

    released: list[bool] = []
    on.clock._on_sleep = other_call
    result = on.reload()
    assert on.sent == []
    assert (result.did, result.reason) == (
        "nothing",
        "another call was reloading it when this call came, and that has ended well",
    )


def test_the_lock_is_let_go_of(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    on.reload()
    assert on.store.try_lock(look(on.scene).instances[0].master) is not None


def test_a_lock_that_is_never_let_go_of_is_a_failure_in_time(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19[:1])
    on.store.open()
    assert on.store.try_lock(look(on.scene).instances[0].master) is not None
    with pytest.raises(ReloadFailed, match="another call that is at work on this server"):
        on.reload(timeout=7)
    assert on.sent == []
    assert on.clock.now == pytest.approx(1007, abs=1)


def test_a_master_that_dies_on_the_hup_is_a_failure(stage: Staged) -> None:
    on = stage("19-prefork", [*PREFORK_19[:2], GONE])
    with pytest.raises(ReloadFailed, match="pid 513 ended after the HUP") as caught:
        on.reload()
    (result,) = caught.value.results
    assert (result.did, result.signals, result.after) == ("signalled", ["HUP"], None)
    assert result.reason.startswith("Odoo with pid 513 ended after the HUP")


def test_a_master_that_has_ended_before_is_a_failure_and_gets_nothing(stage: Staged) -> None:
    on = stage("19-prefork", [PREFORK_19[0], GONE])
    host_seen = look(on.scene)
    on.scene.go_on()
    order = ReloadOrder(ReloadWish("always"), None, 60)
    with pytest.raises(ReloadFailed, match="ended before any signal was sent") as caught:
        reload_all(
            Host(on.scene, on.clock, on.store), host_seen, [host_seen.instances[0].identity], order, check_mode=False
        )
    assert on.sent == []
    assert caught.value.results[0].signals == []


def test_the_moment_of_the_exec_is_no_end(stage: Staged) -> None:
    on = stage("19-prefork", [PREFORK_19[0], SILENT, SILENT, *PREFORK_19[1:]])
    assert on.reload().did == "signalled"
    assert on.scene.moment == "hup-19-done"


def test_a_hup_without_any_effect_is_a_failure_in_time(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19[:1])
    with pytest.raises(ReloadFailed, match="within 20 s after the HUP: still waiting for the master to execute itself"):
        on.reload(timeout=20)
    assert on.clock.now == pytest.approx(1020, abs=1)
    assert len(on.sent) == 1
    assert on.store.recall(look(on.scene).instances[0].master) is None


def test_an_old_worker_that_stays_is_a_failure_in_time(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19[:4])
    with pytest.raises(ReloadFailed, match="still waiting for the old master to leave"):
        on.reload(timeout=20)


def test_a_server_that_stays_sick_is_a_failure_with_what_it_answered(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    on.sick = ["http://x answers 500"] * 10_000
    with pytest.raises(ReloadFailed, match="still waiting for it to be healthy: http://x answers 500"):
        on.reload(timeout=20)
    assert len(on.sent) == 1


def test_a_server_that_recovers_is_waited_for(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    on.sick = ["http://x answers 500"] * 3
    result = on.reload()
    before, after = t.cast("dict[str, t.Any]", result.before), t.cast("dict[str, t.Any]", result.after)
    assert (result.did, before["health"], after["health"]) == ("signalled", "http://x answers 500", "ok")
    assert on.asked == 4


def test_more_workers_in_odoo_conf_are_waited_for(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    on.scene.write_conf("workers = 3\nmax_cron_threads = 1\n")
    with pytest.raises(ReloadFailed, match="still waiting for 1 of 3 http processes"):
        on.reload(timeout=20)


def test_a_rehearsal_that_fails_is_a_refusal(stage: Staged) -> None:
    def fail() -> t.NoReturn:
        raise WouldFail("it would not survive")

    on = stage("19-prefork", PREFORK_19)
    on.on_rehearsal = fail
    with pytest.raises(ReloadFailed, match="pid 513 is not reloaded: it would not survive") as caught:
        on.reload()
    assert on.sent == []
    assert (caught.value.results[0].did, caught.value.results[0].reason) == ("refused", "it would not survive")


def test_a_refusal_at_the_door_is_told(stage: Staged, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_keywords: object) -> t.NoReturn:
        raise Refused(Refusal("interlock", "no handler"))

    on = stage("19-prefork", PREFORK_19)
    monkeypatch.setattr(_reload, "send", refuse)
    with pytest.raises(ReloadFailed, match="no handler") as caught:
        on.reload()
    assert (caught.value.results[0].did, caught.value.results[0].signals) == ("refused", [])


def test_check_mode_says_what_would_happen_and_does_nothing(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    result = on.reload(check_mode=True)
    assert (result.did, result.signals, result.after) == ("signalled", ["HUP"], None)
    assert on.sent == []
    assert on.rehearsed == 1
    assert on.clock.slept == []
    assert not pathlib.Path(on.store.path).exists()


def test_check_mode_during_a_reload_predicts_the_wait(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    on.scene.go_on()
    result = on.reload(check_mode=True)
    assert (result.did, result.signals) == ("nothing", [])
    assert result.reason == "it was reloading: that would be waited for, and no signal sent"


@pytest.mark.parametrize("meanwhile", PREFORK_19[2:5])
def test_a_reload_that_somebody_begins_during_the_rehearsal_gets_no_second_hup(stage: Staged, meanwhile: str) -> None:
    on = stage("19-prefork", PREFORK_19)
    on.on_rehearsal = lambda: on.scene.go_to(meanwhile)
    on.reload()
    assert on.sent == []


def test_a_drain_that_somebody_begins_during_the_rehearsal_gets_no_hup(stage: Staged) -> None:
    on = stage("14-prefork", [PREFORK_14[0], "hup-14-draining-first", "hup-14-draining-in-flight", GONE])
    on.on_rehearsal = on.scene.go_on
    with pytest.raises(ReloadFailed):
        on.reload()
    assert on.sent == []


def test_a_server_that_needs_no_reload_must_serve_all_the_same(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    deployed = on.clock.time()
    on.sick = ["http://x answers 500"] * 10_000
    with pytest.raises(ReloadFailed):
        on.reload("since", deployed, timeout=20)
    # The same call again, as people do after a failure: the load is new enough, and the server as sick as before.
    with pytest.raises(ReloadFailed):
        on.reload("since", deployed, timeout=20)


class Enough(Exception):
    """Too many looks without a pause."""


def test_a_threaded_server_that_boots_for_ever_is_a_failure_in_time(
    stage: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    on = stage("14-threaded", ["booting-handlers-just-installed"])
    on.scene.write_conf("workers = 0\nhttp_enable = False\n")
    # A server (or something that looks like one) between its first handlers and QUIT.
    proc = on.scene._now
    name = f"{on.scene.master}/status"
    proc.files[name] = b"\n".join(
        b"SigCgt:\t0000000000000003" if line.startswith(b"SigCgt") else line for line in proc.files[name].split(b"\n")
    )
    _at_most(100, monkeypatch)
    with pytest.raises(ReloadFailed):
        on.reload(timeout=20)


def test_a_forked_child_of_a_threaded_server_is_a_failure_in_time(
    stage: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    on = stage("14-threaded", ["hup-14-threaded-done"])
    # multiprocessing forks: same arguments, same handlers, same exec.
    proc, master = on.scene._now, on.scene.master
    for name in [name for name in proc.files if name.startswith(f"{master}/")]:
        proc.files[name.replace(str(master), "9999")] = proc.files[name]
    head, _bracket, tail = proc.files["9999/stat"].rpartition(b")")
    fields = tail.split()
    fields[1] = b"%d" % master
    proc.files["9999/stat"] = head + b") " + b" ".join(fields)
    _at_most(100, monkeypatch)
    with pytest.raises(ReloadFailed):
        on.reload(timeout=20)


def _at_most(looks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    really, count = _look.look_again, [0]

    def look_again(*arguments: t.Any) -> t.Any:
        count[0] += 1
        if count[0] > looks:
            raise Enough
        return really(*arguments)

    monkeypatch.setattr(_subject, "look_again", look_again)


def test_results_can_be_told_as_json(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    told = on.reload().told()
    assert json.loads(json.dumps(told)) == told
    assert set(told) == {
        "identity",
        "pid",
        "did",
        "reason",
        "signals",
        "before",
        "after",
        "seconds",
        "successor",
        "log",
    }
    assert (told["successor"], told["log"]) == (None, [])


TRAP = WouldFail("a HUP would lose its virtualenv", "put it into PATH", restart_helps=True)


def test_a_restart_from_the_stop_to_the_new_server(stage: Staged, monkeypatch: pytest.MonkeyPatch) -> None:
    on = stage("19-prefork", RESTART_19)
    check = on.reload(method="supervisor", check_mode=True)
    reason = "a reload was asked for; a restart by systemd; it is rude; not rehearsed: its moods"
    assert (check.did, check.signals, check.reason, check.successor) == ("restarted", [], reason, None)
    assert on.restarts == []
    result = on.reload(method="supervisor")
    assert (on.sent, on.restarts) == ([], ["odoo.service"])
    assert (result.did, result.signals, result.reason) == ("restarted", [], reason)
    assert (result.identity.split(":")[0], t.cast("str", result.successor).split(":")[0]) == ("513", "472")
    after = t.cast("dict[str, t.Any]", result.after)
    assert (after["state"], after["health"], after["loaded"]["evidence"]) == ("running", "ok", "marker")
    # What lies on this machine's disk is no part of the scene.
    Walks(monkeypatch, FRESH)
    again = on.reload("stale", method="supervisor")
    assert (again.did, again.successor) == ("nothing", None)


@pytest.mark.parametrize("method", ["hup", "auto", "supervisor"])
def test_what_a_restart_would_not_help_is_refused(stage: Staged, method: str) -> None:
    on = stage("19-prefork", RESTART_19)
    on.failing = [WouldFail("its code is broken")]
    with pytest.raises(ReloadFailed, match="its code is broken") as caught:
        on.reload(method=method)
    assert (on.sent, on.restarts, caught.value.results[0].did) == ([], [], "refused")


def test_where_a_hup_would_kill_it(stage: Staged) -> None:
    on = stage("19-prefork", RESTART_19)
    on.failing = [TRAP]
    with pytest.raises(ReloadFailed, match="would lose its virtualenv; put it into PATH"):
        on.reload(method="hup")
    result = on.reload(method="auto")
    assert (result.did, on.restarts) == ("restarted", ["odoo.service"])
    assert "a restart by systemd, since a HUP would lose its virtualenv; it is rude" in result.reason


def test_where_a_hup_works_auto_sends_one(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    result = on.reload(method="auto")
    assert (result.did, result.signals, result.successor, on.restarts) == ("signalled", ["HUP"], None, [])


def test_no_way_at_all_tells_of_both(stage: Staged, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_arguments: object) -> t.NoReturn:
        raise WouldFail("nobody would start it again")

    on = stage("19-prefork", RESTART_19)
    on.failing = [TRAP]
    monkeypatch.setattr(_prepare, "plan_restart", nobody)
    with pytest.raises(
        ReloadFailed, match=r"put it into PATH. Nor is a restart a way out: nobody would start it again"
    ):
        on.reload(method="auto")


def test_a_server_that_does_not_come_back(stage: Staged) -> None:
    on = stage("19-prefork", [*RESTART_19[:2], GONE])
    on.problem = "systemd says that it is failed"
    with pytest.raises(ReloadFailed, match=r"was restarted by .* and did not come back: systemd says") as caught:
        on.reload(method="supervisor")
    (result,) = caught.value.results
    assert (result.did, result.after) == ("restarted", None)


def test_a_supervisor_that_starts_nothing_is_a_failure_in_time(stage: Staged) -> None:
    on = stage("19-prefork", [*RESTART_19[:2], GONE])
    with pytest.raises(ReloadFailed, match=r"within 20 s after its restart by .*: still waiting for systemd to start"):
        on.reload(method="supervisor", timeout=20)


def test_a_supervisor_that_does_nothing_has_restarted_nothing(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19[:1])
    on.problem = "supervisorctl says: no such process"
    with pytest.raises(ReloadFailed, match="no such process") as caught:
        on.reload(method="supervisor")
    assert caught.value.results[0].did == "refused"


def test_a_call_that_waited_for_a_restart_goes_on_with_the_new_server(stage: Staged) -> None:
    on = stage("19-prefork", RESTART_19)
    on.store.open()
    lock = on.store.try_lock(look(on.scene).instances[0].master)
    assert lock is not None

    def other_call(_seconds: float) -> None:
        on.scene.go_on()
        if on.scene.moment == "running" and not released:
            released.append(True)
            os.close(lock)

    released: list[bool] = []
    on.clock._on_sleep = other_call
    result = on.reload(method="supervisor")
    assert on.restarts == []
    assert result.reason == "another call was restarting it when this call came, and that has ended well"
    assert (result.did, t.cast("str", result.successor).split(":")[0]) == ("nothing", "472")


def test_the_first_request_is_not_waited_for_long(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    on.reload()
    assert on.patience == [2.0, 10.0]


def test_a_server_that_is_not_at_rest_is_not_asked_for_its_health(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    on.scene.go_on()
    before = t.cast("dict[str, t.Any]", on.reload(check_mode=True).before)
    assert (before["state"], before["health"], on.asked) == ("reloading", None, 0)


def test_no_health_check_no_health(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    result = on.reload(health=False)
    before, after = t.cast("dict[str, t.Any]", result.before), t.cast("dict[str, t.Any]", result.after)
    assert (before["health"], after["health"], on.asked) == (None, None, 0)


class Walks:
    """How often the code was walked over, and what was found."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *found: Staleness) -> None:
        self.found, self.count = list(found), 0
        really = _survey.survey

        def survey(*arguments: t.Any, **keywords: t.Any) -> t.Any:
            self.count += 1
            facts = really(*arguments, **{**keywords, "staleness": False})
            now = self.found.pop(0) if len(self.found) > 1 else self.found[0]
            return {key: dataclasses.replace(one, staleness=now) for key, one in facts.items()}

        monkeypatch.setattr(_survey, "survey", survey)


FRESH, ONE = Staleness(), Staleness("reload", ("1 file changed",), ("/a.py",), 1, ("/a.py",))
TWO = Staleness("reload", ("2 files changed",), ("/a.py", "/b.py"), 2, ("/a.py", "/b.py"))
UNIT = Staleness("restart", ("its unit has changed",), ("/u",), 1)


@pytest.mark.parametrize(
    ("policy", "check_mode", "found", "walks"),
    [
        ("stale", True, [ONE], 1),
        # One for the decision and what must compile, one after the rehearsal.
        ("stale", False, [ONE], 2),
        ("stale", False, [FRESH], 1),
        ("always", False, [ONE], 1),
    ],
)
def test_the_code_is_walked_over_no_more_than_is_right(
    stage: Staged,
    monkeypatch: pytest.MonkeyPatch,
    policy: str,
    check_mode: bool,  # noqa: FBT001
    found: list[Staleness],
    walks: int,
) -> None:
    on = stage("19-prefork", PREFORK_19)
    counted = Walks(monkeypatch, *found)
    on.reload(policy, check_mode=check_mode)
    assert counted.count == walks


def test_code_that_changes_during_the_rehearsal_is_rehearsed_too(
    stage: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    on = stage("19-prefork", PREFORK_19)
    Walks(monkeypatch, ONE, TWO)
    result = on.reload("stale")
    assert (on.rehearsed, result.did) == (2, "signalled")
    assert "2 files changed" in result.reason


@pytest.mark.parametrize("method", ["auto", "supervisor"])
def test_a_changed_unit(stage: Staged, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    on = stage("19-prefork", RESTART_19)
    Walks(monkeypatch, UNIT)
    with pytest.raises(ReloadFailed, match="restart it through its supervisor"):
        on.reload("stale")
    result = on.reload("stale", method=method)
    assert (result.did, on.restarts, on.sent) == ("restarted", ["odoo.service"], [])
    assert result.reason.startswith("its unit has changed; a restart by systemd")


def test_a_unit_that_changes_during_the_rehearsal_of_a_hup(stage: Staged, monkeypatch: pytest.MonkeyPatch) -> None:
    on = stage("19-prefork", RESTART_19)
    Walks(monkeypatch, ONE, UNIT)
    assert (on.reload("stale", method="auto").did, on.sent) == ("restarted", [])


@pytest.mark.parametrize(("method", "did"), [("hup", "signalled"), ("supervisor", "restarted")])
def test_without_room_nothing_is_done_unless_forced(
    stage: Staged, monkeypatch: pytest.MonkeyPatch, method: str, did: str
) -> None:
    on = stage("19-prefork", PREFORK_19 if method == "hup" else RESTART_19)
    monkeypatch.setattr(_prepare, "shortages", lambda _room: ["the disk is full"])
    with pytest.raises(ReloadFailed, match="the disk is full; free some, or set force") as caught:
        on.reload(method=method)
    assert caught.value.results[0].did == "refused"
    forced = on.reload(method=method, force=True)
    assert (forced.did, forced.reason.endswith("; forced against: the disk is full")) == (did, True)
