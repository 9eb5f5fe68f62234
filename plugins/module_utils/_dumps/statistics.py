# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Cache statistics in Odoo's log, understood. Pure.

Seen on Odoo 14.0 to 17.0 (a record for each method, 17.0 names the cache too), 18.0 (these lines in one record, with
times) and 19.0 (a table in one record, with and without memory). The table of saas~18.3 is as Odoo's sources have it.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from .._forms.carrier import Unwrapper
from .._forms.line import Head, head_of

#: The loggers that write them (the second one in 8.0 and 9.0).
COUNTERS = ("odoo.tools.cache", "openerp.tools.cache")

#: Kinds of its records: of a method, a whole table, those before a table and instead of one, and other records.
LINE, TABLE, PROCESSING, STOPPED, STRANGE = "line", "table", "processing", "stopped", "strange"

_LINE = re.compile(
    r"\s*(?:(?P<cache>[^\s,]{1,100}),\s+)?(?P<entries>\d+) entries,\s+(?P<hits>\d+) hit,\s+(?P<misses>\d+) miss,"
    r"\s+(?P<errors>\d+) err,(?:\s+(?P<seconds>[\d.]+)s time,)?\s+(?P<ratio>[\d.]+)% ratio,? for (?P<what>\S+)"
)
_PROCESSING = re.compile(r"Processing database (?P<database>.+) \(\d+/\d+\)")
_DATABASE = re.compile(r"Database (?P<database>.+?):?$")
_USAGE = re.compile(
    r" ?\* (?P<cache>.+): (?P<entries>\d{1,15})/(?P<size>\d{1,15})(?: \((?P<memory>\d{1,15}) bytes\))?$"
)
_NO_DATABASE = "<no_db>"
_NUMBER = re.compile(r"\d{1,15}(?:\.\d{1,15})?")

#: Columns of a table by the beginning of their titles; those of the longer titles first.
_COLUMNS = (
    ("Cache Name", "cache"),
    ("Entr", "entries"),
    ("Memory SUM", "memory"),
    ("Memory MAX", "memory_max"),
    ("Hit Ratio", "ratio"),
    ("Hit", "hits"),
    ("Miss", "misses"),
    ("Err", "errors"),
    ("Gen Time", "seconds"),
    ("TX Hit Ratio", "transaction_ratio"),
    ("TX Call", "transaction_calls"),
)
_FRACTIONS = frozenset(["ratio", "seconds", "transaction_ratio"])
#: Lines that were not understood, at most.
_MOST_OTHER = 20


@dataclass
class CacheRow:
    """The cache of one method in one process. None stands for what the version does not tell.

    ``ratio`` is in percent, ``memory`` of all entries and ``memory_max`` of the largest one in bytes, ``seconds`` is
    what its values took to make. ``transaction_calls`` are lookups that were the first of their transaction.
    """

    database: t.Optional[str]
    model: str
    method: str
    cache: t.Optional[str] = None
    entries: int = 0
    hits: int = 0
    misses: int = 0
    errors: int = 0
    ratio: float = 0.0
    memory: t.Optional[int] = None
    memory_max: t.Optional[int] = None
    seconds: t.Optional[float] = None
    transaction_ratio: t.Optional[float] = None
    transaction_calls: t.Optional[int] = None


@dataclass
class CacheUsage:
    """The usage of a cache that methods share. ``memory`` is in bytes."""

    database: t.Optional[str]
    cache: str
    entries: int
    size: int
    memory: t.Optional[int] = None


@dataclass
class Statistics:
    """The statistics of one process. ``pid`` is the pid in the log, ``time`` ISO 8601 in UTC.

    ``complete`` is false if it has not counted everything, ``stopped`` true if a signal stopped it. ``other``
    are lines that cannot be parsed.
    """

    pid: int
    time: str
    rows: t.List[CacheRow] = field(default_factory=list)
    usage: t.List[CacheUsage] = field(default_factory=list)
    other: t.List[str] = field(default_factory=list)
    complete: bool = False
    stopped: bool = False
    #: lines of its table are missing, as the numbers above the table show (Odoo 19 and later)
    cut: bool = False

    def told(self) -> t.Dict[str, t.Any]:
        """Return the statistics as the module returns them."""
        return {
            "time": self.time,
            "caches": [dict(vars(row)) for row in self.rows],
            "usage": [dict(vars(one)) for one in self.usage],
            "other": self.other,
        }


def kind_of(head: Head) -> t.Optional[str]:
    """Return the kind of statistics that begins with this line; None for other lines."""
    if head.logger not in COUNTERS:
        return None
    if _LINE.match(head.text):
        return LINE
    if head.text.startswith("Caches stats:"):
        return TABLE
    if _PROCESSING.match(head.text):
        return PROCESSING
    return STOPPED if head.text.startswith("Stopping logging ORM cache stats") else STRANGE


def parse_statistics(lines: t.Iterable[str]) -> t.List[Statistics]:
    """Return the statistics of each process in the lines of a log, in the order of their beginnings.

    It raises for no content of the lines. Several statistics of one process are merged: pass those of one signal
    only.
    """
    found: t.Dict[int, _Reader] = {}
    inside: t.Dict[str, _Reader] = {}
    unwrapper = Unwrapper()
    for carrier, line in unwrapper.each(lines):
        head = head_of(line)
        if head is None:
            if carrier in inside:
                inside[carrier].inner(line)
            continue
        inside.pop(carrier, None)
        kind = kind_of(head)
        if kind is None:
            continue
        reader = found.setdefault(head.pid, _Reader(head))
        reader.record(kind, head)
        if kind in (TABLE, STRANGE):
            inside[carrier] = reader
    return [reader.finished() for reader in found.values()]


class _Reader:
    """Makes the statistics of one process, line by line."""

    def __init__(self, head: Head) -> None:
        self._made = Statistics(head.pid, head.time)
        self._counted: t.List[str] = []
        self._database: t.Optional[str] = None
        self._columns: t.List[t.Optional[str]] = []
        #: of its table: the databases, and whether the rows of the last one have begun
        self._tabled: t.Set[str] = set()
        self._begun = True

    def record(self, kind: str, head: Head) -> None:
        """Take the first line of a record."""
        if kind == PROCESSING:
            self._counted.append(t.cast("re.Match[str]", _PROCESSING.match(head.text)).group("database"))
        elif kind == LINE:
            values = t.cast("re.Match[str]", _LINE.match(head.text)).groupdict()
            self._add(head.database, values.pop("what") or "", values)
        elif kind == STRANGE:
            self._leave(head.text)
        self._made.complete = self._made.complete or kind in (LINE, TABLE)
        self._made.stopped = self._made.stopped or kind == STOPPED

    def inner(self, line: str) -> None:
        """Take a line of a table."""
        text = line.rstrip()
        database, usage = _DATABASE.match(text), _USAGE.match(text)
        if database:
            name = database.group("database")
            self._database = None if name == _NO_DATABASE else name
            self._tabled.add(name)
            self._begun = False
        elif usage:
            self._use(usage)
        elif _LINE.match(text):
            values = t.cast("re.Match[str]", _LINE.match(text)).groupdict()
            self._add(self._database, values.pop("what") or "", values)
        elif text.strip().startswith("Cache Name,"):
            self._columns = [_column(title.strip()) for title in text.split(",")[:-1]]
            self._begun = True
        elif self._columns and text.count(",") >= len(self._columns):
            *cells, what = text.split(",", len(self._columns))
            self._add(self._database, what.strip(), {n: c for n, c in zip(self._columns, cells) if n})
        elif text.strip() not in ("", "Details:"):
            self._leave(text)

    def finished(self) -> Statistics:
        """Return the statistics so far.

        Odoo 19.0 writes the usage of the database that it counted last below each database: only that one gets it.
        """
        if self._counted:
            last = self._counted[-1]
            has_usage = bool(self._made.usage)
            self._made.usage = [one for one in self._made.usage if one.database == last]
            self._made.cut = self._lacks_lines(has_usage=has_usage)
        return self._made

    def _lacks_lines(self, *, has_usage: bool) -> bool:
        """Return whether lines are missing at the end of the table of Odoo 19, as where journald drops them.

        The usage of a cache names its entries, and the rows below it have as many. Of the databases that were not
        counted last only a lack of all rows shows.
        """
        listed = {row.database or _NO_DATABASE for row in self._made.rows}
        if (self._tabled | set(self._counted)) - listed or not has_usage or not self._begun:
            return True
        entries: t.Dict[t.Tuple[t.Optional[str], t.Optional[str]], int] = {}
        for row in self._made.rows:
            place = (row.database, row.cache)
            entries[place] = entries.get(place, 0) + row.entries
        return any(entries.get((one.database, one.cache), 0) < one.entries for one in self._made.usage)

    def _leave(self, text: str) -> None:
        if len(self._made.other) < _MOST_OTHER:
            self._made.other.append(text)

    def _use(self, found: t.Match[str]) -> None:
        memory, size = found.group("memory"), int(found.group("size"))
        # Odoo 19.0 writes the 0 of no bytes right behind the size, and its sizes are powers of two.
        shrunk = size // 10
        if memory is None and size % 10 == 0 and shrunk and shrunk & (shrunk - 1) == 0:
            size = shrunk
        self._made.usage.append(
            CacheUsage(
                self._database,
                found.group("cache"),
                int(found.group("entries")),
                size,
                None if memory is None else int(memory),
            )
        )

    def _add(self, database: t.Optional[str], what: str, values: t.Mapping[str, t.Optional[str]]) -> None:
        model, _dot, method = what.rpartition(".")
        row = CacheRow(database, model, method)
        for name, text in values.items():
            if name == "cache":
                row.cache = (text or "").strip() or None
                continue
            number = _NUMBER.search(text or "")
            if number:
                setattr(row, name, float(number.group()) if name in _FRACTIONS else int(float(number.group())))
        self._made.rows.append(row)


def _column(title: str) -> t.Optional[str]:
    return next((name for beginning, name in _COLUMNS if title.startswith(beginning)), None)
