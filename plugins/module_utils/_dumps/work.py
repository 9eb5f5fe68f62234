# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Find the processes of a server that are still busy, and their work, from the processes and their dumps. Pure."""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import dataclass

from .._facts.results import printable
from .._log.jobs import jobs_under_way
from .._processes.classify import Instance, Mode, Role
from .._processes.process import Process
from .stack import CRON_WORK, Dump, Frame, Stack

#: Calls of a stack that are kept: the innermost.
_DEEPEST = 40


@dataclass(frozen=True)
class Busy:
    """One piece of work. ``role`` is http, cron or gevent, ``seconds`` for how long it has gone on at least."""

    pid: int
    role: Role
    seconds: float
    url: t.Optional[str] = None
    database: t.Optional[str] = None
    job: t.Optional[str] = None
    stack: t.Tuple[str, ...] = ()

    def at_least(self, seconds: float) -> Busy:
        """Return the same work with at least this many seconds."""
        return dataclasses.replace(self, seconds=max(self.seconds, seconds))

    def told(self) -> t.Dict[str, t.Any]:
        """Return the work as the module returns it."""
        return {
            "pid": self.pid,
            "role": self.role,
            "seconds": round(self.seconds, 1),
            "url": printable(self.url),
            "database": printable(self.database),
            "job": printable(self.job),
            "stack": [printable(line) for line in self.stack],
        }

    def __str__(self) -> str:
        what = self.url or (self.job and "the cron job %r" % self.job)
        where = " of database %s" % self.database if self.database and what else ""
        unsaid = "" if what else ", and its work is not known"
        at = ", at %s" % self.stack[-1] if self.stack else unsaid
        return "pid %d (%s) for %.0f s%s%s%s" % (
            self.pid,
            self.role,
            self.seconds,
            " with %s" % what if what else "",
            where,
            at,
        )


def workers(instance: Instance) -> t.List[t.Tuple[Process, Role]]:
    """Return the processes that do the work of a server, with their role: all but a prefork master."""
    if instance.mode == Mode.THREADED:
        return [(instance.master, Role.MASTER)]
    return [(c.process, c.role) for c in instance.children if c.role in (Role.HTTP, Role.CRON, Role.GEVENT)]


def idle_dump(pid: int) -> Dump:
    """Return what stands for the dump of a worker that the kernel shows to wait for work."""
    return Dump(pid, "", None, (Stack("idle", frames=(Frame("", 0, "select"),)),))


def find_busy(
    instance: Instance,
    dumps: t.Mapping[int, Dump],
    lines: t.Sequence[str],
    waited: float,
    *,
    leaving: bool,
) -> t.List[Busy]:
    """Return the work in progress of a server.

    :param dumps: by pid of the process.
    :param lines: of its log, which show the names of cron jobs.
    :param waited: seconds of the wait for its work so far.
    :param leaving: the server got its INT, and no work is younger than that.
    """
    found: t.List[Busy] = []
    threaded = instance.mode == Mode.THREADED
    for process, role in workers(instance):
        dump = dumps.get(process.pid)
        if dump and not dump.is_understood:
            dump = None
        working = [stack for stack in dump.threads if stack.work] if dump else []
        jobs = jobs_under_way(lines, process.shown_pid) if any(s.work == CRON_WORK for s in working) else []
        found += [
            _busy(process, Role(t.cast(str, stack.work)) if threaded else role, stack, jobs, waited if leaving else 0.0)
            for stack in working
        ]
        if dump is None and not (leaving and threaded):
            # Neither no dump nor one that was not understood is a proof of idleness. (A threaded server that leaves is
            # told by its end.)
            found.append(Busy(process.pid, Role.HTTP if threaded else role, waited))
    return found


def _busy(
    process: Process, role: Role, stack: Stack, jobs: t.Sequence[t.Tuple[str, t.Optional[str]]], waited: float
) -> Busy:
    cron = stack.work == CRON_WORK
    # The times of a thread are those of its request; in a cron thread they may belong to an earlier request.
    seconds = max(waited, 0.0 if cron else stack.seconds or 0.0)
    database = stack.db
    if cron and database is None and jobs:
        database = jobs[-1][1]
    return Busy(
        process.pid,
        role,
        seconds,
        None if cron else stack.url,
        database,
        " or ".join(name for name, _database in jobs) or None if cron else None,
        tuple(_line(frame) for frame in stack.frames[-_DEEPEST:]),
    )


def _line(frame: Frame) -> str:
    where = "%s:%d %s" % (frame.file, frame.line, frame.function)
    return "%s: %s" % (where, frame.source) if frame.source else where
