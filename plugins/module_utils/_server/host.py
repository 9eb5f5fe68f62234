# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The machine that an operation works on, and the ports to its outside world.

What an operation does beyond looking goes through a port that is handed in, so that a module ships only what it needs
and a test brings its own. A file of this collection serves as a port as it is: ``Host(..., door=send)``.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._facts.differences import Difference
from .._facts.gather import (
    Facts,
    find_differences,
    find_load,
    find_successor,
    has_old_configuration,
    log_place,
    survey_one,
)
from .._facts.loaded import Loaded, ServerRecords, Trace
from .._facts.sources import trace_of
from .._log.place import LogPlace
from .._log.read import LogMark
from .._processes.classify import Instance
from .._processes.look import Look, look, look_again
from .._processes.options import Options
from .._processes.proc import Proc, is_alive, start_time
from .._processes.process import Process
from .._supervisors.find import Supervisor, supervisor_of
from .._system.clock import Clock


class Door(t.Protocol):
    """The one door for signals: ``_signals/send``."""

    def send(self, proc: Proc, signal_name: str, target: t.Any, *, force: bool = False) -> t.List[t.Any]:
        """Send one signal to one process; return the objections that force lifted."""

    def check(self, proc: Proc, signal_name: str, target: t.Any, *, force: bool = False) -> t.List[t.Any]:
        """Ask the rules as ``send`` does, and send nothing."""

    def kill(self, proc: Proc, process: Process) -> None:
        """End one process at once."""


class _Absent:
    """Stands where a module has handed in no port."""

    def __getattr__(self, name: str) -> t.NoReturn:
        raise AttributeError("this host was made without the port that has %r" % name)


_ABSENT: t.Any = _Absent()


@dataclass
class Host:
    """A machine: its processes, its clocks, what is remembered of its servers, and the ports."""

    proc: Proc
    clock: Clock
    store: ServerRecords
    door: Door = _ABSENT
    #: ``_rehearsal/rehearsal`` and ``_rehearsal/room``
    rehearsal: t.Any = _ABSENT
    room: t.Any = _ABSENT
    #: ``_server/health``
    health: t.Any = _ABSENT
    #: ``_log/follow``
    logs: t.Any = _ABSENT
    #: ``_dumps/stacks``
    stacks: t.Any = _ABSENT
    #: ``_supervisors/restart`` and ``_supervisors/hold``
    restarts: t.Any = _ABSENT
    holds: t.Any = _ABSENT
    #: ``_drain/start_command``
    commands: t.Any = _ABSENT

    def look(self) -> Look:
        """Look at all servers."""
        return look(self.proc)

    def look_again(self, instance: Instance) -> Look:
        """Look at one server once more."""
        return look_again(self.proc, instance)

    def is_alive(self, process: Process) -> bool:
        """Return whether this process still lives, even if it shows no arguments."""
        return is_alive(self.proc, process)

    def supervisor_of(self, process: Process) -> Supervisor:
        """Return what starts a process again when it ends."""
        return supervisor_of(process, self.proc)

    def find_successor(self, old: Instance, seen: Look, supervisor: Supervisor) -> t.Optional[t.Tuple[Look, Instance]]:
        """Return the server that this supervisor has started in place of another one, and the look that found it."""
        return find_successor(self.proc, old, seen, supervisor)

    def start_time(self, process: Process) -> float:
        """Return when a process was started, in seconds since the epoch."""
        return start_time(process)

    def facts(self, seen: Look, instance: Instance) -> Facts:
        """Return what surrounds one server of a look, staleness included."""
        return survey_one(self.proc, seen, instance, self.store)

    def differences(self, seen: Look, instance: Instance) -> t.Tuple[Difference, ...]:
        """Return how one server of a look differs from its configuration."""
        return find_differences(self.proc, seen, instance, self.store)

    def has_old_configuration(self, seen: Look, instance: Instance) -> bool:
        """Return whether the odoo.conf of one server of a look has changed since the server was loaded."""
        return has_old_configuration(self.proc, seen, instance, self.store)

    def trace(self, seen: Look, instance: Instance, place: t.Optional[LogPlace] = None) -> Trace:
        """Return what one server of a look loads from now; without a place of its log only links."""
        return trace_of(self.proc, seen, instance, place)

    def load(self, master: Process, place: LogPlace) -> Loaded:
        """Return when a server loaded its code."""
        return find_load(self.proc, master, self.store, place, self.start_time(master))

    def log_place(self, master: Process, options: Options, supervisor: Supervisor) -> LogPlace:
        """Return where a server logs."""
        return log_place(self.proc, master, options, supervisor)

    def mark_log(self, master: Process, place: LogPlace, supervisor: Supervisor) -> LogMark:
        """Mark the end of the log of a server."""
        return LogMark(self.proc, master, place, supervisor.systemd_unit, self.clock.time())
