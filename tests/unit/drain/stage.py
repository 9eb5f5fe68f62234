# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stage for drains: a server whose processes end as told, its supervisor, and a clock."""

from __future__ import annotations

import dataclasses
import pathlib
import types
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._drain.drain import drain_all
from ansible_collections.fleetops.odoo.plugins.module_utils._drain.notes import Note, NoteBook
from ansible_collections.fleetops.odoo.plugins.module_utils._drain.order import DrainOrder, DrainResult
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.stack import Dump, Frame, Stack
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.loaded import ServerRecords
from ansible_collections.fleetops.odoo.plugins.module_utils._messages import refused, supervisor
from ansible_collections.fleetops.odoo.plugins.module_utils._messages.code import Problem
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Instance
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import Look
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.process import Process
from ansible_collections.fleetops.odoo.plugins.module_utils._server.host import Host
from ansible_collections.fleetops.odoo.plugins.module_utils._server.operation import OnTimeout
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.rules import Objection, Rule, Target
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.send import SignalRefused, check
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.find import SupervisorKind
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.hold import Hold
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import OperationFailed, Refused

from ..build import FakeClock
from ..scene import GONE, PREFORK_19, Scene

DRAINING = "int-draining-in-flight"
REST = {
    "19-prefork": PREFORK_19[-1],
    "19-threaded": "hup-19-threaded-done",
    "14-prefork": "hup-14-done",
    "14-threaded": "hup-14-threaded-done",
}
KINDS = tuple(REST)
HELD = Hold(
    SupervisorKind.SYSTEMD,
    "odoo.service",
    "always",
    "/run/systemd/system/odoo.service.d/zz.conf",
    warnings=(supervisor.KILL_MODE(unit="odoo.service", mode="process"),),
)

REQUEST = Stack(
    "<T>", "shop", url="http://h/slow", query_time=1.0, python_time=2.0, frames=(Frame("/w.py", 1, "run_wsgi"),)
)
JOB = Stack("<T>", "shop", frames=(Frame("/x/ir_cron.py", 1, "_process_job"),))
IDLE = Stack("<T>", url="http://h/old", frames=(Frame("/s.py", 1, "sleep"),))


class Records(ServerRecords):
    """The place of records, on a disk that may get full."""

    #: notes that can be written before it is; None: any number
    room: int | None = None

    def write(self, name: str, content: t.Mapping[str, t.Any], mode: int = 0o600) -> None:
        if name.startswith("drain-") and self.room is not None:
            self.room -= 1
            if self.room < 0:
                raise OSError(28, "No space left on device")
        super().write(name, content, mode)


class VersionedHost(Host):
    """A machine whose servers have a known version. Captures have no code to tell it by."""

    version = "19.0"

    def look(self) -> Look:
        return self._versioned(super().look())

    def look_again(self, instance: Instance) -> Look:
        return self._versioned(super().look_again(instance))

    def _versioned(self, seen: Look) -> Look:
        releases = {key: dataclasses.replace(one, version=self.version) for key, one in seen.releases.items()}
        return dataclasses.replace(seen, releases=releases)


class Stage:
    """The door, the holds and the machine of a server that is drained.

    Time passes by sleeping; an INT leads to the next moment, or does not.
    """

    def __init__(self, kind: str, moments: list[str], tmp_path: pathlib.Path) -> None:
        self.scene = Scene(kind, moments, tmp_path / "proc")
        self.store = Records(str(tmp_path / "state"))
        self.clock = FakeClock(self.sleep)
        self.host = VersionedHost(self.scene, self.clock, self.store, door=self, stacks=self, holds=self, commands=self)
        self.host.version = kind[:2] + ".0"
        self.sent: list[str] = []
        self.killed: list[int] = []
        self.hold = HELD
        #: why the supervisor would start it in spite of the hold
        self.hold_fails: Problem | None = None
        self.holding: list[str] = []
        self.resting: list[Problem] = []
        #: why its recorded command would fail
        self.no_way_back: Problem | None = None
        #: its unit goes on without it
        self.goes_on: Problem | None = None
        #: how systemd has ended it, if it was not a clean end
        self.ended_badly: Problem | None = None
        #: what each dump of a worker shows, the last one for ever; None: nothing was written
        self.shows: list[tuple[Stack, ...] | None] = [(IDLE,)]
        self.hidden: Problem | None = None
        self.deaf = False
        self.refuses: list[BaseException] = []
        #: by the clock: jump to this moment
        self.then: dict[float, str] = {}

    def sleep(self, _seconds: float) -> None:
        for moment in [self.then.pop(at) for at in sorted(self.then) if self.clock.now >= at]:
            self.scene.go_to(moment)

    check = staticmethod(check)

    def send(self, proc: Proc, name: str, target: Target, *, force: bool = False) -> list[Objection]:
        lifted = self.check(proc, name, target, force=force)
        for refusal in self.refuses:
            raise refusal
        self.sent.append(name)
        self.holding.append(name)
        if not self.deaf:
            self.scene.go_on()
        return lifted

    def kill(self, _proc: Proc, process: Process) -> None:
        if process.pid in self.killed:
            raise SignalRefused(Objection(Rule.IDENTITY, refused.PROCESS_ENDED(pid=process.pid)))
        self.killed.append(process.pid)
        self.sent.append("KILL")
        self.scene.go_to(GONE)

    def find_hold(self, _proc: Proc, _instance: Instance, _supervisor: object, how: str, _seconds: float) -> Hold:
        if how == "external":
            return Hold(SupervisorKind.SYSTEMD, external=True)
        return self.hold

    def put(self, hold: Hold) -> bool:
        if self.hold_fails:
            raise Refused(self.hold_fails)
        if hold.drop_in:
            self.holding.append("hold")
        return True

    def take_away(self, hold: Hold, *, made: bool) -> bool:
        assert made
        self.holding.append("let go")
        return hold.drop_in is not None

    def rest(self, _hold: Hold) -> tuple[Problem | None, str | None]:
        return (self.resting.pop(0), "it was stopped") if self.resting else (None, None)

    def read_settings(self, _proc: Proc, _master: Process) -> dict[str, t.Any]:
        return {"nice": 0}

    def why_not_launch(self, _note: Note) -> Problem | None:
        return None

    def rehearse(self, _note: Note) -> Problem | None:
        return self.no_way_back

    def outlived(self, _hold: Hold) -> Problem | None:
        return self.goes_on

    def stop_sockets(self, hold: Hold) -> list[str]:
        self.holding.append("sockets")
        return list(hold.sockets)

    def bad_end(self, _hold: Hold) -> Problem | None:
        return self.ended_badly

    def Stacks(self, *_arguments: object) -> t.Any:  # noqa: N802  # the name of the class that it stands for
        """Return what its dumps show."""
        return types.SimpleNamespace(take=self.take, hidden=lambda _instance: self.hidden)

    def take(self, instance: Instance) -> tuple[dict[int, Dump], list[str]]:
        shown = self.shows.pop(0) if len(self.shows) > 1 else self.shows[0]
        if shown is None:
            return {}, []
        if instance.mode == "threaded":
            return {instance.master.pid: Dump(instance.master.pid, "", None, shown)}, []
        return {c.process.pid: Dump(c.process.pid, "", None, shown) for c in instance.children}, []

    def drain(self, *, check_mode: bool = False, **wishes: t.Any) -> DrainResult:
        limits = {"http_timeout": 60, "cron_timeout": 60, "gevent_timeout": 30, "timeout": 100}
        wishes["on_timeout"] = OnTimeout(wishes.get("on_timeout", "fail"))
        order = DrainOrder(**{**limits, **wishes})
        seen = self.host.look()
        identities = [one.identity for one in seen.instances]
        notes = [] if identities else NoteBook(self.store).all()
        (result,) = drain_all(self.host, seen, identities, notes, order, check_mode=check_mode)
        return result

    def fail(self, *, check_mode: bool = False, **wishes: t.Any) -> tuple[DrainResult, str]:
        """Drain what is refused or fails; return the one result and the message."""
        with pytest.raises(OperationFailed) as failed:
            self.drain(check_mode=check_mode, **wishes)
        (result,) = failed.value.results
        assert failed.value.code == result.code
        return result, str(failed.value)

    @property
    def notes(self) -> list[Note]:
        return NoteBook(self.store).all()


Staged = t.Callable[..., Stage]


@pytest.fixture
def stage(tmp_path: pathlib.Path) -> Staged:
    def make(kind: str, *moments: str) -> Stage:
        made = Stage(kind, list(moments) or [REST[kind], DRAINING, GONE], tmp_path)
        if not moments:
            made.then[1003.0] = GONE
        return made

    return make
