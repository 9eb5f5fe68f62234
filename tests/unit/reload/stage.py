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
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.differences import Need
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.gather import Facts, survey
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.loaded import ServerRecords
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.results import ReloadResult
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.staleness import Staleness
from ansible_collections.fleetops.odoo.plugins.module_utils._log.follow import Unreachable
from ansible_collections.fleetops.odoo.plugins.module_utils._messages import dump, supervisor
from ansible_collections.fleetops.odoo.plugins.module_utils._messages.code import Problem
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Instance
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import Look, look
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.process import Process
from ansible_collections.fleetops.odoo.plugins.module_utils._rehearsal.rehearsal import Rehearsed
from ansible_collections.fleetops.odoo.plugins.module_utils._reload.decide import Method, Policy, ReloadWish
from ansible_collections.fleetops.odoo.plugins.module_utils._reload.reload import ReloadOrder, reload_all
from ansible_collections.fleetops.odoo.plugins.module_utils._server.health import HealthCheck
from ansible_collections.fleetops.odoo.plugins.module_utils._server.host import Host
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.rules import Objection, Target
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.send import check, kill
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.find import Supervisor, SupervisorKind
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.restart import Plan
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused

from ..build import FakeClock
from ..scene import Scene


class Stage:
    """A scene with a clock, a store, and what was done."""

    def __init__(self, kind: str, moments: list[str], tmp_path: pathlib.Path) -> None:
        self.scene = Scene(kind, moments, tmp_path / "proc")
        self.sent: list[tuple[str, str]] = []
        self.rehearsed = 0
        self.asked = 0
        #: of each rehearsal, whether it was to import changed addons
        self.imported: list[bool] = []
        self.sick: list[str] = []
        self.on_rehearsal: t.Callable[[], object] = lambda: None
        #: how long each request for its health might have taken, in seconds
        self.patience: list[float] = []
        self.failing: list[Refused] = []
        #: what force overrides in a rehearsal
        self.lost: tuple[Problem, ...] = ()
        self.problem: Problem | None = None
        self.short: list[str] = []
        #: refuses at the door
        self.refuses: list[Refused] = []
        #: refuses to plan a restart
        self.no_plan: list[Refused] = []
        self.restarts: list[str] = []
        self.clock = FakeClock(lambda _seconds: self.scene.go_on())
        self.store = ServerRecords(str(tmp_path / "state"))
        self.host = StageHost(self)

    def send(self, proc: Proc, signal_name: str, target: Target, *, force: bool = False) -> list[Objection]:
        """The door without its last step."""
        for refusal in self.refuses:
            raise refusal
        lifted = self.check(proc, signal_name, target, force=force)
        self.sent.append((signal_name, self.scene.moment))
        return lifted

    check = staticmethod(check)
    kill = staticmethod(kill)

    def read_room(self, *_arguments: object, **_keywords: object) -> None:
        """There is nothing to read."""

    def shortages(self, _room: None) -> list[str]:
        """Return the shortages."""
        return self.short

    def rehearse(self, *_arguments: object, force: bool, imports: bool = False) -> Rehearsed:
        """A start-up check that succeeds."""
        self.rehearsed += 1
        self.imported.append(imports)
        self.on_rehearsal()
        for failing in self.failing:
            raise failing
        return Rehearsed(overridden=self.lost if force else ())

    def rehearse_restart(self, *_arguments: object, force: bool, imports: bool = False) -> Rehearsed:
        """A start-up check of a restart that succeeds if that of a HUP does."""
        self.rehearsed += 1
        self.imported.append(imports)
        for failing in self.failing:
            if not failing.restart_helps:
                raise failing
        return Rehearsed(("its moods",), self.lost if force else ())

    def plan_restart(self, *_arguments: object) -> Plan:
        """A supervisor with a given behaviour."""
        for refusal in self.no_plan:
            raise refusal
        return Plan(
            Supervisor(SupervisorKind.SYSTEMD, "odoo.service"),
            (("restart",),),
            warnings=(supervisor.OTHER_UNIT(unit="rude", main=1),),
        )

    def Job(self, plan: Plan, _timeout: float) -> t.Any:  # noqa: N802
        """Ask it; the next moments are those of the restart."""
        self.restarts.append(plan.supervisor.unit or "")
        self.scene.go_on()
        return types.SimpleNamespace(problem=lambda **_keywords: self.problem, close=lambda: None)

    def follow_server(self, *_arguments: object) -> t.NoReturn:
        """A log that cannot be read."""
        raise Unreachable(dump.NO_LOG())

    def check_health(self, check: HealthCheck, *_arguments: object) -> str | None:
        """A health check with given faults."""
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
        imports: bool = False,
    ) -> ReloadResult:
        """Reload the only instance; the one result."""
        seen = look(self.scene)
        check = HealthCheck() if health else None
        order = ReloadOrder(ReloadWish(policy, since, method), check, timeout, force, imports)
        (result,) = reload_all(self.host, seen, [seen.instances[0].identity], order, check_mode=check_mode)
        return result


Staged = t.Callable[[str, t.List[str]], Stage]


@pytest.fixture
def stage(tmp_path: pathlib.Path) -> Staged:
    """Make a stage."""
    return lambda kind, moments: Stage(kind, moments, tmp_path)


class StageHost(Host):
    """The machine of a stage, which is its door, its rehearsal and its supervisor as well."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(
            stage.scene,
            stage.clock,
            stage.store,
            door=stage,
            rehearsal=stage,
            room=stage,
            health=stage,
            restarts=stage,
            logs=stage,
        )
        self._scene = stage.scene
        #: what comparing the code on the disk finds, one after the other; the last one for ever
        self.stale: list[Staleness] = []
        self.walks = 0
        self.looks = 1_000_000

    def find_successor(self, *_arguments: object) -> tuple[Look, Instance] | None:
        """The one server of the present moment, if it is another one."""
        seen = look(self.proc)
        others = [i for i in seen.instances if i.master.pid != self._scene.master]
        return (seen, others[0]) if others else None

    def start_time(self, process: Process) -> float:
        """As if the machine had been started then."""
        return 1_795_000_000 + process.start / 100

    def look_again(self, instance: Instance) -> Look:
        """Look, but not for ever without a pause."""
        self.looks -= 1
        assert self.looks >= 0
        return super().look_again(instance)

    def facts(self, seen: Look, instance: Instance) -> Facts:
        """Return the surroundings of a server, without those on the disk of this machine."""
        self.walks += 1
        facts = survey(self.proc, seen, self.store, staleness=False)[instance.identity]
        if not self.stale:
            return facts
        now = self.stale.pop(0) if len(self.stale) > 1 else self.stale[0]
        return dataclasses.replace(facts, staleness=now)


FRESH, ONE = Staleness(), Staleness(Need.RELOAD, ("1 file changed",), ("/a.py",), 1, ("/a.py",), hup_helps=True)
TWO = Staleness(Need.RELOAD, ("2 files changed",), ("/a.py", "/b.py"), 2, ("/a.py", "/b.py"), hup_helps=True)
UNIT = Staleness(Need.RESTART, ("its unit has changed",), ("/u",), 1)
