# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""Who waits for whom in PostgreSQL: rows of pg_stat_activity with pg_blocking_pids(), joined to workers. Pure."""

from __future__ import annotations

import typing as t
from collections import Counter
from dataclasses import dataclass

from ansible_collections.fleetops.odoo.plugins.module_utils._redact import redact_text
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis_work import Work

#: How much of a query is shown.
_QUERY = 120


@dataclass(frozen=True)
class Backend:
    """One row. ``pid`` is that of the backend, ``host`` and ``worker`` who is at the other end of its connection.

    Sockets tell that; application_name names the master. ``seconds`` have passed since its query, or its state, began.
    """

    pid: int
    host: str | None = None
    worker: int | None = None
    database: str | None = None
    application: str | None = None
    state: str | None = None
    wait_type: str | None = None
    wait_event: str | None = None
    blocked_by: tuple[int, ...] = ()
    query: str | None = None
    seconds: float | None = None


def chains(backends: t.Sequence[Backend], work: t.Sequence[Work]) -> t.Iterator[dict[str, t.Any]]:
    """A finding for each backend that others wait for and that waits for nobody itself: the head of a chain."""
    by_pid = {backend.pid: backend for backend in backends}
    waiting: dict[int, list[Backend]] = {}
    for backend in backends:
        if backend.blocked_by:
            waiting.setdefault(_root(backend, by_pid), []).append(backend)
    for root, waiters in waiting.items():
        waiters.sort(key=lambda one: one.seconds or 0.0, reverse=True)
        first, blocker = waiters[0], by_pid.get(root, Backend(root))
        more = f", and {len(waiters) - 1} more" if len(waiters) > 1 else ""
        lasting = f" {first.seconds:.0f} s" if first.seconds is not None else ""
        yield {
            "kind": "blocked",
            "wait": "postgresql lock",
            "sentence": f"{_who(first, work)} waits{lasting} for {_who(blocker, work)}{more}: {_query(first)}, "
            f"blocked by {blocker.state or 'a session'} {_query(blocker)}",
            "count": len(waiters),
            "stuck": 0,
            "seconds": first.seconds,
            # What the waiters and the holder cost by themselves is counted with them; this names the cause of both.
            "cost": round(2.0 * sum(max(one.seconds or 0.0, 1.0) for one in waiters) + 1.0, 1),
            "evidence": [{**vars(one), "blocked_by": list(one.blocked_by), "query": _query(one)} for one in waiters],
            "stack": [],
        }


def _root(backend: Backend, by_pid: t.Mapping[int, Backend]) -> int:
    """Who is at the end of what a backend waits for. In a circle, which PostgreSQL ends by itself, its smallest pid."""
    seen: Counter[int] = Counter()
    at = backend.pid
    while not seen[at]:
        seen[at] += 1
        blockers = by_pid[at].blocked_by if at in by_pid else ()
        if not blockers:
            return at
        # Behind one in the queue for the same lock stands also who holds it.
        at = min(blockers, key=lambda pid: (bool(by_pid[pid].blocked_by) if pid in by_pid else False, pid))
    return min(seen)


def _who(backend: Backend, work: t.Sequence[Work]) -> str:
    if backend.worker is None:
        told = f" ({backend.application})" if backend.application else ""
        return f"backend {backend.pid}{told}"
    url = next((o.url for o in work if o.server.host == backend.host and o.pid == backend.worker and o.url), None)
    return f"worker {backend.worker} on {backend.host}" + (f" with {url}" if url else "")


def _query(backend: Backend) -> str:
    text = " ".join(redact_text(backend.query or "an unknown query").split())
    return text if len(text) <= _QUERY else text[:_QUERY] + " …"
