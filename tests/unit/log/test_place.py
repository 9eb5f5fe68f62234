# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test where a log goes, whether the answer to a signal would show in it, and its end."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._log.place import (
    FILE,
    IN_CONTAINER,
    JOURNAL,
    NOWHERE,
    TERMINAL,
    LogPlace,
    descriptor_of,
    find_log,
    level_of,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.find import Supervisor, SupervisorKind

from .. import build

UNIT, ALONE, BOXED = (
    Supervisor(SupervisorKind.SYSTEMD, "odoo.service"),
    Supervisor(SupervisorKind.NONE),
    Supervisor(SupervisorKind.CONTAINER, "c0ffee"),
)
HERE = build.process(472, cwd="/srv/odoo (deleted)")


@pytest.mark.parametrize(
    ("supervisor", "stderr", "kind", "path"),
    [
        (UNIT, "socket:[4711]", JOURNAL, None),
        # We must not see it, and by default the log of a unit goes to the journal.
        (UNIT, None, JOURNAL, None),
        (ALONE, None, NOWHERE, None),
        (ALONE, "socket:[4711]", NOWHERE, None),
        (ALONE, "pipe:[4711]", NOWHERE, None),
        (ALONE, "/dev/null", NOWHERE, None),
        (ALONE, "/dev/pts/3", TERMINAL, None),
        (ALONE, "/dev/tty1", TERMINAL, None),
        (ALONE, "/dev/console", TERMINAL, None),
        (UNIT, "/var/log/odoo.err", FILE, "/var/log/odoo.err"),
        (BOXED, "/var/log/odoo.err", IN_CONTAINER, None),
    ],
)
def test_where_the_standard_error_goes(supervisor: Supervisor, stderr: str | None, kind: str, path: str | None) -> None:
    seen = kind != NOWHERE
    assert find_log(HERE, build.options(), supervisor, stderr, "/dev/log") == LogPlace(kind, path, seen, seen)


@pytest.mark.parametrize(
    ("logfile", "path"),
    [
        ("/var/log/odoo/odoo.log", "/var/log/odoo/odoo.log"),
        ("log/../odoo.log", "/srv/odoo/odoo.log"),
        # A file goes before everything but syslog, in a container too.
        ("odoo.log", "/srv/odoo/odoo.log"),
    ],
)
def test_a_file_is_where_the_server_sees_it(logfile: str, path: str) -> None:
    for supervisor in (UNIT, ALONE, BOXED):
        assert find_log(HERE, build.options(logfile=logfile), supervisor, "/dev/null", "/dev/log") == LogPlace(
            FILE, path, shows_dumps=True
        )


@pytest.mark.parametrize(
    ("logfile", "held", "supervisor", "place"),
    [
        # In a unit it is a socket that Odoo cannot open.
        ("/dev/stdout", "socket:[4711]", UNIT, LogPlace(JOURNAL, None, shows_dumps=True)),
        ("/dev/stderr", "/var/log/odoo.err", UNIT, LogPlace(FILE, "/var/log/odoo.err", shows_dumps=True)),
        ("/proc/self/fd/2", "pipe:[4711]", BOXED, LogPlace(IN_CONTAINER, None, shows_dumps=True)),
        ("/dev/stdout", "/dev/pts/3", ALONE, LogPlace(TERMINAL, None, shows_dumps=True)),
        # A file that could not be made: it has none open.
        ("/nowhere/odoo.log", "", UNIT, LogPlace(JOURNAL, None, shows_dumps=True)),
        ("/var/log/odoo.log", "/var/log/odoo.log", UNIT, LogPlace(FILE, "/var/log/odoo.log", shows_dumps=True)),
        ("/var/log/odoo.log", None, UNIT, LogPlace(FILE, "/var/log/odoo.log", shows_dumps=True)),
    ],
)
def test_a_logfile_that_is_not_a_file(logfile: str, held: str | None, supervisor: Supervisor, place: LogPlace) -> None:
    assert find_log(HERE, build.options(logfile=logfile), supervisor, "socket:[4711]", "/dev/log", held) == place


@pytest.mark.parametrize(
    ("path", "number"),
    [("/dev/stdout", "1"), ("/dev/stderr", "2"), ("/dev/fd/7", "7"), ("/proc/self/fd/2", "2"), ("/var/log/x", None)],
)
def test_a_path_that_stands_for_a_descriptor(path: str, number: str | None) -> None:
    assert descriptor_of(path) == number


def test_the_standard_error_of_a_unit_of_a_user_is_the_journal() -> None:
    here = build.process(472, marks={"JOURNAL_STREAM": "8:4711"})
    assert find_log(here, build.options(), ALONE, "socket:[4711]", "/dev/log").kind == JOURNAL
    assert find_log(here, build.options(), ALONE, "socket:[4712]", "/dev/log").kind == NOWHERE


def test_syslog() -> None:
    options = build.options(syslog=True, logfile="/var/log/odoo.log")
    assert find_log(HERE, options, UNIT, None, "/run/systemd/journal/dev-log") == LogPlace(
        JOURNAL, None, shows_dumps=True
    )
    assert find_log(HERE, options, UNIT, None, "/run/rsyslog/log") == LogPlace(NOWHERE, None, shows_dumps=True)


@pytest.mark.parametrize(
    ("fields", "dumps", "statistics"),
    [
        ({}, True, True),
        ({"log_level": "debug"}, True, True),
        ({"log_level": "runbot"}, False, False),
        # The level of the logger odoo beats that of the root.
        ({"log_level": "debug", "log_handler": (":WARNING",)}, True, True),
        ({"log_level": "debug_rpc_answer", "log_handler": (":ERROR", "odoo.tools.cache:ERROR")}, True, False),
        ({"log_level": "debug_sql", "log_handler": (":ERROR",)}, False, False),
        # A logger without a level of its own has that of its parent.
        ({"log_level": "warn", "log_handler": ("odoo.tools.misc:NOTSET",)}, False, False),
        ({"log_level": "warn"}, False, False),
        ({"log_handler": (":CRITICAL",)}, False, False),
        ({"log_handler": (":CRITICAL", "odoo.tools:INFO")}, True, True),
        ({"log_handler": ("odoo.tools.cache:ERROR",)}, True, False),
        ({"log_handler": ("odoo.tools.misc:WARNING",)}, False, True),
        # Later ones win, the nearest name wins, and unknown levels are INFO.
        ({"log_handler": ("odoo:ERROR", "odoo:INFO")}, True, True),
        ({"log_level": "error", "log_handler": ("odoo.tools.misc : debug",)}, True, False),
        ({"log_handler": ("odoo:LOUD", "werkzeug:CRITICAL", "nonsense")}, True, True),
    ],
)
def test_whether_what_a_signal_writes_would_show(fields: dict[str, t.Any], dumps: bool, statistics: bool) -> None:  # noqa: FBT001
    place = find_log(HERE, build.options(**fields), UNIT, None, "/dev/log")
    assert (place.shows_dumps, place.shows_statistics) == (dumps, statistics)


def test_levels() -> None:
    options = build.options(log_level="warn", log_handler=("a.b:ERROR",))
    levels = [level_of(name, options) for name in ("a.b.c", "a.b", "a", "odoo.http", "")]
    assert levels == [40, 40, 20, 30, 20]
