# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stage for drains: a server whose processes end as told, its supervisor, and a clock."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._drain import drain as _drain
from ansible_collections.fleetops.odoo.plugins.module_utils._drain import leaving as _leaving
from ansible_collections.fleetops.odoo.plugins.module_utils._drain import notes as _notes
from ansible_collections.fleetops.odoo.plugins.module_utils._drain import time_limits as _work
from ansible_collections.fleetops.odoo.plugins.module_utils._drain.drain import drain_all
from ansible_collections.fleetops.odoo.plugins.module_utils._drain.notes import NoteBook
from ansible_collections.fleetops.odoo.plugins.module_utils._drain.order import DrainOrder, DrainResult
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.ask import Stacks
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.stack import Dump, Frame, Stack
from ansible_collections.fleetops.odoo.plugins.module_utils._facts import gather as _survey
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.loaded import ServerRecords
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Instance
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import look
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.process import Process
from ansible_collections.fleetops.odoo.plugins.module_utils._server import server as _subject
from ansible_collections.fleetops.odoo.plugins.module_utils._server.host import Host
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.rules import Refusal, Rule
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.send import Refused, Target, check
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.find import SupervisorKind
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.hold import Hold

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
    warnings=("be careful",),
)

REQUEST = Stack(
    "<T>", "shop", url="http://h/slow", query_time=1.0, python_time=2.0, frames=(Frame("/w.py", 1, "run_wsgi"),)
)
JOB = Stack("<T>", "shop", frames=(Frame("/x/ir_cron.py", 1, "_process_job"),))
IDLE = Stack("<T>", url="http://h/old", frames=(Frame("/s.py", 1, "sleep"),))


class Stage:
    """A machine on which a server is drained. Time passes by sleeping; an INT leads to the next moment, or does not."""

    def __init__(self, kind: str, moments: list[str], tmp_path: pathlib.Path) -> None:
        self.scene = Scene(kind, moments, tmp_path / "proc")
        self.store = ServerRecords(str(tmp_path / "state"))
        self.clock = FakeClock(self.sleep)
        self.sent: list[str] = []
        self.killed: list[int] = []
        self.hold = HELD
        self.holding: list[str] = []
        self.resting: list[str] = []
        #: what each dump of a worker shows, the last one for ever; None: nothing was written
        self.shows: list[tuple[Stack, ...] | None] = [(IDLE,)]
        self.hidden: str | None = None
        self.deaf = False
        self.refuses: list[BaseException] = []
        #: by the clock: jump to this moment
        self.then: dict[float, str] = {}

    def sleep(self, _seconds: float) -> None:
        for moment in [self.then.pop(at) for at in sorted(self.then) if self.clock.now >= at]:
            self.scene.go_to(moment)

    def send(self, proc: Proc, name: str, target: Target, *, force: bool = False) -> list[Refusal]:
        lifted = check(proc, name, target, force=force)
        for refusal in self.refuses:
            raise refusal
        self.sent.append(name)
        self.holding.append(name)
        if not self.deaf:
            self.scene.go_on()
        return lifted

    def kill(self, _proc: Proc, process: Process) -> None:
        if process.pid in self.killed:
            raise Refused(Refusal(Rule.IDENTITY, "it has ended"))
        self.killed.append(process.pid)
        self.sent.append("KILL")
        self.scene.go_to(GONE)

    def find_hold(self, _proc: Proc, _instance: Instance, _supervisor: object, how: str) -> Hold:
        if how == "external":
            return Hold(SupervisorKind.SYSTEMD, external=True)
        return self.hold

    def put(self, hold: Hold) -> bool:
        if hold.drop_in:
            self.holding.append("hold")
        return True

    def take_away(self, hold: Hold, *, made: bool) -> bool:
        assert made
        self.holding.append("let go")
        return hold.drop_in is not None

    def rest(self, _hold: Hold) -> tuple[str | None, str | None]:
        return (self.resting.pop(0), "it was stopped") if self.resting else (None, None)

    def take(self, instance: Instance) -> tuple[dict[int, Dump], list[str]]:
        shown = self.shows.pop(0) if len(self.shows) > 1 else self.shows[0]
        if shown is None:
            return {}, []
        if instance.mode == "threaded":
            return {instance.master.pid: Dump(instance.master.pid, "", None, shown)}, []
        return {c.process.pid: Dump(c.process.pid, "", None, shown) for c in instance.children}, []

    def drain(self, *, check_mode: bool = False, **wishes: t.Any) -> DrainResult:
        order = DrainOrder(**{"http_timeout": 60, "cron_timeout": 60, "gevent_timeout": 30, "timeout": 100, **wishes})
        seen = look(self.scene)
        identities = [one.identity for one in seen.instances]
        notes = [] if identities else NoteBook(self.store).all()
        (result,) = drain_all(
            Host(self.scene, self.clock, self.store), seen, identities, notes, order, check_mode=check_mode
        )
        return result

    @property
    def notes(self) -> list[_notes.Note]:
        return NoteBook(self.store).all()


Staged = t.Callable[..., Stage]


@pytest.fixture
def stage(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Staged:
    def make(kind: str, *moments: str) -> Stage:
        made = Stage(kind, list(moments) or [REST[kind], DRAINING, GONE], tmp_path)
        if not moments:
            made.then[1003.0] = GONE
        monkeypatch.setattr(_leaving, "send", made.send)
        monkeypatch.setattr(_leaving, "kill", made.kill)
        monkeypatch.setattr(_drain, "find_hold", made.find_hold)
        monkeypatch.setattr(_drain, "put", made.put)
        monkeypatch.setattr(_drain, "rest", made.rest)
        monkeypatch.setattr(_leaving, "take_away", made.take_away)
        for module in (_drain, _work, _leaving):
            monkeypatch.setattr(module, "uptime", made.clock.monotonic, raising=False)
        monkeypatch.setattr(Stacks, "take", lambda _self, instance: made.take(instance))
        monkeypatch.setattr(Stacks, "hidden", lambda _self, _instance: made.hidden)
        monkeypatch.setattr(_survey, "start_time", lambda process: 1_795_000_000 + process.start / 100)
        monkeypatch.setattr(_subject.Subject, "version", kind[:2] + ".0")
        return made

    return make
