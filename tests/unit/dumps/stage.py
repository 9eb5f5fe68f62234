# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A captured server that writes a dump to its log, which is a real file, when it gets a QUIT."""

from __future__ import annotations

import pathlib
import typing as t

from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.stacks import Stacks
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.loaded import ServerRecords
from ansible_collections.fleetops.odoo.plugins.module_utils._log.place import FILE, LogPlace
from ansible_collections.fleetops.odoo.plugins.module_utils._messages import dump, refused
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Instance
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import look
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.process import Process
from ansible_collections.fleetops.odoo.plugins.module_utils._server.host import Door, Host
from ansible_collections.fleetops.odoo.plugins.module_utils._signals import send as door
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.rules import Objection, Rule, Target
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.find import Supervisor

from ..build import FakeClock
from ..scene import Scene

DUMP = (
    "2026-11-24 10:30:22,111 {pid} INFO p19 odoo.tools.misc: \n"
    "# Thread: <T> (db:p19) (uid:1) (url:http://h/x?access_token=S3cret) (qc:1 qt:1.0 pt:2.0)\n"
    'File: "/w.py", line 1, in run_wsgi\n  work()\n'
    "# Thread: <_MainThread(MainThread, started 1)> (db:n/a) (uid:n/a) (url:n/a) (qc:n/a qt:n/a pt:n/a)\n"
    'File: "/odoo/tools/misc.py", line 1, in dumpstacks\n  for line in extract_stack(stack):\n'
)


STARTING = "2026-11-24 10:30:16,444 7 INFO p19 odoo.addons.base.models.ir_cron: Job 'x' (3) starting \n"


class LogHost(Host):
    """A host all of whose servers log to one place."""

    place = LogPlace(FILE, "/odoo.log", shows_dumps=True)

    def log_place(self, master: Process, options: t.Any, supervisor: Supervisor) -> LogPlace:
        """Return that place."""
        del master, options, supervisor
        return self.place


class Stage:
    """A captured server whose processes write a dump at each QUIT, or are deaf to the first of them."""

    def __init__(self, moment: str, folder: pathlib.Path) -> None:
        kind = "19-threaded" if "threaded" in moment else "19-prefork"
        self.scene = Scene(kind, [moment], folder / "proc")
        self.clock = FakeClock()
        #: which process got which signal
        self.sent: list[int] = []
        self.signals: list[str] = []
        self.deaf = 0
        self.ended: set[int] = set()
        #: those that never rest
        self.restless: set[int] = set()
        #: what a process writes
        self.answer = DUMP
        self.host = LogHost(self.scene, self.clock, ServerRecords("/nonexistent"), door=t.cast(Door, self))
        root, fds = (folder / "proc" / str(self.scene.master) / name for name in ("root", "fd"))
        fds.mkdir()
        self.log = root / "odoo.log"
        self.log.write_text(STARTING)
        (fds / "3").symlink_to(self.log)

    @property
    def instance(self) -> Instance:
        return look(self.scene).instances[0]

    def stacks(self, kind: str = FILE, *, shows: bool = True) -> Stacks:
        return Stacks(self.host, LogPlace(kind, "/odoo.log", shows), "odoo.service")

    @property
    def python(self) -> str:
        """The Python that all of its processes run, as file names have it."""
        return self.scene.python

    @python.setter
    def python(self, version: str) -> None:
        self.scene.python = version

    # The door.

    def check(self, proc: t.Any, signal_name: str, target: Target, *, force: bool = False) -> list[Objection]:
        """Ask the rules."""
        if target.process.pid in self.ended:
            problem = refused.PROCESS_ENDED(pid=target.process.pid)
            raise door.SignalRefused(Objection(Rule.IDENTITY, problem))
        return door.check(proc, signal_name, target, force=force)

    def kill(self, _proc: t.Any, _process: Process) -> None:
        """End no process."""
        raise AssertionError

    def send(self, proc: t.Any, signal_name: str, target: Target, *, force: bool = False) -> list[Objection]:
        """Let the process write its answer."""
        lifted = self.check(proc, signal_name, target, force=force)
        if target.process.pid in self.restless:
            if not target.accepts_risk:
                problem = refused.AT_WORK(pid=target.process.pid, python="Python 3.11", seconds=1.0)
                raise door.NotAtRest(Objection(Rule.REST, problem))
            lifted.append(Objection(Rule.REST, dump.RISK_ACCEPTED(pid=target.process.pid)))
        self.sent.append(target.process.pid)
        self.signals.append(signal_name)
        if self.deaf:
            self.deaf -= 1
        else:
            with self.log.open("a") as file:
                file.write(self.answer.replace("{pid}", str(target.process.namespace_pids[-1])))
        return lifted
