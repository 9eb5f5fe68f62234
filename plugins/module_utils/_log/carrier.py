# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Remove what journals, containers, syslog, shippers, terminals and people put around the lines of Odoo's log. Pure.

Tools put text in front of each line: a time, a host, the name of a container, a quotation mark. A list of them would
never be complete. So this module learns the prefix from lines that only Odoo can have written, and removes it from
all lines with the same prefix. tests/unit/captures/logs has an example of each known form.
"""

from __future__ import annotations

import datetime
import html
import json
import re
import time
import typing as t

from .fields import EPOCH, Named, clock_of, head_line, named
from .line import NO_DAY, RECORD

#: podman and Kubernetes: a time, a stream, and whether the line is whole.
_CONTAINER = re.compile(r"\d{4}-\d\d-\d\dT\S{1,32} (?:stdout|stderr) (?P<tag>[FP]) ")
#: Colours, where the log goes to a terminal, also as other programs show the escape character.
_COLOUR = re.compile(r"(?:\x1b|\^\[|#033|\\033|\\x1b|\\u001b|\\e)\[[\d;]{0,16}[mK]")
_ESCAPES = ("\x1b", "^[[", "#033[", "\\033[", "x1b[", "u001b[", "\\e[")
#: The same without the character, beside the level.
_BARE_COLOUR = re.compile(r"\[(?:\d{1,3};?){0,4}m")

#: Heads of records that lack something: the day, the milliseconds. With a zone where a formatter writes one.
_LOOSE = re.compile(
    r"(?:(?P<day>\d{4}-\d\d-\d\d)[ T])?(?P<clock>\d\d:\d\d:\d\d)(?:[.,](?P<ms>\d{1,9}))?"
    r"(?P<zone>Z|[+-]\d\d:?\d\d)? (?P<pid>[0-9]{1,10}) (?P<level>[A-Z]{4,8}) (?P<database>\S(?:.{0,80}?\S)??)"
    r" (?P<logger>[\w.]+): ?(?P<text>.*)$"
)
#: "Odoo Server 19.0:db:INFO:odoo.tools.misc:" and the text: what Odoo sends to syslog.
_SYSLOG_HEAD = re.compile(
    r"(?:Odoo|OpenERP|[A-Z]\w+) Server [^:\n]{1,40}:(?P<database>[^:\n]{1,80}):(?P<level>[A-Z]+):(?P<logger>[\w.]+):"
    r" ?(?P<text>.*)$"
)
#: The logger of dumps or statistics in a head of another make, and what may follow there.
_VAGUE = re.compile(
    r"(?P<logger>(?:odoo|openerp)\.tools\.(?:misc|cache))\b[\])>\"']*(?: ?[-|:] ?| )*(?:\[?(?:INFO|info)\]?)?"
    r"(?: ?[-|:]+ ?| )*(?P<text>$|\S{0,12}? ?# (?:Thread|Greenlet): .*|Caches stats:.*|Processing database .*"
    r"|.{0,60}?\d+ entries,.*)$"
)
#: The same where more than a level stands behind the logger.
_VAGUE_BEHIND = re.compile(
    r"(?P<logger>(?:odoo|openerp)\.tools\.(?:misc|cache))\b[^#]{0,60}?"
    r"(?P<text>$|# (?:Thread|Greenlet): .*|Caches stats:.*)$"
)
#: Where a line of a dump begins, wherever it stands in a line of the log.
_INNER = re.compile(r'(?:# (?:Thread|Greenlet): |(?<!\w)(?:Thread|Greenlet): <|File: "[^"]*", line \d+, in \S)')
_THREAD = re.compile(r"# (?:Thread|Greenlet): ")
#: How lines of a dump begin where nothing stands before them, and behind a prefix, where code does, too.
_PLAIN = ("# Thread: ", "# Greenlet: ", 'File: "')
_BEHIND = (*_PLAIN, "  ")
#: The pid that syslog and the journal put beside a program's name, and RFC 5424 behind it.
_PID = re.compile(r"\[(?P<pid>[0-9]{1,10})\]:? ?$|^<\d{1,3}>1 \S+ \S+ \S+ (?P<rfc>[0-9]{1,10}) ")
_ALONE = re.compile(r"(?:pid[=: ]+|\[|(?<![\w.:,+-]))(?P<pid>[0-9]{1,7})(?![\w.,-]|:\d)", re.IGNORECASE)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY = re.compile(r"(?P<month>[A-Z][a-z]{2}) (?P<day>[ \d]\d) (?P<clock>\d\d:\d\d:\d\d)(?:\.(?P<fraction>\d+))?")
_CLOCK = re.compile(r"\d\d:\d\d:\d\d")

_PIECES = re.compile(r"(?=[0-9a-f]*\d)[0-9a-f]{8,}|\d+(?:[.,]\d+)?|\s+|.", re.DOTALL)
#: A word of a prefix that tells nothing of who wrote the line: times, numbers, signs.
_NO_NAME = re.compile(r"(?:[\W\dTZ_]+|@[0-9a-f]{16,})$")
#: Line numbers, as grep -n and cat -n write them.
_NUMBERED = re.compile(r"^\s*\d+(?:[:\t-]|\s)|(?<=[:-])\d+[:-]$")

#: Shapes that are tried on a line, and that are learned of one log; characters that one may have.
_TRIED, _LEARNED, _LONGEST = 16, 4096, 256
#: A runtime cuts longer lines (docker: 16 kB), and how much is put together again.
_CUT, _MOST = 16_000, 1 << 20
_DEEPEST = 5

Line = t.Tuple[str, str]


class Unwrapper:
    """Takes the lines of one log, and returns the lines of Odoo, each with its carrier.

    A carrier is the process that the journal or syslog names, or the words that a tool puts before all lines of one
    writer; "" without one. A record without the usual head gets one.

    :param now: the time in seconds since the epoch, for the year of times without one.
    """

    def __init__(self, now: t.Callable[[], float] = time.time) -> None:
        self._now = now
        self._shapes: t.Dict[str, t.Pattern[str]] = {}
        self._left = _LEARNED
        #: the shape that matched last, and the carriers of prefixes
        self._latest: t.Optional[t.Pattern[str]] = None
        self._carriers: t.Dict[str, str] = {}
        self._partial: t.Dict[str, str] = {}
        self._escaped = False
        #: the carrier of the last head, which a line without any has too
        self.last = ""

    def lines(self, raw: str) -> t.List[Line]:
        """Return the lines in a line of the log, without their ends; mostly one, none where its rest comes later."""
        line = raw.rstrip("\r\n")
        # The first line of a record, as it is: most lines of most logs.
        if line[:2] == "20" and line[10:11] == " " and "\x1b" not in line and "# " not in line:
            if "Caches stats:" not in line and RECORD.match(line):
                # What was indented is over.
                for shape in [shape for shape in self._shapes if shape.startswith("(")]:
                    del self._shapes[shape]
                    self._latest = None
                return [("", line)]
        elif self._latest is not None:
            known = self._latest.match(line)
            if known and (known.end() == len(line) or line.startswith(_BEHIND, known.end())) and "\x1b" not in line:
                return [(self._named_by(known.group()), line[known.end() :])]
        elif not line or ((line.startswith(_PLAIN) or _is_code(line)) and "\x1b" not in line and "&" not in line):
            return [("", line)]
        return self._unwrapped(line, 0)

    def _unwrapped(self, line: str, depth: int) -> t.List[Line]:
        line = self._clean(line)
        if depth > _DEEPEST or not line:
            return [("", line)]
        found = self._behind_known(line)
        if found is None and (line.lstrip()[:1] in ("{", "[") or 'msg="' in line or 'message="' in line):
            records = named(line)
            found = None if records is None else [one for record in records for one in self._named(record, depth)]
        if found is None and line[10:11] == "T":
            carried = _CONTAINER.match(line)
            found = self._of_container(carried, line, depth) if carried else None
        if found is None:
            found = self._head_in(line)
        if found is None:
            found = self._behind_shape(line, depth)
        if found is None:
            inner = _INNER.search(line)
            if inner and self._may_stand_before(line[: inner.start()]):
                return self._carried(line[: inner.start()], [line[inner.start() :]])
            return self._quoted(line, depth)
        return found

    def _clean(self, line: str) -> str:
        """Return the line without colours, byte order mark, and escapes of web pages."""
        if "[" in line and any(escape in line for escape in _ESCAPES):
            line = _COLOUR.sub("", line)
        self._escaped = self._escaped or "Thread: &lt;" in line or "File: &quot;" in line
        return html.unescape(line) if self._escaped else line.lstrip("\ufeff")

    def _behind_known(self, line: str) -> t.Optional[t.List[Line]]:
        """Return the line of a dump after a known prefix."""
        for key in reversed(self._shapes):
            known = self._shapes[key].match(line)
            if known and (known.end() == len(line) or line.startswith(_BEHIND, known.end())):
                self._latest = self._shapes[key] = self._shapes.pop(key)
                return [(self._named_by(known.group()), line[known.end() :])]
        return None

    def _behind_shape(self, line: str, depth: int) -> t.Optional[t.List[Line]]:
        """Return any other line after such a prefix."""
        for key in reversed(self._shapes):
            known = self._shapes[key].match(line)
            if known:
                rest = self._unwrapped(line[known.end() :], depth + 1)
                return [(self._named_by(known.group()) or inner, one) for inner, one in rest]
        return None

    def _named(self, record: Named, depth: int) -> t.List[Line]:
        text = record.text.rstrip("\r\n")
        if "\n" not in record.text and len(text) >= _CUT and record.logger is None:
            self._partial[record.carrier] = (self._partial.get(record.carrier, "") + text)[:_MOST]
            return []
        text = self._partial.pop(record.carrier, "") + text
        if record.logger is not None and not RECORD.search(text):
            text = head_line(record._replace(text=text))
        found = _SYSLOG_HEAD.match(text)
        if found:
            rest = found.group("text") + text[found.end() :]
            level, logger, database = found.group("level", "logger", "database")
            text = head_line(record._replace(text=rest, level=level, logger=logger, database=database))
        lines = [one for part in text.split("\n") for one in self._unwrapped(part.rstrip("\r"), depth + 1)]
        return [(record.carrier or inner, line) for inner, line in lines]

    def _of_container(self, carried: t.Match[str], line: str, depth: int) -> t.List[Line]:
        text = line[carried.end() :]
        stream = line[: carried.end()].split(" ")[1]
        if carried.group("tag") == "P" and len(text) > 1000:
            self._partial[stream] = (self._partial.get(stream, "") + text)[:_MOST]
            return []
        return self._unwrapped(self._partial.pop(stream, "") + text, depth + 1)

    def _head_in(self, line: str) -> t.Optional[t.List[Line]]:
        """Read the line as the head of a record, also if it differs a little from Odoo's form; None for other lines."""
        found, plain = RECORD.search(line), line
        if found is None:
            plain = _BARE_COLOUR.sub("", line) if "m" in line and "[" in line else line
            found = RECORD.search(plain) or _LOOSE.search(plain)
        if found and self._may_stand_before(plain[: found.start()]):
            prefix = plain[: found.start()]
            if found.re is RECORD:
                return self._carried(prefix, _joined(plain[found.start() :]))
            said = found.groupdict()
            clock = clock_of("%s %s,%s%s" % (said["day"], said["clock"], said["ms"] or "0", said["zone"] or ""))
            clock = clock or "%s %s,%s" % (NO_DAY, said["clock"], (said["ms"] or "").ljust(3, "0")[:3])
            record = Named("", said["text"], said["logger"], int(said["pid"]), clock, said["level"], said["database"])
            return self._carried(prefix, _joined(head_line(record)))
        found = _SYSLOG_HEAD.search(plain)
        if found and self._may_stand_before(plain[: found.start()]):
            prefix, said = plain[: found.start()], found.groupdict()
            pid, clock = self._told(prefix)
            record = Named("", said["text"], said["logger"], pid, clock, said["level"], said["database"])
            return self._carried(prefix, _joined(head_line(record)))
        found = _VAGUE.search(plain) if ".tools." in plain else None
        if found is None and ".tools." in plain and not plain.startswith((" ", 'File: "')) and _CLOCK.search(plain):
            found = _VAGUE_BEHIND.search(plain)
        if found and not plain.startswith('File: "'):
            before = plain[: found.start()]
            pid, clock = self._told(before)
            alone = _ALONE.search(_CLOCK.split(before)[-1]) or _ALONE.search(
                plain[found.end("logger") : found.start("text")]
            )
            record = Named(
                "", found.group("text"), found.group("logger"), pid or int(alone.group("pid") if alone else 0)
            )
            return [("", line) for line in _joined(head_line(record._replace(time=clock)))]
        return None

    def _told(self, prefix: str) -> t.Tuple[int, str]:
        """Return pid and time from the text before a head, each if it is there."""
        found = _PID.search(prefix)
        pid = int(found.group("pid") or found.group("rfc")) if found else 0
        clock = clock_of(prefix)
        day = None if clock else _DAY.search(prefix)
        if day and day.group("month") in _MONTHS:
            month, number = _MONTHS.index(day.group("month")) + 1, int(day.group("day"))
            today = EPOCH + datetime.timedelta(seconds=self._now())
            # What a log says is not of the future; a day for clocks and zones.
            year = today.year - ((month, number) > ((today + datetime.timedelta(days=1)).timetuple()[1:3]))
            said = (year, month, number, day.group("clock"), (day.group("fraction") or "").ljust(3, "0")[:3])
            clock = clock_of("%04d-%02d-%02d %s,%s" % said)
        return pid, clock

    def _carried(self, prefix: str, lines: t.List[str]) -> t.List[Line]:
        if prefix:
            self._learn(prefix)
        carrier = self._named_by(prefix)
        if prefix.strip():
            self.last = carrier
        return [(carrier, line) for line in lines]

    def _named_by(self, prefix: str) -> str:
        if not prefix.strip():  # journalctl puts the further lines of an entry below its first one
            return self.last
        known = self._carriers.get(prefix)
        if known is None:
            if len(self._carriers) >= _LEARNED:
                self._carriers.clear()
            known = self._carriers[prefix] = _carrier(prefix)
        return known

    def _learn(self, prefix: str) -> None:
        shape = _shape(prefix)
        if shape in self._shapes or self._left <= 0:
            return
        self._left -= 1
        self._latest = self._shapes[shape] = re.compile(shape)
        if len(self._shapes) > _TRIED:
            del self._shapes[next(iter(self._shapes))]

    @staticmethod
    def _may_stand_before(prefix: str) -> bool:
        """Return whether a tool puts this before a line. An indented line of code may look like a part of a dump."""
        if len(prefix) > _LONGEST or prefix.endswith(('"', "'")):
            return False
        text = prefix.strip()
        return not prefix.startswith("  ") or not text or text[0] in "0123456789>|[<" or text == "MESSAGE="

    def _quoted(self, line: str, depth: int) -> t.List[Line]:
        """Return the rest: a JSON text in its own line, as in a list."""
        text = line.strip()
        value = re.match(r'(?:"[\w.@-]{1,40}"\s*:\s*)?("(?:[^"\\]|\\.)*"),?$', text) if text[:1] == '"' else None
        if value:
            try:
                parts = str(json.loads(value.group(1))).split("\n")
            except ValueError:
                return [("", line)]
            return [one for part in parts for one in self._unwrapped(part, depth + 1)]
        return [("", line)]


def _is_code(line: str) -> bool:
    """Return whether a line is indented, and does not begin like a dump."""
    if line[:2] != "  " or line.lstrip()[:1] == '"':
        return False
    return "# " not in line and 'File: "' not in line and ".tools." not in line


def unwrapped(raw: str) -> Line:
    """Return the first of the lines in one line of a log, apart from all others; see :class:`Unwrapper`."""
    return next(iter(Unwrapper().lines(raw)), ("", ""))


def _carrier(prefix: str) -> str:
    """Return what a prefix shows of the writer of the line: a pid, or its words without times and numbers."""
    if not prefix.strip():
        return ""
    found = _PID.search(prefix)
    if found:
        return found.group("pid") or found.group("rfc")
    words = (word for word in _NUMBERED.sub("", prefix).split() if not _NO_NAME.match(word))
    return " ".join(word.strip(":-|[]") for word in words)


def _shape(prefix: str) -> str:
    """Return a regular expression for such prefixes: numbers, and the width of blanks between words, may differ."""
    body = prefix.rstrip(" \t")
    blank = prefix[len(body) :]
    pieces = []
    for piece in _PIECES.findall(body):
        if len(piece) > 1 and piece.isalnum() and not piece.isdigit():
            pieces.append("[0-9a-f]+")
        elif piece[0].isdigit():
            pieces.append(r"\d+(?:[.,]\d+)?")
        else:
            pieces.append(r"\s+" if piece.isspace() else re.escape(piece))
    return "".join(pieces) + ("(?:%s|$)" % re.escape(blank) if blank else "")


def _joined(line: str) -> t.List[str]:
    """Return the lines of a record in one line: the text before its first thread separates them."""
    found = RECORD.match(line)
    if found is None:
        return line.split("\n")
    text = found.group("text")
    first = _THREAD.search(text)
    begin = first.start() if first else text.find("Database ") if text.startswith("Caches stats:") else -1
    if begin < 0:
        return [line]
    mark = text[:begin].replace("Caches stats:", "").strip(" ")
    head = line[: found.start("text")] + ("Caches stats:" if text.startswith("Caches stats:") else "")
    rest = text[begin:]
    mark = mark or next((one for one in ("#012", "\\n", "\\r\\n") if one in rest), "")
    if len(mark) > 12:
        return [line]
    if mark:
        lines = [one[: -len("#015")] if one.endswith("#015") else one for one in rest.split(mark)]
    else:
        # Nothing but blanks is left of the ends of lines.
        rest = re.sub(r'\s+(?=# (?:Thread|Greenlet): |File: ")', "\n", rest)
        lines = re.sub(r'(?m)^(File: "[^"]*", line \d+, in \S+)[ \t]+(?=\S)', r"\1\n  ", rest).split("\n")
    if any(one.startswith('File: \\"') for one in lines):
        lines = [one.replace('\\"', '"').replace("\\\\", "\\") for one in lines]
    return [head, *lines]
