# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A prefork master that behaves as Odoo does, on a clock that costs no time. It keeps up a number nobody sees."""

from __future__ import annotations

import pathlib
import typing as t
from dataclasses import dataclass

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps import ask as _stacks
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.stack import Dump, Frame, Stack
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.loaded import ServerRecords
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Instance
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import Look
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.options import merge
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.process import Process
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.release import Release
from ansible_collections.fleetops.odoo.plugins.module_utils._server import server as _subject
from ansible_collections.fleetops.odoo.plugins.module_utils._server.host import Host
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.rules import Refusal, Rule
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.send import Refused, Target
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.find import Supervisor, SupervisorKind
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import WouldFail
from ansible_collections.fleetops.odoo.plugins.module_utils._workers import scale as _scale
from ansible_collections.fleetops.odoo.plugins.module_utils._workers import workers as _crew

from .. import build
from ..build import FakeClock

MASTER = 100
IDLE = Stack("<T>", url="http://h/old", frames=(Frame("/s.py", 1, "sleep"),))


@dataclass
class Worker:
    pid: int
    role: str
    started: float
    until: float = 0.0
    told: bool = False
    rss_pages: int = 1000


class Model:
    """A server. Times are on its clock."""

    def __init__(self, there: int, kept_up: int, *, cron: int = 1, configured: int = 2, version: str = "19.0") -> None:
        self.kept_up, self.configured, self.version = kept_up, configured, version
        self.clock = FakeClock(lambda _seconds: self.settle())
        self.delay, self.lost = 0.03, 0
        self.sent: list[tuple[str, int]] = []
        self.waiting: list[str] = []
        self._wakes: float | None = None
        self._pid = MASTER
        self.fingerprint = 7000
        self.deaf, self.alive = False, True
        #: what a rehearsal says, and how often it was asked
        self.doubt: str | None = None
        self.no_database: list[WouldFail] = []
        self.rehearsed = 0
        self.hidden: str | None = None
        self.silent: set[int] = set()
        self.workers: dict[int, Worker] = {}
        self.cron = cron
        for _one in range(there):
            self._start("http")
        for _one in range(cron):
            self._start("cron")
        self._start("gevent")

    def _start(self, role: str) -> Worker:
        self._pid += 1
        worker = Worker(self._pid, role, self.clock.now)
        self.workers[self._pid] = worker
        return worker

    def rehearse(self, *_arguments: object) -> str | None:
        """Whether its databases answer."""
        self.rehearsed += 1
        for failing in self.no_database:
            raise failing
        return self.doubt

    def http(self) -> list[Worker]:
        """Its http workers."""
        return self.of("http")

    def of(self, role: str) -> list[Worker]:
        """Its workers of a role."""
        return [worker for worker in self.workers.values() if worker.role == role]

    def settle(self) -> None:
        """What becomes of it as time passes. Its master wakes ``delay`` seconds after something has happened to it."""
        now = self.clock.now
        for worker in list(self.workers.values()):
            if worker.told and worker.until <= now:
                del self.workers[worker.pid]
        lacks = len(self.http()) < self.kept_up or len(self.of("cron")) < self.cron or not self.of("gevent")
        if self._wakes is None and (self.waiting or lacks):
            self._wakes = now + self.delay
        if self.deaf or self._wakes is None or self._wakes > now:
            return
        self._wakes = None
        for name in self.waiting:
            self.kept_up += 1 if name == "TTIN" else -1
        self.waiting.clear()
        while len(self.http()) < self.kept_up:
            self._start("http")
        while len(self.of("cron")) < self.cron:
            self._start("cron")
        if not self.of("gevent"):
            self._start("gevent")

    def hang_up(self) -> None:
        """What a HUP leaves behind."""
        self.fingerprint += 1
        self.kept_up = self.configured
        self.workers.clear()
        for role in ["http"] * self.kept_up + ["cron"] * self.cron + ["gevent"]:
            self._start(role)

    # What the code sees of it.

    def processes(self) -> list[Process]:
        """As /proc shows it."""
        found = [build.process(MASTER, fingerprint=self.fingerprint)]
        for worker in self.workers.values():
            fields: dict[str, t.Any] = {"fingerprint": self.fingerprint, "rss_pages": worker.rss_pages}
            if worker.role == "gevent":
                fields.update(argv=build.GEVENT_ARGV, fingerprint=9000)
            elif worker.role == "cron":
                fields.update(nice=10, sockets=frozenset())
            caught = build.GEVENT if worker.role == "gevent" else build.WORKER
            # 100 clock ticks are a second.
            start = 2000 + worker.pid + int(worker.started * 100)
            found.append(build.process(worker.pid, MASTER, caught, start=start, **fields))
        return found

    def look(self, *_arguments: object) -> Look:
        """A look at it."""
        if not self.alive:
            return Look((), (), {}, {}, frozenset())
        instance = build.instance(self.processes())
        options = merge({"workers": str(self.configured), "max_cron_threads": str(self.cron)}, {}, None, None)
        releases = {instance.identity: Release(self.version, None)}
        return Look((instance,), (), {instance.identity: options}, releases, frozenset())

    def is_alive(self, _proc: object, process: Process) -> bool:
        """Whether a process lives."""
        return self.alive and (process.pid == MASTER or process.pid in self.workers)

    def send(self, _proc: object, name: str, target: Target, *, force: bool = False) -> list[Refusal]:
        """The door."""
        del force
        pid = target.process.pid
        if pid != MASTER and pid not in self.workers:
            raise Refused(Refusal(Rule.IDENTITY, "process %d has ended since it was looked at" % pid))
        self.sent.append((name, pid))
        if pid == MASTER:
            if self.lost:
                self.lost -= 1
            elif name not in self.waiting and len(self.waiting) < 5:
                # Equal ones that wait are one, and no more than five wait.
                self.waiting.append(name)
                self.settle()
        elif name == "XCPU":
            del self.workers[pid]
        else:
            self.workers[pid].told = True
            self.workers[pid].until = max(self.workers[pid].until, self.clock.now + 0.2)
        return []

    def take(self, instance: Instance, pids: t.Collection[int]) -> tuple[dict[int, Dump], list[str]]:
        """The dumps of its workers."""
        del instance
        return {pid: Dump(pid, "", None, (self._stack(pid),)) for pid in pids if pid not in self.silent}, []

    def _stack(self, pid: int) -> Stack:
        if self.workers[pid].until <= self.clock.now:
            return IDLE
        frames = (Frame("/w.py", 1, "run_wsgi"),)
        seconds = 9.0 if self.version >= "17" else None
        return Stack("<T>", "shop", url=f"http://h/slow/{pid}", query_time=seconds, python_time=seconds, frames=frames)


class _NoLog:
    def __init__(self, *_arguments: object) -> None:
        pass

    def close(self) -> None:
        """Nothing is open."""


class _Proc(Proc):
    def uptime_ticks(self) -> int:
        return 1_000_000

    def lives(self, _pid: int, _start: int) -> bool:
        return True


@pytest.fixture
def host_of(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> t.Callable[[Model], Host]:
    """Puts a model in the place of the machine."""

    def put(model: Model) -> Host:
        monkeypatch.setattr(_subject, "look_again", model.look)
        for module in (_subject, _crew):
            monkeypatch.setattr(module, "is_alive", model.is_alive)
        monkeypatch.setattr(_subject, "LogMark", _NoLog)
        monkeypatch.setattr(_subject, "supervisor_of", lambda _process: Supervisor(SupervisorKind.NONE))
        monkeypatch.setattr(_subject, "log_place", lambda *_arguments: None)
        monkeypatch.setattr(_subject.Subject, "summary", lambda one: {"http": len(one.now.having("http"))})
        monkeypatch.setattr(_crew, "send", model.send)
        monkeypatch.setattr(_crew, "check", lambda *_arguments, **_keywords: [])
        monkeypatch.setattr(_crew, "rehearse_spawn", model.rehearse)
        monkeypatch.setattr(_crew, "find_successor", lambda *_arguments: None)
        monkeypatch.setattr(_stacks.Stacks, "take", model.take)
        monkeypatch.setattr(_stacks.Stacks, "hidden", lambda _stacks, _instance: model.hidden)
        monkeypatch.setattr(_scale, "free_memory", lambda: 1 << 40)
        return Host(_Proc("/nonexistent"), model.clock, ServerRecords(str(tmp_path / "state")))

    return put
