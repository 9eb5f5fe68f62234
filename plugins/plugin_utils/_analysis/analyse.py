# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Explain the dumps of a fleet: findings in one sentence each, the most costly first, with their evidence. Pure.

The report is described in docs/dumps.md.
"""

from __future__ import annotations

import typing as t
from collections import Counter
from dataclasses import dataclass

from ...module_utils._dumps.stack import CRON_WORK
from ...module_utils._system.redact import redact_text
from .flame import flame
from .incidents import Seen, joined
from .locks import chains, join
from .place import (
    MESSAGES,
    POSTGRES_LOCK,
    WRITE,
    Place,
    shown,
)
from .sentences import (
    group_sentence,
    lines,
    starved_sentence,
)
from .sessions import Backend
from .todo import for_starved, for_work
from .work import (
    HTTP,
    Server,
    Source,
    Work,
    frames_key,
    shown_pid,
    survey,
    when,
)

SCHEMA = 1

#: Cost of a second of a request against one of a job, for which no user waits, and of a request that waits for another
#: one, which is a consequence that names its cause.
_JOB_COST, _WAITER_COST = 0.5, 1.5
#: The least that something costs which is seen at all: its time may not be known.
_LEAST = 0.1
#: Cost of a server without a free worker, beside its work; and the seconds of its work then.
_STARVED, _LASTING = 1000.0, 1.0
#: How many merged stacks, and threads for a finding, a report has: it must stay readable for a thousand hosts.
_STACKS, _EVIDENCE = 200, 50
#: Characters of a line that was not understood.
_WIDTH = 160
#: Innermost frames of a stack that are evidence enough.
_DEEPEST = 40


@dataclass
class _Group:
    """Work of one kind that is at the same place."""

    work: list[Work]

    @property
    def cost(self) -> float:
        """Worker-seconds, weighted."""
        return sum(max(one.seconds or 0.0, _LEAST) * _weight(one) for one in self.work)


def analyse(
    sources: t.Iterable[Source],
    backends: t.Sequence[Backend] = (),
    addons: t.Sequence[str] = (),
    silent: t.Mapping[str, t.Any] | None = None,
) -> dict[str, t.Any]:
    """Return the whole report of these dumps.

    :param backends: rows of pg_stat_activity with who blocks them, beside those of the sources.
    :param addons: directories of modules that have no ``addons`` in their path.
    :param silent: processes that gave no dump, as for :func:`silent_of`.
    """
    sources = list(sources)
    servers, seen = survey(sources, addons)
    silent = silent or {}
    for server in servers:
        server.unseen = any(one.get("role") in (None, HTTP) for one in _several(silent.get(server.host, ())))
    work = [one for one in seen if one.place.wait != MESSAGES]
    backends = [*backends, *(backend for source in sources for backend in source.backends)]
    join(backends, work)
    groups = _groups(work)
    found = [
        *_starved(servers, work),
        *(Seen(finding, _keys(own), _keys(own)) for finding, own in chains(backends, work)),
        *(_told(group, work) for group in groups),
    ]
    findings = joined(found)
    report: dict[str, t.Any] = {
        "schema": SCHEMA,
        "hosts": sorted({source.host for source in sources}),
        "dumps": sum(len(source.dumps) for source in sources),
        "processes": sum(1 for server in servers for pid in server.roles if pid > 0),
        "unnamed": sum(1 for server in servers for pid in server.roles if pid < 0),
        "began": min((server.began for server in servers), default=None),
        "ended": max((server.ended for server in servers), default=None),
        "findings": findings,
        "servers": [server.told() for server in servers],
        "work": [_work(one) for one in sorted(seen, key=lambda one: one.seconds or 0.0, reverse=True)],
        "stacks": _stacks(work),
        "flame": flame(work, addons),
        "silent": silent_of(silent),
        "unread": _unread(sources, servers),
        "postgres": {
            "servers": sorted({backend.server for backend in backends}),
            "unsaid": {source.host: "; ".join(source.unsaid) for source in sources if source.unsaid},
        },
        "unknown_lines": sum(
            len(dump.other) + sum(len(thread.other) for thread in dump.threads)
            for source in sources
            for dump in source.dumps
        ),
    }
    report["lines"] = lines(report)
    return report


def _unread(sources: t.Iterable[Source], servers: t.Iterable[Server]) -> list[dict[str, t.Any]]:
    """Return what cannot be parsed: the process (None if the log does not show it) and the reason."""
    found: list[dict[str, t.Any]] = [
        {"host": server.host, "pid": shown_pid(pid) or None, "reason": reason}
        for server in servers
        for pid, reason in server.unread.items()
    ]
    for source in sources:
        if source.strange is not None:
            reason = f"a line of a stack dump cannot be parsed: {source.strange[:_WIDTH]}"
            found.append({"host": source.host, "pid": None, "reason": redact_text(reason)})
    return found


def _weight(one: Work) -> float:
    if one.kind == CRON_WORK:
        return _JOB_COST
    return _WAITER_COST if one.place.wait in (WRITE, POSTGRES_LOCK) else 1.0


def _groups(work: t.Iterable[Work]) -> list[_Group]:
    found: dict[tuple[t.Any, ...], _Group] = {}
    for one in work:
        cron = one.kind == CRON_WORK
        # Jobs of one place are told apart by their names.
        key = (cron, tuple(one.jobs) if cron else (), one.place.key)
        found.setdefault(key, _Group([])).work.append(one)
    for group in found.values():
        group.work.sort(key=lambda one: one.seconds or 0.0, reverse=True)
    return list(found.values())


def _told(group: _Group, work: t.Sequence[Work]) -> Seen:
    first = group.work[0]
    holder = _holder(first, work) if first.place.wait == WRITE else None
    # Where one holds what the other wants, this is the finding that names both.
    same = holder is not None and holder.place.key[1:] == first.place.key[1:]
    finding = {
        "kind": "cron" if first.kind == CRON_WORK else "work",
        "wait": first.place.wait,
        "sentence": group_sentence(group.work, holder),
        "count": len(group.work),
        "stuck": sum(1 for one in group.work if one.stuck),
        "seconds": first.seconds,
        "cost": round(group.cost + (_Group([holder]).cost if holder and same else 0.0), 1),
        "evidence": [_work(one) for one in group.work[:_EVIDENCE]],
        "stack": [shown(frame) for frame in first.place.frames[-_DEEPEST:]],
        "holder": _work(holder) if holder else None,
        "todo": for_work(group.work),
    }
    return Seen(finding, _keys([*group.work, *([holder] if holder and same else [])]), _keys(group.work))


def _holder(waiter: Work, work: t.Sequence[Work]) -> Work | None:
    """Return the possible holder of what a write waits for: busy work on the same database that does not wait itself.

    This is a guess, because a dump does not show the holder of a lock: first work at the same place, then the longest.
    """
    others = [
        one
        for one in work
        if one.database == waiter.database and one is not waiter and one.place.wait != WRITE and _together(one, waiter)
    ]
    same = [one for one in others if one.place.key[1:] == waiter.place.key[1:]]
    return max(same or others, key=lambda one: one.seconds or 0.0, default=None)


def _together(one: Work, other: Work) -> bool:
    """Return whether both were seen in the same visit; clocks of hosts may differ by half a minute."""
    return when(one.times[0]) - when(other.times[-1]) < 30 and when(other.times[0]) - when(one.times[-1]) < 30


def _keys(work: t.Iterable[Work]) -> frozenset[int]:
    return frozenset(map(id, work))


def _starved(servers: t.Iterable[Server], work: t.Sequence[Work]) -> t.Iterator[Seen]:
    """Return a finding for each server without a free worker. Its cause is the most costly place of its work."""
    for server in servers:
        told = server.told()
        if not told["starved"]:
            continue
        own = [one for one in work if one.server is server and one.kind != CRON_WORK]
        # Under load all of them may be busy for a moment, each with a short request, and no client waits for long.
        lasting = all(one.seconds is None or one.seconds > _LASTING for one in own)
        groups = sorted(_groups(own), key=lambda group: group.cost, reverse=True)
        finding = {
            "kind": "starved",
            "server": server.name,
            "wait": groups[0].work[0].place.wait if groups else None,
            "sentence": starved_sentence(server, [group.work for group in groups]),
            "count": len(server.pids("http")),
            "stuck": sum(1 for one in own if one.stuck),
            "seconds": max((one.seconds or 0.0 for one in own), default=None),
            "cost": round(sum(group.cost for group in groups) + (_STARVED if lasting else _LEAST), 1),
            "evidence": [_work(one) for one in own[:_EVIDENCE]],
            "stack": [shown(frame) for frame in groups[0].work[0].place.frames[-_DEEPEST:]] if groups else [],
            "todo": for_starved([group.work for group in groups]),
        }
        yield Seen(finding, _keys(own), _keys(groups[0].work if groups else ()))


def _work(one: Work) -> dict[str, t.Any]:
    place = one.place
    return {
        "host": one.server.host,
        "server": one.server.name,
        "pid": shown_pid(one.pid),
        "thread": one.thread,
        "kind": one.kind,
        "url": one.url,
        "database": one.database,
        "user": one.user,
        "jobs": one.jobs,
        "seconds": one.seconds,
        "wait": place.wait,
        "module": place.module,
        "method": place.frame.function if place.frame else None,
        "at": shown(place.frame) if place.frame else None,
        "entry": place.entry,
        "query": one.query,
        "query_seconds": one.query_seconds,
        "holder": one.holder,
        "times": one.times,
        "stuck": one.stuck,
        "stayed": one.stayed,
    }


def _stacks(work: t.Iterable[Work]) -> list[dict[str, t.Any]]:
    """Identical stacks of all threads, hosts and samples, the most frequent first."""
    seen: Counter[t.Any] = Counter()
    places: dict[t.Any, Place] = {}
    threads: dict[t.Any, dict[tuple[str, int, str], None]] = {}
    for one in work:
        for place in one.places:
            key = frames_key(place)
            seen[key] += 1
            places.setdefault(key, place)
            threads.setdefault(key, {})[(one.server.host, one.pid, one.thread)] = None
    return [
        {
            "count": count,
            "threads": len(threads[key]),
            "hosts": sorted({host for host, _pid, _thread in threads[key]}),
            "wait": places[key].wait,
            "at": places[key].name,
            "frames": [shown(frame) for frame in places[key].frames],
        }
        for key, count in seen.most_common(_STACKS)
    ]


def silent_of(told: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    """Return what did not answer, for the report: ``host``, ``pid`` (None for a whole host), ``code`` and ``reason``.

    :param told: of each host the reason, or a list of its processes that did not answer, with ``pid`` and ``reason``.
    """
    return [
        {
            "host": host,
            "pid": one.get("pid"),
            "code": one.get("code"),
            "reason": redact_text(str(one.get("reason") or "")),
        }
        for host, what in sorted(told.items())
        for one in _several(what)
    ]


def _several(what: t.Any) -> t.Sequence[t.Mapping[str, t.Any]]:
    return what if isinstance(what, (list, tuple)) else [{"reason": what}]
