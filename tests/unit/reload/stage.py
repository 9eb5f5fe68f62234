# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A reload over captured moments, on a clock that costs no time.

Nothing is signalled and nothing is run here: the door and the rehearsal are recorded (the door asks its rules first).
"""

from __future__ import annotations

import dataclasses
import pathlib
import types
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._facts import gather as _survey
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.loaded import ServerRecords
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.results import ReloadResult
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.staleness import Staleness
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Instance
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import Look, look
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._rehearsal.rehearsal import Rehearsed
from ansible_collections.fleetops.odoo.plugins.module_utils._reload import prepare as _prepare
from ansible_collections.fleetops.odoo.plugins.module_utils._reload import reload as _reload
from ansible_collections.fleetops.odoo.plugins.module_utils._reload.decide import Method, Policy, ReloadWish
from ansible_collections.fleetops.odoo.plugins.module_utils._reload.reload import ReloadOrder, reload_all
from ansible_collections.fleetops.odoo.plugins.module_utils._server import server as _subject
from ansible_collections.fleetops.odoo.plugins.module_utils._server.health import HealthCheck
from ansible_collections.fleetops.odoo.plugins.module_utils._server.host import Host
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.rules import Refusal
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.send import Target, check
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.find import Supervisor, SupervisorKind
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.restart import Plan
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import WouldFail

from ..build import FakeClock
from ..scene import Scene


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
        #: what force overrides in a rehearsal
        self.lost: tuple[str, ...] = ()
        self.problem: str | None = None
        self.restarts: list[str] = []
        self.clock = FakeClock(lambda _seconds: self.scene.go_on())
        self.store = ServerRecords(str(tmp_path / "state"))

    def send(self, proc: Proc, signal_name: str, target: Target, *, force: bool = False) -> list[Refusal]:
        """The door without its last step."""
        lifted = check(proc, signal_name, target, force=force)
        self.sent.append((signal_name, self.scene.moment))
        return lifted

    def rehearse(self, *_arguments: object, force: bool) -> Rehearsed:
        """A rehearsal that goes well."""
        self.rehearsed += 1
        self.on_rehearsal()
        for failing in self.failing:
            raise failing
        return Rehearsed(overridden=self.lost if force else ())

    def rehearse_restart(self, *_arguments: object, force: bool, **_keywords: object) -> Rehearsed:
        """A rehearsal of a restart that goes as well as that of a HUP that is no trap."""
        self.rehearsed += 1
        for failing in self.failing:
            if not failing.restart_helps:
                raise failing
        return Rehearsed(("its moods",), self.lost if force else ())

    def plan_restart(self, *_arguments: object) -> Plan:
        """A supervisor that does what it is told."""
        return Plan(Supervisor(SupervisorKind.SYSTEMD, "odoo.service"), (("restart",),), notes=("it is rude",))

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
        policy: Policy = Policy.ALWAYS,
        since: float | None = None,
        *,
        check_mode: bool = False,
        health: bool = True,
        timeout: float = 60,
        method: Method = Method.HUP,
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
