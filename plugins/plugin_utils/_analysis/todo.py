# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Say what to do about a finding, and what that costs. Pure."""

from __future__ import annotations

import re
import typing as t

from ...module_utils._dumps.stack import CRON_WORK
from . import place
from .sessions import Backend
from .work import Work, shown_pid

_HOLDERS = "SELECT pid, pg_blocking_pids(pid), query FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0"

_TABLE = re.compile(r"(?i)\b(?:from|update|into)\s+\"?(\w+)\"?")
_WHERE = re.compile(r"(?is)\bwhere\b(.*?)(?:\b(?:order|group)\s+by\b|\blimit\b|\bfor\s+(?:no\s+key\s+)?update\b|$)")
_COMPARED = re.compile(
    r"(?i)(?:\"?(\w+)\"?\.)?\"?\b([a-z_]\w*)\"?\s*(?:=|<>|!=|<=|>=|<|>|(?:not\s+)?(?:in|i?like|between)\b|is\b)"
)
_WORDS = frozenset(["and", "or", "not", "where", "select", "exists", "any", "all", "null", "true", "false", "case"])
#: Columns that are named.
_COLUMNS = 4

_FIND_HOLDER = f"Find the session that holds the lock: {_HOLDERS}"
#: What to do about work, by what it waits for.
_BY_WAIT = {
    place.POSTGRES: (
        "Find the query of this process: leave diagnostics_postgres on, or look into pg_stat_activity in PostgreSQL."
    ),
    place.WRITE: _FIND_HOLDER,
    place.POSTGRES_LOCK: _FIND_HOLDER,
    place.LOCK: (
        "Read the raw dump of pid {pid}: another thread of this process holds the lock. If none does, only the end of"
        " the process frees it, and its requests fail."
    ),
    place.REMOTE: (
        "Check the other server. Set a timeout for the call in {where}: without one, a worker waits as long as that"
        " server does."
    ),
    place.CLIENT: (
        "Let the reverse proxy buffer requests and answers (in nginx proxy_request_buffering and proxy_buffering), so"
        " that a slow client does not occupy a worker."
    ),
    place.PROGRAM: (
        "Look at the program on {host}: ps --ppid {pid} -o pid,etime,args. wkhtmltopdf asks Odoo for style sheets, so"
        " it needs a second free worker."
    ),
    place.SLEEP: "Remove the sleep from {where}. A worker does nothing else while it sleeps.",
    place.PYTHON: (
        "Look in the flame graph for the calls below {where} that take the time; often it is a loop over many records."
        " limit_time_cpu and limit_time_real end such a request with an error."
    ),
}
_CRON = (
    "Look at the scheduled action{which} (Settings, Technical, Scheduled Actions): set another time or a"
    " smaller batch. No user waits for it, but it occupies a cron worker."
)
_MORE_WORKERS = (
    "Add workers with fleetops.odoo.scale_workers to take new requests meanwhile. Each one needs memory and connections"
    " to PostgreSQL."
)
_PREPARED = (
    "Find the transaction in pg_prepared_xacts and end it with COMMIT PREPARED, or with ROLLBACK PREPARED, which undoes"
    " its changes."
)
_LEFT_OPEN = (
    "Find out why this client leaves its transaction open. idle_in_transaction_session_timeout in PostgreSQL ends such"
    " sessions."
)


def compared(query: str | None) -> str | None:
    """Return the table of a query with the columns that its conditions compare, or None without any but the id.

    The values in the query are never returned.

    >>> compared('SELECT "a"."id" FROM "sale_order" WHERE "sale_order"."partner_id" = 7 AND state IN (1) LIMIT 1')
    'sale_order (partner_id, state)'
    >>> compared("UPDATE res_partner SET name = 'x' WHERE id IN (42)")
    """
    table, where = _TABLE.search(query or ""), _WHERE.search(query or "")
    if not table or not where:
        return None
    text = re.sub(r"'(?:[^']|'')*'?", "''", where.group(1))
    # A column of another table, or behind another name of a table, would need another index.
    found = [column for owner, column in _COMPARED.findall(text) if owner in ("", table.group(1))]
    columns = [one for one in dict.fromkeys(found) if one.lower() not in _WORDS and one != "id"]
    return f"{table.group(1)} ({', '.join(columns[:_COLUMNS])})" if columns else None


def for_work(work: t.Sequence[Work]) -> list[str]:
    """Return what to do about work at one place.

    :param work: the longest first.
    """
    first = work[0]
    if first.kind != CRON_WORK:
        return _by_wait(first)
    names = " or ".join(repr(job) for job in first.jobs)
    which = (f" {names}" if names else "") + _of_database(first) + ("" if names else f" on {first.server.name}")
    return [_CRON.format(which=which), *_by_wait(first)]


def for_starved(groups: t.Sequence[t.Sequence[Work]]) -> list[str]:
    """Return what to do about a server without a free worker.

    :param groups: its work, the most costly first.
    """
    return [*(_by_wait(groups[0][0]) if groups else []), _MORE_WORKERS]


def for_chain(blocker: Backend, name: str) -> list[str]:
    """Return what to do about a chain of locks.

    :param blocker: the session at its head.
    :param name: the same in words.
    """
    if not blocker.pid:
        return [_PREPARED]
    end = f"in PostgreSQL: SELECT pg_terminate_backend({blocker.pid})."
    if blocker.kind == "autovacuum worker":
        return [f"Wait for the autovacuum, or end it {end} It begins again later."]
    if blocker.worker is not None:
        cost = "Then its request or job fails, and its changes are undone."
        return [f"Wait until the work of {name} has ended, or end its session {end} {cost}"]
    lasting = f" of {blocker.transaction_seconds:.0f} s" if blocker.transaction_seconds is not None else ""
    idle = (blocker.state or "").startswith("idle in transaction")
    return [
        f"End {name} {end} The changes of its transaction{lasting} are undone.",
        *([_LEFT_OPEN] if idle else []),
    ]


def _of_database(one: Work) -> str:
    return f" of the database {one.database}" if one.database else ""


def _by_wait(one: Work) -> list[str]:
    if one.place.wait == place.POSTGRES_LOCK and one.holder:
        return []  # the chain of locks tells what to do
    if one.place.wait == place.POSTGRES and one.query:
        return _slow_query(one)
    text = _BY_WAIT.get(one.place.wait)
    pid = shown_pid(one.pid) or "PID"
    return [text.format(where=one.place.name, pid=pid, host=one.server.host)] if text else []


def _slow_query(one: Work) -> list[str]:
    found = [f"Run EXPLAIN (ANALYZE, BUFFERS) for the query{_of_database(one)}."]
    if one.compared:
        found[0] += (
            f" If it shows a sequential scan of a large table, an index on {one.compared} is missing."
            " CREATE INDEX CONCURRENTLY does not block the users."
        )
    if one.backend:
        cost = "Its request or job fails, and its changes are undone."
        found.append(f"To end the query{_of_database(one)} now: SELECT pg_cancel_backend({one.backend}). {cost}")
    return found
