# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Read tracebacks from the lines of a log, and tell which of them are about the load of code. Pure.

Seen on Odoo 14.0 and 19.0: a failed load of a registry writes "Failed to load registry", then the traceback in another
record of the same process. A failed request has its access line after its traceback (19.0), or before it (14.0).
"""

from __future__ import annotations

import re
import typing as t

from .._forms.carrier import Unwrapper
from .._forms.line import NO_PID, head_of

_TRACEBACK = "Traceback (most recent call last):"
_FRAME = re.compile(r'  File "(?P<path>[^"\n]+)", line (?P<line>\d+)')
#: Functions of Odoo that load modules: each failed load of a registry or of a server-wide module has one of them.
_LOADS = re.compile(r", in (?:load_modules|load_module_graph|load_openerp_module|preload_registries)\s*$")
_LEVELS = ("ERROR", "CRITICAL")
#: The access line of a request that failed.
_FAILED_REQUEST = re.compile(r'"(?:\x1b\[[\d;]*m)*[A-Z]+ (?P<path>/[^ ?"]*)\S* HTTP/[\d.]+(?:\x1b\[[\d;]*m)*" 500 ')
#: What the server of werkzeug adds to the last line of its record (seen on Odoo 14.0).
_TAIL = re.compile(r"(?: -){3}$")
#: Lines of a record that are kept, and characters of its last line.
_MOST_LINES, _WIDTH = 2000, 300


class Traceback(t.NamedTuple):
    """A traceback in a log.

    :ivar pid: as the log shows it.
    :ivar error: the last line, such as ``ModuleNotFoundError: No module named 'x'``.
    :ivar where: file and line of the innermost frame.
    :ivar loads: code was being loaded.
    :ivar path: path of the request that failed with it; None if no access line tells it.
    """

    pid: int
    error: str
    where: str
    loads: bool
    path: t.Optional[str] = None

    @property
    def cause(self) -> str:
        """The error, and where it was raised."""
        return "%s (%s)" % (self.error, self.where)


class Tracebacks:
    """The tracebacks of a log, kept while its new lines are read."""

    def __init__(self) -> None:
        self.found: t.List[Traceback] = []
        self._unwrapper = Unwrapper()
        self._pid = NO_PID
        #: lines of the present record; None if it is not an error
        self._record: t.Optional[t.List[str]] = None
        #: path of the last failed request of a process, and the place of its last traceback, until they are joined
        self._paths: t.Dict[int, str] = {}
        self._open: t.Dict[int, int] = {}

    def feed(self, lines: t.Iterable[t.Tuple[str, bytes]]) -> None:
        """Read on.

        :param lines: each with the process that the log names beside it. Without new lines the last record is complete.
        """
        some = False
        for carrier, raw in lines:
            some = True
            for inner, line in self._unwrapper.lines(raw.decode("utf-8", "replace")):
                self._take(carrier or inner, line)
        if not some:
            for inner, line in self._unwrapper.end():
                self._take(inner, line)
            self._end()

    def _take(self, carrier: str, line: str) -> None:
        head = head_of(line)
        if head is None:
            if self._record is not None and len(self._record) < _MOST_LINES:
                self._record.append(line)
            return
        self._end()
        self._pid = head.pid or (int(carrier) if carrier.isdigit() else NO_PID)
        self._record = [] if line.split(" ", 4)[3] in _LEVELS else None
        request = _FAILED_REQUEST.search(head.text) if head.logger == "werkzeug" else None
        if request:
            self._join(request.group("path"))

    def _join(self, path: str) -> None:
        """Join a failed request and the traceback of its process."""
        place = self._open.pop(self._pid, None)
        if place is None:
            self._paths[self._pid] = path
        else:
            self.found[place] = self.found[place]._replace(path=path)

    def _end(self) -> None:
        """Take the record that has ended."""
        record, self._record = self._record, None
        traceback = parse_traceback(record, self._pid) if record else None
        if traceback is None:
            return
        path = self._paths.pop(self._pid, None)
        self.found.append(traceback._replace(path=path))
        if path is None:
            self._open[self._pid] = len(self.found) - 1


def parse_traceback(lines: t.Sequence[str], pid: int) -> t.Optional[Traceback]:
    """Return the last traceback of a record, from the lines below its head; None without one. Pure.

    The message of an exception may have several lines: the first one counts.
    """
    if _TRACEBACK not in lines:
        return None
    frames = [number for number, line in enumerate(lines) if _FRAME.match(line)]
    if not frames:
        return None
    errors = (line for line in lines[frames[-1] + 1 :] if line.strip() and not line.startswith(" "))
    error = next(errors, None)
    if error is None:
        return None
    frame = t.cast("t.Match[str]", _FRAME.match(lines[frames[-1]]))
    loads = any(_LOADS.search(lines[number]) for number in frames)
    where = "%s:%s" % (frame.group("path"), frame.group("line"))
    return Traceback(pid, _TAIL.sub("", error.rstrip())[:_WIDTH], where, loads)
