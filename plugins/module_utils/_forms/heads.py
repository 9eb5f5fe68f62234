# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Recognise the first line of a record that another formatter than Odoo's has written. Pure."""

from __future__ import annotations

import re
import typing as t

from .fields import Named
from .line import NO_PID

#: Heads of records that lack something: the day, the milliseconds. With a zone where a formatter writes one.
LOOSE = re.compile(
    r"(?:(?P<day>\d{4}-\d\d-\d\d)[ T])?(?P<clock>\d\d:\d\d:\d\d)(?:[.,](?P<ms>\d{1,9}))?"
    r"(?P<zone>Z|[+-]\d\d:?\d\d)? (?P<pid>[0-9]{1,10}) (?P<level>[A-Z]{4,8}) (?P<database>\S(?:.{0,80}?\S)??)"
    r" (?P<logger>[\w.]+): ?(?P<text>.*)$"
)
#: "Odoo Server 19.0:db:INFO:odoo.tools.misc:" and the text: what Odoo sends to syslog. Odoo writes no tag, so rsyslog
#: takes the first word for it, and puts the pid there: "Odo[33]: Server 19.0:" (seen with rsyslog 8.2302).
SYSLOG = re.compile(
    r"(?P<tag>[A-Z]\w+(?:\[\d{1,10}\]:)?) Server [^:\n]{1,40}:(?P<database>[^:\n]{1,80}):(?P<level>[A-Z]+)"
    r":(?P<logger>[\w.]+): ?(?P<text>.*)$"
)
#: The loggers of dumps and statistics.
_ANSWERS = re.compile(r"(?<![\w.])(?:odoo|openerp)\.tools\.(?:misc|cache)\b(?![\w/]|\.\w+\.)")
#: Any logger of Odoo's, that of its start only behind a level; not a unit of systemd or a file.
_LOGGER = re.compile(
    r"(?:(?<![\w.\"'<>;/@-])(?:(?:odoo|openerp)(?:\.\w+)+|werkzeug)|(?:(?<=\? )|(?<=INFO:))(?:odoo|openerp))"
    r"(?=[\s:\[\])>|#-]|$)"
)
_FILES = (".service", ".scope", ".slice", ".socket", ".log", ".conf", ".py", ".sh")
_LEVEL = re.compile(r"(?<![\w.\"'])(?:DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL|RUNBOT)(?![\w.\"'])", re.IGNORECASE)
#: The level and the day, as glog and Kubernetes write them.
_LETTER = re.compile(r"[IWEF]\d{4} (?=\d\d:)")
_CLOCK = re.compile(r"\d\d:\d\d:\d\d|(?<![\w.])1\d{9}(?:\d{3}|\.\d{1,9})?(?![\w.])")
#: What may stand between logger and text: the function that made the record, its file, its line, its level.
_BETWEEN = re.compile(
    r"""(?:[\s\])>|:\-,;"'.#]|\[(?:-|\d{1,8})?\]|(?:(?<=[:(])|(?<=line\ ))\d{1,8}(?![\w.])
    |(?:dumpstacks|log_ormcache_stats)(?:\(\))?|line\b|\w{1,30}\.py\b
    |(?:DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL)\b|MainThread\b|[A-Za-z_.]{1,20}=\S{0,40})*""",
    re.VERBOSE | re.IGNORECASE,
)
_ANSWER = re.compile(
    r"# (?:Thread|Greenlet): |Caches stats:|Processing database |[\w.]{1,60},\s+\d+ entries,| *\d+ entries,"
)
_PID = re.compile(r"(?:pid[=: ]+|\[|(?<![\w.:,+-]))(?P<pid>[0-9]{1,7})(?![\w.,]|-\d|:\d)", re.IGNORECASE)
_MARKED_PID = re.compile(r"(?:\[|(?:pid|process)[=: ]+)(?P<pid>[0-9]{1,7})\b", re.IGNORECASE)
#: A pid between signs behind the logger, and at the begin of a line.
_ALONE = re.compile(r"[\s|:()-]*(?P<pid>[0-9]{1,7})[\s|:()-]*$")
_FIRST = re.compile(r"\[?(?P<pid>[0-9]{1,7})\]? (?=\S{0,20}\d\d:\d\d|\d{4}-\d\d-\d\d)")
_DATABASE = re.compile(r" (?P<database>[\w.?-]{1,80}) $")
#: Characters before a logger.
_FAR = 200


def odd_head(line: str) -> t.Optional[t.Tuple[str, Named]]:
    """Return a line as the first one of a record, and the text before its logger; None for other lines.

    Its level or its time tells that it is one. Of dumps and statistics the logger is enough, with a level or a time.
    """
    if line.startswith(("  ", "# ", "File: ", "\t")):
        return None
    found = _ANSWERS.search(line) if ".tools." in line else None
    answers = found is not None
    found = found or _LOGGER.search(line, 0, _FAR)
    if found is None or found.group().endswith(_FILES):
        return None
    before, behind = line[: found.start()], line[found.end() :]
    level = _LEVEL.search(before) or _LEVEL.match(behind.lstrip(" \t:|[(->#")) or _LETTER.match(line)
    clock = _CLOCK.search(before)
    if not clock and not (level and (answers or line.startswith(level.group()))):
        return None
    if not level and not answers:
        return None
    between = t.cast("re.Match[str]", _BETWEEN.match(behind))
    rest = behind[between.end() :]
    answer = _ANSWER.search(behind) if answers else None
    text = behind[answer.start() :] if answer else rest
    alone = _ALONE.match(rest) if answers and not answer else None
    pid = _PID.search(_CLOCK.split(before)[-1]) or _MARKED_PID.search(between.group()) or alone or _FIRST.match(line)
    database = _DATABASE.search(before[level.end() :] if level and level.string is before else "")
    return before, Named(
        "",
        "" if alone else text,
        found.group(),
        int(pid.group("pid")) if pid else NO_PID,
        level=level.group().upper() if level and level.re is _LEVEL else "INFO",
        database=database.group("database") if database else "?",
    )
