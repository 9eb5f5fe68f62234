# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Records of a log whose values have names: JSON, whole documents of it, and ``key=value``. Pure.

Loggers, shippers and exports name the same values differently. So a value is known by one of many names, and a logger
also by what it looks like.
"""

from __future__ import annotations

import ast
import base64
import binascii
import datetime
import json
import re
import typing as t

from .line import NO_DAY, RECORD

_TEXTS = (
    *("message", "msg", "full_message", "log", "short_message", "line", "event", "text", "body", "_raw", "textpayload"),
    *("@message", "@m", "content", "logmessage", "value", "data", "stringvalue", "stdout", "stderr"),
)
_LOGGERS = ("logger", "logger_name", "loggername", "name", "channel", "category", "sourcecontext", "scope_name")
_PIDS = ("pid", "process", "process_id", "processid", "process_pid", "_pid", "syslog_pid", "procid")
_TIMES = (
    *("asctime", "time", "timestamp", "@timestamp", "ts", "datetime", "date", "@t", "created", "eventtime"),
    *("__realtime_timestamp", "_source_realtime_timestamp", "timeunixnano", "timereported", "timegenerated"),
)
_LEVELS = ("levelname", "level", "severity", "loglevel", "log_level", "severitytext", "severity_text", "@l")
_DATABASES = ("dbname", "db", "database", "db_name")
#: What tells two writers of one log apart.
_WRITERS = ("container_id", "container_name", "pod", "pod_name", "pod_id", "host", "hostname")

_LOGGER = re.compile(r"[A-Za-z_][\w.]{0,120}$")
_ODOO = re.compile(r"(?:(?:odoo|openerp)(?:\.\w+)*|werkzeug|py\.warnings)$")
_LEVEL = re.compile(r"[A-Z]{3,10}$")
#: Texts that are a line of a dump, and no record of their own.
_INNER = re.compile(r'(?:# )?(?:Thread|Greenlet): |File: "|  ')
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?\s?(Z|UTC|[+-]\d\d:?(?:\d\d)?)?(?![\d:])"
)
#: Other days: 2026/11/24, 24.11.2026, and 24/Nov/2026 as servers of the web write it.
_DAYS = re.compile(
    r"(?:(?P<y1>\d{4})/(?P<m1>\d\d)/(?P<d1>\d\d)|(?P<d2>\d\d)\.(?P<m2>\d\d)\.(?P<y2>\d{4})"
    r"|(?P<d3>\d\d)/(?P<m3>[A-Z][a-z]{2})/(?P<y3>\d{4}))(?=[ T:]\d\d:\d\d:\d\d)"
)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TAG = re.compile(r"\[(\d{1,10})\]")
#: What stands around a document of JSON in a line, at most, and behind it; a text that is of a dump.
_BEFORE, _BEHIND = 300, re.compile(r"[\s\])}>'\"]*$")
_OF_A_DUMP = ("Thread: ", 'File: "', "tools.misc")
_PAIR = re.compile(r'([A-Za-z_@][\w.@-]*)=("(?:[^"\\]|\\.)*"|[^\s"]*)(?:\s|$)')
_MOST, _DEEPEST, _LITERAL = 300, 6, 1 << 20

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
        return records_of(_document(line))
    if "=" in line:
        pairs = {key: _unquoted(value) for key, value in _PAIR.findall(line)}
        if len(pairs) > 1 and _text(pairs) is not None:
            return [_record(pairs)]
    return None


def embedded(line: str) -> t.Optional[t.Tuple[str, t.List[Named]]]:
    """Return the text before a document of JSON in a line, and its records; None without one.

    A record of Odoo's own form may have JSON in its text, which does not count.
    """
    at = line.find('{"', 0, _BEFORE)
    if at <= 0 or line.startswith(("  ", "# ", "File: ")) or RECORD.search(line[:at]):
        return None
    text = line[at:]
    # Ruby's programs, such as those of Fluentd, write => for the colon.
    text = text.replace('"=>', '":') if '"=>' in text else text
    try:
        document, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return None
    found = records_of(document) if _BEHIND.match(text, end) else None
    return (line[:at], found) if found else None


def records_of(document: t.Any) -> t.Optional[t.List[Named]]:
    """Return the records of a document; None without any."""
    return [_record(entry) for entry in _entries(document, 0, None)] or None


def _document(line: str) -> t.Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        pass
    # A list as Python writes it.
    if line.lstrip()[:2] in ("['", '["') and len(line) < _LITERAL:
        try:
            return ast.literal_eval(line.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            pass
    return None


def clock_of(value: t.Any) -> str:
    """Return a time as in Odoo's log, in UTC: "2026-11-24 10:30:21,608"; "" for other values.

    :param value: ISO 8601 or a similar text, or seconds, milliseconds, microseconds or nanoseconds since the epoch.
    """
    if isinstance(value, str):
        found = _ISO.search(value) or _ISO.search(_DAYS.sub(_iso_day, value))
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


def _iso_day(found: t.Match[str]) -> str:
    year, month, day = (
        next(found.group(name + number) for number in "123" if found.group(name + number)) for name in "ymd"
    )
    number = MONTHS.index(month) + 1 if month in MONTHS else int(month) if month.isdigit() else 0
    # The zone of a server of the web stands behind a blank.
    return "%s-%02d-%s" % (year, number, day) + (" " if found.string[found.end()] == ":" else "")


def head_line(named_: Named) -> str:
    """Return the line with which Odoo would begin this record, and its text behind it."""
    time = named_.time or NO_DAY + " 00:00:00,000"
    return "%s %d %s %s %s: %s" % (time, named_.pid, named_.level, named_.database, named_.logger, named_.text)


def _entries(document: t.Any, depth: int, scope: t.Optional[str]) -> t.Iterator[t.Dict[str, t.Any]]:
    """Yield the values of each record in a document.

    :param scope: the logger that OpenTelemetry writes once for several records.
    """
    if depth > _DEEPEST:
        return
    if isinstance(document, dict):
        flat: t.Dict[str, t.Any] = {}
        _flatten(document, flat, 0)
        if _text(flat) is not None and not any(_has_documents(one) for one in document.values()):
            yield flat if scope is None else {**flat, "scope_name": scope}
            return
        inner = document.get("scope")
        scope = inner.get("name") if isinstance(inner, dict) and isinstance(inner.get("name"), str) else scope
        for value in document.values():
            if isinstance(value, (dict, list)):
                yield from _entries(value, depth + 1, scope)
    elif isinstance(document, list) and not _is_table(document):
        if document and all(isinstance(one, str) for one in document):
            if any(mark in one for one in document for mark in _OF_A_DUMP):
                yield {"message": "\n".join(document)}
            return
        for one in document:
            if isinstance(one, list) and len(one) == 2 and all(isinstance(value, str) for value in one):
                yield {"timestamp": one[0], "message": one[1]}  # as Loki answers
            else:
                yield from _entries(one, depth + 1, scope)


def _has_documents(value: t.Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict) and not _is_table(value)


def _is_table(value: t.Sequence[t.Any]) -> bool:
    """Return whether a list has keys and their values, as OpenTelemetry writes a dictionary."""
    return bool(value) and all(isinstance(one, dict) and set(one) == {"key", "value"} for one in value)


def _flatten(entry: t.Mapping[str, t.Any], flat: t.Dict[str, t.Any], depth: int) -> None:
    """Put the values of a dictionary into one without dictionaries, by the last part of their names, outer ones win."""
    inner = []
    for key, value in entry.items():
        name = key.rpartition(".")[2].lower() if "." in key else key.lower()
        if isinstance(value, list) and _is_table(value):
            inner.append({str(one["key"]): _scalar(one["value"]) for one in value})
        elif isinstance(value, dict):
            inner.append(value)
        elif len(flat) < _MOST:
            flat.setdefault(name, value)
    for value in inner if depth < _DEEPEST else ():
        _flatten(value, flat, depth + 1)


def _scalar(value: t.Any) -> t.Any:
    return next(iter(value.values()), None) if isinstance(value, dict) and len(value) == 1 else value


def _text(flat: t.Mapping[str, t.Any]) -> t.Optional[str]:
    if flat.get("encoding") == "base64" and isinstance(flat.get("content"), str):
        try:
            return base64.b64decode(flat["content"]).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            return None
    # What a command has written, as Ansible tells it.
    if "rc" in flat and isinstance(flat.get("stdout"), str):
        return "\n".join(text for text in (flat["stdout"], flat.get("stderr")) if isinstance(text, str))
    for name in _TEXTS:
        value = flat.get(name)
        if isinstance(value, str):
            return value
        # The form of the journal for text that is not plain.
        if name == "message" and isinstance(value, list) and value:
            if all(isinstance(one, str) for one in value):
                return "\n".join(value)
            try:
                return bytes(value).decode("utf-8", "surrogateescape")
            except (TypeError, ValueError):
                return None
    return None


def _record(flat: t.Mapping[str, t.Any]) -> Named:
    text = t.cast(str, _text(flat))
    of_journal = "message" in flat and any(name in flat for name in ("_pid", "__cursor", "_transport", "_comm"))
    if of_journal and isinstance(flat.get("_pid"), int):
        of_journal = False  # GELF puts a line before its own names
    if not of_journal:
        flat = {**{name.lstrip("_"): value for name, value in flat.items()}, **flat}
    pids = [*_PIDS, *(name for name in flat if name.endswith("pid") and not name.endswith("ppid"))]
    pid = next((int(flat[name]) for name in pids if _is_number(flat.get(name))), 0)
    time = next((clock for name in _TIMES for clock in [clock_of(flat.get(name))] if clock), "")
    loggers = [flat[n] for n in _LOGGERS if isinstance(flat.get(n), str) and _LOGGER.match(flat[n])]
    # The name of a program may be that of a logger, too.
    loggers.sort(key=lambda one: "." not in one)
    logger = next(iter(loggers), None)
    if not of_journal and (logger is None or not _ODOO.match(logger)):
        texts = ((name, one) for name, one in flat.items() if isinstance(one, str))
        others = (one for name, one in texts if ("." in one or name == "facility") and _ODOO.match(one))
        logger = next(others, logger)
    # Of a container, each line is an entry, and what has a name is the container.
    if logger and ".tools." not in logger and (_INNER.match(text) or (not _ODOO.match(logger) and pid == 0)):
        logger = None
    level = next((flat[n].upper() for n in _LEVELS if isinstance(flat.get(n), str)), "INFO")
    database = next((flat[n] for n in _DATABASES if isinstance(flat.get(n), str) and flat[n].strip()), "?")
    level = level if _LEVEL.match(level) else "INFO"
    database = re.sub(r"\s+", " ", database).strip()[:80]
    return Named(_carrier(flat, of_journal=of_journal), text, logger, pid, time, level, database)


def _carrier(flat: t.Mapping[str, t.Any], *, of_journal: bool) -> str:
    """Return the process that the journal or a syslog daemon names, or what tells two writers of one log apart."""
    if of_journal:
        return flat["_pid"] if isinstance(flat.get("_pid"), str) else ""
    tag = _TAG.search(flat["syslogtag"]) if isinstance(flat.get("syslogtag"), str) else None
    told = [tag.group(1) if tag else "", flat.get("procid"), flat.get("pid") if "program" in flat else ""]
    of_syslog = next((one for one in told if isinstance(one, str) and _is_number(one)), None)
    return of_syslog or " ".join(str(flat[name]) for name in _WRITERS if isinstance(flat.get(name), str))


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
