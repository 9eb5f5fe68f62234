# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A prefork master that behaves as Odoo does, on a clock that costs no time. It hides the number it keeps up."""

from __future__ import annotations

import dataclasses
import pathlib
import types
import typing as t
from dataclasses import dataclass

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.stack import Dump, Frame, Stack
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.loaded import ServerRecords
from ansible_collections.fleetops.odoo.plugins.module_utils._log.place import LogPlace
from ansible_collections.fleetops.odoo.plugins.module_utils._messages.code import Problem
from ansible_collections.fleetops.odoo.plugins.module_utils._messages.refused import PROCESS_ENDED
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Instance
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import Look
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.process import Process
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.release import Release
from ansible_collections.fleetops.odoo.plugins.module_utils._rehearsal.room import worker_shortage
from ansible_collections.fleetops.odoo.plugins.module_utils._server.host import Host
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.rules import Objection, Rule, Target
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.send import SignalRefused
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.find import Supervisor, SupervisorKind
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused

from .. import build
from ..build import FakeClock

MASTER = 100
SLEEP = (Frame("/s.py", 1, "sleep"),)


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
        #: the answer of a rehearsal, and how often it was asked
        self.doubt: Problem | None = None
        self.no_database: list[Refused] = []
        self.rehearsed = 0
        #: bytes of memory that are free
        self.free = 1 << 40
        self.hidden: Problem | None = None
        self.http_enable = True
        self.names_workers = True
        #: what the host has learned
        self.classes: dict[str, str] = {}
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

    def rehearse_spawn(self, *_arguments: object) -> Problem | None:
        """Ask whether its databases answer."""
        self.rehearsed += 1
        for failing in self.no_database:
            raise failing
        return self.doubt

    def http(self) -> list[Worker]:
        """Return its http workers."""
        return self.of("http")

    def of(self, role: str) -> list[Worker]:
        """Return its workers of a role."""
        return [worker for worker in self.workers.values() if worker.role == role]

    def settle(self) -> None:
        """Simulate the passing of time. Its master wakes ``delay`` seconds after an event."""
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
        """Simulate a HUP."""
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
                fields.update(nice=10, sockets=frozenset(), named="WorkerCron")
            elif worker.role == "http" and self.names_workers:
                fields.update(named="WorkerHTTP")
            caught = build.GEVENT if worker.role == "gevent" else build.WORKER
            # 100 clock ticks are a second.
            start = 2000 + worker.pid + int(worker.started * 100)
            found.append(build.process(worker.pid, MASTER, caught, start=start, **fields))
        return found

    def look(self, *_arguments: object) -> Look:
        """A look at it, with the classes of workers that were learned."""
        if not self.alive:
            return Look((), (), {}, {}, frozenset())
        known = [dataclasses.replace(p, named=p.named or self.classes.get(p.identity)) for p in self.processes()]
        instance = build.instance(known)
        given = {"workers": self.configured, "max_cron_threads": self.cron}
        options = build.options(**given, http_enable=self.http_enable)
        releases = {instance.identity: Release(self.version, None)}
        return Look((instance,), (), {instance.identity: options}, releases, frozenset())

    def is_alive(self, process: Process) -> bool:
        """Return whether a process lives."""
        return self.alive and (process.pid == MASTER or process.pid in self.workers)

    # The ports. The model itself is the door, the rehearsal, the room, and the source of stacks.

    worker_shortage = staticmethod(worker_shortage)

    def free_memory(self) -> int:
        """The free memory of the machine."""
        return self.free

    def Stacks(self, *_arguments: object) -> t.Any:  # noqa: N802  # the name of the class that it stands for
        """The stacks of its workers."""
        return types.SimpleNamespace(take=self.take, hidden=lambda _instance: self.hidden)

    def check(self, *_arguments: object, **_keywords: object) -> list[Objection]:
        """The door's rules allow everything."""
        return []

    def kill(self, *_arguments: object) -> None:
        """Nothing kills a worker."""
        raise NotImplementedError

    def send(self, _proc: Proc, name: str, target: Target, *, force: bool = False) -> list[Objection]:
        """The door."""
        del force
        pid = target.process.pid
        if pid != MASTER and pid not in self.workers:
            raise SignalRefused(Objection(Rule.IDENTITY, PROCESS_ENDED(pid=pid)))
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

    def take(
        self, instance: Instance, pids: t.Collection[int], *, names: bool = True
    ) -> tuple[dict[int, Dump], list[str]]:
        """The dumps of its workers."""
        del instance, names
        return {pid: Dump(pid, "", None, (self._stack(pid),)) for pid in pids if pid not in self.silent}, []

    def _stack(self, pid: int) -> Stack:
        name = f"<Thread(Worker WorkerHTTP ({pid}) workthread, started daemon 1)>"
        if self.workers[pid].until <= self.clock.now:
            return Stack(name, url="http://h/old", frames=SLEEP)
        frames = (Frame("/w.py", 1, "run_wsgi"),)
        seconds = 9.0 if self.version >= "17" else None
        return Stack(name, "shop", url=f"http://h/slow/{pid}", query_time=seconds, python_time=seconds, frames=frames)


class _Proc(Proc):
    def uptime_ticks(self) -> int:
        return 1_000_000

    def lives(self, _pid: int, _start: int) -> bool:
        return True


class ModelHost(Host):
    """The machine of a model, on which nothing but the model is looked at."""

    def __init__(self, model: Model, state: pathlib.Path) -> None:
        super().__init__(
            _Proc("/nonexistent"),
            model.clock,
            ServerRecords(str(state)),
            door=model,
            rehearsal=model,
            room=model,
            stacks=model,
        )
        self.model = model
        self.proc.classes = model.classes

    def look_again(self, _instance: Instance) -> Look:
        return self.model.look()

    def is_alive(self, process: Process) -> bool:
        return self.model.is_alive(process)

    def supervisor_of(self, _process: Process) -> Supervisor:
        return Supervisor(SupervisorKind.NONE)

    def find_successor(self, *_arguments: object) -> None:
        return None

    def log_place(self, *_arguments: object) -> LogPlace:
        return LogPlace("none", None, shows_dumps=False)

    def mark_log(self, *_arguments: object) -> t.Any:
        return types.SimpleNamespace(close=lambda: None)


Put = t.Callable[[Model], ModelHost]


@pytest.fixture
def host_of(tmp_path: pathlib.Path) -> Put:
    """Make the machine of a model."""
    return lambda model: ModelHost(model, tmp_path / "state")


def http_workers(summary: t.Mapping[str, t.Any] | None) -> int:
    """The number of http workers in a summary."""
    assert summary is not None
    return int(summary["workers"]["http"])
