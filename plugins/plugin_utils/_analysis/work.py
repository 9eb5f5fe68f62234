# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Dumps of many hosts put in order: whose process it is, what was dumped together, and what each worker was at. Pure.

A piece of work is there once, however many samples show it.
"""

from __future__ import annotations

import datetime
import re
import typing as t
from dataclasses import dataclass, field, replace

from ...module_utils._dumps.stack import CRON_WORK, Dump, Stack
from ...module_utils._log.jobs import Job
from ...module_utils._system.redact import redact_text
from .place import Place, place_of, short
from .sessions import Backend

HTTP, CRON, GEVENT, MASTER, THREADED, UNKNOWN = "http", "cron", "gevent", "master", "threaded", "unknown"

#: Why nothing is known of what a process does.
CUT = "its dump is incomplete, so threads are missing"
NOT_UNDERSTOOD = "its dump cannot be parsed"
#: Seconds without a dump after which the next one belongs to another visit.
_APART = 60.0
#: Processes that were forked from one master have the main thread of it, in dumps of Odoo 14.0 and 19.0.
_MAIN = re.compile(r"^<_MainThread\(\S+, started (?:daemon )?(\d+)\)>$")
_WORKER = re.compile(r"\bWorker(HTTP|Cron)\b")
#: Ids of threads and objects differ between processes that do the same.
_IDS = re.compile(r"\b(?:0x)?[0-9a-f]{7,}\b")


@dataclass
class Source:
    """The dumps of one log. ``instance`` names a server where the caller knows it, else "" and the dumps must tell.

    ``jobs`` has the cron jobs under way for a pid at the time of a dump, ``backends`` what PostgreSQL said meanwhile,
    ``unsaid`` why it said nothing, or not all. ``strange`` is a line that looks like one of a dump and belongs to none.
    """

    host: str
    dumps: t.Sequence[Dump]
    instance: str = ""
    jobs: t.Mapping[tuple[int, str], t.Sequence[Job]] = field(default_factory=dict)
    backends: t.Sequence[Backend] = ()
    unsaid: t.Sequence[str] = ()
    strange: str | None = None


@dataclass
class Server:
    """One Odoo server in one visit. ``roles`` are those of its processes by pid, ``busy`` its pids by sample.

    Each dump of which the log does not tell the pid has a negative number of its own. Two may be of one process.
    """

    host: str
    name: str
    began: str
    ended: str
    roles: dict[int, str]
    databases: list[str]
    samples: int
    #: of each sample, who wrote a dump that was understood, and who of them was at work
    seen: list[dict[int, bool]]
    #: whose last dump was not understood, and in which way: what these do is not known
    unread: dict[int, str] = field(default_factory=dict)
    #: whether a process of its host gave no dump that may be one of its http workers, and free
    unseen: bool = False

    def pids(self, role: str) -> list[int]:
        """Return its processes of a role."""
        return sorted(pid for pid, one in self.roles.items() if one == role)

    @property
    def full(self) -> int:
        """In how many samples no http worker was free, of those that wrote a dump."""
        workers = self.pids(HTTP)
        # A single dump may have been asked of a single worker.
        if len(self.roles) < 2 or self.unseen:
            return 0
        if any(self.roles.get(pid) in (HTTP, UNKNOWN) for pid in self.unread) or any(pid < 0 for pid in self.roles):
            return 0
        by_sample = [[busy for pid, busy in one.items() if pid in workers] for one in self.seen]
        return sum(1 for one in by_sample if one and all(one))

    def told(self) -> dict[str, t.Any]:
        """Return the server for the report: for each role its processes and those that were busy in the last sample."""
        last: dict[int, bool] = {}
        for one in self.seen:
            last.update(one)
        last.update(dict.fromkeys(self.unread, False))
        by_role = {role: self.pids(role) for role in (HTTP, CRON, GEVENT, THREADED, UNKNOWN)}
        return {
            "host": self.host,
            "server": self.name,
            "began": self.began,
            "ended": self.ended,
            "databases": self.databases,
            "samples": self.samples,
            "master": [shown_pid(pid) for pid in self.pids(MASTER)],
            **{
                role: {"pids": [*map(shown_pid, pids)], "busy": [shown_pid(pid) for pid in pids if last.get(pid)]}
                for role, pids in by_role.items()
            },
            "unread": sorted(map(shown_pid, self.unread)),
            "full_samples": self.full,
            "starved": bool(self.full) and self.full == len([one for one in self.seen if one]),
        }


@dataclass
class Work:
    """One piece of work. ``seconds`` for how long it has gone on at least, None where nothing tells."""

    server: Server
    pid: int
    thread: str
    kind: str
    database: str | None
    user: str | None
    url: str | None
    jobs: list[str]
    seconds: float | None
    #: of each sample that shows it, the time
    times: list[str]
    places: list[Place]
    #: what PostgreSQL was asked by it, for how long, and who holds the lock that it waits for, where that is known
    query: str | None = None
    query_seconds: float | None = None
    holder: str | None = None
    #: the pid of its session, and the table and columns that its query compares
    backend: int | None = None
    compared: str | None = None

    @property
    def place(self) -> Place:
        """The place where it was seen last."""
        return self.places[-1]

    @property
    def stuck(self) -> bool:
        """Return whether the work was at the same lines in each of several samples."""
        return len(self.places) > 1 and len({frames_key(place) for place in self.places}) == 1

    @property
    def stayed(self) -> bool:
        """Every one of several samples shows it in the same call, as a loop does, if not in the same line of it."""
        return len(self.places) > 1 and len({_call_key(place) for place in self.places}) == 1

    @property
    def who(self) -> str:
        """The process, as people name it."""
        return f"{self.server.name} pid {shown_pid(self.pid) or 'unknown'}"


def shown_pid(pid: int) -> int:
    """Return a pid for people; 0 where the log does not tell it."""
    return max(pid, 0)


def frames_key(place: Place) -> tuple[tuple[str, int, str], ...]:
    """Return a key that is equal for two threads in the same lines."""
    return tuple((short(frame.file), frame.line, frame.function) for frame in place.frames)


def _call_key(place: Place) -> tuple[t.Any, ...]:
    """Return the lines of all calls down to the addon, whose line may differ."""
    at = next((n for n, frame in enumerate(place.frames) if frame is place.frame), len(place.frames))
    outer = tuple((frame.file, frame.line, frame.function) for frame in place.frames[:at])
    return (*outer, place.key[1:])


def survey(sources: t.Iterable[Source], addons: t.Sequence[str] = ()) -> tuple[list[Server], list[Work]]:
    """Return every server in every visit, and all work in them.

    :param addons: as for :func:`place_of`.
    """
    servers: list[Server] = []
    work: list[Work] = []
    for source in sources:
        dumps = [dump if dump.pid else replace(dump, pid=-n) for n, dump in enumerate(source.dumps, 1)]
        for visit in _visits(sorted(dumps, key=lambda dump: dump.time)):
            grouped = _by_master(visit)
            for dumps in grouped:
                server = _server(source, dumps, alone=len(grouped) == 1)
                servers.append(server)
                work += _work(source, server, dumps, addons)
    return servers, work


def when(time: str) -> float:
    """Return the time of a dump in seconds since the epoch; 0 without one."""
    try:
        return datetime.datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return 0.0


def _visits(dumps: t.Sequence[Dump]) -> list[list[Dump]]:
    found: list[list[Dump]] = []
    before = 0.0
    for dump in dumps:
        now = when(dump.time)
        if not found or now - before > _APART:
            found.append([])
        found[-1].append(dump)
        before = now
    return found


def _by_master(dumps: t.Sequence[Dump]) -> list[list[Dump]]:
    """Return the dumps of each server. A gevent process has another main thread: it belongs to the only server."""
    groups: dict[str, list[Dump]] = {}
    for dump in dumps:
        main = next((found.group(1) for one in dump.threads for found in [_MAIN.match(one.name)] if found), "")
        groups.setdefault(main, []).append(dump)
    lone = groups.pop("", [])
    if len(groups) == 1:
        return [sorted([*next(iter(groups.values())), *lone], key=lambda dump: dump.time)]
    return [*groups.values(), *([lone] if lone else [])]


def _role(dump: Dump) -> str:
    names = [thread.name for thread in dump.threads]
    if any("odoo.service.httpd" in name or "odoo.service.cron." in name for name in names):
        return THREADED
    if any(thread.header.startswith("# Greenlet") for thread in dump.threads):
        return GEVENT
    sources = [
        frame.source or "" for thread in dump.threads for frame in thread.frames if frame.function == "process_spawn"
    ]
    for text in [*names, *sources]:
        worker = _WORKER.search(text)
        if worker:
            return HTTP if worker.group(1) == "HTTP" else CRON
    return MASTER if any(_MAIN.match(name) for name in names) else UNKNOWN


def _server(source: Source, dumps: t.Sequence[Dump], *, alone: bool) -> Server:
    roles: dict[int, str] = {}
    seen: list[dict[int, bool]] = []
    count: dict[int, int] = {}
    unread: dict[int, str] = {}
    for dump in dumps:
        # A thread that ran the handler may not show its work, so a worker stays a worker.
        role = _role(dump)
        roles[dump.pid] = role if role not in (MASTER, UNKNOWN) else roles.get(dump.pid, role)
        number = count[dump.pid] = count.get(dump.pid, -1) + 1
        while len(seen) <= number:
            seen.append({})
        if dump.is_understood:
            seen[number][dump.pid] = any(thread.work for thread in dump.threads)
            unread.pop(dump.pid, None)
        else:
            unread[dump.pid] = CUT if dump.is_cut else NOT_UNDERSTOOD
    databases = sorted({thread.db for dump in dumps for thread in dump.threads if thread.db})
    name = source.host if not source.instance else f"{source.host} {source.instance}"
    if not alone and not source.instance:
        masters = sorted(pid for pid, role in roles.items() if role in (MASTER, THREADED)) or sorted(roles)
        name += f" (server of pid {shown_pid(masters[-1]) or 'unknown'})"
    return Server(source.host, name, dumps[0].time, dumps[-1].time, roles, databases, len(seen), seen, unread)


def _work(source: Source, server: Server, dumps: t.Sequence[Dump], addons: t.Sequence[str]) -> list[Work]:
    found: list[Work] = []
    #: the work of a thread, as long as it is the same
    under_way: dict[tuple[int, str], tuple[Work, Stack]] = {}
    for dump in dumps:
        shown: set[tuple[int, str]] = set()
        for number, stack in enumerate(dump.threads):
            if stack.work is None:
                continue
            key = (dump.pid, stack.name or str(number))
            shown.add(key)
            place = place_of(stack, addons)
            before = under_way.get(key)
            if before and _goes_on(before[1], stack, when(dump.time) - when(before[0].times[-1])):
                one = before[0]
                one.times.append(dump.time)
                one.places.append(place)
            else:
                one = _begun(source, server, dump, stack, place)
                found.append(one)
            one.seconds = _seconds(source, one, stack)
            under_way[key] = (one, stack)
        for key in [key for key in under_way if key[0] == dump.pid and key not in shown]:
            del under_way[key]
    return found


def _begun(source: Source, server: Server, dump: Dump, stack: Stack, place: Place) -> Work:
    cron = stack.work == CRON_WORK
    jobs = source.jobs.get((dump.pid, dump.time), ()) if cron else ()
    database = stack.db or (jobs[-1].database if jobs else None) or dump.database
    return Work(
        server,
        dump.pid,
        _IDS.sub("…", stack.name),
        t.cast(str, stack.work),
        database,
        stack.uid,
        None if cron or stack.url is None else redact_text(stack.url),
        [redact_text(job.name) for job in jobs],
        None,
        [dump.time],
        [place],
    )


def _goes_on(before: Stack, now: Stack, passed: float) -> bool:
    """Return whether it is the same request as a sample ago: it has not begun since."""
    if (before.work, before.url, before.db) != (now.work, now.url, now.db):
        return False
    # In cron threads the times may belong to an earlier request. Half a second is for the clocks of request and log.
    if now.work == CRON_WORK or now.seconds is None:
        return True
    return now.seconds > passed - 0.5


def _seconds(source: Source, work: Work, stack: Stack) -> float | None:
    span = when(work.times[-1]) - when(work.times[0])
    told = [span] if len(work.times) > 1 else []
    if work.kind != CRON_WORK and stack.seconds is not None:
        told.append(stack.seconds)
    jobs = source.jobs.get((work.pid, work.times[-1]), ()) if work.kind == CRON_WORK else ()
    told += [when(work.times[-1]) - when(job.time) for job in jobs]
    return round(max(told), 3) if told else None
