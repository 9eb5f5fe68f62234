# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The dumps or statistics of some processes, picked out of the lines of a log as they come. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from .._forms.carrier import Unwrapper
from .._forms.line import NO_PID, Head, head_of
from .parse import begins_a_dump, looks_like_a_dump
from .stack import WORKER
from .statistics import (
    LINE,
    PROCESSING,
    STOPPED,
    STRANGE,
    TABLE,
    kind_of,
)

_FRAME = b'File: "'
#: Behind these lines the record has more lines, of which only some have a mark.
_OPENING = (b"{\n", b"{\r\n")
#: A greenlet, and the thread that writes the dump, which is the last one.
_GREENLET, _HANDLER = "# Greenlet: ", re.compile(r'File: ".*", line \d+, in dumpstacks\s*$')
_OF_A_DUMP = (b"# Thread: ", b"# Greenlet: ", _FRAME)

#: The same of statistics, whose inner lines are told apart in this way.
_OF_A_TABLE = (b"Database ", b"Details:", b" ")
#: Seconds after which no more lines come of statistics that are written one record after the other: a process under
#: load may be stopped in between.
_LINES_REST = 0.5


@dataclass
class _Dump:
    """A dump that is being written. ``touched``: when its last line came."""

    pid: int
    touched: float
    lines: t.List[bytes] = field(default_factory=list)
    #: not all of it was kept
    cut: bool = False
    #: nothing more comes
    ended: bool = False
    #: another record has begun since, so that only what looks like it is part of it
    apart: bool = False
    #: the next line may be the code of the last frame
    fresh: bool = False
    #: how the lines begin that are part of it
    inner: t.Tuple[bytes, ...] = _OF_A_DUMP
    #: its head did not tell the pid
    unnamed: bool = False
    #: of statistics: what kinds of records it has
    kinds: t.Set[str] = field(default_factory=set)

    def take(self, line: bytes, now: float, room: int) -> int:
        """Take a line if it is part of it and there is room. Returns how many bytes it takes."""
        if self.apart and not line.startswith(self.inner) and not (self.fresh and line.startswith(b"  ")):
            self.fresh = False
            return 0
        self.fresh = line.startswith(_FRAME)
        self.touched = now
        self.cut = self.cut or len(line) > room
        if self.cut:
            return 0
        self.lines.append(line)
        return len(line)

    def interrupt(self) -> None:
        """Note that another record has begun."""
        self.apart, self.fresh = True, False


class Collector:
    """Keeps the first dump of each of these processes, as it was written.

    :param pids: as the log shows them.
    :param whole: a dump is not interrupted by records of other processes, so that one of those is its end.
    :param room: bytes that are kept of all of them together.
    """

    _marks: t.Tuple[bytes, ...] = (b"tools.misc", b"File: ", b"Thread: ")

    def __init__(self, pids: t.Iterable[int], *, whole: bool, room: int = 4 << 20) -> None:
        self._asked, self._whole, self._room = frozenset(pids), whole, room
        self._dumps: t.Dict[int, _Dump] = {}
        self._unwrapper = Unwrapper()
        #: the processes whose dumps do not name them
        self._master = self._gevent = NO_PID
        self._are_named = False
        #: what looks like an answer and belongs to none, by what carries it
        self._strange: t.Dict[str, str] = {}
        #: the dump under way, by what carries its lines
        self._under_way: t.Dict[str, _Dump] = {}

    def expect(self, *, master: int = NO_PID, gevent: int = NO_PID) -> None:
        """Note which processes have no thread with their pid in its name, for a log that does not tell pids either."""
        self._master, self._gevent, self._are_named = master, gevent, True

    def take(self, carrier: str, line: bytes, now: float) -> None:
        """Look at one line.

        :param carrier: the process that the log names beside it; "" where it names none.
        :param now: seconds, on a clock that only grows.
        """
        inside = self._under_way or self._unwrapper.is_odd
        if not inside and not any(mark in line for mark in self._marks) and not line.endswith(_OPENING):
            return
        for inner, text in self._unwrapper.lines(line.decode("utf-8", "surrogateescape")):
            self._take(carrier or inner, text, now)

    def _take(self, carrier: str, text: str, now: float) -> None:
        dump, line = self._under_way.get(carrier), (text + "\n").encode("utf-8", "surrogateescape")
        head = head_of(text)
        if head is None:
            if dump is None and _is_thread(text):
                dump = self._adopt(carrier)
            if dump is not None:
                self._room -= dump.take(line, now, self._room)
                if dump.unnamed or dump.pid == NO_PID:
                    self._name(dump, text)
            elif looks_like_a_dump(text):
                self._strange.setdefault(carrier, text)
            return
        pid, begins = self._pid_of(head, carrier), begins_a_dump(head)
        unnamed = head.pid == NO_PID and not carrier.isdigit()
        if unnamed and self._are_named and pid not in (self._master, self._gevent):
            pid = NO_PID  # a worker names itself
        if dump is not None:
            if begins or self._whole:
                dump.ended = True
                del self._under_way[carrier]
            dump.interrupt()
        if begins and ((pid in self._asked and pid not in self._dumps) or pid == NO_PID):
            begun = self._under_way[carrier] = _Dump(pid, now, unnamed=unnamed)
            if pid != NO_PID:
                self._dumps[pid] = begun
            self._room -= begun.take(line, now, self._room)

    def _adopt(self, carrier: str) -> t.Optional[_Dump]:
        """Return the dump of which only the head has come, where its carrier was not known yet."""
        lone = self._under_way.get("")
        if lone is None or len(lone.lines) != 1 or not carrier:
            return None
        self._under_way[carrier] = self._under_way.pop("")
        return lone

    def _name(self, dump: _Dump, text: str) -> None:
        """Find out whose dump it is, of one whose head does not tell."""
        worker = WORKER.search(text) if text.startswith("# Thread: ") else None
        pid = dump.pid
        if worker:
            pid = int(worker.group("pid"))
        elif pid == NO_PID and _HANDLER.match(text):
            pid = self._master or self._gevent
        elif text.startswith(_GREENLET) and self._gevent != NO_PID:
            # Its thread comes first, and may be the one that writes the dump.
            pid = self._gevent
        if pid != dump.pid:
            self._give(dump, pid)

    def _give(self, dump: _Dump, pid: int) -> None:
        if self._dumps.get(dump.pid) is dump:
            del self._dumps[dump.pid]
        dump.pid = NO_PID
        if pid in self._asked and pid not in self._dumps:
            dump.pid, self._dumps[pid] = pid, dump

    def _pid_of(self, head: Head, carrier: str) -> int:
        """Return the process of a record: from the log, from its carrier, or the only process that was asked."""
        if head.pid != NO_PID:
            return head.pid
        if carrier.isdigit():
            return int(carrier)
        return next(iter(self._asked)) if len(self._asked) == 1 else NO_PID

    def strange(self, pid: int) -> t.Optional[str]:
        """Return a line that looks like an answer of a process and cannot be parsed; None without one."""
        lines = (line for carrier, line in self._strange.items() if carrier == str(pid) or not carrier.isdigit())
        return next(lines, None)

    def begun(self, pid: int) -> bool:
        """Return whether the dump of a process has begun."""
        return pid in self._dumps

    def complete(self, pid: int, now: float, rest: float) -> bool:
        """Return whether it is complete.

        :param rest: seconds without another line after which it counts as complete.
        """
        dump = self._dumps.get(pid)
        return dump is not None and (dump.ended or now - dump.touched >= rest)

    def raw(self, pid: int) -> t.Optional[bytes]:
        """Return the text of a process, byte for byte; None without one."""
        dump = self._dumps.get(pid)
        return None if dump is None else b"".join(dump.lines)

    def cut(self, pid: int) -> bool:
        """Return whether its end was dropped because of its size."""
        return pid in self._dumps and self._dumps[pid].cut


def _is_thread(text: str) -> bool:
    return text.startswith(("# Thread: ", _GREENLET))


class StatisticsCollector(Collector):
    """Keeps the first cache statistics of each of these processes, in any of Odoo's ways to write them."""

    _marks = (b"tools.cache",)

    def _take(self, carrier: str, text: str, now: float) -> None:
        under_way, line = self._under_way.get(carrier), (text + "\n").encode("utf-8", "surrogateescape")
        head = head_of(text)
        if head is not None and head.pid == NO_PID:
            head = head._replace(pid=self._pid_of(head, carrier))
        if head is None:
            if under_way is None and text.startswith("Database "):
                under_way = self._adopt(carrier)
            if under_way is not None:
                self._room -= under_way.take(line, now, self._room)
            return
        if under_way is not None:
            if self._whole or head.pid == under_way.pid:
                under_way.ended = True
                del self._under_way[carrier]
            under_way.interrupt()
        kind = kind_of(head)
        if kind is None or head.pid not in self._asked:
            return
        found = self._dumps.setdefault(head.pid, _Dump(head.pid, now, inner=_OF_A_TABLE))
        if TABLE in found.kinds:  # those of a second signal
            return
        found.kinds.add(kind)
        found.apart = False
        self._room -= found.take(line, now, self._room)
        if kind in (TABLE, STRANGE):
            self._under_way[carrier] = found

    def complete(self, pid: int, now: float, rest: float) -> bool:
        """Return whether all statistics are complete; see :meth:`Collector.complete`."""
        found = self._dumps.get(pid)
        if found is None:
            return False
        if TABLE in found.kinds:
            return super().complete(pid, now, rest)
        # One that has begun to count ends with a table, unless another signal stops it.
        if PROCESSING in found.kinds:
            return STOPPED in found.kinds
        return bool(found.kinds & {LINE, STRANGE}) and now - found.touched >= max(rest, _LINES_REST)
