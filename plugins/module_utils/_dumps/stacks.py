# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Find out what the workers of one server do: the kernel shows the idle ones, the others are asked for their stacks."""

from __future__ import annotations

import typing as t

from .._log.follow import Follower, Unreachable, follow
from .._log.place import LogPlace
from .._log.read import LogMark
from .._messages.code import Problem
from .._processes.classify import Instance
from .._server.host import Host
from .._signals.rest import Watch
from .ask import PATIENCE, Asked, Asking, Caution, collect
from .at_work import Idle
from .stack import Dump
from .work import idle_dump, workers

#: Seconds for the dumps, and how much of the log is searched for the names of jobs.
_SECONDS, _JOB_LINES, _JOB_BYTES = 4.0, 4000, 1 << 19


class Stacks:
    """Tells what the workers of one server do.

    :param idle: tells which of them are idle without asking them.
    """

    def __init__(self, host: Host, place: LogPlace, unit: t.Optional[str], idle: t.Callable[..., t.Any] = Idle) -> None:
        self._host, self._place, self._unit, self._idle = host, place, unit, idle
        self._watch = Watch(host.proc, host.clock)

    def hidden(self, instance: Instance) -> t.Optional[Problem]:
        """Return why a dump would not be seen; None where it would."""
        try:
            self._follow(instance).close()
        except Unreachable as exc:
            return exc.problem
        return None

    def take(
        self, instance: Instance, pids: t.Optional[t.Collection[int]] = None, *, names: bool = True
    ) -> t.Tuple[t.Dict[int, Dump], t.List[str]]:
        """Return a dump of each worker by its pid, and the last lines of the log.

        A worker that the kernel shows to be idle has one that says so, and gets no signal. A worker whose dump did not
        come, or was not understood, has none: what it does is not known.

        :param pids: ask these only.
        :param names: also ask those of which the kernel says that they are at work, but not with what.
        """
        try:
            follower = self._follow(instance)
        except Unreachable:
            return {}, []
        host = self._host
        idle: Idle = self._idle(host.proc, instance)
        people = [one for one in workers(instance) if pids is None or one[0].pid in pids]
        known = {process.pid: idle.knows(process, role) for process, role in people}
        dumps = {pid: idle_dump(pid) for pid, waits in known.items() if waits}
        asked = [one for one in people if known[one[0].pid] is None or (names and not known[one[0].pid])]
        asking = Asking(host, instance, asked, follower, caution=Caution(self._watch, PATIENCE))
        try:
            collect(host.clock, [asking], _SECONDS)
        finally:
            follower.close()
        log = LogMark(host.proc, instance.master, self._place, self._unit, host.clock.time())
        try:
            lines = log.last(_JOB_LINES, _JOB_BYTES)
        finally:
            log.close()
        for one in asking.finish():
            # Where it got no signal it may have become idle meanwhile.
            found = one.understood if one.signals else self._idle_by_now(idle, one)
            if found:
                dumps[one.process.pid] = found
        return dumps, lines

    def _idle_by_now(self, idle: Idle, one: Asked) -> t.Optional[Dump]:
        return idle_dump(one.process.pid) if idle.knows(one.process, one.role) else None

    def _follow(self, instance: Instance) -> Follower:
        pids = [process.pid for process, _role in workers(instance)]
        return follow(self._host.proc, instance, self._place, pids, self._host.clock.time())
