# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Stack dumps as Odoo writes them to its log after a QUIT. Pure.

Seen: Odoo 14.0 and 19.0, prefork, threaded and gevent, in log files, the journal and a terminal. The header without
query times is that of 14 and 15, the one with ``id`` that of servers older than these (docs/dumps.md).
"""

from __future__ import annotations

import re
import typing as t

from .._forms.carrier import Unwrapper
from .._forms.line import NO_PID, Head, head_of
from .stack import THREAD, WORKER, Dump, Frame, Stack, stack_of

#: Dumps are written by this logger (the second one in 8.0 and 9.0); other records of it go on behind the colon.
_DUMPERS = ("odoo.tools.misc", "openerp.tools.misc")
#: Where none of these stands there is nothing of a dump; and how the lines of a thread begin, but for unknown ones.
#: (The JSON of the journal has a message that is not plain text as a list of its bytes.)
_MARKS = ("tools.misc", "# ", "File: ")
_OF_JSON = ('"MESSAGE":[', '"MESSAGE": [', "{\n", "{\r\n")
#: What shows of which record, or of which file, the next lines are, from the begin of a log on.
_FORMS = ("__CURSOR=", "[s=", "==> ")
#: Characters of the begin of a log.
_BEGIN = 1 << 16
_INNER = ('File: "', "  ")
#: What looks like a line of a dump.
_ALIKE = re.compile(r'\b(?:Thread|Greenlet): ?<|File: \\?["\'&]|\b(?:odoo|openerp)\.tools\.misc\W*$')
_FRAME = re.compile(r'File: "(?P<file>.*)", line (?P<line>0|[1-9][0-9]{0,8}), in (?P<function>[\w.<>]+)\s*$')
#: The call that writes a dump.
_HANDLER = re.compile(r", in dumpstacks\s*$")
#: How many stacks are remembered at a time, so that each is read once; and how many lines one may have.
_REMEMBERED, _LONGEST = 4096, 20_000


#: Stands for the head of a record that is missing.
_HEADLESS = Head(NO_PID, "", None, _DUMPERS[0], "")


class _Record:
    """A dump that is being read.

    ``threads`` are those that were read; ``piece`` is the text of the last one, and None while the lines of another,
    ``open``, come one by one. Headers are kept without their ``# ``. ``other`` are lines above the first thread.
    ``broken``: another record has begun since, so that only what can belong to nothing but a dump is taken for it.
    ``fresh``: it is broken, and the next line may be the source of the last frame. ``follows``: it has begun within
    another dump, or right behind it.
    """

    __slots__ = ("broken", "follows", "fresh", "head", "open", "other", "piece", "threads")

    def __init__(self, head: Head) -> None:
        self.head = head
        self.threads: t.List[Stack] = []
        self.piece: t.Optional[t.Tuple[str, str]] = None
        self.open: t.Optional[t.Tuple[str, t.List[str]]] = None
        self.other: t.List[str] = []
        self.broken = self.fresh = self.follows = False

    def last(self) -> t.Optional[t.List[str]]:
        """Return the lines of the last thread, to add to them; None without a thread."""
        if self.piece is not None:
            self.threads.pop()
            self.open = (self.piece[0], [self.piece[1]])
            self.piece = None
        return self.open[1] if self.open else None


#: Frames and other lines.
_Body = t.Tuple[t.Tuple[Frame, ...], t.Tuple[str, ...]]


class DumpReader:
    """Reads logs, and remembers the stacks that it has read: most threads of a fleet stand at the same few places.

    A thread whose lines are all of a dump, as in a file they are, is taken as one piece; everything else line by line.

    :param outside: is given each line that belongs to no dump, as Odoo wrote it. Blank ones are left out.
    """

    def __init__(self, outside: t.Optional[t.Callable[[str], None]] = None) -> None:
        self._outside = outside
        self._carrier = Unwrapper()
        #: the first line that looks like one of a dump, and belongs to none
        self.strange: t.Optional[str] = None
        #: the log has its newest line first
        self.is_backwards = False
        #: characters that were looked at for the form of the log, and which marks are in it
        self._seen = 0
        self._forms: t.Tuple[str, ...] = ()
        self._stacks: t.Dict[t.Tuple[str, str], Stack] = {}
        self._bodies: t.Dict[str, _Body] = {}
        self._frames: t.Dict[str, t.Optional[Frame]] = {}
        self._records: t.List[_Record] = []
        #: the dump under way, by the process that the journal names; "" where nothing names one
        self._under_way: t.Dict[str, _Record] = {}

    def read(self, chunks: t.Iterable[str]) -> t.List[Dump]:
        """Return every dump in one log, in the order of their headers.

        Lines of other records in between are ignored: in the journal each line of a dump is a separate entry.

        :param chunks: the text of the log, cut anywhere. Only one of them and the dumps are kept in memory.
        """
        self._records, self._under_way = [], {}
        self._carrier, self.strange, self.is_backwards = Unwrapper(), None, False
        self._seen, self._forms = 0, ()
        pending: t.List[str] = []
        for chunk in chunks:
            end = chunk.rfind("\n")
            if end < 0:
                pending.append(chunk)
                continue
            self._text("".join([*pending, chunk[:end]]))
            pending = [chunk[end + 1 :]]
        self._text("".join(pending))
        return self.dumps()

    def dumps(self) -> t.List[Dump]:
        """Return the dumps of the text so far."""
        for source, line in self._carrier.end():
            self._take(source, line)
        dumps = [self._dump(record) for record in self._records]
        # Two that were written at the same time to one pipe: the end of the first stands in the second.
        for record, before, mixed in zip(self._records[1:], dumps, dumps[1:]):
            before.is_torn = record.follows and not before.is_whole and mixed.is_mixed
        # Where the head of a dump is missing, its frames tell that it is one.
        found = []
        for one, record in zip(dumps, self._records):
            if record.head is not _HEADLESS or any(thread.frames for thread in one.threads):
                found.append(one)
            else:
                self._leave(*(line for thread in one.threads for line in (thread.header, *thread.other)))
        return found

    def _text(self, text: str) -> None:
        first, *blocks = text.split("\n# ")
        self._lines(first)
        record = self._under_way.get("")
        for block in blocks:
            whole = block.startswith(("Thread: ", "Greenlet: ")) and not self._carrier.last and not self._carrier.is_odd
            if record is None or record.broken or not whole or record.head is _HEADLESS:
                self._lines("# " + block)
                record = self._under_way.get("")
                continue
            below = block.find("\n")
            # The next record, if its year is at most 2999, and the thread before it.
            at = block.find("\n2", below) if below >= 0 else -1
            end = at if at >= 0 else len(block)
            piece = (block[:below], block[below + 1 : end]) if below >= 0 else (block, "")
            thread = self._stacks.get(piece)
            odd = "\x1b" in piece[0] or "&lt;" in piece[0]
            if thread is None and not odd and (piece[1] in self._bodies or _is_plain(piece[1])):
                thread = self._thread(*piece)
            if thread is None:
                self._lines("# " + block)
                record = self._under_way.get("")
                continue
            if record.open is not None:
                self._close(record)
            record.threads.append(thread)
            record.piece = piece
            if at >= 0:
                self._lines(block[at + 1 :])
                record = self._under_way.get("")

    def _lines(self, text: str) -> None:
        first, _end, rest = text.partition("\n")
        self._line(first)
        if not rest:
            return
        # Such as an hour of requests: as long as no mark comes, nothing in it can belong to a dump.
        if all(one.broken for one in self._under_way.values()) and not self._carrier.is_odd:
            at = min((at for at in map(rest.find, self._marks(rest)) if at >= 0), default=len(rest))
            begin = len(rest) if at == len(rest) else rest.rfind("\n", 0, at) + 1
            if self._outside:
                self._leave(*(line for raw in rest[:begin].split("\n") for _who, line in self._carrier.lines(raw)))
            rest = rest[begin:]
        for line in rest.split("\n") if rest else ():
            self._line(line)

    def _marks(self, text: str) -> t.Tuple[str, ...]:
        """Return the marks to look for in a text; to look for them takes most of the time of a plain log."""
        if self._seen < _BEGIN:
            self._seen += len(text)
            self._forms += tuple(mark for mark in _FORMS if mark in text and mark not in self._forms)
        return _MARKS + self._forms + (_OF_JSON if "{" in text else ())

    def _line(self, raw: str) -> None:
        for source, line in self._carrier.lines(raw):
            self._take(source, line)

    def _take(self, source: str, line: str) -> None:
        head, record = head_of(line), self._under_way.get(source)
        thread = None if head else THREAD.match(line)
        if record is None and thread and source:
            record = self._adopt(source)
        if head is not None and begins_a_dump(head):
            follows = record is not None and not record.broken
            # A header that nothing follows but the head of its dump: the newest line comes first.
            self.is_backwards = self.is_backwards or (record is not None and follows and _is_bare(record))
            self._begin(source, head).follows = follows
        elif record is None and (thread or _FRAME.match(line)):
            # A paste that begins within a dump.
            record = self._begin(source, _HEADLESS)
            record.open = (_header(line), []) if thread else ("", [line])
        elif record is None:
            self._leave(line)
        elif head is not None:
            record.broken, record.fresh = True, False
            if record.head is _HEADLESS:
                del self._under_way[source]
            self._leave(line)
        elif thread:
            if record.head is _HEADLESS and _has_ended(record):
                record = self._begin(source, _HEADLESS)
            self._close(record)
            record.piece, record.open = None, (_header(line), [])
            record.fresh = False
        elif record.broken:
            is_frame = _FRAME.match(line) is not None
            below = record.last() if is_frame or (record.fresh and line.startswith("  ") and line.strip()) else None
            (self._leave if below is None else below.append)(line)
            record.fresh = is_frame and below is not None
        else:
            below = record.last()
            below = record.other if below is None else below
            if below is record.other and not line.strip():
                return
            (below.append if len(below) < _LONGEST else self._leave)(line)

    def _begin(self, source: str, head: Head) -> _Record:
        record = self._under_way[source] = _Record(head)
        self._records.append(record)
        return record

    def _adopt(self, source: str) -> t.Optional[_Record]:
        """Return the dump of which only the head has come, where its carrier was not known yet."""
        lone = self._under_way.get("")
        if lone is None or lone.head is _HEADLESS or lone.broken or lone.threads or lone.open or lone.other:
            return None
        self._under_way[source] = self._under_way.pop("")
        return lone

    def _close(self, record: _Record) -> None:
        """Read the lines of the open thread, if there is one."""
        if record.open is not None:
            record.threads.append(self._thread(record.open[0], "\n".join(record.open[1])))
            record.open = None

    def _leave(self, *lines: str) -> None:
        for line in lines:
            if self.strange is None and looks_like_a_dump(line):
                self.strange = line
            if self._outside and line.strip():
                self._outside(line)

    def _dump(self, record: _Record) -> Dump:
        self._close(record)
        head = record.head
        named = (WORKER.search(thread.name) for thread in record.threads if head.pid == NO_PID)
        pid = next((int(found.group("pid")) for found in named if found), head.pid)
        return Dump(pid, head.time, head.database, tuple(record.threads), tuple(record.other))

    def _thread(self, header: str, text: str) -> Stack:
        # A process that waits writes the same every time, and those of one master write the same of its main thread.
        known = self._stacks.get((header, text))
        if known is None:
            if len(self._stacks) >= _REMEMBERED:
                self._stacks.clear()
            known = self._stacks[header, text] = stack_of("# " + header if header else "", *self._body(text))
        return known

    def _body(self, text: str) -> _Body:
        known = self._bodies.get(text)
        if known is None:
            if len(self._bodies) >= _REMEMBERED:
                self._bodies.clear()
                self._frames.clear()
            known = self._bodies[text] = self._parsed(text)
        return known

    def _parsed(self, text: str) -> _Body:
        frames: t.List[Frame] = []
        other: t.List[str] = []
        fresh = False
        lines = [raw.rstrip("\r") for raw in text.split("\n")]
        # A paste may have lost what its lines begin with.
        lost = not any(line.startswith(("  ", "# ")) for line in lines)
        behind = [
            line for before, line in zip(lines, lines[1:]) if lost and self._frame(before) and not self._frame(line)
        ]
        indent = "" if sum(1 for line in behind if line.strip()) > 1 else "  "
        for line in lines:
            frame = self._frame(line)
            if frame is not None:
                frames.append(frame)
            elif fresh and line.startswith(indent) and line.strip():
                last = frames[-1]
                frames[-1] = Frame(last.file, last.line, last.function, line.strip())
            elif line.strip():
                other.append(line)
            # Some programs put a blank line between any two.
            fresh = frame is not None or (fresh and not line.strip())
        return tuple(frames), tuple(other)

    def _frame(self, line: str) -> t.Optional[Frame]:
        if line not in self._frames:
            found = _FRAME.match(line)
            made = found and Frame(
                _slashed(found.group("file")), int(found.group("line")), found.group("function").rstrip()
            )
            self._frames[line] = made or None
        return self._frames[line]


def _has_ended(record: _Record) -> bool:
    """Return whether the thread that writes the dump, which is its last one, is there."""
    return record.open is not None and any(_HANDLER.search(line) for line in record.open[1])


def _is_bare(record: _Record) -> bool:
    """Return whether the last line was the header of a thread."""
    return record.open is not None and bool(record.open[0]) and not any(line.strip() for line in record.open[1])


def begins_a_dump(head: Head) -> bool:
    """Return True if a dump begins with this record."""
    return head.logger in _DUMPERS and not head.text.strip()


def looks_like_a_dump(line: str) -> bool:
    """Return True for a line that looks like a line of a dump, in any form."""
    return _ALIKE.search(line) is not None


def _header(line: str) -> str:
    """Return the header of a thread without "# "."""
    return line[2:] if line.startswith("# ") else line


def _slashed(path: str) -> str:
    """Return a path of Windows with slashes."""
    return path.replace("\\", "/") if "\\" in path and "/" not in path else path


def backwards(text: str) -> str:
    """Return a log whose newest line comes first, as exports of web pages have it, with its oldest line first."""
    return "\n".join(reversed(text.split("\n")))


def parse_dumps(lines: t.Iterable[str]) -> t.List[Dump]:
    """Return every dump in the lines of a log, with or without line ends, in either order; see :class:`DumpReader`."""
    text, reader = "\n".join([line.rstrip("\r\n") for line in lines]), DumpReader()
    dumps = reader.read([text])
    return reader.read([backwards(text)]) if reader.is_backwards else dumps


def _is_plain(text: str) -> bool:
    """Return whether every line can stand below the header of a thread, and none contains a colour."""
    return "\x1b" not in text and all(line.startswith(_INNER) or not line.strip() for line in text.split("\n"))
