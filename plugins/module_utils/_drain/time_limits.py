# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""The work of a server that is to end: who is at it, for how long, and whether that is too long."""

from __future__ import annotations

import typing as t

from .._dumps.ask import Stacks
from .._dumps.work import Busy, find_busy
from .._processes.classify import Mode, Role, State
from .._processes.release import major
from .._server.server import Subject
from .._system.boot import uptime
from .order import DrainOrder

#: From this version on a prefork master waits for its workers for as long as it takes. Before it ends whatever is left
#: after limit_time_real (read in Odoo 14.0 and 19.0).
_PATIENT = 19
#: Seconds after which whoever is left is asked what it does, between two such questions, and while an answer is new.
_FIRST_DUMP, _NEXT_DUMP, _FRESH = 1.5, 10.0, 0.5


class Overdue(Exception):
    """Some work has taken longer than it may: the options whose time is up, and who it is."""

    def __init__(self, options: t.Sequence[str], who: t.Sequence[str]) -> None:
        super().__init__("; ".join(who))
        self.options = list(options)


class Work:
    """What a server is still at, by its dumps and its processes."""

    def __init__(self, subject: Subject, order: DrainOrder) -> None:
        self._subject, self._order = subject, order
        self._stacks = Stacks(subject.proc, subject.clock, subject.place, subject.supervisor.systemd_unit)
        self._asked: t.Optional[float] = None
        #: since when it is waited for, on the clock's monotonic()
        self._from = subject.begun
        #: by this call
        self._sent = False
        #: when the INT was sent, by whichever call, in seconds since the boot; None where that is not known
        self.sent: t.Optional[float] = None
        self.busy: t.List[Busy] = []

    def begin(self, sent: t.Optional[float] = None) -> None:
        """From now on it is waited for: before an INT, or after the one that was just sent."""
        self._from, self._asked = self._subject.clock.monotonic(), None
        if sent is not None:
            self.sent, self._sent = sent, True

    @property
    def leaving(self) -> bool:
        """The server got its INT."""
        return self._sent or self._subject.now.state == State.DRAINING

    @property
    def hidden(self) -> t.Optional[str]:
        """Why its dumps cannot be seen, as a clause; None when they can."""
        return self._stacks.hidden(self._subject.now)

    @property
    def ends_impatiently(self) -> bool:
        """Its master cuts off what is left limit_time_real after the INT."""
        version = major(self._subject.version)
        return self._subject.now.mode == Mode.PREFORK and version is not None and version < _PATIENT

    def to_end_first(self) -> t.FrozenSet[str]:
        """Kinds of work that must be over before the INT: in a threaded server all, before Odoo 19 long cron jobs."""
        if self._subject.now.mode == Mode.THREADED:
            return frozenset([Role.HTTP, Role.CRON])
        if self.ends_impatiently and self._order.cron_timeout > self._subject.options.limit_time_real:
            return frozenset([Role.CRON])
        return frozenset()

    def ask(self) -> None:
        """Have it write its stacks, and see from them who is at work on what."""
        subject = self._subject
        dumps, lines = self._stacks.take(subject.now)
        self._asked = subject.clock.monotonic()
        before = {_same(one) for one in self.busy}
        found = find_busy(subject.now, dumps, lines, self._waited(), leaving=self.leaving)
        if not self.leaving:
            # What was at work a moment ago and still is has not begun anew, or we cannot tell.
            found = [one.at_least(self._waited()) if _same(one) in before else one for one in found]
        self.busy = found

    def ask_in_time(self) -> bool:
        """The same while it ends, now and then; False when it was not asked."""
        now = self._subject.clock.monotonic()
        due = self._from + _FIRST_DUMP if self._asked is None else self._asked + _NEXT_DUMP
        if now < due:
            return False
        self.ask()
        return True

    def left(self) -> t.List[Busy]:
        """Who is left of a server that ends, without asking anybody."""
        return find_busy(self._subject.now, {}, [], self._waited(), leaving=True)

    def check(self) -> None:
        """:raises Overdue: some work has taken longer than it may."""
        late, total = self._late()
        if not late and not total:
            return
        if self._asked is None or self._subject.clock.monotonic() - self._asked > _FRESH:
            self.ask()
            late, total = self._late()
            if not late and not total:
                return
        options = ["%s_timeout" % role for role in late] + (["timeout"] if total else [])
        if self.leaving:
            there = {process.pid for process, _role in self._subject.now.everybody}
            self.busy = [one.at_least(self._waited()) for one in self.busy if one.pid in there]
        # Whoever is left without showing any work holds it up all the same.
        who = [
            [str(one) for one in found if total or one.role in late]
            for found in (self.busy, self.left() if self.leaving else [])
        ]
        raise Overdue(options, who[0] or who[1] or ["pid %d (%s)" % (self._subject.now.master.pid, Role.MASTER)])

    def _late(self) -> t.Tuple[t.List[Role], bool]:
        now = self._subject.clock.monotonic()
        limits = self._order.limits()
        if not self.leaving and self.ends_impatiently:
            # It gives them this much after the INT.
            limits[Role.CRON] -= self._subject.options.limit_time_real
        late = [role for role, limit in limits.items() if now - self._from >= limit and self._has(role)]
        return late, now >= self._subject.deadline

    def _has(self, role: Role) -> bool:
        if self._subject.now.mode == Mode.THREADED or not self.leaving:
            return any(one.role == role for one in self.busy)
        return bool(self._subject.now.having(role))

    def _waited(self) -> float:
        if self.leaving and self.sent is not None:
            return uptime() - self.sent
        return self._subject.clock.monotonic() - self._from


def _same(one: Busy) -> t.Tuple[t.Any, ...]:
    return (one.pid, one.role, one.url, one.job)
