# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The sentences of a report of dumps, and its text for a terminal. Pure."""

from __future__ import annotations

import re
import textwrap
import typing as t
from collections import Counter

from ...module_utils._dumps.stack import CRON_WORK
from ...module_utils._system.redact import redact_text
from ..names import some_of
from . import place
from .incidents import incidents
from .work import Server, Work, shown_pid

#: Of one and of several.
_WAITS = {
    place.POSTGRES: ("waits for PostgreSQL", "wait for PostgreSQL"),
    place.WRITE: (
        "waits for PostgreSQL in a write or for a lock",
        "wait for PostgreSQL in a write or for a lock",
    ),
    place.POSTGRES_LOCK: ("waits for a lock in PostgreSQL", "wait for a lock in PostgreSQL"),
    place.LOCK: ("waits for a lock in Python", "wait for a lock in Python"),
    place.REMOTE: ("waits for another server", "wait for another server"),
    place.CLIENT: ("waits for its client", "wait for their clients"),
    place.PROGRAM: ("waits for a program", "wait for a program"),
    place.SLEEP: ("sleeps", "sleep"),
    place.PYTHON: ("runs Python", "run Python"),
}
_WRAP: t.Any = {"width": 100, "break_long_words": False, "break_on_hyphens": False}
_ROLES = {"unknown": "of unknown role"}
_ORIGIN = re.compile(r"^[a-z]+://[^/?#]*")
#: How many of a kind are named before the rest is only counted, and lines of the text for findings and stacks.
_NAMED, _FINDINGS, _STACKS, _SERVERS = 4, 15, 5, 30
#: Other findings of an incident that the text has, and incidents with what to do. The page has it for all.
_PARTS, _REMEDIES = 2, 5


def group_sentence(work: t.Sequence[Work], holder: Work | None) -> str:
    """Return the sentence about work at one place.

    :param work: the longest first.
    :param holder: the possible holder of the lock that they wait for.
    """
    first = work[0]
    parts = [f"{_subject(work)} {_verb(first, len(work))} in {_where(first)}"]
    if first.seconds is not None:
        parts.append(f"for {first.seconds:.1f} s" if len(work) == 1 else f"the longest for {first.seconds:.1f} s")
    # A job has said its name, a request its url.
    if first.kind != CRON_WORK:
        parts.append(_among(Counter(path_of(one.url) for one in work)))
    parts.append(_asked(work))
    parts.append(f"on {_workers(work)}")
    stuck = [one for one in work if one.stuck]
    stayed = [one for one in work if one.stayed and not one.stuck]
    parts += [_still(stuck, work, "not moved in"), _still(stayed, work, "in the same call in")]
    parts.append(_queried(work))
    if holder is not None:
        parts.append(f"maybe for {holder.who}, which {_verb(holder, 1)} in {_where(holder)}")
    return ", ".join(part for part in parts if part)


def starved_sentence(server: Server, groups: t.Sequence[t.Sequence[Work]]) -> str:
    """Return the sentence about a server without a free worker, and the work of its workers.

    :param groups: its work, the most costly first.
    """
    count = len(server.pids("http"))
    how = f"the {count} http workers that wrote a dump were all busy" if count > 1 else "the one http worker was busy"
    often = f" in each of {server.full} samples" if server.full > 1 else ""
    reasons = [
        f"{len(work)} {_verb(work[0], len(work))} in {_where(work[0])}"
        + (f" for {work[0].seconds:.1f} s" if work[0].seconds is not None else "")
        + (f" ({_queried(work)})" if _queried(work) else "")
        for work in groups[:3]
    ]
    return f"{server.name} has no http worker left for new requests: {how}{often}; {', '.join(reasons)}".rstrip("; ")


def _verb(one: Work, count: int) -> str:
    verb = _WAITS[one.place.wait][0 if count == 1 else 1]
    return f"{verb} ({one.place.through})" if one.place.through else verb


def _where(one: Work) -> str:
    frame, entry = one.place.frame, one.place.entry
    code = f", at {redact_text(frame.source)!r}" if frame and frame.source else ""
    return one.place.name + (f", called by {entry}" if entry else "") + code


def _subject(work: t.Sequence[Work]) -> str:
    first, count = work[0], len(work)
    if first.kind == CRON_WORK:
        name = " or ".join(repr(job) for job in first.jobs)
        return f"the cron job {name}".rstrip() if count == 1 else f"{count} cron jobs {name}".rstrip()
    return "1 request" if count == 1 else f"{count} requests"


def _queried(work: t.Sequence[Work]) -> str:
    """Return the work with the query that has run for the longest time."""
    known = [one for one in work if one.query]
    if not known:
        return ""
    one = max(known, key=lambda one: one.query_seconds or 0.0)
    lasting = f" for {one.query_seconds:.1f} s" if one.query_seconds is not None else ""
    return f"its query runs{lasting}" + (f", held up by {one.holder}" if one.holder else "") + f": {one.query}"


def _asked(work: t.Sequence[Work]) -> str:
    databases = Counter(one.database for one in work if one.database)
    users = Counter(one.user for one in work if one.user)
    told = [f"database {_among(databases)}"] if databases else []
    told += [f"user {_among(users)}"] if users and work[0].kind != CRON_WORK else []
    return ", ".join(told)


def _still(some: t.Sequence[Work], work: t.Sequence[Work], how: str) -> str:
    if not some:
        return ""
    which = "" if len(some) == len(work) else f"{len(some)} of them "
    counts = sorted({len(one.places) for one in some})
    samples = str(counts[-1]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"{which}{how} {samples} samples"


def doing(one: Work) -> str:
    """Return what a piece of work does, as words after "which"."""
    return f"{_verb(one, 1)} in {one.place.name}"


def path_of(url: str | None) -> str:
    """Return an url without the server name, which differs between hosts."""
    return _ORIGIN.sub("", url) or "/" if url else "an unknown url"


def _workers(work: t.Sequence[Work]) -> str:
    by_server: dict[str, Counter[str]] = {}
    for one in work:
        by_server.setdefault(one.server.name, Counter())[str(shown_pid(one.pid) or "unknown")] += 1
    named = [f"{name} (pid {_among(pids)})" for name, pids in list(by_server.items())[:_NAMED]]
    rest = len(by_server) - len(named)
    return ", ".join(named) + (f" and {_count(rest, 'server')} more" if rest else "")


def _among(found: Counter[str]) -> str:
    return some_of([name for name, _count in found.most_common()], _NAMED)


def lines(report: t.Mapping[str, t.Any]) -> list[str]:
    """Return the report for a terminal: findings, servers, the most frequent stacks."""
    hosts = report["hosts"]
    dumps, processes = _count(report["dumps"], "dump"), _count(report["processes"], "process", "es")
    if report.get("unnamed"):
        others = "processes that the log does not name"
        processes = f"{processes} and of {others}" if report["processes"] else others
    head = f"{dumps} of {processes} from {_count(len(hosts), 'log')}"
    when = f"{report['began']} to {report['ended']}" if report["began"] else "at a time that the log does not show"
    found = [f"{head}, {when}", ""]
    findings = incidents(report["findings"])
    for number, one in enumerate(findings[:_FINDINGS], 1):
        found += textwrap.wrap(f"{number}. {one['sentence']}", subsequent_indent="   ", **_WRAP)
        texts = list(one["also"][:_PARTS])
        texts += [f"To do: {text}" for text in one["todo"]] if number <= _REMEDIES else []
        for text in texts:
            found += textwrap.wrap(text, initial_indent="   - ", subsequent_indent="     ", **_WRAP)
    found += [f"   ... and {_count(len(findings) - _FINDINGS, 'finding')} more"] if len(findings) > _FINDINGS else []
    unread, silent = report["unread"], report.get("silent") or []
    if not findings:
        found.append(
            "No parsed thread is busy. It is not known what the other threads do."
            if unread
            else "No process with a dump is at work. It is not known what the processes without a dump do."
            if silent
            else "No process is at work: every thread in these dumps waits for something to do."
        )
    found += [""] if unread else []
    for one in unread[:_FINDINGS]:
        pid = f" pid {one['pid']}" if one["pid"] else ""
        found += textwrap.wrap(f"{one['host']}{pid}: {one['reason']}", subsequent_indent="   ", **_WRAP)
    found += [f"... and {len(unread) - _FINDINGS} more that cannot be parsed"] if len(unread) > _FINDINGS else []
    found += ["", *_server_lines(report["servers"])]
    found += ["", *_silent_lines(silent)] if silent else []
    unsaid = report["postgres"]["unsaid"]
    found += ["", *(f"PostgreSQL of {host}: {why}" for host, why in list(unsaid.items())[:_NAMED])] if unsaid else []
    found += [f"... and of {len(unsaid) - _NAMED} more"] if len(unsaid) > _NAMED else []
    stacks = [one for one in report["stacks"] if one["count"] > 1][:_STACKS]
    if stacks:
        found += ["", "the most frequent stacks:"]
        found += [f"  {one['count']:4d} x  {_WAITS[one['wait']][0]} in {one['at']}" for one in stacks]
    return found


def _silent_lines(silent: t.Sequence[t.Mapping[str, t.Any]]) -> t.Iterator[str]:
    """Return one sentence for all processes of a host that gave no dump for the same reason, in several samples."""
    groups: dict[tuple[str, str], list[t.Mapping[str, t.Any]]] = {}
    for one in silent:
        groups.setdefault((one["host"], str(one.get("code") or one["reason"])), []).append(one)
    for (host, _why), several in list(groups.items())[:_SERVERS]:
        pids = list(dict.fromkeys(str(one["pid"]) for one in several if one["pid"]))
        what = f"no dump of pid {some_of(pids, _SERVERS)}" if pids else "no dump"
        yield from textwrap.wrap(f"{host}: {what}: {several[0]['reason']}", subsequent_indent="   ", **_WRAP)
    if len(groups) > _SERVERS:
        yield f"... and {_count(len(groups) - _SERVERS, 'reason')} more"


def _server_lines(servers: t.Sequence[t.Mapping[str, t.Any]]) -> t.Iterator[str]:
    width = max((len(one["server"]) for one in servers), default=0)
    # Those in trouble first.
    ordered = sorted(servers, key=lambda one: (not one["starved"], -len(one["http"]["busy"]), one["server"]))
    for one in ordered[:_SERVERS]:
        told = [
            f"{_ROLES.get(role, role)} {len(one[role]['busy'])} of {len(one[role]['pids'])} busy"
            for role in ("http", "cron", "gevent", "threaded", "unknown")
            if one.get(role, {}).get("pids")
        ]
        samples = _count(one["samples"], "sample") + (f" at {one['began']}" if one["began"] else "")
        starved = "  NO FREE WORKER" if one["starved"] else ""
        unread = len(one["unread"])
        told += [f"{unread} not understood"] if unread else []
        yield f"{one['server']:<{width}}  {', '.join(told) or 'only its master'}  ({samples}){starved}"
    if len(servers) > _SERVERS:
        yield f"... and {_count(len(servers) - _SERVERS, 'server')} more"


def _count(number: int, what: str, plural: str = "s") -> str:
    return f"{number} {what}" + ("" if number == 1 else plural)
