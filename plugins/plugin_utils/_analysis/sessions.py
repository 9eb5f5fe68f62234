# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Sessions of PostgreSQL as the hosts saw them, put together: several hosts may have one PostgreSQL, or many. Pure."""

from __future__ import annotations

import dataclasses
import sys
import typing as t
from dataclasses import dataclass

#: What PostgreSQL shows instead of another user's query.
_HIDDEN = "<insufficient privilege>"


@dataclass(frozen=True)
class Backend:
    """One row. ``pid`` is that of the backend, ``host`` and ``worker`` who is at the other end of its connection.

    Sockets tell that; application_name names the master. ``worker`` is a pid as the log of its server shows it.
    ``seconds`` have passed since its query, or its state, began. ``server`` tells PostgreSQL servers apart, whose pids
    may coincide, and ``seen_by`` at ``time`` which rows are of one moment.
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
    server: str = ""
    time: str = ""
    seen_by: str = ""
    started: str | None = None
    user: str | None = None
    client: str | None = None
    kind: str | None = None
    #: for a lock, and in its transaction
    waited: float | None = None
    transaction_seconds: float | None = None

    @property
    def session(self) -> tuple[str, int, str | None]:
        """The key of the session among all sessions of all servers."""
        return self.server, self.pid, self.started

    @property
    def waits(self) -> float | None:
        """For how long it has waited: for the lock, where PostgreSQL tells that, else since its query began."""
        return self.seconds if self.waited is None else self.waited


@dataclass(frozen=True)
class Moment:
    """The sessions of one server as one host saw them at one moment, by pid."""

    server: str
    time: str
    seen_by: str
    by_pid: dict[int, Backend]

    def root(self, backend: Backend) -> Backend:
        """Return the session at the end of a chain; in a circle, which PostgreSQL ends itself, the least of it."""
        seen: list[int] = []
        at = backend.pid
        while at not in seen:
            seen.append(at)
            blockers = self.by_pid[at].blocked_by if at in self.by_pid else ()
            if not blockers:
                return self.by_pid.get(at, Backend(at, server=self.server))
            # Behind one in the queue for the same lock stands also who holds it.
            at = min(
                blockers, key=lambda pid: (bool(self.by_pid[pid].blocked_by) if pid in self.by_pid else False, pid)
            )
        return self.by_pid[min(seen)]


def backends_of(rows: t.Iterable[t.Any], host: str) -> list[Backend]:
    """Rows as the module ``stack_dump`` returns them.

    :param host: where it ran.
    :raises ValueError: they are something else.
    """
    found = []
    for row in rows:
        if not isinstance(row, dict) or not isinstance(row.get("pid"), int):
            raise ValueError("a row has no pid")  # noqa: TRY004  # json is what is wrong, not our caller
        worker = row.get("log_pid")
        tied = isinstance(worker, int)
        query = _text(row, "query")
        blockers = row.get("blocked_by")
        found.append(
            Backend(
                pid=row["pid"],
                host=host if tied else None,
                worker=worker if tied else None,
                blocked_by=tuple(pid for pid in blockers if isinstance(pid, int)) if isinstance(blockers, list) else (),
                query=None if query == _HIDDEN else query,
                server=_text(row, "server") or "",
                time=_text(row, "time") or "",
                seen_by=host,
                kind=_text(row, "type"),
                seconds=_number(row, "seconds"),
                waited=_number(row, "waited"),
                transaction_seconds=_number(row, "transaction_seconds"),
                **{name: _text(row, name) for name in _TEXTS},
            )
        )
    return found


_TEXTS = ("database", "application", "state", "wait_type", "wait_event", "started", "user", "client")


def _text(row: t.Mapping[str, t.Any], name: str) -> t.Any:
    found = row.get(name)
    # Every host tells the same of the sessions of one server, so it is kept once.
    return sys.intern(found) if isinstance(found, str) and found else None


def _number(row: t.Mapping[str, t.Any], name: str) -> float | None:
    found = row.get(name)
    return float(found) if isinstance(found, (int, float)) else None


def moments(backends: t.Sequence[Backend]) -> list[Moment]:
    """Return the times in these rows, the latest first. Each session has the facts of all hosts.

    A host knows only its own processes, and may not see the queries of others.
    """
    backends = _with_starts(backends)
    known: dict[tuple[str, int, str | None], dict[str, t.Any]] = {}
    for backend in backends:
        about = known.setdefault(backend.session, {})
        if backend.worker is not None:
            about.update(host=backend.host, worker=backend.worker)
        if backend.query is not None:
            about.update(query=backend.query, state=backend.state, client=backend.client)
    found: dict[tuple[str, str, str], Moment] = {}
    for backend in backends:
        key = (backend.server, backend.time, backend.seen_by)
        about = {
            name: value for name, value in known[backend.session].items() if getattr(backend, name) is None and value
        }
        moment = found.setdefault(key, Moment(*key, {}))
        moment.by_pid[backend.pid] = dataclasses.replace(backend, **about) if about else backend
    return sorted(found.values(), key=lambda moment: moment.time, reverse=True)


def _with_starts(backends: t.Sequence[Backend]) -> list[Backend]:
    """Add the start of sessions that a host must not see, if their pid has just one session."""
    starts: dict[tuple[str, int], set[str]] = {}
    for backend in backends:
        if backend.started is not None:
            starts.setdefault((backend.server, backend.pid), set()).add(backend.started)

    def whole(backend: Backend) -> Backend:
        only = starts.get((backend.server, backend.pid), set()) if backend.started is None else set()
        return dataclasses.replace(backend, started=next(iter(only))) if len(only) == 1 else backend

    return [whole(backend) for backend in backends]
