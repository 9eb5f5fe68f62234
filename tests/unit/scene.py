# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Moments that were captured from real servers, one after the other, as a machine that code can look at."""

from __future__ import annotations

import pathlib

from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Role
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import look
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Gone, Proc

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

    def end_http(self) -> None:
        """Make it a server for cron alone, in its odoo.conf and in what runs."""
        self.write_conf("workers = 2\nmax_cron_threads = 1\nhttp_enable = False\n")
        for proc in self._moments.values():
            served = [child for i in look(proc).instances for child in i.children if child.role != Role.CRON]
            ended = tuple(f"{child.process.pid}/" for child in served)
            proc.files = {name: text for name, text in proc.files.items() if not name.startswith(ended)}
            proc.files["net/tcp"] = b""

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

    #: the Python that all processes run, as file names have it; the captures have no maps
    python = "312"

    def read(self, pid: int, name: str) -> bytes:
        if name == "maps":
            return f"7f00 r-xp 0 08:01 1 /usr/lib/_psycopg.cpython-{self.python}-x86_64-linux-gnu.so\n".encode()
        if self.moment == GONE and not name.startswith("net/"):
            raise Gone(str(pid))
        # In the moment of an exec there are no arguments.
        return b"" if self.moment == SILENT and name == "cmdline" else self._now.read(pid, name)

    def link(self, pid: int, name: str) -> str:
        return self._now.link(pid, name)

    def runs_python(self, pid: int) -> bool:
        return self._now.runs_python(pid)

    def sockets(self, pid: int) -> frozenset[int]:
        return self._now.sockets(pid)

    def children(self, pid: int) -> list[int]:
        if self.moment == GONE:
            raise Gone(str(pid))
        return self._now.pids()

    def uptime_ticks(self) -> int:
        return self._now.uptime_ticks()
