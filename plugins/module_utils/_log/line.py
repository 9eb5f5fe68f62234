# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""What a journal, a container's log or a terminal puts around a line of Odoo's log, and how a record begins. Pure.

Seen with Odoo 14.0 and 19.0: systemd 247 and 252 (``journalctl -o short``, ``json`` and ``cat``), podman's k8s-file,
a pty. ``short-iso`` and ``short-precise`` are as journalctl(1) describes them, Docker's JSON and the prefix of
``docker compose logs`` as Docker's documentation does.
"""

from __future__ import annotations

import json
import re
import typing as t

#: A time, a host, a program and its pid: ``journalctl -o short``, ``short-iso``, ``short-precise``, and syslog's files.
_SYSLOG = re.compile(
    r"(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})?|\d{4}-\d\d-\d\dT[\d:.,+Z-]{8,32})"
    r" \S{1,255} [^\s\[\]]{1,64}\[(?P<pid>[0-9]{1,10})\]: "
)
#: podman and Kubernetes: a time, a stream, and whether the line is whole.
_CONTAINER = re.compile(r"\d{4}-\d\d-\d\dT\S{1,32} (?:stdout|stderr) [FP] ")
#: ``docker compose logs``: the name of a container.
_COMPOSE = re.compile(r"[\w.-]{1,64} {1,64}\| ")
#: Colours, where the log goes to a terminal.
_COLOUR = re.compile(r"\x1b\[[\d;]{0,16}m")

#: The first line of any record of Odoo's log.
_RECORD = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d) (?P<clock>\d\d:\d\d:\d\d),(?P<ms>\d{3}) (?P<pid>[0-9]{1,10}) [A-Z]+ (?P<database>\S+) "
    r"(?P<logger>[\w.]+): ?(?P<text>.*)$"
)


class Head(t.NamedTuple):
    """The first line of a record. ``pid`` is the one that the log shows, ``time`` ISO 8601 in UTC, as Odoo's clock."""

    pid: int
    time: str
    database: t.Optional[str]
    logger: str
    text: str


def unwrapped(raw: str) -> t.Tuple[str, str]:
    """The process that a line's carrier names, "" where it names none, and the line as Odoo wrote it, without end."""
    line = raw.rstrip("\r\n")
    if line[:2] == "20" and line[10:11] == " ":  # the first line of a record, as it is: most lines of most logs
        return "", _COLOUR.sub("", line) if "\x1b" in line else line
    # Nothing of a dump begins like any of these.
    if line.startswith("{"):
        return _of_json(line)
    carried = _SYSLOG.match(line)
    if carried:
        return carried.group("pid"), line[carried.end() :]
    carried = _CONTAINER.match(line) or _COMPOSE.match(line)
    if carried:
        line = line[carried.end() :]
    return "", _COLOUR.sub("", line) if "\x1b" in line else line


def head_of(line: str) -> t.Optional[Head]:
    """The line read as the first one of a record, None where it is no such line.

    :param line: as Odoo wrote it.
    """
    found = _RECORD.match(line)
    if found is None:
        return None
    day, clock, milliseconds, pid, database, logger, text = found.groups()
    time = "%sT%s.%sZ" % (day, clock, milliseconds)
    return Head(int(pid), time, None if database == "?" else database, logger, text)


def _of_json(line: str) -> t.Tuple[str, str]:
    """``journalctl -o json``, which names the process, and Docker's json-file."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return "", line
    if not isinstance(entry, dict):
        return "", line
    message = entry.get("MESSAGE", entry.get("log"))
    if isinstance(message, list):  # the journal's way to carry what is no plain text
        try:
            message = bytes(message).decode("utf-8", "surrogateescape")
        except (TypeError, ValueError):
            return "", line
    if not isinstance(message, str):
        return "", line
    pid = entry.get("_PID") if "MESSAGE" in entry else None
    return pid if isinstance(pid, str) else "", _COLOUR.sub("", message.rstrip("\r\n"))
