# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Reading a server's log: what it said while we waited for it, and when it last loaded. Secrets in it are hidden."""

from __future__ import annotations

import ast
import calendar
import functools
import os
import re
import stat
import time
import typing as t
from dataclasses import dataclass

from .._forms.carrier import Unwrapper
from .._processes.limits import ONE_SERVER
from .._processes.proc import Gone, Proc, root_of
from .._processes.process import Process
from .._processes.rights import NoAnswer, files_of, in_time, open_file
from .._system.files import open_regular, reached
from .._system.redact import redact_text
from .._system.timeout import TooSlow, within
from .journal import journal, journalctl
from .place import FILE, JOURNAL, LogPlace
from .syslog import SyslogFile, lines_of_odoo, open_syslog

_LARGEST_TAIL = 1 << 16
#: Characters of a line that are shown.
_WIDTH = 500
#: How far back the log is searched for the start of the running code, and in what steps.
_SEARCHED, _STEP = 4 << 20, 1 << 18
#: Odoo keeps its clock, and so its log, in UTC.
_VERSION_LINE = r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),(\d{3}) %d INFO \S+ (?:odoo|openerp): (?:Odoo|OpenERP) version "
_TIME = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),(\d{3}) \d", re.MULTILINE)
#: The folders are a list, in different types of Odoo.
_ADDONS_LINE = r"^\S+ \S+ %d INFO \S+ (?:odoo|openerp): addons paths: \D{0,40}?(\[.{0,16000}\])\)?\s*$"
#: Bytes that a step of the search shares with the next one: more than the lines of a start have.
_SHARED = 1 << 14


class LogMark:
    """A place in a server's log, taken before a signal; :meth:`tail` returns what came after it.

    The file is held open from the start, so that a rotation in between loses nothing.
    """

    def __init__(self, proc: Proc, master: Process, place: LogPlace, unit: t.Optional[str], now: float) -> None:
        self.source: t.Optional[str] = None
        self._match, self._shared = "", place.daemon is not None
        self._since = now
        self._descriptor = -1
        self._offset = 0
        if place.kind == FILE and place.path:
            descriptor = open_place(proc, master, place)
            if descriptor is not None:
                self.source, self._descriptor = place.path, descriptor
                self._offset = os.fstat(descriptor).st_size
        elif place.kind == JOURNAL and journalctl():
            # Of a unit of a user, or where nothing starts the server again, its pid tells.
            self.source = "the journal of %s" % unit if unit else "the journal"
            self._match = "--unit=" + unit if unit else "_PID=%d" % master.pid

    def tail(self, lines: int = 12, largest: int = _LARGEST_TAIL) -> t.List[str]:
        """Return the last lines since the mark, secrets hidden; empty if the log cannot be read.

        :param largest: bytes of a file that are read at most.
        """
        return self._last(lines, self._offset, largest, "--since=@%d" % int(self._since))

    def last(self, lines: int, largest: int = _LARGEST_TAIL) -> t.List[str]:
        """Return the same as :meth:`tail`, with lines from before the mark."""
        return self._last(lines, 0, largest)

    def _last(self, lines: int, offset: int, largest: int, *since: str) -> t.List[str]:
        if self._descriptor >= 0:
            try:
                return within(ONE_SERVER, functools.partial(self._last_of_file, lines, offset, largest))
            except TooSlow:
                return []
        if self.source:
            text = journal(largest, "--lines=%d" % lines, *since, self._match)
            return shown_lines(text.splitlines(), lines)
        return []

    def _last_of_file(self, lines: int, offset: int, largest: int) -> t.List[str]:
        end = os.fstat(self._descriptor).st_size
        start = offset if end >= offset else 0
        begin = max(start, end - largest)
        text = os.pread(self._descriptor, end - begin, begin).decode("utf-8", "replace")
        text = lines_of_odoo(text) if self._shared else text
        if begin > start and not self._shared:
            # What a cut line begins with may be the end of a secret that nothing names any more.
            text = text.partition("\n")[2]
        return shown_lines(text.splitlines(), lines)

    def close(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def shown_lines(found: t.Sequence[str], most: int) -> t.List[str]:
    """Return the last lines of a log for people: no empty ones, secrets hidden, long ones cut. Pure."""
    shown = [line.rstrip() for line in found if line.strip()]
    return [redact_text(line)[:_WIDTH] for line in (shown[-most:] if most else [])]


@dataclass(frozen=True)
class LoggedLoad:
    """The time of the last version line of a process in its log, in seconds since the epoch, and its addons folders."""

    moment: float
    addons: t.Tuple[str, ...] = ()
    #: the earliest time of what the log has after it, if that is before it: the clock was set back since
    earliest: t.Optional[float] = None


def logged_load(proc: Proc, master: Process, place: LogPlace, started: float) -> t.Optional[LoggedLoad]:
    """Return the last start of this process from its log.

    The log is read backwards in bounded steps, so that its size does not matter.
    """
    pid = master.shown_pid
    texts: t.Optional[t.Iterable[str]] = journal_of(place, [master.pid], started, "Odoo version", 20)
    if texts is None:
        texts = blocks_backwards(proc, master, place)
    earliest: t.Optional[float] = None
    for text in texts:
        moment = find_load_line(text, pid)
        earliest = min(filter(None, (earliest, _earliest(text, moment, pid))), default=None)
        if moment is not None:
            more = journal_of(place, [master.pid], started, "addons paths: ", 1)
            back = earliest if earliest is not None and earliest < moment else None
            return LoggedLoad(moment, find_addons_line("".join(more) if more else text, pid), back)
    return None


def _earliest(text: str, moment: t.Optional[float], pid: int) -> t.Optional[float]:
    """Return the earliest time of the lines of a text, of those behind a version line where it is in the text. Pure."""
    if moment is not None:
        lines = list(re.finditer(_VERSION_LINE % pid, text, re.MULTILINE))
        text = text[lines[-1].end() :] if lines else ""
    first = min(_TIME.findall(text), default=None)
    if first is None:
        return None
    try:
        return calendar.timegm(time.strptime(first[0], "%Y-%m-%d %H:%M:%S")) + int(first[1]) / 1000
    except ValueError:  # digits that are not a time
        return None


def journal_of(
    place: LogPlace, pids: t.Iterable[int], since: float, pattern: str, newest: t.Optional[int] = None
) -> t.Optional[t.List[str]]:
    """Return what these processes have written to the journal that matches a pattern, the oldest line first.

    None where no journal is their log.

    :param since: seconds since the epoch.
    :param newest: only so many of the newest entries, which must be of one line each; None for all.
    """
    if place.kind != JOURNAL or journalctl() is None:
        return None
    words = ["--grep=" + pattern, "--since=@%d" % int(since), *("_PID=%d" % pid for pid in pids)]
    if newest is None:
        return [journal(_LARGEST_TAIL, *words)]
    # Without --reverse systemd 247 looks at so many entries alone, and systemd 252 begins with the newest one.
    told = journal(_LARGEST_TAIL, "--reverse", "--lines=%d" % newest, *words)
    return ["\n".join(reversed(told.splitlines()))]


def blocks_backwards(proc: Proc, master: Process, place: LogPlace) -> t.Iterator[str]:
    """Yield the end of a log that is a file, and what stands before it, step by step, up to a bound.

    A line that the end of a step cuts is whole in the next one.
    """
    descriptor = open_place(proc, master, place) if place.kind == FILE and place.path else None
    if descriptor is None:
        return
    try:
        end = os.fstat(descriptor).st_size
        last = max(0, end - _SEARCHED)
        at = end
        while at > last:
            begin = max(last, at - _STEP)
            # It is shorter than what two steps share.
            yield os.pread(descriptor, at - begin + _SHARED, begin).decode("utf-8", "replace")
            at = begin
    finally:
        os.close(descriptor)


def find_load_line(text: str, pid: int) -> t.Optional[float]:
    """Return the time of the last "Odoo version" line of this pid in a text, in seconds since the epoch. Pure."""
    if not re.search(_VERSION_LINE % pid, text, re.MULTILINE):
        unwrapper = Unwrapper()
        told = unwrapper.each(raw for raw in text.split("\n") if "ersion " in raw and raw[:1] != " ")
        text = "\n".join(line for _carrier, line in told)
    for found in reversed(list(re.finditer(_VERSION_LINE % pid, text, re.MULTILINE))):
        try:
            return calendar.timegm(time.strptime(found.group(1), "%Y-%m-%d %H:%M:%S")) + int(found.group(2)) / 1000
        except ValueError:  # digits that are not a time
            continue
    return None


def find_addons_line(text: str, pid: int) -> t.Tuple[str, ...]:
    """Return the folders of the last "addons paths" line of this pid in a text. Pure."""
    for found in reversed(list(re.finditer(_ADDONS_LINE % pid, text, re.MULTILINE))):
        try:
            paths = ast.literal_eval(found.group(1))
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
        return tuple(path for path in paths if isinstance(path, str)) if isinstance(paths, list) else ()
    return ()


def log_path(proc: Proc, master: Process, path: str) -> str:
    """Return the path of a log from here, following links as the server follows them."""
    return reached(path, root_of(proc.root, master))


def open_place(proc: Proc, master: Process, place: LogPlace, children: t.Iterable[int] = ()) -> t.Optional[int]:
    """Open a log that is a file for reading, also one of a syslog daemon; None if it must not be read.

    :param children: as for :func:`open_log`.
    """
    path = t.cast(str, place.path)
    if place.daemon is not None:
        return open_syslog(proc, SyslogFile(path, place.daemon))
    try:
        return in_time(proc, master, path, lambda: open_log(proc, master, path, children))
    except NoAnswer:
        return None


def open_log(proc: Proc, master: Process, path: str, children: t.Iterable[int] = ()) -> t.Optional[int]:
    """Open a log for reading, if the server itself writes to that very file, or its user owns it; None otherwise.

    Root must not be made to read some other file by a link that the service's user has put in its place. Between a
    rotation and the next line of a process that process has the old file open, so the new one is known by its owner.

    :param children: pids of more processes of the server, that may have opened it after a rotation.
    """
    linked = False
    try:
        descriptor = open_file(proc, master, path, os.O_NOFOLLOW)
    except OSError:
        try:
            descriptor, linked = open_file(proc, master, path), True
        except OSError:
            return _held_by(proc, master, path)
    held = os.fstat(descriptor)
    # A link may lead anywhere, so what is behind it must be open for writing in the server itself.
    its_own = not linked and master.uid != 0 and held.st_uid == master.uid
    if its_own or any((held.st_dev, held.st_ino) in _written_by(proc, pid) for pid in (master.pid, *children)):
        return descriptor
    os.close(descriptor)
    return None


def _held_by(proc: Proc, master: Process, path: str) -> t.Optional[int]:
    """Open a log by the descriptor that the server has of it, where the server may not follow the path to it.

    So it is where root opened the log and handed it on as stderr. The server can open it again, if its permissions let
    the server read it.
    """
    try:
        if proc.link(master.pid, "fd/2") != path:
            return None
        held = os.open("%s/%d/fd/2" % (proc.root, master.pid), os.O_PATH | os.O_CLOEXEC)
    except (Gone, OSError):
        return None
    try:
        with files_of(proc, master):
            return open_regular("/proc/self/fd/%d" % held)
    except OSError:
        return None
    finally:
        os.close(held)


def _written_by(proc: Proc, pid: int) -> t.Set[t.Tuple[int, int]]:
    """Files that a process has open for writing. To hold one by O_PATH takes no right to it at all."""
    folder = "%s/%d/fd" % (proc.root, pid)
    files = set()
    try:
        for entry in os.listdir(folder):
            try:
                path = folder + "/" + entry
                if os.lstat(path).st_mode & stat.S_IWUSR:
                    status = os.stat(path)
                    files.add((status.st_dev, status.st_ino))
            except OSError:
                continue
    except OSError:
        pass
    return files
