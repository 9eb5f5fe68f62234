# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The content of a stack dump, and the work of each thread in it. Pure."""

from __future__ import annotations

import math
import re
import typing as t
from dataclasses import dataclass, field

HTTP_WORK, CRON_WORK, GEVENT_WORK = "http", "cron", "gevent"

#: What runs a job (Odoo 14.0, 19.0), and what answers a request: in werkzeug's server, and in gevent's.
_CRON_FILE = "/ir_cron.py"
_HTTP_FUNCTIONS = frozenset(["run_wsgi"])
_GEVENT_FUNCTIONS = frozenset(["run_application", "handle_one_response"])
#: What writes a dump.
_HANDLER = "dumpstacks"
#: A prefork worker that has taken a connection is not free for another one, before it has read the request, too.
_TAKEN = ("process_request", "/service/server.py")


#: In a paste, "# " may have been taken for the sign of a heading.
THREAD = re.compile(r"(?:# )?(?P<kind>(?<=# )(?:Thread|Greenlet)|(?:Thread|Greenlet)(?=: .*[<(])): (?P<rest>.*)$")
#: The name of the thread of a prefork worker, which tells its pid.
WORKER = re.compile(r"\bWorker Worker\w+ \((?P<pid>[0-9]{1,10})\) workthread\b")
#: The header of a thread since Odoo 14, if there is no bracket in the name of its database.
_USUAL = re.compile(
    r"# Thread: (?P<name>.*?) \(db:(?P<db>[^()]*)\) \(uid:(?P<uid>[^()]*)\) \(url:(?P<url>[^()]*)\)"
    r"(?: \(qc:(?P<qc>[^\s()]+) qt:(?P<qt>[^\s()]+) pt:(?P<pt>[^\s()]+)\))?$"
)
#: In any other one: behind the name of a thread. Where a secret in an url was hidden, the rest of the line is gone.
_DETAIL = re.compile(r" \((?P<key>id|db|uid|url):(?P<value>.*?)(?:\)(?= \(|$)|$)")
_TIMES = re.compile(r" \(qc:(?P<qc>\S+) qt:(?P<qt>\S+) pt:(?P<pt>[^\s)]+)\)?$")


@dataclass(frozen=True)
class Frame:
    """One call of a stack. ``source`` is its line of code, None where the dump has none."""

    file: str
    line: int
    function: str
    source: t.Optional[str] = None


@dataclass
class Stack:
    """One thread or greenlet. None stands for what the dump does not tell; times are in seconds.

    It is not to be changed. (Frozen it would take three times as long to make, and a fleet's dumps have many.)
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
    #: lines below its header that are neither call nor code
    other: t.Tuple[str, ...] = ()
    #: the line that names it, as it was written
    header: str = field(default="", compare=False, repr=False)

    @property
    def work(self) -> t.Optional[str]:
        """The kind of its work; None while it waits for work. It comes from the frames, never from the url."""
        functions = {frame.function for frame in self.frames}
        if functions & _HTTP_FUNCTIONS:
            return HTTP_WORK
        if functions & _GEVENT_FUNCTIONS:
            return GEVENT_WORK
        if any(frame.file.endswith(_CRON_FILE) for frame in self.frames):
            return CRON_WORK
        function, file = _TAKEN
        taken = function in functions and any(f.function == function and f.file.endswith(file) for f in self.frames)
        return HTTP_WORK if taken else None

    @property
    def is_thread(self) -> bool:
        """Return whether it is a thread, and not a greenlet."""
        return not self.header.startswith("# Greenlet")

    @property
    def is_handling(self) -> bool:
        """Return whether it runs the handler of the signal that asked for the dump."""
        return any(frame.function == _HANDLER for frame in self.frames)

    @property
    def seconds(self) -> t.Optional[float]:
        """For how long it has been at its request; None where the dump does not tell (14, 15; cron jobs)."""
        if self.query_time is None or self.python_time is None:
            return None
        return self.query_time + self.python_time

    @property
    def at(self) -> t.Optional[Frame]:
        """The place of the thread: the innermost frame of an addon, otherwise the innermost frame."""
        ours = [f for f in self.frames if "/addons/" in f.file and not f.file.endswith(_CRON_FILE)]
        return next(reversed(ours or self.frames), None)

    def told(self) -> t.Dict[str, t.Any]:
        """Return the thread as modules and filters return it."""
        return {
            "name": self.name,
            "db": self.db,
            "uid": self.uid,
            "url": self.url,
            "query_count": self.query_count,
            "query_time": self.query_time,
            "python_time": self.python_time,
            "idle": self.work is None,
            "frames": [dict(vars(frame)) for frame in self.frames],
            "other": list(self.other),
        }


@dataclass
class Dump:
    """The dump of one process. ``pid`` is the pid in its log, ``time`` is ISO 8601 in UTC, as Odoo's clock.

    If the log does not show them, ``pid`` is 0 and ``time`` is "". ``other`` are lines above the first thread.
    """

    pid: int
    time: str
    database: t.Optional[str]
    threads: t.Tuple[Stack, ...]
    other: t.Tuple[str, ...] = ()
    #: its end stands in the dump of another process
    is_torn: bool = False

    @property
    def is_understood(self) -> bool:
        """Return whether it shows all that the process does: it has threads, each of them has calls, none is cut.

        A thread at rest has no lines that cannot be parsed: one of them could be a call. (After the end of a dump
        other lines may follow.)
        """
        if not self.threads or self.is_cut or self.is_mixed or not all(thread.frames for thread in self.threads):
            return False
        sure = self.threads[:-1] if self.is_whole else self.threads
        return not any(thread.other and thread.work is None for thread in sure)

    @property
    def is_mixed(self) -> bool:
        """Return whether threads of two processes are in it, as where these wrote to one pipe at the same time."""
        # A greenlet may be listed more than once, and also as the thread in which it runs.
        threads = [thread for thread in self.threads if thread.is_thread]
        names = [thread.name for thread in threads if thread.name.startswith("<")]
        writers = [thread for thread in threads if thread.is_handling]
        return len(writers) > 1 or len(set(names)) < len(names)

    @property
    def is_whole(self) -> bool:
        """Return whether its end is present, if a signal asked for it.

        The thread that runs the handler is the last one (seen on 14.0 and 19.0, in prefork, threaded and gevent).
        Greenlets come after it in any order, and the one that runs it is among them (seen on 15.0).
        """
        if self.threads and self.threads[-1].is_handling:
            return True
        greenlets = [one for one in self.threads if not one.is_thread]
        threads = [one for one in self.threads if one.is_thread]
        return bool(greenlets and threads) and threads[-1].is_handling and any(one.is_handling for one in greenlets)

    @property
    def is_cut(self) -> bool:
        """Return whether it is cut: its last call has no line of code, although others have one."""
        if self.is_torn:
            return True
        if not self.threads or not self.threads[-1].frames or self.threads[-1].is_handling:
            return False
        last = self.threads[-1].frames[-1]
        return last.source is None and any(frame.source for thread in self.threads for frame in thread.frames)

    def told(self) -> t.Dict[str, t.Any]:
        """Return the dump as modules and filters return it."""
        return {
            "pid": self.pid or None,
            "time": self.time or None,
            "database": self.database,
            "understood": self.is_understood,
            "threads": [thread.told() for thread in self.threads],
            "other": list(self.other),
        }


def stack_of(header: str, frames: t.Tuple[Frame, ...], other: t.Tuple[str, ...]) -> Stack:
    """Return the thread with this header; "" where the log does not show it."""
    header = header.rstrip()
    if not header:
        return Stack("", frames=frames, other=other)
    usual = _USUAL.match(header)
    name, db, uid, url, count, queries, python = usual.groups() if usual else _unusual(header)
    return Stack(
        name,
        _known(db),
        _known(uid),
        _known(url),
        _number(count, int),
        _number(queries, float),
        _number(python, float),
        frames,
        other,
        header,
    )


def _unusual(header: str) -> t.Tuple[t.Any, ...]:
    kind, rest = t.cast("re.Match[str]", THREAD.match(header + " ")).groups()
    rest = rest.rstrip()
    if kind == "Greenlet":
        return (rest, *[None] * 6)
    times = _TIMES.search(rest)
    if times:
        rest = rest[: times.start()]
    first = _DETAIL.search(rest)
    details = {found.group("key"): found.group("value") for found in _DETAIL.finditer(rest)}
    name = rest[: first.start()] if first else rest
    numbers = times.groups() if times else (None, None, None)
    return (name, details.get("db"), details.get("uid"), details.get("url"), *numbers)


def _known(text: t.Optional[str]) -> t.Optional[str]:
    return None if text in ("n/a", "None", "?", "", None) else text


_N = t.TypeVar("_N", int, float)


def _number(text: t.Optional[str], kind: t.Callable[[str], _N]) -> t.Optional[_N]:
    if text is None:
        return None
    try:
        number = kind(text)
    except ValueError:
        return None
    # JSON knows neither nan nor inf.
    return number if math.isfinite(number) else None
