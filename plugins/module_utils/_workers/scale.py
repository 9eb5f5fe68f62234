# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The number of http workers of a prefork server.

A master keeps up a number of workers, its target, and does not show it: a TTIN raises it, a TTOU lowers it and ends no
worker, a HUP sets it to the configuration. While it has fewer workers than its target, the master starts some. So it
never has fewer for long, and may have more. Two facts are visible. A new worker proves that there were fewer than the
target, so that both are equal now. A worker that has ended and was not replaced proves that there were more.

So before the target is lowered, TTINs are sent until a worker starts: then the target is known, and from there it is
counted. It is never lowered below the wanted count.
"""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass

from .._facts.results import BusyResult, Outcome
from .._messages import failed, refused, rehearsal, timeout
from .._messages.code import Problem
from .._processes.classify import Child, Generation, Instance, Role
from .._processes.look import Look
from .._server.complete import reloaded
from .._server.host import Host
from .._server.operation import begin_each, run_all
from .._system.clock import Pending, wait_until
from .._system.errors import Failure, Refused, TimedOut
from .odoo_conf import Edit, prepare_edit
from .scale_plan import foreseen, pick
from .workers import WorkersOperation, named

#: Seconds for which the workers must stay the same before they are counted, and at the end.
_STEADY, _SETTLED = 0.4, 1.0
#: Seconds after which a TTIN that has started no worker has shown that there are more than the master keeps up. It
#: starts one within 0.1 s; on a machine that is slower than this one more is started, which is seen and corrected.
_SHOWS = 0.8
#: Seconds between two signals to a master. It takes equal ones that come at once for one, and no more than five.
_PACE = 0.15
#: A TTIN that has started no worker may be one too many, or one that the master has not taken yet. So after some of
#: them the workers must stay the same for as long as that took and half of it, but no longer than a master sleeps.
_MORE, _BEAT = 1.5, 4.0
#: A master takes TTOUs that come at once for one, so they may be needed several times. There are no more of them than
#: so many times the TTINs and the surplus workers, and as many as can wait in a master: more would show that what is
#: counted here is not what the master counts.
_TIMES, _MOST_WAITING = 3, 5
#: Seconds between two looks for idle workers.
_PATIENCE = 0.7
#: Nothing shows that the server has followed a change of odoo.conf already.
_STALE = "; %s was written to %s, so the server counts as stale until its next reload"


@dataclass(frozen=True)
class ScaleOrder:
    """Options of the module workers. ``timeout`` is in seconds, for each server."""

    count: int
    timeout: float
    wait_busy: bool = False
    #: write the number to odoo.conf too
    persist: bool = False
    #: make sure of the number that the master keeps up even where there are as many workers as are wanted
    prove: bool = False
    force: bool = False


@dataclass
class ScaleResult(BusyResult):
    """``target`` is the number that the master keeps up; None where nothing has shown it."""

    target: t.Optional[int] = None
    persisted: t.Optional[t.Dict[str, t.Any]] = None

    def told(self) -> t.Dict[str, t.Any]:
        """Return it as the module does."""
        return {**super().told(), "target": self.target, "persisted": self.persisted}


def scale_all(
    host: Host, seen: Look, identities: t.Sequence[str], order: ScaleOrder, *, check_mode: bool
) -> t.List[ScaleResult]:
    """Bring the chosen servers to the wanted number of http workers, one after the other.

    :raises OperationFailed: one of them was refused or failed.
    """

    begins = begin_each(seen, identities, lambda first: _Scale(host, seen, first, order))
    return run_all(begins, ScaleResult, check_mode=check_mode)


class _Scale(WorkersOperation[ScaleResult]):
    """One server on its way to a number of http workers."""

    deed, doing = "scaling", "scaling"

    def __init__(self, host: Host, seen: Look, first: Instance, order: ScaleOrder) -> None:
        result = ScaleResult(first.identity, first.master.pid, Outcome.NOTHING, "")
        super().__init__(host, seen, first, order.timeout, result, force=order.force)
        self._order = order
        #: whether the master has to prove its number even where there are as many workers as are wanted
        self._prove = order.prove
        #: the number that the master keeps up, once that is known
        self._kept_up: t.Optional[int] = None
        #: http workers at the last look at which the number had not been changed since; others were started after it
        self._before: t.Optional[t.FrozenSet[str]] = None
        #: when the first TTIN was sent that started no worker, and how long it took until one was started
        self._unanswered: t.Optional[float] = None
        self._answered = 0.0
        #: workers that got an INT and have not ended yet
        self._leaving: t.List[Child] = []
        #: how many TTOUs may be sent
        self._lowers = _MOST_WAITING

    # What is done, from the outside.

    def foresee(self) -> None:
        """Put into the result what :meth:`work` would do."""
        self._prove |= self.host.store.is_in_doubt(self.now.master)
        self.check_told()
        there = len(self.current(Role.HTTP))
        edit = self._examine()
        signals = foreseen(there, self._order.count, prove=self._prove)
        for name in sorted(set(signals) - {"INT"}):
            self.check_signal(name)
        self.result.reason = self._why(there)
        self.result.signals = signals
        if signals:
            self.result.did = Outcome.SIGNALLED
        if edit is not None:
            self._did_write(
                edit, "; %s would be written to %s, and the server would count as stale until its next reload"
            )

    def work(self) -> None:
        """Bring it to that number."""
        self.steady([Role.HTTP], _STEADY)
        self._prove |= self.host.store.is_in_doubt(self.now.master)
        self.tell_apart()
        there = len(self.current(Role.HTTP))
        self._lowers += _TIMES * max(0, there - self._order.count)
        edit = self._examine()
        self.result.reason = self._why(there)
        if edit is not None:
            self._write(edit)
        if there != self._order.count or self._prove:
            # Written down first: with fewer than its configuration says it is complete nevertheless.
            self.host.store.remember_scale(self.now.master, self._order.count, proven=False)
        self._rebase()
        try:
            while not self._step():
                self._count()
        except TimedOut as exc:
            raise self._too_late(exc) from None
        if self.result.signals:
            self.host.store.remember_scale(self.now.master, self._order.count, proven=True)
            self._conclude(there)

    # Its steps.

    def _step(self) -> bool:
        """Do what comes next; True when nothing is left to be done."""
        there, count = len(self.current(Role.HTTP)), self._order.count
        if there < count:
            self._grow(count - there)
        elif there > count:
            self._shrink()
        elif self._kept_up != count and (self.result.signals or self._prove):
            self._learn()
        elif not self.result.signals:
            return True
        else:
            self.steady([Role.HTTP], max(_SETTLED, self._doubt))
            self.tell_apart()
            self._take_evidence()
            return len(self.current(Role.HTTP)) == count and self._kept_up == count
        return False

    @property
    def _doubt(self) -> float:
        """Seconds after which the master has taken every TTIN."""
        return min(self._answered * _MORE, _BEAT)

    def _count(self) -> None:
        if self.late:
            raise TimedOut(timeout.STEADY())
        raised = bool(self.result.signals) and self.result.signals[-1] == "TTIN"
        self.steady([Role.HTTP], max(_STEADY, self._doubt) if raised else _STEADY)
        self.tell_apart()
        self._take_evidence()

    def _take_evidence(self) -> None:
        """Take a worker that started after the last change as the proof that target and number are equal."""
        now = frozenset(child.process.identity for child in self.current(Role.HTTP))
        if self._before is not None and now - self._before:
            self._kept_up = len(now)
        self._before = now

    def _rebase(self) -> None:
        self.look()
        self._before = frozenset(child.process.identity for child in self.current(Role.HTTP))

    def look(self) -> None:
        """Look at it again; a HUP from elsewhere sets the number to the configuration."""
        before = self.now
        super().look()
        if reloaded(before, self.now):
            self._kept_up = self._before = None

    def _grow(self, number: int) -> None:
        """Send a TTIN for each missing worker, and another one where it has started none."""
        for _one in range(number):
            if self.late or not self._raise():
                return

    def _learn(self) -> None:
        """Send TTINs until a worker is started: then there are as many as the master keeps up."""
        while not self.late:
            if self._raise():
                return

    def _raise(self) -> bool:
        """Send one TTIN; return whether it has started a worker."""
        self.look()
        before = self._started()
        self._kept_up = None
        self._lowers += _TIMES
        self.send_to_master("TTIN")

        def attempt() -> t.Union[bool, Pending]:
            self.look()
            return bool(self._started() - before) or Pending(timeout.WORKER_STARTS())

        begun = self.clock.monotonic()
        try:
            wait_until(attempt, self.clock, min(begun + _SHOWS, max(self.deadline, begun)))
        except TimedOut:
            self.step("no worker started, so the master kept up fewer workers than there were")
            self._unanswered = begun if self._unanswered is None else self._unanswered
            return False
        if self._unanswered is not None:
            self._answered = max(self._answered, self.clock.monotonic() - self._unanswered)
            self._unanswered = None
        return True

    def _started(self) -> t.Set[str]:
        """Return http workers, and processes that were just started and may be some."""
        found = [*self.now.having(Role.HTTP, Generation.CURRENT), *self.now.having(Role.UNKNOWN)]
        return {child.process.identity for child in found}

    def _shrink(self) -> None:
        """Send TTOUs until the number is the wanted one, and an INT to the surplus workers."""
        if self._kept_up is None:
            self._learn()
            return
        count = self._order.count
        if self._kept_up > count:
            while self._kept_up > count:
                if not self._lowers:
                    raise Failure(failed.NUMBER_RISES(count=count))
                self._lowers -= 1
                self.send_to_master("TTOU")
                self._kept_up -= 1
                self.clock.sleep(_PACE)
            self._rebase()
        for child in self._choose():
            if self.send_to(child, "INT"):
                self._leaving.append(child)
        if self._leaving:
            self._await_one()
        else:
            self.pause(_PATIENCE)

    def _choose(self) -> t.List[Child]:
        asked = self._staying()
        if len(asked) <= self._order.count:
            return []
        if self.hidden:
            busy: t.Collection[int] = [child.process.pid for child in asked]
        else:
            busy = {one.pid for one in self.ask(asked, names=False)[1]}
            # Some may have ended by themselves meanwhile, and they are not replaced any more.
            self.look()
        there, pids = self._staying(), {child.process.pid for child in asked}
        known = [child for child in there if child.process.pid in pids]
        return pick(known, busy, max(0, len(there) - self._order.count), wait_busy=self._order.wait_busy)

    def _staying(self) -> t.List[Child]:
        """Return http workers that were not told to end."""
        leaving = {child.process.identity for child in self._still_leaving()}
        return [child for child in self.current(Role.HTTP) if child.process.identity not in leaving]

    def _await_one(self) -> None:
        """Wait until all that were told to end have ended, or for long enough that others may have become idle."""
        begun = self.clock.monotonic()

        def attempt() -> t.Union[bool, Pending]:
            self.look()
            left = self._still_leaving()
            waited = self.clock.monotonic() - begun > _PATIENCE
            return not left or waited or Pending(timeout.WORKERS_END(workers=named(left)))

        self.wait(attempt)

    def _still_leaving(self) -> t.List[Child]:
        left = self.left_of(self._leaving)
        for child in self._leaving:
            if child not in left:
                self.step("pid %d has ended" % child.process.pid)
        self._leaving = left
        return left

    # What is checked first, and told in the end.

    def _examine(self) -> t.Optional[Edit]:
        """Check all that is known before anything is done.

        :raises Refused: something forbids it.
        """
        order, there = self._order, self.current(Role.HTTP)
        if not self.options.http_enable:
            raise Refused(refused.NO_HTTP())
        hidden = self.hidden if len(there) > order.count and not order.wait_busy else None
        if hidden:
            raise Refused(refused.IDLE_UNKNOWN(why=hidden.text))
        short = self._shortage(order.count - len(there))
        if short and not order.force:
            raise Refused(short)
        if short:
            self.warn(short)
        if len(there) != order.count or self._prove:
            self.check_databases()
        return prepare_edit(self.host, self.now, self.options, self.version, order.count) if order.persist else None

    def _shortage(self, more: int) -> t.Optional[Problem]:
        if more <= 0:
            return None
        page, room = os.sysconf("SC_PAGE_SIZE"), self.host.room
        sizes = [c.process.rss_pages * page for c in self.current(Role.HTTP)] or [self.now.master.rss_pages * page]
        short = room.worker_shortage(more, sizes, self.options.limit_memory_hard, room.free_memory())
        return rehearsal.LITTLE_MEMORY(shortages=short) if short else None

    def _write(self, edit: Edit) -> None:
        edit.apply()
        if edit.changes:
            self.step("%s was written, and the old file was kept as %s" % (edit.path, edit.backup))
        for what in edit.left_out:
            self.warn(rehearsal.LEFT_OUT(path=edit.path, what=what))
        self._did_write(edit, _STALE)

    def _did_write(self, edit: Edit, how: str) -> None:
        self.result.persisted = edit.told()
        if edit.changes:
            self.result.reason += how % (edit.after, edit.path)
            if self.result.did == Outcome.NOTHING:
                self.result.did = Outcome.WRITTEN

    def _why(self, there: int) -> str:
        count = self._order.count
        if there == count and not self._prove:
            return "the server has %d http workers" % count
        if there == count:
            return (
                "the server has %d http workers, and the module has to prove that this is the target of its master"
                % count
            )
        why = "the server has %d http workers, and %d are wanted" % (there, count)
        if there < self.options.workers and self.host.store.scaled(self.now.master) is None:
            why += "; the target of its master is lower than its configuration says (%d)" % self.options.workers
        return why

    def _conclude(self, there: int) -> None:
        self.result.target = self._kept_up
        count = self._order.count
        what = "the server had %d http workers and has %d" % (there, count)
        if there == count:
            what = "the server has %d http workers" % count
        what += ", which is the target of its master"
        persisted = self.result.persisted
        if count != self.options.workers:
            what += "; a HUP or a restart makes it %d again, as configured" % self.options.workers
        elif persisted and persisted["changed"]:
            what += _STALE % (persisted["after"], persisted["path"])
        self.result.reason = what

    def _too_late(self, late: TimedOut) -> TimedOut:
        there, count = self.current(Role.HTTP), self._order.count
        if len(there) == count:
            return late
        if len(there) < count:
            return TimedOut(timeout.MORE_WORKERS(count=count, there=len(there)))
        code = timeout.FEWER_WORKERS
        if self._kept_up == count:
            code = timeout.WORKERS_LEAVING if self._order.wait_busy else timeout.WORKERS_BUSY
        busy = self.name_busy(self._leaving or there)
        return TimedOut(code(surplus=len(there) - count, there=len(there), count=count, busy=busy))
