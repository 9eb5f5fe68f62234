# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Remove what journals, containers, syslog, shippers, terminals and people put around the lines of Odoo's log. Pure.

Tools put text in front of each line: a time, a host, the name of a container, a quotation mark. A list of them would
never be complete. So this module learns the prefix from lines that only Odoo can have written, and removes it from
all lines with the same prefix; likewise what stands behind the lines. tests/unit/captures/logs has an example of each
known form.
"""

from __future__ import annotations

import datetime
import json
import re
import time
import typing as t

from .blocks import Blocks
from .clean import Cleaner, without_bare_colours
from .fields import EPOCH, MONTHS, Named, clock_of, embedded, head_line, named, records_of
from .heads import LOOSE, SYSLOG, odd_head
from .line import NO_DAY, RECORD
from .prefixes import PID, PLAIN, Prefixes, may_stand_before

#: podman and Kubernetes: a time, a stream, and whether the line is whole.
_CONTAINER = re.compile(r"\d{4}-\d\d-\d\dT\S{1,32} (?:stdout|stderr) (?P<tag>[FP]) ")
#: What tail writes between the lines of two files; and what supervisord, at its level debug, writes before an output.
_SECTION = re.compile(r"==> (?P<name>.{1,300}) <==$")
_OUTPUT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} DEBG '[^']{1,80}' std(?:out|err) output:$")
#: Where a line of a dump begins, wherever it stands in a line of the log.
_INNER = re.compile(r'(?:# (?:Thread|Greenlet): |(?<!\w)(?:Thread|Greenlet): <|File: "[^"]*", line \d+, in \S)')
_THREAD = re.compile(r"# (?:Thread|Greenlet): ")
#: What stands for the end of a line, where a line of Odoo follows.
_END_OF_LINE = re.compile(
    r"(?P<mark>#015#012|\\r\\n|\\n|#012|\\012|\\x0a|<br ?/?>|[\r\x0b\x85\u2028\u2029\u2424\u21b5])"
    r'(?=(?:# )?(?:Thread|Greenlet): |File: \\*["\u201c&]|20\d\d-\d\d-\d\d[ T]\d\d:)'
)
_TEXT = re.compile(r'(?:"[\w.@-]{1,40}"\s*:\s*)?("(?:[^"\\]|\\.)*"),?$')
_EPOCH = re.compile(r"(?<![\w.])1\d{9}(?:\d{3}|\.\d{1,9})?(?![\w.])")
_DAY = re.compile(r"(?P<month>[A-Z][a-z]{2}) (?P<day>[ \d]\d) (?P<clock>\d\d:\d\d:\d\d)(?:\.(?P<fraction>\d+))?")
#: What the journal and compose put before a line, where the form of the line is not known.
_TOOL = re.compile(r".{0,120}?\S\[\d{1,10}\]: |[\w.@/-]{1,60}\s{0,40}\| ")
#: The loggers of dumps and statistics: behind their heads stands nothing but what a tool puts behind every line.
_ANSWERS = (".tools.misc", ".tools.cache")
_STATISTICS = "Caches stats:"

#: Characters of what a tool puts behind every line.
_SUFFIX = 60
#: A runtime cuts longer lines (docker: 16 kB), and how much is put together again.
_CUT, _MOST = 16_000, 1 << 20
_DEEPEST = 6

Line = t.Tuple[str, str]


class Unwrapper:
    """Takes the lines of one log, and returns the lines of Odoo, each with its carrier.

    A carrier is the process that the journal or syslog names, or the words that a tool puts before all lines of one
    writer; "" without one. A record without the usual head gets one.

    :param now: the time in seconds since the epoch, for the year of times without one.
    """

    def __init__(self, now: t.Callable[[], float] = time.time) -> None:
        self._now = now
        self._cleaner, self._blocks = Cleaner(), Blocks()
        self._prefixes = Prefixes()
        self._partial: t.Dict[str, str] = {}
        #: what a tool puts behind every line, and the file whose lines tail shows
        self._suffix = self._section = ""
        self._was_behind = False
        #: the carrier of the last head, which a line without any has too
        self.last = ""
        #: lines that look like those of Odoo need a second look, too
        self.is_odd = False

    def lines(self, raw: str) -> t.List[Line]:
        """Return the lines in a line of the log, without their ends; mostly one, none where its rest comes later."""
        line = raw.rstrip("\r\n")
        if not self.is_odd:
            # The first line of a record, as it is: most lines of most logs.
            if line[:2] == "20" and line[10:11] == " " and "\x1b" not in line and "# " not in line:
                if (".tools." not in line or line.rstrip()[-5:] == "misc:") and RECORD.match(line):
                    self.last = ""
                    self._prefixes.forget_blanks()
                    return [("", line)]
            elif self._prefixes.latest is not None:
                prefix = self._prefixes.latest_of(line)
                if prefix is not None and "\x1b" not in line:
                    return [(self._named_by(prefix), line[len(prefix) :])]
            elif not line or ((line.startswith(PLAIN) or _is_code(line)) and "\x1b" not in line and "&" not in line):
                return [(self.last, line)]
        found = self.end() if self._blocks.ends_before(line) else []
        found += self._of_block(line) if self._blocks.is_open else self._begun(line)
        self.is_odd = bool(self._suffix or self._section) or self._blocks.is_open or self._cleaner.is_odd
        return found

    def each(self, log: t.Iterable[str]) -> t.Iterator[Line]:
        """Yield the lines in all lines of a log."""
        for raw in log:
            yield from self.lines(raw)
        yield from self.end()

    def end(self) -> t.List[Line]:
        """Return the lines that were kept for the rest of their record, at the end of the log."""
        if not self._blocks.is_open:
            return []
        records, lines = self._blocks.rest()
        return self._of_values(records, lines)

    def _begun(self, line: str) -> t.List[Line]:
        if self._blocks.begin(line) or (line[:2] == "20" and _OUTPUT.match(line)):
            return []
        section = _SECTION.match(line) if line[:4] == "==> " else None
        if section:
            self.last = self._section = section.group("name")
            return []
        return self._unwrapped(line, 0)

    def _of_block(self, line: str) -> t.List[Line]:
        records, lines = self._blocks.take(line)
        return self._of_values(records, lines)

    def _of_values(self, found: t.Sequence[t.Mapping[str, t.Any]], lines: t.Sequence[str]) -> t.List[Line]:
        """Return the lines in the values of records, or else what the lines have on their own."""
        records = [record for values in found for record in records_of(values) or ()]
        if records:
            return [one for record in records for one in self._named(record, 1)]
        return [one for line in lines for one in self._unwrapped(line, 1)]

    def _unwrapped(self, line: str, depth: int) -> t.List[Line]:
        line = self._cleaner.clean(line)
        # Every record, and every line of a dump but those of code, has a colon.
        bare = ":" not in line and "&" not in line and not self._suffix and not self._prefixes.shapes
        bare = bare and not self._cleaner.is_odd
        if depth > _DEEPEST or not line or (bare and line[-1:] not in "{['"):
            return [(self.last if line[:2] in ("", "  ") else self._section, line)]
        found = self._with_values(line, depth)
        if found is not None:
            return found
        line = self._without_suffix(self._cleaner.restore(line))
        several = self._in_one_line(line, depth) or (self._in_marks(line, depth) if line.lstrip()[:1] == '"' else None)
        if several is not None:
            return several
        prefix = self._prefixes.of_a_dump(line)
        if prefix is not None:
            return [(self._named_by(prefix), line[len(prefix) :])]
        carried = _CONTAINER.match(line) if line[10:11] == "T" else None
        found = self._of_container(carried, line, depth) if carried else self._head_in(line)
        if found is not None:
            return found
        prefix = self._prefixes.of(line)
        if prefix:
            rest = self._unwrapped(line[len(prefix) :], depth + 1)
            return [(self._named_by(prefix) or inner, one) for inner, one in rest]
        begin = _INNER.search(line)
        if begin and may_stand_before(line[: begin.start()]):
            return self._carried(line[: begin.start()], [line[begin.start() :]])
        return [(self.last if line.startswith("  ") else self._section, line)]

    def _with_values(self, line: str, depth: int) -> t.Optional[t.List[Line]]:
        """Read a line whose values have names."""
        if line.lstrip()[:1] in ("{", "[") or 'msg="' in line or 'message="' in line:
            records = named(line)
            if records is not None:
                return [one for record in records for one in self._named(record, depth)]
        if '{"' in line:
            inside = embedded(line)
            if inside is not None:
                carrier = self._named_by(inside[0]) if inside[0].strip() else ""
                lines = [one for record in inside[1] for one in self._named(record, depth)]
                return [(inner or carrier, one) for inner, one in lines]
        return None

    def _without_suffix(self, line: str) -> str:
        whole = line.rstrip()
        self._was_behind = bool(self._suffix) and whole.endswith(self._suffix)
        return whole[: -len(self._suffix)].rstrip() if self._was_behind else line

    def _in_one_line(self, line: str, depth: int) -> t.Optional[t.List[Line]]:
        """Return the lines of Odoo that stand in one line, by what stands for the end of a line."""
        found = _END_OF_LINE.search(line)
        if found is None or line.startswith("  "):
            return None
        first, *others = line.split(found.group("mark"))
        lines = self._unwrapped(first, depth + 1)
        for other in others:
            lines += self._unwrapped(other, depth + 1)
        return lines

    def _named(self, record: Named, depth: int) -> t.List[Line]:
        text = record.text.rstrip("\r\n")
        if "\n" not in record.text and len(text) >= _CUT and record.logger is None:
            self._partial[record.carrier] = (self._partial.get(record.carrier, "") + text)[:_MOST]
            return []
        text = self._partial.pop(record.carrier, "") + text
        if record.logger is not None and not RECORD.search(text):
            text = head_line(record._replace(text=text))
        found = SYSLOG.match(text)
        if found:
            rest = found.group("text") + text[found.end() :]
            level, logger, database = found.group("level", "logger", "database")
            pid = int(record.carrier) if record.carrier.isdigit() else record.pid
            record = record._replace(text=rest, pid=pid, level=level, logger=logger, database=database)
            text = head_line(record)
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
            plain = without_bare_colours(line)
            found = RECORD.search(plain) or LOOSE.search(plain)
        # A formatter may write no database: the text before the last colon is not one.
        if found and ".tools." in found.group("database"):
            return self._odd_head(plain)
        if found and may_stand_before(plain[: found.start()]):
            prefix = plain[: found.start()]
            if found.re is RECORD:
                return self._carried(prefix, self._joined(plain[found.start() :]), head=True)
            said = found.groupdict()
            clock = clock_of("%s %s,%s%s" % (said["day"], said["clock"], said["ms"] or "0", said["zone"] or ""))
            clock = (
                clock
                or clock_of(plain[: found.start("pid")])
                or "%s %s,%s" % (NO_DAY, said["clock"], (said["ms"] or "").ljust(3, "0")[:3])
            )
            record = Named("", said["text"], said["logger"], int(said["pid"]), clock, said["level"], said["database"])
            return self._carried(prefix, self._joined(head_line(record)), head=True)
        found = SYSLOG.search(plain)
        if found and may_stand_before(plain[: found.start()]):
            said = found.groupdict()
            prefix = plain[: found.end("tag") if said["tag"].endswith(":") else found.start()]
            pid, clock = self._told(prefix)
            record = Named("", said["text"], said["logger"], pid, clock, said["level"], said["database"])
            return self._carried(prefix, self._joined(head_line(record)), head=True)
        return self._odd_head(plain)

    def _odd_head(self, line: str) -> t.Optional[t.List[Line]]:
        odd = odd_head(line)
        if odd is None:
            return None
        before, record = odd
        pid, clock = self._told(before)
        lines = self._joined(head_line(record._replace(pid=pid or record.pid, time=clock)))
        tool = _TOOL.match(before)
        return self._carried(self._prefixes.of(before) or (tool.group() if tool else ""), lines, head=True)

    def _told(self, prefix: str) -> t.Tuple[int, str]:
        """Return pid and time from the text before a head, each if it is there."""
        found = PID.search(prefix)
        pid = int(found.group("pid") or found.group("rfc")) if found else 0
        since = _EPOCH.search(prefix)
        clock = clock_of(prefix) or (clock_of(since.group()) if since else "")
        day = None if clock else _DAY.search(prefix)
        if day and day.group("month") in MONTHS:
            month, number = MONTHS.index(day.group("month")) + 1, int(day.group("day"))
            today = EPOCH + datetime.timedelta(seconds=self._now())
            # What a log says is not of the future; a day for clocks and zones.
            year = today.year - ((month, number) > ((today + datetime.timedelta(days=1)).timetuple()[1:3]))
            said = (year, month, number, day.group("clock"), (day.group("fraction") or "").ljust(3, "0")[:3])
            clock = clock_of("%04d-%02d-%02d %s,%s" % said)
        return pid, clock

    def _carried(self, prefix: str, lines: t.List[str], *, head: bool = False) -> t.List[Line]:
        if prefix:
            self._prefixes.learn(prefix)
        if head:
            self.last = self._named_by(prefix) if prefix.strip() else self._section
        carrier = self._named_by(prefix)
        return [(carrier, line) for line in lines]

    def _named_by(self, prefix: str) -> str:
        # journalctl puts the further lines of an entry below its first one.
        return self._prefixes.carrier(prefix) if prefix.strip() else self.last

    def _in_marks(self, line: str, depth: int) -> t.Optional[t.List[Line]]:
        """Return the lines in a text of JSON that has a line of its own, as in a list."""
        value = _TEXT.match(line.strip())
        if value is None:
            return None
        try:
            parts = str(json.loads(value.group(1))).split("\n")
        except ValueError:
            return [("", line)]
        return [one for part in parts for one in self._unwrapped(part, depth + 1)]

    def _joined(self, line: str) -> t.List[str]:
        """Return the lines of a record in one line: the text before its first thread separates them."""
        found = RECORD.match(line)
        if found is None:
            return line.split("\n")
        text, logger = found.group("text", "logger")
        statistics = text.startswith(_STATISTICS)
        first = _THREAD.search(text)
        begin = first.start() if first else text.find("Database ") if statistics else -1
        if begin < 0:
            return [self._without_own(line, found)] if logger.endswith(_ANSWERS) else [line]
        mark = text[:begin].replace(_STATISTICS, "").strip(" ")
        head = line[: found.start("text")] + (_STATISTICS if statistics else "")
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
        return [head, *map(self._cleaner.restore, lines)]

    def _without_own(self, line: str, found: t.Match[str]) -> str:
        """Learn what stands behind every line from a head behind which Odoo writes nothing, and remove it."""
        begin = found.start("text")
        begin += len(_STATISTICS) if line.startswith(_STATISTICS, begin) else 0
        rest = line[begin:].strip()
        if begin == found.start("text") and found.group("logger").endswith(".cache"):
            return line
        if not rest:
            self._suffix = self._suffix if self._was_behind else ""
            return line
        if len(rest) > _SUFFIX or rest[0].isalnum() or rest[0] in "_(# ":
            return line
        self._suffix = rest
        return line[:begin]


def _is_code(line: str) -> bool:
    """Return whether a line is indented, and does not begin like a dump."""
    if line[:2] != "  " or line[-1:] == "{" or line.lstrip()[:1] == '"':
        return False
    return "# " not in line and 'File: "' not in line and ".tools." not in line


def unwrapped(raw: str) -> Line:
    """Return the first of the lines in one line of a log, apart from all others; see :class:`Unwrapper`."""
    unwrapper = Unwrapper()
    return next(iter([*unwrapper.lines(raw), *unwrapper.end()]), ("", ""))
