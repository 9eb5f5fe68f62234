# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a log goes, whether what a signal writes would show in it, and its end."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._bundle import log_tail as _tail
from ansible_collections.fleetops.odoo.plugins.module_utils._bundle.log_tail import end_of_log
from ansible_collections.fleetops.odoo.plugins.module_utils._log.follow import Unreachable
from ansible_collections.fleetops.odoo.plugins.module_utils._log.place import (
    FILE,
    IN_CONTAINER,
    JOURNAL,
    NOWHERE,
    TERMINAL,
    LogPlace,
    find_log,
    level_of,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc
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
        # We may not see it, and a unit's goes to the journal unless somebody says otherwise.
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
        ({"log_level": "warn"}, False, False),
        ({"log_handler": (":CRITICAL",)}, False, False),
        ({"log_handler": (":CRITICAL", "odoo.tools:INFO")}, True, True),
        ({"log_handler": ("odoo.tools.cache:ERROR",)}, True, False),
        ({"log_handler": ("odoo.tools.misc:WARNING",)}, False, True),
        # Later ones win, the nearest name wins, and what nobody knows is INFO.
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


@pytest.mark.parametrize(
    ("place", "why"),
    [
        (
            LogPlace(FILE, "/gone", shows_dumps=True),
            "its log /gone is not a file that this user may read and the server has open",
        ),
        (LogPlace(TERMINAL, None, shows_dumps=True), "its log goes to a terminal"),
        (LogPlace(NOWHERE, None, shows_dumps=True), "its log goes nowhere that can be read"),
        (LogPlace(JOURNAL, None, shows_dumps=True), "its log goes to the journal, which cannot be asked for it"),
    ],
)
def test_a_log_without_an_end(place: LogPlace, why: str) -> None:
    with pytest.raises(Unreachable) as caught:
        end_of_log(Proc(), build.instance(build.prefork()), place, None, 10, 1000)
    assert str(caught.value) == why


@pytest.fixture
def boxed(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> pathlib.Path:
    """The log file of a container of podman's, in which the server is."""
    path = tmp_path / "ctr.log"
    monkeypatch.setattr(_tail, "runtime_of", lambda *_arguments: ("podman", "c0ffee"))
    monkeypatch.setattr(_tail, "container_log", lambda *told: (f"the log of {told}", "k8s-file", str(path)))
    return path


def end_of(most: int = 10, largest: int = 1000) -> tuple[str, list[str]]:
    """The end of the log of a server in a container."""
    place = LogPlace(IN_CONTAINER, None, shows_dumps=True)
    return end_of_log(Proc(), build.instance(build.prefork()), place, None, most, largest)


def test_the_end_of_a_containers_log(boxed: pathlib.Path) -> None:
    lines = [
        "T stderr F first",
        "T stderr P put to",
        "T stderr F gether",
        "T stderr F db_password = hunter2",
        "T stderr F last",
    ]
    boxed.write_text("".join(f"{line}\n" for line in lines))
    source, shown = end_of()
    assert source == "the log of ('podman', 'c0ffee')"
    assert shown[:2] == ["first", "put together"]
    assert "hunter2" not in shown[2]
    assert shown[3:] == ["last"]
    assert end_of(most=1)[1] == ["last"]
    # From the middle of a line on: the rest of that one is nobody's.
    assert end_of(largest=len("r F x\nT stderr F last\n"))[1] == ["last"]


def test_a_containers_log_that_is_not_there(boxed: pathlib.Path) -> None:
    with pytest.raises(Unreachable, match=r"the log of .* cannot be read: No such file or directory"):
        end_of()
    boxed.symlink_to("/etc/hostname")
    with pytest.raises(Unreachable, match="cannot be read"):
        end_of()


def test_a_container_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_tail, "runtime_of", lambda *_arguments: ("unknown", None))
    with pytest.raises(Unreachable, match=r"kept by its container \(runtime unknown\)"):
        end_of()


def test_a_container_that_writes_into_the_journal(monkeypatch: pytest.MonkeyPatch, boxed: pathlib.Path) -> None:
    asked: list[t.Any] = []

    def journal(*arguments: t.Any) -> str:
        asked.append(arguments)
        return "one\ntwo\n"

    monkeypatch.setattr(_tail, "container_log", lambda *_told: ("the log of c0ffee", "journald", str(boxed)))
    monkeypatch.setattr(_tail, "journal", journal)
    assert end_of(most=5) == ("the log of c0ffee", ["one", "two"])
    assert asked == [(1000, "--lines=5", "CONTAINER_ID_FULL=c0ffee")]
