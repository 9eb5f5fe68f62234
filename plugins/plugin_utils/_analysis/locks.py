# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Find chains of locks in PostgreSQL: rows of pg_stat_activity with pg_blocking_pids(), joined to work. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ...module_utils._system.redact import redact_text
from .place import POSTGRES, POSTGRES_LOCK, WRITE
from .sentences import doing, path_of
from .sessions import Backend, Moment, moments
from .todo import compared, for_chain
from .work import Work, when

#: How much of a query is shown.
_QUERY = 120
#: Seconds that the clocks of PostgreSQL and of a host may differ by.
_SKEW = 30.0


def chains(backends: t.Sequence[Backend], work: t.Sequence[Work]) -> t.Iterator[tuple[dict[str, t.Any], list[Work]]]:
    """Return a finding for each session that blocks others and waits for none itself: the head of a chain.

    :returns: each finding with the work of its sessions.
    """
    tied = {one.server for one in backends if one.worker is not None}
    databases = {name for one in work for name in (*one.server.databases, one.database)}
    told: set[t.Any] = set()
    found: dict[t.Any, tuple[Backend, list[Backend]]] = {}
    for moment in moments(backends):
        waiting = [one for one in moment.by_pid.values() if one.blocked_by and one.session not in told]
        told.update(one.session for one in waiting)
        for one in waiting:
            root = moment.root(one)
            found.setdefault(root.session, (root, []))[1].append(one)
    for blocker, waiters in found.values():
        waiters.sort(key=lambda one: one.waits or 0.0, reverse=True)
        # Also for other clients of the same PostgreSQL, but their wait is not a cause here.
        ours = [one for one in waiters if one.worker or (one.server not in tied and one.database in {*databases, None})]
        sessions = [_work_of(one, work) for one in (*waiters, blocker)]
        yield _finding(blocker, waiters, ours, work), [one for one in sessions if one is not None]


def _finding(
    blocker: Backend, waiters: t.Sequence[Backend], ours: t.Sequence[Backend], work: t.Sequence[Work]
) -> dict[str, t.Any]:
    first, holding = waiters[0], _work_of(blocker, work)
    more = f", and {len(waiters) - 1} more" if len(waiters) > 1 else ""
    lasting = f" {first.waits:.0f} s" if first.waits is not None else ""
    does = f", which {doing(holding)}" if holding else ""
    since = blocker.transaction_seconds
    return {
        "kind": "blocked",
        "wait": POSTGRES_LOCK,
        "sentence": f"{_who(first, work)} waits{lasting} for {_who(blocker, work)}{does}{more}: {query_of(first)}, "
        f"blocked by {blocker.state or 'a session'} {query_of(blocker)}"
        + (f", in its transaction for {since:.0f} s" if since is not None else ""),
        "count": len(waiters),
        "stuck": 0,
        "seconds": first.waits,
        # It names the cause of what the waiters and the holder cost by themselves, so it costs more than all of them.
        "cost": round(
            2.0 * sum(_known(one.waits) for one in ours)
            + (_known(holding.seconds) if holding else 0.0)
            + sum(_known(one.seconds) for waiter in ours for one in [_work_of(waiter, work)] if one)
            + 0.1,
            1,
        ),
        "evidence": [
            {**vars(one), "blocked_by": list(one.blocked_by), "query": query_of(one)} for one in (*waiters, blocker)
        ],
        "stack": [],
        "todo": for_chain(blocker, _who(blocker, work)),
    }


def _known(seconds: float | None) -> float:
    return 1.0 if seconds is None else max(seconds, 0.1)


def join(backends: t.Sequence[Backend], work: t.Sequence[Work]) -> None:
    """Add the knowledge of PostgreSQL to pieces of work: their seconds, their query, and the holder of their lock."""
    by_process: dict[tuple[str, int], list[Work]] = {}
    for one in work:
        by_process.setdefault((one.server.host, one.pid), []).append(one)
    seen: dict[str, list[Moment]] = {}
    for moment in moments(backends):
        seen.setdefault(moment.seen_by, []).append(moment)
    for process, some in by_process.items():
        for moment, time in _nearest(seen.get(process[0], ()), process, {one.times[-1] for one in some}):
            rows = [one for one in moment.by_pid.values() if (one.host, one.worker) == process]
            now = [one for one in some if one.times[-1] == time]
            if len(now) == 1:
                # Its cursor is as old as the request or the job.
                _last(now[0], *(row.transaction_seconds for row in rows))
            waiting = [one for one in now if one.place.wait in (POSTGRES, WRITE)]
            for one, backend in pairs(waiting, [row for row in rows if row.state == "active"]):
                _tell(one, backend, moment, work)


def _nearest(
    seen: t.Sequence[Moment], process: tuple[str, int], times: t.Collection[str]
) -> t.Iterator[tuple[Moment, str]]:
    """Return for each time of a dump the nearest time with sessions of this process."""
    with_it = [one for one in seen if any((row.host, row.worker) == process for row in one.by_pid.values())]
    for time in times:
        moment = min(with_it, key=lambda one: abs(when(one.time) - when(time)), default=None)
        if moment and abs(when(moment.time) - when(time)) < _SKEW:
            yield moment, time


def _last(one: Work, *seconds: float | None) -> None:
    """Return the least time that it has taken. Before Odoo 17 a dump has no times, and a job never has any."""
    one.seconds = max((s for s in (one.seconds, *seconds) if s is not None), default=None)


def pairs(work: t.Sequence[Work], active: t.Sequence[Backend]) -> list[tuple[Work, Backend]]:
    """Return which thread of one process waits for which query; nothing if that is not certain.

    A worker has one thread. In a threaded server a query must match exactly one thread.
    """
    if len(work) == len(active) == 1:
        return [(work[0], active[0])]
    if len(work) == len(active) and len({one.place.key for one in work}) == 1:
        by_time = sorted(work, key=lambda one: one.seconds or 0.0), sorted(active, key=lambda one: one.seconds or 0.0)
        return list(zip(*by_time, strict=True))
    locked = [one for one in active if one.wait_type == "Lock"]
    writing = [one for one in work if one.place.wait == WRITE]
    reading = [one for one in work if one.place.wait != WRITE]
    free = [one for one in active if one.wait_type != "Lock"]
    return [(some[0], rows[0]) for some, rows in ((writing, locked), (reading, free)) if len(some) == len(rows) == 1]


def _tell(one: Work, backend: Backend, moment: Moment, work: t.Sequence[Work]) -> None:
    locked = bool(backend.blocked_by) or backend.wait_type == "Lock"
    one.places[-1] = dataclasses.replace(one.place, wait=POSTGRES_LOCK if locked else POSTGRES)
    one.query, one.query_seconds = query_of(backend), backend.seconds
    one.backend, one.compared = backend.pid, compared(backend.query)
    _last(one, backend.seconds)
    if backend.blocked_by:
        one.holder = _who(moment.root(backend), work)


def _work_of(backend: Backend, work: t.Sequence[Work]) -> Work | None:
    """Return the work of the process at the other end, if it has just one piece of work."""
    if backend.worker is None:
        return None
    found = [one for one in work if one.server.host == backend.host and one.pid == backend.worker]
    if len(found) > 1 and backend.blocked_by:
        found = [one for one in found if one.query == query_of(backend)] or found
    elif len(found) > 1:
        # A holder of a lock that does not wait for PostgreSQL is another thread.
        idle = backend.state != "active"
        found = [one for one in found if (one.place.wait not in (POSTGRES, WRITE, POSTGRES_LOCK)) == idle] or found
    return found[0] if len(found) == 1 else None


def _who(backend: Backend, work: t.Sequence[Work]) -> str:
    if backend.worker is not None:
        one = _work_of(backend, work)
        what = "" if one is None else path_of(one.url) if one.url else " or ".join(repr(job) for job in one.jobs)
        return f"worker {backend.worker} on {backend.host}" + (f" with {what}" if what else "")
    if not backend.pid:
        return "a prepared transaction"
    about = redact_text(backend.application or (backend.kind if backend.kind != "client backend" else None) or "")
    about += f" of user {backend.user}" if backend.user else ""
    about += f" from {backend.client}" if backend.client else ""
    return f"backend {backend.pid}" + (f" ({about.strip()})" if about else "")


def query_of(backend: Backend) -> str:
    """Return its query, cut and without secrets."""
    text = " ".join(redact_text(backend.query or "an unknown query").split())
    return text if len(text) <= _QUERY else text[:_QUERY] + " …"
