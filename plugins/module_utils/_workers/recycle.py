# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Replace workers of a prefork server, some at a time, while the others go on serving."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass, field

from .._dumps.work import Busy
from .._facts.results import BusyResult, Outcome
from .._messages import failed, refused, timeout
from .._processes.classify import Child, Generation, Instance, Role
from .._processes.look import Look
from .._processes.release import major
from .._server.host import Host
from .._server.operation import OnTimeout, begin_each, run_all
from .._system.clock import Pending, wait_until
from .._system.errors import Failure, Refused, TimedOut
from .workers import WorkersOperation, named

ROLES = (Role.HTTP, Role.CRON, Role.GEVENT, Role.OTHER)
#: Seconds for which the workers must stay the same before some are chosen.
_STEADY = 0.4
#: Seconds within which a master replaces a worker that has ended (0.1 s seen; it wakes at least every four).
_REPLACES = 8.0
#: The first version whose dumps tell when a request began.
_TELLS_TIMES = 17


@dataclass(frozen=True)
class RecycleOrder:
    """Options of the module recycle_workers. All given conditions must hold. Times are in seconds, sizes in bytes."""

    timeout: float
    roles: t.Tuple[Role, ...] = (Role.HTTP,)
    rss_above: t.Optional[int] = None
    older_than: t.Optional[float] = None
    busy_longer_than: t.Optional[float] = None
    pids: t.Optional[t.FrozenSet[int]] = None
    batch: int = 1
    #: ABORT: cut off the requests and jobs of the chosen workers
    on_timeout: OnTimeout = OnTimeout.FAIL
    force: bool = False

    @property
    def aborts(self) -> bool:
        """The work of the chosen workers is cut off."""
        return self.on_timeout == OnTimeout.ABORT


@dataclass
class RecycleResult(BusyResult):
    """``recycled`` has an entry for each worker that got a signal, or would."""

    recycled: t.List[t.Dict[str, t.Any]] = field(default_factory=list)

    def told(self) -> t.Dict[str, t.Any]:
        """Return it as the module does."""
        return {**super().told(), "recycled": self.recycled}


def recycle_all(
    host: Host, seen: Look, identities: t.Sequence[str], order: RecycleOrder, *, check_mode: bool
) -> t.List[RecycleResult]:
    """Recycle the chosen workers of the chosen servers, one server after the other.

    :raises OperationFailed: one of them was refused or failed.
    """

    begins = begin_each(seen, identities, lambda first: _Recycle(host, seen, first, order))
    return run_all(begins, RecycleResult, check_mode=check_mode)


def choose_workers(
    children: t.Iterable[Child], order: RecycleOrder, now: int, *, ticks: int, page: int
) -> t.List[Child]:
    """Return workers for which every condition holds that the kernel shows, the oldest of each role first. Pure.

    :param now: the moment, in clock ticks since boot; ``ticks`` of them are a second.
    :param page: bytes of a page of memory.
    """

    def holds(child: Child) -> bool:
        process = child.process
        return (
            child.role in order.roles
            and child.generation == Generation.CURRENT
            and (order.pids is None or process.pid in order.pids)
            and (order.rss_above is None or process.rss_pages * page > order.rss_above)
            and (order.older_than is None or (now - process.start) / ticks > order.older_than)
        )

    found = [child for child in children if holds(child)]
    return sorted(found, key=lambda c: (ROLES.index(c.role), c.process.start, c.process.pid))


def batches(chosen: t.Sequence[Child], size: int) -> t.Iterator[t.List[Child]]:
    """Return the workers that are ended at the same time, batch by batch. Pure.

    Only its replacement shows that the master replaces an http worker at all, so the first of them goes alone.
    """
    http = [child for child in chosen if child.role == Role.HTTP]
    rest = [child for child in chosen if child.role != Role.HTTP]
    if http:
        yield http[:1]
    for group in (http[1:], rest):
        for at in range(0, len(group), size):
            yield list(group[at : at + size])


class _Recycle(WorkersOperation[RecycleResult]):
    """One server whose workers are recycled."""

    deed, doing = "recycling of workers", "recycling workers of"

    def __init__(self, host: Host, seen: Look, first: Instance, order: RecycleOrder) -> None:
        result = RecycleResult(first.identity, first.master.pid, Outcome.NOTHING, "")
        super().__init__(host, seen, first, order.timeout, result, force=order.force)
        self._order = order

    # What is done, from the outside.

    def foresee(self) -> None:
        """Put into the result what :meth:`work` would do."""
        if {Role.HTTP, Role.OTHER} & set(self._order.roles):
            self.check_told()
        chosen = self._candidates()
        longer = self._order.busy_longer_than
        if chosen and longer is not None:
            self._check_dumps()
            self.result.reason = (
                "the other conditions match %s; check mode cannot find out which of them have been busy for"
                " longer than %g s, because that needs a signal" % (named(chosen), longer)
            )
            return
        self._explain(chosen)
        if not chosen:
            return
        self.check_databases()
        for child in chosen:
            self.check_signal(self._signal(child), child)
            self.result.recycled.append(self._record(child))
            self.result.signals.append(self._signal(child))
        self.result.did = Outcome.SIGNALLED

    def work(self) -> None:
        """Recycle them, some at a time."""
        self.steady(ROLES, _STEADY)
        if {Role.HTTP, Role.OTHER} & set(self._order.roles):
            self.tell_apart()
        chosen = self._candidates()
        if chosen and self._order.busy_longer_than is not None:
            chosen = self._long_busy(chosen)
        self._explain(chosen)
        if not chosen:
            return
        self.check_databases()
        for batch in batches(chosen, self._order.batch):
            self._one_batch(batch)
        self._conclude()

    # Which workers.

    def _candidates(self) -> t.List[Child]:
        return choose_workers(
            self.now.children,
            self._order,
            self.proc.uptime_ticks(),
            ticks=os.sysconf("SC_CLK_TCK"),
            page=os.sysconf("SC_PAGE_SIZE"),
        )

    def _check_dumps(self) -> None:
        hidden = self.hidden
        if hidden:
            raise Refused(refused.WORK_TIME_UNKNOWN(why=hidden.text))

    def _long_busy(self, candidates: t.Sequence[Child]) -> t.List[Child]:
        """Return those of them that have been at one request or job for longer than is given."""
        self._check_dumps()
        longer = t.cast(float, self._order.busy_longer_than)
        dumps, busy = self.ask(candidates)
        found = {one.pid for one in busy if one.seconds > longer}
        unsure = [one for one in busy if one.pid in dumps and one.pid not in found and not self._tells_time(one)]
        if unsure:
            # Its dumps do not tell when that began. What is the same after this time has gone on for longer.
            if longer >= self.deadline - self.clock.monotonic():
                raise Refused(refused.WATCH_TOO_LONG(seconds=longer, timeout=self._order.timeout))
            self.pause(longer)
            self.look()
            dumps, busy = self.ask(self.left_of(candidates))
            before = {(one.pid, one.url, one.job, one.database) for one in unsure}
            found |= {one.pid for one in busy if (one.pid, one.url, one.job, one.database) in before}
            found |= {one.pid for one in busy if one.seconds > longer}
        silent = [str(child.process.pid) for child in candidates if child.process.pid not in dumps]
        if silent:
            self.warn(failed.WORK_TIME_UNKNOWN(pids=", ".join(silent)))
        return [child for child in candidates if child.process.pid in found]

    def _tells_time(self, one: Busy) -> bool:
        # The times of a thread are those of its request; a cron job has none.
        return one.role == Role.HTTP and (major(self.version) or 0) >= _TELLS_TIMES

    def _explain(self, chosen: t.Sequence[Child]) -> None:
        if chosen:
            self.result.reason = "the conditions match %s" % named(chosen)
            return
        order = self._order
        there = [child for role in order.roles for child in self.current(role)]
        lost = sorted((order.pids or frozenset()) - {child.process.pid for child in there})
        what = "none of the %d %s workers meets the conditions" % (len(there), "/".join(order.roles))
        if lost:
            what += "; the server has no such worker with pid %s" % ", ".join(map(str, lost))
        self.result.reason = what

    # How.

    def _signal(self, child: Child) -> str:
        # gevent has no handler for XCPU that would spare it, and on an INT it does not wait for its websockets. Another
        # worker may have a handler of its own, and go on (seen: the runner of queue_job 19.0).
        return "XCPU" if self._order.aborts and child.role in (Role.HTTP, Role.CRON) else "INT"

    def _record(self, child: Child) -> t.Dict[str, t.Any]:
        process = child.process
        age = (self.proc.uptime_ticks() - process.start) / os.sysconf("SC_CLK_TCK")
        return {
            "pid": process.pid,
            "identity": process.identity,
            "role": str(child.role),
            "rss": process.rss_pages * os.sysconf("SC_PAGE_SIZE"),
            "age": round(age, 1),
            "signal": self._signal(child),
            "ended": False,
            "replaced_by": None,
            "lost": None,
            "seconds": 0.0,
        }

    def _one_batch(self, batch: t.Sequence[Child]) -> None:
        self.look()
        if self.late:
            raise TimedOut(timeout.NOT_SIGNALLED(workers=named(batch)))
        there = {role: self._ready(role) for role in ROLES}
        lost = self._about_to_be_lost(batch) if self._order.aborts else {}
        begun = self.clock.monotonic()
        records: t.List[t.Tuple[Child, t.Dict[str, t.Any]]] = []
        try:
            for child in batch:
                record = self._record(child)
                if not self.send_to(child, self._signal(child)):
                    self.step("pid %d (%s) has ended by itself" % (child.process.pid, child.role))
                    continue
                record["lost"] = lost.get(child.process.pid)
                self.result.recycled.append(record)
                records.append((child, record))
            self._await_ends([child for child, _record in records])
            self._await_replacements(there, records)
        finally:
            for child, record in records:
                record["ended"] = not self.left_of([child])
                record["seconds"] = round(self.clock.monotonic() - begun, 2)

    def _about_to_be_lost(self, batch: t.Sequence[Child]) -> t.Dict[int, t.Dict[str, t.Any]]:
        """Return what an XCPU cuts off, by pid, as dumps tell it at the last moment before."""
        dumps, busy = self.ask(batch)
        found = {one.pid: one.told() for one in busy if one.pid in dumps}
        for one in busy:
            if one.pid in dumps:
                self.step("XCPU cuts off: %s" % one)
            else:
                self.warn(failed.LOST_WORK_UNKNOWN(pid=one.pid))
        return found

    def _await_ends(self, signalled: t.Sequence[Child]) -> None:
        try:
            self.await_end(signalled)
        except TimedOut:
            code = timeout.ABORTED if self._order.aborts else timeout.RECYCLED
            raise TimedOut(code(busy=self.name_busy(signalled))) from None

    def _ready(self, role: Role) -> t.Set[str]:
        """Return the processes of this role that have their handlers, by identity."""
        return {child.process.identity for child in self.current(role) if child.ready}

    def _await_replacements(
        self, there: t.Mapping[Role, t.Set[str]], records: t.Sequence[t.Tuple[Child, t.Dict[str, t.Any]]]
    ) -> None:
        """Wait until as many new processes are there, and put them into the records.

        :raises Failure: the master has not started them.
        """
        signalled = [child for child, _record in records]
        roles = sorted({child.role for child in signalled})
        numbers = {role: sum(1 for child in signalled if child.role == role) for role in roles}

        def fresh(role: Role) -> t.List[str]:
            new = self._ready(role) - there[role]
            return [c.process.identity for c in self.current(role) if c.process.identity in new]

        def attempt() -> t.Union[bool, Pending]:
            self.look()
            lacking = [role for role in roles if len(fresh(role)) < numbers[role] and not self._enough(role, there)]
            return Pending(timeout.REPLACED(roles="/".join(lacking))) if lacking else True

        begun = self.clock.monotonic()
        try:
            # gevent must load Odoo again, which may take as long as it does.
            wait_until(attempt, self.clock, self.deadline if Role.GEVENT in roles else begun + _REPLACES)
        except TimedOut as exc:
            if Role.GEVENT in roles:
                raise
            left = " and ".join("%d %s workers" % (len(self.current(role)), role) for role in roles)
            seconds = self.clock.monotonic() - begun
            raise Failure(failed.NOT_REPLACED(workers=named(signalled), seconds=seconds, left=left)) from exc
        for role in roles:
            new = fresh(role)
            for child, record in records:
                if child.role == role and new:
                    identity = new.pop(0)
                    record["replaced_by"] = {"pid": int(identity.partition(":")[0]), "identity": identity}
                    self.step("pid %d (%s) was replaced by %s" % (child.process.pid, role, identity.partition(":")[0]))

    def _enough(self, role: Role, there: t.Mapping[Role, t.Set[str]]) -> bool:
        """Return whether there are as many workers as before: a new one may have replaced another one."""
        return len(self._ready(role)) >= len(there[role])

    def _conclude(self) -> None:
        done = [one for one in self.result.recycled if one["replaced_by"]]
        lost = [one["lost"] for one in self.result.recycled if one["lost"]]
        what = "%d worker%s replaced" % (len(done), "" if len(done) == 1 else "s")
        if lost:
            what += "; cut off: %s" % "; ".join(_lost(one) for one in lost)
        self.result.reason += "; " + what


def _lost(one: t.Mapping[str, t.Any]) -> str:
    return "pid %d with %s" % (one["pid"], one["url"] or one["job"] or "work of an unknown name")
