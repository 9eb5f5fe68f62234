# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Records of a log whose values have names: JSON, whole documents of it, and ``key=value``. Pure.

Loggers, shippers and exports name the same values differently. So a value is known by one of many names, and a logger
also by what it looks like.
"""

from __future__ import annotations

import datetime
import json
import re
import typing as t

from .line import NO_DAY

_TEXTS = (
    *("message", "msg", "full_message", "log", "short_message", "line", "event", "text", "body", "_raw", "textpayload"),
    *("@message", "content", "logmessage", "value", "data"),
)
_LOGGERS = ("name", "logger", "logger_name", "loggername", "channel", "category")
_PIDS = ("pid", "process", "process_id", "processid", "process_pid", "_pid", "syslog_pid", "procid")
_TIMES = (
    *("asctime", "time", "timestamp", "@timestamp", "ts", "datetime", "date", "created", "eventtime"),
    *("__realtime_timestamp", "_source_realtime_timestamp"),
)
_LEVELS = ("levelname", "level", "severity", "loglevel", "log_level")
_DATABASES = ("dbname", "db", "database", "db_name")
#: What tells two writers of one log apart.
_WRITERS = ("container_id", "container_name", "pod", "pod_name", "pod_id", "host", "hostname")

_LOGGER = re.compile(r"[A-Za-z_][\w.]{0,120}$")
_ODOO = re.compile(r"(?:odoo|openerp)(?:\.\w+)*$")
_LEVEL = re.compile(r"[A-Z]{3,10}$")
#: Texts that are a line of a dump, and no record of their own.
_INNER = re.compile(r'(?:# )?(?:Thread|Greenlet): |File: "|  ')
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?\s?(Z|UTC|[+-]\d\d:?(?:\d\d)?)?(?![\d:])"
)
_PAIR = re.compile(r'([A-Za-z_@][\w.@-]*)=("(?:[^"\\]|\\.)*"|[^\s"]*)(?:\s|$)')
_MOST, _DEEPEST = 300, 5

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


class Named(t.NamedTuple):
    """A record whose values have names. ``logger`` is None if the text is all that it has of Odoo's log.

    ``carrier`` is the process that the journal names, or another mark of the writer; ``time`` is as in Odoo's log.
    """

    carrier: str
    text: str
    logger: t.Optional[str] = None
    pid: int = 0
    time: str = ""
    level: str = "INFO"
    database: str = "?"


def named(line: str) -> t.Optional[t.List[Named]]:
    """Return the records in a line of JSON or of ``key=value``; None where it is neither."""
    begin = line.lstrip()[:1]
    if begin and begin in "{[":
        try:
            document = json.loads(line)
        except (ValueError, RecursionError):
            return None
        return [_record(entry) for entry in _entries(document, 0)] or None
    if "=" in line:
        pairs = {key: _unquoted(value) for key, value in _PAIR.findall(line)}
        if len(pairs) > 1 and _text(pairs) is not None:
            return [_record(pairs)]
    return None


def clock_of(value: t.Any) -> str:
    """Return a time as in Odoo's log, in UTC: "2026-11-24 10:30:21,608"; "" for other values.

    :param value: ISO 8601, or seconds, milliseconds, microseconds or nanoseconds since the epoch.
    """
    if isinstance(value, str):
        found = _ISO.search(value)
        if found:
            *numbers, fraction, zone = found.groups()
            try:
                year, month, day, hour, minute, second = map(int, numbers)
                moment = EPOCH.replace(year, month, day, hour, minute, second)
                if zone and zone not in ("Z", "UTC"):
                    digits = zone[1:].replace(":", "").ljust(4, "0")
                    away = datetime.timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
                    moment = moment + away if zone[0] == "-" else moment - away
            except (ValueError, OverflowError):
                return ""
            return moment.strftime("%Y-%m-%d %H:%M:%S").rjust(19, "0") + "," + (fraction or "").ljust(3, "0")[:3]
        if not re.match(r"\d{9,20}(?:\.\d{1,9})?$", value):
            return ""
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 1e8 < value < 1e20:
        return ""
    while value > 1e11:
        value /= 1000.0
    moment = EPOCH + datetime.timedelta(seconds=value)
    return moment.strftime("%Y-%m-%d %H:%M:%S") + ",%03d" % (moment.microsecond // 1000)


def head_line(named_: Named) -> str:
    """Return the line with which Odoo would begin this record, and its text behind it."""
    time = named_.time or NO_DAY + " 00:00:00,000"
    return "%s %d %s %s %s: %s" % (time, named_.pid, named_.level, named_.database, named_.logger, named_.text)


def _entries(document: t.Any, depth: int) -> t.Iterator[t.Dict[str, t.Any]]:
    if depth > _DEEPEST:
        return
    if isinstance(document, dict):
        flat: t.Dict[str, t.Any] = {}
        _flatten(document, flat, 0)
        if _text(flat) is not None and not any(
            isinstance(one, list) and one and isinstance(one[0], dict) for one in document.values()
        ):
            yield flat
            return
        for value in document.values():
            if isinstance(value, (dict, list)):
                yield from _entries(value, depth + 1)
    elif isinstance(document, list):
        for one in document:
            if isinstance(one, list) and len(one) == 2 and all(isinstance(value, str) for value in one):
                yield {"timestamp": one[0], "message": one[1]}  # as Loki answers
            else:
                yield from _entries(one, depth + 1)


def _flatten(entry: t.Mapping[str, t.Any], flat: t.Dict[str, t.Any], depth: int) -> None:
    """Put the values of a dictionary into one without dictionaries, by the last part of their names, outer ones win."""
    inner = []
    for key, value in entry.items():
        name = key.rpartition(".")[2].lower() if "." in key else key.lower()
        if isinstance(value, dict):
            inner.append(value)
        elif len(flat) < _MOST:
            flat.setdefault(name, value)
    for value in inner if depth < _DEEPEST else ():
        _flatten(value, flat, depth + 1)


def _text(flat: t.Mapping[str, t.Any]) -> t.Optional[str]:
    for name in _TEXTS:
        value = flat.get(name)
        if isinstance(value, str):
            return value
        # The form of the journal for text that is not plain.
        if name == "message" and isinstance(value, list) and value:
            try:
                return bytes(value).decode("utf-8", "surrogateescape")
            except (TypeError, ValueError):
                return None
    return None


def _record(flat: t.Mapping[str, t.Any]) -> Named:
    text = t.cast(str, _text(flat))
    pids = [*_PIDS, *(name for name in flat if name.endswith("pid") and not name.endswith("ppid"))]
    pid = next((int(flat[name]) for name in pids if _is_number(flat.get(name))), 0)
    if "message" in flat and "_pid" in flat:
        carrier = flat["_pid"] if isinstance(flat["_pid"], str) else ""
    else:
        carrier = " ".join(str(flat[name]) for name in _WRITERS if isinstance(flat.get(name), str))
    time = next((clock for name in _TIMES for clock in [clock_of(flat.get(name))] if clock), "")
    logger = next((flat[n] for n in _LOGGERS if isinstance(flat.get(n), str) and _LOGGER.match(flat[n])), None)
    if "_pid" not in flat and (logger is None or not _ODOO.match(logger)):
        loggers = (one for one in flat.values() if isinstance(one, str) and "." in one and _ODOO.match(one))
        logger = next(loggers, logger)
    # Of a container, each line is an entry, and what has a name is the container.
    if logger and ".tools." not in logger and (_INNER.match(text) or (not _ODOO.match(logger) and pid == 0)):
        logger = None
    level = next((flat[n].upper() for n in _LEVELS if isinstance(flat.get(n), str)), "INFO")
    database = next((flat[n] for n in _DATABASES if isinstance(flat.get(n), str) and flat[n].strip()), "?")
    level = level if _LEVEL.match(level) else "INFO"
    return Named(carrier, text, logger, pid, time, level, re.sub(r"\s+", " ", database).strip()[:80])


def _is_number(value: t.Any) -> bool:
    if isinstance(value, str):
        return value.isdigit() and value.isascii() and len(value) <= 10
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 32


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    try:
        return str(json.loads(value))
    except ValueError:
        return value[1:-1].replace('\\"', '"').replace("\\n", "\n")
