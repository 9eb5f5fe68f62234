# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A captured server that writes a dump to its log, which is a real file, when it gets a QUIT."""

from __future__ import annotations

import pathlib
import typing as t

from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.ask import Stacks
from ansible_collections.fleetops.odoo.plugins.module_utils._log.place import FILE, LogPlace
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Instance
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import look
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.rules import Refusal
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.send import Refused, Target, check

from ..build import FakeClock
from ..scene import Scene

DUMP = (
    "2026-11-24 10:30:22,111 {pid} INFO p19 odoo.tools.misc: \n"
    "# Thread: <T> (db:p19) (uid:1) (url:http://h/x?access_token=S3cret) (qc:1 qt:1.0 pt:2.0)\n"
    'File: "/w.py", line 1, in run_wsgi\n  work()\n'
)


STARTING = "2026-11-24 10:30:16,444 7 INFO p19 odoo.addons.base.models.ir_cron: Job 'x' (3) starting \n"


class Stage:
    """A captured server whose processes write a dump at each QUIT, or are deaf to the first of them."""

    def __init__(self, moment: str, folder: pathlib.Path) -> None:
        kind = "19-threaded" if "threaded" in moment else "19-prefork"
        self.scene = Scene(kind, [moment], folder / "proc")
        self.clock = FakeClock()
        self.sent: list[int] = []
        self.deaf = 0
        self.ended: set[int] = set()
        root, fds = (folder / "proc" / str(self.scene.master) / name for name in ("root", "fd"))
        fds.mkdir()
        self.log = root / "odoo.log"
        self.log.write_text(STARTING)
        (fds / "3").symlink_to(self.log)

    @property
    def instance(self) -> Instance:
        return look(self.scene).instances[0]

    def stacks(self, kind: str = FILE, *, shows: bool = True) -> Stacks:
        return Stacks(self.scene, self.clock, LogPlace(kind, "/odoo.log", shows), "odoo.service")

    def send(self, proc: t.Any, name: str, target: Target, *, force: bool = False) -> list[Refusal]:
        assert name == "QUIT"
        if target.process.pid in self.ended:
            raise Refused(Refusal("identity", "it has ended"))
        lifted = check(proc, name, target, force=force)
        self.sent.append(target.process.pid)
        if self.deaf:
            self.deaf -= 1
        else:
            with self.log.open("a") as file:
                file.write(DUMP.format(pid=target.process.namespace_pids[-1]))
        return lifted
