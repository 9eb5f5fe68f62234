# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""Stack dumps as Odoo writes them to its log after a QUIT, and what each thread in them is at. Pure.

Seen: Odoo 14.0 and 19.0, prefork, threaded and gevent, in log files, the journal and a terminal. The header without
query times is that of 14 and 15, the one with ``id`` that of servers older than these (docs/drain.md).
"""

from __future__ import annotations

import dataclasses
import re
import typing as t
from dataclasses import dataclass, field

HTTP_WORK, CRON_WORK, GEVENT_WORK = "http", "cron", "gevent"

#: What syslog's form of the journal and the log of a container put before a line. The former tells the process.
_SYSLOG = re.compile(r"^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ [^\s\[\]]{1,64}\[(?P<pid>\d+)\]: ")
_CONTAINER = re.compile(r"^\d{4}-\d\d-\d\dT\S+ (?:stdout|stderr) [FP] ")

#: The first line of any record of Odoo's log. Whatever stands before the time: a prompt of a terminal may.
_RECORD = re.compile(
    r"^(?P<day>\d{4}-\d\d-\d\d) (?P<clock>\d\d:\d\d:\d\d),(?P<ms>\d{3}) (?P<pid>\d+) [A-Z]+ (?P<database>\S+) "
    r"(?P<logger>[\w.]+): ?(?P<text>.*)$"
)
#: Dumps are written by this logger; other records of it go on behind the colon.
_DUMPER = "odoo.tools.misc"
_THREAD = re.compile(r"^# (?P<kind>Thread|Greenlet): (?P<rest>.*)$")
_FRAME = re.compile(r'^File: "(?P<file>.*)", line (?P<line>\d+), in (?P<function>.*)$')
#: Behind the name of a thread. Where a secret in an url was hidden, the rest of the line went with it.
_DETAIL = re.compile(r" \((?P<key>id|db|uid|url):(?P<value>.*?)(?:\)(?= \(|$)|$)")
_TIMES = re.compile(r" \(qc:(?P<qc>\S+) qt:(?P<qt>\S+) pt:(?P<pt>[^\s)]+)\)?$")

#: What runs a job (Odoo 14.0, 19.0), and what answers a request: in werkzeug's server, and in gevent's.
_CRON_FILE = "/ir_cron.py"
_HTTP_FUNCTIONS = frozenset(["run_wsgi"])
_GEVENT_FUNCTIONS = frozenset(["run_application", "handle_one_response"])

#: How a job is announced and concluded: by Odoo 14, and by Odoo 19, which adds its id.
_JOB = re.compile(
    r"^(?:Starting job `(?P<begun14>.*)`\.|Job `(?P<done14>.*)` done\.?"
    r"|Job '(?P<begun19>.*)' \(\d+\) starting"
    r"|Job '(?P<done19>.*)' \(\d+\) (?:fully done|partially done|failed)\b.*)\s*$"
)


@dataclass(frozen=True)
class Frame:
    """One call of a stack. ``source`` is its line of code, None where the dump has none."""

    file: str
    line: int
    function: str
    source: t.Optional[str] = None


@dataclass(frozen=True)
class Stack:
    """One thread or greenlet. None stands for what the dump does not tell; times are in seconds.

    ``query_time`` are the queries that have ended, a running one counts in ``python_time``. In a thread that waits for
    work ``url``, ``db`` and the times are those of its last request.
    """

    name: str
    db: t.Optional[str] = None
    uid: t.Optional[str] = None
    url: t.Optional[str] = None
    query_count: t.Optional[int] = None
    query_time: t.Optional[float] = None
    python_time: t.Optional[float] = None
    #: the innermost last
    frames: t.Tuple[Frame, ...] = ()

    @property
    def work(self) -> t.Optional[str]:
        """What kind of work it is at; None while it waits for some. The frames tell, and never the url."""
        functions = {frame.function for frame in self.frames}
        if functions & _HTTP_FUNCTIONS:
            return HTTP_WORK
        if functions & _GEVENT_FUNCTIONS:
            return GEVENT_WORK
        return CRON_WORK if any(frame.file.endswith(_CRON_FILE) for frame in self.frames) else None

    @property
    def seconds(self) -> t.Optional[float]:
        """For how long it has been at its request; None where the dump does not tell (14, 15; cron jobs)."""
        if self.query_time is None or self.python_time is None:
            return None
        return self.query_time + self.python_time

    @property
    def at(self) -> t.Optional[Frame]:
        """Where it is: the innermost frame of an addon, else the innermost of all."""
        ours = [f for f in self.frames if "/addons/" in f.file and not f.file.endswith(_CRON_FILE)]
        return next(reversed(ours or self.frames), None)

    def told(self) -> t.Dict[str, t.Any]:
        """As modules and filters return it."""
        return {**dataclasses.asdict(self), "idle": self.work is None, "frames": [vars(f) for f in self.frames]}


@dataclass(frozen=True)
class Dump:
    """What one process wrote. ``pid`` is the one that its log shows, ``time`` is ISO 8601 in UTC, as Odoo's clock."""

    pid: int
    time: str
    database: t.Optional[str]
    threads: t.Tuple[Stack, ...]

    def told(self) -> t.Dict[str, t.Any]:
        """As modules and filters return it."""
        return {
            "pid": self.pid,
            "time": self.time,
            "database": self.database,
            "threads": [thread.told() for thread in self.threads],
        }


@dataclass
class _Block:
    """A thread that is being read."""

    kind: str
    rest: str
    frames: t.List[Frame] = field(default_factory=list)


@dataclass
class _Record:
    """A dump that is being read. ``fresh``: the next line may be the source of the last frame."""

    pid: int
    time: str
    database: t.Optional[str]
    blocks: t.List[_Block] = field(default_factory=list)
    fresh: bool = False


def parse_dumps(lines: t.Iterable[str]) -> t.List[Dump]:
    """Every dump in the lines of a log, in the order of their headers.

    Lines of other records in between do no harm: in the journal each line of a dump is an entry of its own.

    :param lines: with or without their ends.
    """
    records: t.List[_Record] = []
    #: the dump under way, by the process that the journal names; "" where nothing names one
    under_way: t.Dict[str, _Record] = {}
    for raw in lines:
        source, line = _unwrapped(raw)
        head = _RECORD.match(line)
        record = under_way.get(source)
        if head:
            if record is not None:
                record.fresh = False
            if _begins(head):
                time = "%sT%s.%sZ" % head.group("day", "clock", "ms")
                under_way[source] = _Record(int(head.group("pid")), time, _known(head.group("database")))
                records.append(under_way[source])
        elif record is not None:
            _take(record, line)
    return [_dump(record) for record in records]


def record_at(line: str) -> t.Optional[t.Tuple[int, bool]]:
    """Whose record of Odoo's log begins with a line, as the pid in it, and whether it is a dump; None within a record.

    :param line: as Odoo wrote it, without what carries it.
    """
    head = _RECORD.match(line.rstrip("\r\n"))
    return (int(head.group("pid")), _begins(head)) if head else None


def _begins(head: t.Match[str]) -> bool:
    return head.group("logger") == _DUMPER and not head.group("text").strip()


def jobs_under_way(lines: t.Iterable[str], pid: int) -> t.List[t.Tuple[str, t.Optional[str]]]:
    """Names and databases of the cron jobs that a process has begun and not ended, as its log tells.

    :param pid: as the log shows it.
    """
    begun: t.Dict[str, t.Optional[str]] = {}
    for raw in lines:
        head = _RECORD.match(_unwrapped(raw)[1])
        if head is None or int(head.group("pid")) != pid or not head.group("logger").endswith("ir_cron"):
            continue
        job = _JOB.match(head.group("text"))
        if job is None:
            continue
        name = job.group("begun14") or job.group("begun19")
        if name:
            begun[name] = _known(head.group("database"))
        else:
            begun.pop(job.group("done14") or job.group("done19"), None)
    return list(begun.items())


def _unwrapped(raw: str) -> t.Tuple[str, str]:
    """The process that the line's carrier names, "" where it names none, and the line as Odoo wrote it."""
    line = raw.rstrip("\r\n")
    syslog = _SYSLOG.match(line)
    if syslog:
        return syslog.group("pid"), line[syslog.end() :]
    container = _CONTAINER.match(line)
    return "", line[container.end() :] if container else line


def _take(record: _Record, line: str) -> None:
    thread, frame = _THREAD.match(line), _FRAME.match(line)
    if thread:
        record.blocks.append(_Block(thread.group("kind"), thread.group("rest").rstrip()))
    elif frame and record.blocks:
        found = Frame(frame.group("file"), int(frame.group("line")), frame.group("function").rstrip())
        record.blocks[-1].frames.append(found)
    elif record.fresh and line.startswith("  ") and line.strip():
        last = record.blocks[-1].frames
        last[-1] = dataclasses.replace(last[-1], source=line.strip())
    record.fresh = bool(frame and record.blocks)


def _dump(record: _Record) -> Dump:
    return Dump(record.pid, record.time, record.database, tuple(_stack(block) for block in record.blocks))


def _stack(block: _Block) -> Stack:
    if block.kind == "Greenlet":
        return Stack(block.rest, frames=tuple(block.frames))
    rest, times = block.rest, _TIMES.search(block.rest)
    if times:
        rest = rest[: times.start()]
    first = _DETAIL.search(rest)
    details = {found.group("key"): found.group("value") for found in _DETAIL.finditer(rest)}
    return Stack(
        rest[: first.start()] if first else rest,
        _known(details.get("db")),
        _known(details.get("uid")),
        _known(details.get("url")),
        _number(times and times.group("qc"), int),
        _number(times and times.group("qt"), float),
        _number(times and times.group("pt"), float),
        tuple(block.frames),
    )


def _known(text: t.Optional[str]) -> t.Optional[str]:
    return None if text in ("n/a", "None", "?", "", None) else text


_N = t.TypeVar("_N", int, float)


def _number(text: t.Optional[str], kind: t.Callable[[str], _N]) -> t.Optional[_N]:
    try:
        return None if text is None else kind(text)
    except ValueError:
        return None
