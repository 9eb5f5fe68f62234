# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The work of a server that is to end: what is at work, for how long, and whether that is too long."""

from __future__ import annotations

import typing as t

from .._dumps.work import Busy, find_busy
from .._messages import timeout
from .._messages.code import Code, Problem
from .._processes.classify import Mode, Role, State
from .._processes.release import major
from .._server.server import Server
from .._system.errors import TimedOut
from .order import DrainOrder

#: From this version on a prefork master waits for its workers without a limit. Before, it ends the remaining ones
#: after limit_time_real (read in Odoo 14.0 and 19.0).
_PATIENT = 19
#: Seconds after which the processes that are left are asked for their stacks, between two such questions, and while an
#: answer is new.
_FIRST_DUMP, _NEXT_DUMP, _FRESH = 1.5, 10.0, 0.5


class Overdue(TimedOut):
    """Some work has taken longer than it may.

    :ivar options: the options whose time has passed.
    :ivar work: what is still at work.
    """

    def __init__(self, code: Code, options: t.Sequence[str], work: str) -> None:
        super().__init__(code(work=work, options=" and ".join(options)))
        self.options, self.work = list(options), work


class Work:
    """The remaining work of a server, from its dumps and its processes."""

    def __init__(self, server: Server, order: DrainOrder) -> None:
        self._server, self._order = server, order
        self._stacks = server.host.stacks.Stacks(server.host, server.place, server.supervisor.systemd_unit)
        self._asked: t.Optional[float] = None
        #: when the wait for it began, on the clock's monotonic()
        self._from = server.clock.monotonic()
        #: by this call
        self._sent = False
        #: when the INT was sent, by this or another call, in seconds since the boot; None if not known
        self.sent: t.Optional[float] = None
        self.busy: t.List[Busy] = []

    def begin(self, sent: t.Optional[float] = None) -> None:
        """Begin to wait for it: before an INT, or after the one that was just sent."""
        self._from, self._asked = self._server.clock.monotonic(), None
        if sent is not None:
            self.sent, self._sent = sent, True

    @property
    def leaving(self) -> bool:
        """Return whether the server got its INT."""
        return self._sent or self._server.now.state == State.DRAINING

    @property
    def hidden(self) -> t.Optional[Problem]:
        """Return why its dumps cannot be seen; None when they can."""
        found: t.Optional[Problem] = self._stacks.hidden(self._server.now)
        return found

    @property
    def ends_impatiently(self) -> bool:
        """Return whether its master cuts off the remaining work limit_time_real after the INT."""
        version = major(self._server.version)
        return self._server.now.mode == Mode.PREFORK and version is not None and version < _PATIENT

    def to_end_first(self) -> t.FrozenSet[str]:
        """Return what must be over before the INT: in a threaded server all work, before Odoo 19 long cron jobs."""
        if self._server.now.mode == Mode.THREADED:
            return frozenset([Role.HTTP, Role.CRON])
        if self.ends_impatiently and self._order.cron_timeout > self._server.options.limit_time_real:
            return frozenset([Role.CRON])
        return frozenset()

    def ask(self) -> None:
        """Take stack dumps of the server, and find its work in them."""
        server = self._server
        dumps, lines = self._stacks.take(server.now)
        self._asked = server.clock.monotonic()
        before = {_same(one) for one in self.busy}
        found = find_busy(server.now, dumps, lines, self._waited(), leaving=self.leaving)
        if not self.leaving:
            # What was at work a moment ago and still is has not begun again, or we cannot tell.
            found = [one.at_least(self._waited()) if _same(one) in before else one for one in found]
        self.busy = found

    def ask_in_time(self) -> bool:
        """Ask while it ends, now and then; return whether it was asked."""
        now = self._server.clock.monotonic()
        due = self._from + _FIRST_DUMP if self._asked is None else self._asked + _NEXT_DUMP
        if now < due:
            return False
        self.ask()
        return True

    def left(self) -> t.List[Busy]:
        """Return what is left of a server that ends, without asking a process."""
        return find_busy(self._server.now, {}, [], self._waited(), leaving=True)

    def check(self) -> None:
        """:raises Overdue: some work has taken longer than it may."""
        late, total = self._late()
        if not late and not total:
            return
        if self._asked is None or self._server.clock.monotonic() - self._asked > _FRESH:
            self.ask()
            late, total = self._late()
            if not late and not total:
                return
        options = ["%s_timeout" % role for role in late] + (["timeout"] if total else [])
        if self.leaving:
            there = {process.pid for process, _role in self._server.now.everybody}
            self.busy = [one.at_least(self._waited()) for one in self.busy if one.pid in there]
        # A process that is left delays the end, also where it shows no work.
        found_work = [
            [str(one) for one in found if total or one.role in late]
            for found in (self.busy, self.left() if self.leaving else [])
        ]
        master = ["pid %d (%s)" % (self._server.now.master.pid, Role.MASTER)]
        code = timeout.WORK if self.leaving else timeout.WORK_BEFORE_INT
        raise Overdue(code, options, "; ".join(found_work[0] or found_work[1] or master))

    def _late(self) -> t.Tuple[t.List[Role], bool]:
        now = self._server.clock.monotonic()
        limits = self._order.limits()
        if not self.leaving and self.ends_impatiently:
            # It gives them this much after the INT.
            limits[Role.CRON] -= self._server.options.limit_time_real
        late = [role for role, limit in limits.items() if now - self._from >= limit and self._has(role)]
        return late, now >= self._server.deadline

    def _has(self, role: Role) -> bool:
        if self._server.now.mode == Mode.THREADED or not self.leaving:
            return any(one.role == role for one in self.busy)
        return bool(self._server.now.having(role))

    def _waited(self) -> float:
        if self.leaving and self.sent is not None:
            return self._server.clock.uptime() - self.sent
        return self._server.clock.monotonic() - self._from


def _same(one: Busy) -> t.Tuple[t.Any, ...]:
    return (one.pid, one.role, one.url, one.job)
