# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Find out where a server writes its log, and whether a stack dump would show in it. Pure."""

from __future__ import annotations

import os
import re
import typing as t
from dataclasses import dataclass

from .._messages import dump
from .._messages.code import Problem
from .._processes.options import Options
from .._processes.process import Process
from .._supervisors.find import Supervisor, SupervisorKind
from .syslog import SyslogFile

FILE, JOURNAL, IN_CONTAINER, TERMINAL, NOWHERE = "file", "journal", "container", "terminal", "none"

#: What --log-level means for the logger "odoo", whose level beats that of the root (seen in Odoo 14.0 and 19.0); INFO
#: is 20.
_LEVELS = {"debug": 10, "debug_rpc": 10, "debug_rpc_answer": 10, "runbot": 25, "warn": 30, "error": 40, "critical": 50}
_NAMES = {"NOTSET": 0, "DEBUG": 10, "INFO": 20, "RUNBOT": 25, "WARNING": 30, "WARN": 30, "ERROR": 40, "CRITICAL": 50}

_STREAMS = {"stdin": "0", "stdout": "1", "stderr": "2"}
_DESCRIPTOR = re.compile(r"/dev/(?P<stream>stdin|stdout|stderr)$|(?:/dev|/proc/self)/fd/(?P<number>\d{1,6})$")
_DEVICES = ("/dev/", "/proc/")

#: Dumps and statistics are written by these loggers, at level INFO.
DUMPER, COUNTER = "odoo.tools.misc", "odoo.tools.cache"


@dataclass(frozen=True)
class LogPlace:
    """``path`` is that of a file, as the server sees it. ``shows_dumps``: what QUIT writes would appear.

    ``shows_statistics``: the same of USR1 and USR2, which write by another logger. ``daemon`` is the syslog daemon that
    writes the file.
    """

    kind: str
    path: t.Optional[str]
    shows_dumps: bool
    shows_statistics: bool = True
    daemon: t.Optional[int] = None


def find_log(
    master: Process,
    options: Options,
    supervisor: Supervisor,
    stderr: t.Optional[str],
    syslog: str,
    logfile: t.Optional[str] = None,
    syslogs: t.Optional[SyslogFile] = None,
) -> LogPlace:
    """Return the place of the log of a server.

    A logfile that Odoo cannot open makes it log to its standard error (seen on Odoo 14.0 and 19.0).

    :param stderr: what its file descriptor 2 points to; None when we may not see that.
    :param syslog: where /dev/log leads to; systemd's journal puts itself there.
    :param logfile: what the server has open where its logfile should be: a path, or "" for nothing; None when we may
        not see that.
    :param syslogs: the file of a syslog daemon.
    """
    shows, counts = (level_of(logger, options) <= _NAMES["INFO"] for logger in (DUMPER, COUNTER))
    if options.syslog:
        if "/journal/" not in syslog and syslogs is not None:
            return LogPlace(FILE, syslogs.path, shows, counts, syslogs.daemon)
        return LogPlace(JOURNAL if "/journal/" in syslog else NOWHERE, None, shows, counts)
    if options.logfile and logfile != "":
        path = logfile_of(master, options)
        if logfile is None or (logfile.startswith("/") and not logfile.startswith("/dev/")):
            return LogPlace(FILE, logfile if path.startswith(_DEVICES) and logfile else path, shows, counts)
        stderr = logfile
    kind, target = _stderr(master, supervisor, stderr)
    return LogPlace(kind, target, shows and kind != NOWHERE, counts and kind != NOWHERE)


def logfile_of(master: Process, options: Options) -> str:
    """Return the path of the logfile of a server, as the server sees it; it must have one."""
    return os.path.normpath(os.path.join(master.working_directory, options.logfile or ""))


def descriptor_of(path: str) -> t.Optional[str]:
    """Return the number of the file descriptor of a path such as /dev/stdout; None for other paths."""
    found = _DESCRIPTOR.match(path)
    return (found.group("number") or _STREAMS[found.group("stream")]) if found else None


def nowhere(place: LogPlace) -> t.Optional[Problem]:
    """Return why no log of this server can be read from its host; None where one may be."""
    if place.kind == TERMINAL:
        return dump.TERMINAL()
    return None if place.kind in (FILE, JOURNAL, IN_CONTAINER) else dump.NO_LOG()


def level_of(logger: str, options: Options) -> int:
    """Level at which a logger writes, as Odoo sets it up: the log level, then the handlers, the nearest name wins."""
    levels = {"": _NAMES["INFO"]}
    if options.log_level in _LEVELS:
        levels["odoo"] = _LEVELS[options.log_level]
    for handler in options.log_handler:
        name, colon, level = handler.partition(":")
        if colon:
            levels[name.strip()] = _NAMES.get(level.strip().upper(), _NAMES["INFO"])
    while logger not in levels or (logger and levels[logger] == _NAMES["NOTSET"]):
        logger = logger.rpartition(".")[0]
    return levels[logger]


def _stderr(master: Process, supervisor: Supervisor, target: t.Optional[str]) -> t.Tuple[str, t.Optional[str]]:
    if supervisor.kind == SupervisorKind.CONTAINER:
        return IN_CONTAINER, None
    if target is None:
        return (JOURNAL, None) if supervisor.kind == SupervisorKind.SYSTEMD else (NOWHERE, None)
    # The program that connects the standard error to the journal shows its socket.
    stream = "socket:[%s]" % master.marks.get("JOURNAL_STREAM", "").rpartition(":")[2]
    if target.startswith("socket:") and (supervisor.kind == SupervisorKind.SYSTEMD or target == stream):
        return JOURNAL, None
    if target.startswith(("/dev/pts/", "/dev/tty", "/dev/console")):
        return TERMINAL, None
    if target.startswith("/") and not target.startswith("/dev/"):
        return FILE, target
    return NOWHERE, None
