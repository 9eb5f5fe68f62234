# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""Workers of a prefork server that are ended and replaced, some at a time, while the others go on serving."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass, field

from .._dumps.work import Busy
from .._facts.results import Outcome, StepsResult
from .._processes.classify import Child, Generation, Instance, Role
from .._processes.look import Look
from .._processes.release import major
from .._server.host import Host
from .._system.clock import Pending, TimedOut, wait_until
from .._system.errors import WouldFail
from .workers import Crew, work_all

ROLES = (Role.HTTP, Role.CRON, Role.GEVENT)
#: Seconds for which the workers must stay the same before anybody is chosen.
_STEADY = 0.4
#: Seconds within which a master starts another one in place of a worker that has ended (0.1 s seen; it wakes at least
#: every four).
_REPLACES = 8.0
#: The first version whose dumps tell when a request began.
_TELLS_TIMES = 17


@dataclass(frozen=True)
class RecycleOrder:
    """What the caller wants. All conditions that are given must hold. Times are in seconds, sizes in bytes."""

    timeout: float
    roles: t.Tuple[Role, ...] = (Role.HTTP,)
    rss_above: t.Optional[int] = None
    older_than: t.Optional[float] = None
    busy_longer_than: t.Optional[float] = None
    pids: t.Optional[t.FrozenSet[int]] = None
    batch: int = 1
    abort: bool = False
    force: bool = False


@dataclass
class RecycleResult(StepsResult):
    """``recycled`` has an entry for each worker that got a signal, or would."""

    recycled: t.List[t.Dict[str, t.Any]] = field(default_factory=list)

    def told(self) -> t.Dict[str, t.Any]:
        """As the module returns it."""
        return {**super().told(), "recycled": self.recycled}


def recycle_all(
    host: Host, seen: Look, identities: t.Sequence[str], order: RecycleOrder, *, check_mode: bool
) -> t.List[RecycleResult]:
    """Recycle the chosen workers of the chosen servers, one server after the other.

    :raises CrewFailed: with the results so far, the failed one last.
    """
    crews = (_Recycle(host, seen, t.cast(Instance, seen.instance(identity)), order) for identity in identities)
    return work_all(crews, check_mode=check_mode)


def choose_workers(
    children: t.Iterable[Child], order: RecycleOrder, now: int, *, ticks: int, page: int
) -> t.List[Child]:
    """Workers for which every condition holds that can be seen from outside, the oldest of each role first. Pure.

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
    """Whom to end at the same time. Pure.

    Nothing but its replacement shows that an http worker is replaced at all, so the first of them goes alone.
    """
    http = [child for child in chosen if child.role == Role.HTTP]
    rest = [child for child in chosen if child.role != Role.HTTP]
    if http:
        yield http[:1]
    for group in (http[1:], rest):
        for at in range(0, len(group), size):
            yield list(group[at : at + size])


class _Recycle(Crew[RecycleResult]):
    """One server whose workers are recycled."""

    goal = "has not had all chosen workers recycled"

    def __init__(self, host: Host, seen: Look, first: Instance, order: RecycleOrder) -> None:
        result = RecycleResult(first.identity, first.master.pid, Outcome.NOTHING, "")
        super().__init__(host, seen, first, order.timeout, result, force=order.force)
        self._order = order

    # What is done, from the outside.

    def predict(self) -> None:
        """What :meth:`act` would do, without doing it."""
        chosen = self._candidates()
        longer = self._order.busy_longer_than
        if chosen and longer is not None:
            self._make_sure_of_dumps()
            self.result.reason = (
                "the other conditions hold for %s; whether they have been at work for longer than %g s is not asked in"
                " a check run, since that takes a signal" % (_named(chosen), longer)
            )
            return
        self._explain(chosen)
        if chosen:
            self.make_sure_of_databases()
        for child in chosen:
            self.may_send(child, self._signal(child))
            self.result.recycled.append(self._record(child))
            self.result.signals.append(self._signal(child))
        if chosen:
            self.result.did = Outcome.SIGNALLED

    def act(self) -> None:
        """Recycle them, some at a time."""
        self.steady(ROLES, _STEADY)
        chosen = self._candidates()
        if chosen and self._order.busy_longer_than is not None:
            chosen = self._long_at_work(chosen)
        self._explain(chosen)
        if chosen:
            self.make_sure_of_databases()
        for batch in batches(chosen, self._order.batch):
            self._one_batch(batch)
        if chosen:
            self._conclude()

    # Whom.

    def _candidates(self) -> t.List[Child]:
        return choose_workers(
            self.now.children,
            self._order,
            self.proc.uptime_ticks(),
            ticks=os.sysconf("SC_CLK_TCK"),
            page=os.sysconf("SC_PAGE_SIZE"),
        )

    def _make_sure_of_dumps(self) -> None:
        hidden = self.hidden
        if hidden:
            raise WouldFail("for how long its workers have been at work cannot be seen: " + hidden)

    def _long_at_work(self, candidates: t.Sequence[Child]) -> t.List[Child]:
        """Those of them who have been at one piece of work for longer than is given."""
        self._make_sure_of_dumps()
        longer = t.cast(float, self._order.busy_longer_than)
        dumps, busy = self.ask(candidates)
        found = {one.pid for one in busy if one.seconds > longer}
        unsure = [one for one in busy if one.pid in dumps and one.pid not in found and not self._tells_time(one)]
        if unsure:
            # Its dumps do not tell when that began. What is the same after this time has gone on for longer.
            if longer >= self.deadline - self.clock.monotonic():
                raise WouldFail(
                    "its dumps do not tell for how long its workers have been at work, so they must be watched for"
                    " busy_longer_than (%g s), and the timeout is %g s" % (longer, self._order.timeout)
                )
            self.pause(longer)
            self.look()
            dumps, busy = self.ask(self.left_of(candidates))
            before = {(one.pid, one.url, one.job, one.database) for one in unsure}
            found |= {one.pid for one in busy if (one.pid, one.url, one.job, one.database) in before}
            found |= {one.pid for one in busy if one.seconds > longer}
        silent = [child.process.pid for child in candidates if child.process.pid not in dumps]
        if silent:
            self.warn("pid %s wrote no stacks, so for how long they work is not known" % ", ".join(map(str, silent)))
        return [child for child in candidates if child.process.pid in found]

    def _tells_time(self, one: Busy) -> bool:
        # The times of a thread are those of its request; a cron job has none.
        return one.role == Role.HTTP and (major(self.version) or 0) >= _TELLS_TIMES

    def _explain(self, chosen: t.Sequence[Child]) -> None:
        if chosen:
            self.result.reason = "the conditions hold for %s" % _named(chosen)
            return
        order = self._order
        there = [child for role in order.roles for child in self.crew(role)]
        lost = sorted((order.pids or frozenset()) - {child.process.pid for child in there})
        what = "none of its %d %s workers meets the conditions" % (len(there), "/".join(order.roles))
        if lost:
            what += "; it has no such worker with pid %s" % ", ".join(map(str, lost))
        self.result.reason = what

    # How.

    def _signal(self, child: Child) -> str:
        # gevent has no handler for XCPU that would spare it, and does not wait for anybody on an INT.
        return "XCPU" if self._order.abort and child.role != Role.GEVENT else "INT"

    def _record(self, child: Child) -> t.Dict[str, t.Any]:
        process = child.process
        age = (self.proc.uptime_ticks() - process.start) / os.sysconf("SC_CLK_TCK")
        return {
            "pid": process.pid,
            "identity": process.identity,
            "role": child.role,
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
            raise TimedOut("%s, who got no signal yet" % _named(batch))
        there = {role: self._ready(role) for role in ROLES}
        lost = self._about_to_be_lost(batch) if self._order.abort else {}
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
            told = [child for child, _record in records]
            self._await_ends(told)
            self._await_replacements(told, there, records)
        finally:
            for child, record in records:
                record["ended"] = not self.left_of([child])
                record["seconds"] = round(self.clock.monotonic() - begun, 2)

    def _about_to_be_lost(self, batch: t.Sequence[Child]) -> t.Dict[int, t.Dict[str, t.Any]]:
        """What an XCPU cuts off, by pid, as their dumps tell at the last moment before it."""
        dumps, busy = self.ask(batch)
        found = {one.pid: one.told() for one in busy if one.pid in dumps}
        for one in busy:
            if one.pid in dumps:
                self.step("XCPU cuts off: %s" % one)
            else:
                self.warn("what pid %d was at when it was cut off is not known: it wrote no stacks" % one.pid)
        return found

    def _await_ends(self, told: t.Sequence[Child]) -> None:
        try:
            self.await_end(told)
        except TimedOut:
            what = "%s. Whoever got an INT ends after that" % self.name_busy(told)
            raise TimedOut(what + ("" if self._order.abort else "; abort would cut it off")) from None

    def _ready(self, role: Role) -> t.Set[str]:
        """Who of this role has its handlers, by identity."""
        return {child.process.identity for child in self.crew(role) if child.ready}

    def _await_replacements(
        self,
        told: t.Sequence[Child],
        there: t.Mapping[Role, t.Set[str]],
        records: t.Sequence[t.Tuple[Child, t.Dict[str, t.Any]]],
    ) -> None:
        """Wait until as many new ones are there, and say which.

        :raises WouldFail: nobody has come in their place.
        """
        roles = sorted({child.role for child in told})
        numbers = {role: sum(1 for child in told if child.role == role) for role in roles}

        def fresh(role: Role) -> t.List[str]:
            return [
                c.process.identity for c in self.crew(role) if c.process.identity in self._ready(role) - there[role]
            ]

        def attempt() -> t.Union[bool, Pending]:
            self.look()
            lacking = [role for role in roles if len(fresh(role)) < numbers[role] and not self._enough(role, there)]
            return Pending("a new %s worker" % "/".join(lacking)) if lacking else True

        begun = self.clock.monotonic()
        try:
            # gevent must load Odoo anew, which may take as long as it does.
            until = self.deadline if Role.GEVENT in roles else begun + _REPLACES
            wait_until(attempt, self.clock, until)
        except TimedOut as exc:
            if Role.GEVENT in roles:
                raise
            raise WouldFail(self._not_replaced(told, self.clock.monotonic() - begun), _REMEDY) from exc
        for role in roles:
            new = fresh(role)
            for child, record in records:
                if child.role == role and new:
                    identity = new.pop(0)
                    record["replaced_by"] = {"pid": int(identity.partition(":")[0]), "identity": identity}
                    self.step("pid %d (%s) was replaced by %s" % (child.process.pid, role, identity.partition(":")[0]))

    def _enough(self, role: Role, there: t.Mapping[Role, t.Set[str]]) -> bool:
        """As many as before: one that was just started when we looked may have come into the place of another."""
        return len(self._ready(role)) >= len(there[role])

    def _not_replaced(self, told: t.Sequence[Child], seconds: float) -> str:
        left = {role: len(self.crew(role)) for role in sorted({child.role for child in told})}
        return "nobody has come in the place of %s within %.0f s, so no other was touched: %s are left" % (
            _named(told),
            seconds,
            " and ".join("%d %s workers" % (number, role) for role, number in left.items()),
        )

    def _conclude(self) -> None:
        done = [one for one in self.result.recycled if one["replaced_by"]]
        lost = [one["lost"] for one in self.result.recycled if one["lost"]]
        what = "%d of its workers were replaced" % len(done)
        if lost:
            what += "; cut off: %s" % "; ".join(_lost(one) for one in lost)
        self.result.reason += "; " + what


#: What brings an http worker back that its master does not replace.
_REMEDY = (
    "its master keeps up fewer http workers than there were, as after a TTOU, which nothing shows before one ends; "
    "fleetops.odoo.workers with the count that is wished for puts that right"
)


def _named(children: t.Sequence[Child]) -> str:
    return ", ".join("pid %d (%s)" % (child.process.pid, child.role) for child in children)


def _lost(one: t.Mapping[str, t.Any]) -> str:
    return "pid %d with %s" % (one["pid"], one["url"] or one["job"] or "work that has no name")
