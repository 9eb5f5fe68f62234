# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logs: what a server said, and when it loaded."""

from __future__ import annotations

import calendar
import os
import pathlib
import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._log import read as _log
from ansible_collections.fleetops.odoo.plugins.module_utils._log.place import FILE, JOURNAL, NOWHERE, LogPlace
from ansible_collections.fleetops.odoo.plugins.module_utils._log.read import (
    LoggedLoad,
    LogMark,
    find_addons_line,
    find_load_line,
    logged_load,
    open_log,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc
from hypothesis import given
from hypothesis import strategies as st

from .. import build

SECRET = "Q7zX9w"
MASTER = build.process(100)
LINE = "2026-11-24 05:00:01,250 100 INFO ? odoo: Odoo version 19.0\n"
AT = calendar.timegm((2026, 11, 24, 5, 0, 1)) + 0.25


class Server:
    """A server whose /proc and log are folders of the test."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.proc = Proc(str(folder / "proc"))
        self.root = folder / "proc/100/root"
        self.fds = folder / "proc/100/fd"
        for made in (self.root, self.fds):
            made.mkdir(parents=True)
        self.log = self.root / "odoo.log"
        self.log.write_text("")
        (self.fds / "3").symlink_to(self.log)

    def mark(self, path: str = "/odoo.log") -> LogMark:
        """Mark the end of the log."""
        return LogMark(self.proc, MASTER, LogPlace(FILE, path, shows_dumps=True), None, 0.0)

    def write(self, text: str) -> None:
        """Append to the log."""
        with self.log.open("a") as file:
            file.write(text)


@pytest.fixture
def server(tmp_path: pathlib.Path) -> Server:
    """One server."""
    return Server(tmp_path)


def test_the_tail_is_what_came_after_the_mark(server: Server) -> None:
    server.write("before\n")
    mark = server.mark()
    assert mark.source == "/odoo.log"
    assert mark.tail() == []
    server.write("one\n\n  \ntwo  \nthree\n")
    assert mark.tail() == ["one", "two", "three"]
    assert mark.tail(2) == ["two", "three"]
    mark.close()
    mark.close()
    assert mark.tail() == []


def test_secrets_in_the_tail_are_hidden_and_long_lines_cut(server: Server) -> None:
    mark = server.mark()
    server.write(f"db_password={SECRET}\n" + "x" * 600 + f" password={SECRET}\n")
    assert SECRET not in "".join(mark.tail())
    assert [len(line) <= 500 for line in mark.tail()] == [True, True]
    mark.close()


def test_a_log_that_was_rotated_or_truncated(server: Server) -> None:
    server.write("before\n" * 10)
    mark = server.mark()
    server.log.rename(server.log.with_suffix(".1"))
    with server.log.with_suffix(".1").open("a") as file:
        file.write("last words\n")
    assert mark.tail() == ["last words"]
    os.truncate(server.log.with_suffix(".1"), 0)
    with server.log.with_suffix(".1").open("a") as file:
        file.write("again\n")
    assert mark.tail() == ["again"]
    mark.close()


def test_a_huge_log_is_read_from_its_end(server: Server) -> None:
    mark = server.mark()
    with server.log.open("r+b") as file:
        file.truncate(1 << 40)
        file.seek(0, os.SEEK_END)
        file.write(b"\nlast words\n")
    assert mark.tail()[-1] == "last words"
    mark.close()


def test_the_last_lines_whether_or_not_they_came_since_the_mark(server: Server) -> None:
    server.write("one\ntwo\n")
    mark = server.mark()
    server.write("three\n")
    assert mark.last(2) == ["two", "three"]
    assert mark.last(9) == ["one", "two", "three"]
    assert mark.last(0) == mark.tail(0) == []
    mark.close()


def test_the_end_of_a_secret_whose_beginning_was_cut_off_is_not_shown(server: Server) -> None:
    mark = server.mark()
    server.write(f"db_password={'x' * 100}{SECRET}\nlast words\n")
    for largest in range(12, 12 + len(SECRET) + 20):
        assert mark.tail(9, largest) == ["last words"]
        assert mark.last(9, largest) == ["last words"]
    mark.close()


@pytest.mark.parametrize("bait", ["link", "fifo", "folder", "nothing", "other file", "link above"])
def test_what_the_server_does_not_have_open_is_not_read(server: Server, bait: str) -> None:
    victim = server.root.parent / "shadow"
    victim.write_text(f"root:{SECRET}\n")
    server.log.unlink()
    (server.fds / "3").unlink()
    path = "/odoo.log"
    if bait == "link":
        server.log.symlink_to(victim)
    elif bait == "fifo":
        os.mkfifo(server.log)
    elif bait == "folder":
        server.log.mkdir()
    elif bait == "other file":
        server.log.write_text(SECRET)
    elif bait == "link above":
        (server.root / "logs").symlink_to(victim.parent)
        path = "/logs/shadow"
    before = len(os.listdir("/proc/self/fd"))
    mark = server.mark(path)
    assert mark.source is None
    assert mark.tail() == []
    assert len(os.listdir("/proc/self/fd")) == before


def test_only_what_the_server_writes_is_its_log(tmp_path: pathlib.Path) -> None:
    # A user that must not read a file may still have a handle on it, and make it look like the log of its server.
    shadow = tmp_path / "shadow"
    shadow.write_text("")
    master = build.process(os.getpid(), uid=os.geteuid() + 1)
    is_read: dict[int, bool] = {}
    for flags in (os.O_WRONLY | os.O_APPEND, os.O_RDONLY, os.O_PATH):
        held = os.open(shadow, flags)
        descriptor = open_log(Proc(), master, str(shadow))
        os.close(held)
        is_read[flags] = descriptor is not None
        if descriptor is not None:
            os.close(descriptor)
    assert is_read == {os.O_WRONLY | os.O_APPEND: True, os.O_RDONLY: False, os.O_PATH: False}


def test_other_places(server: Server) -> None:
    assert LogMark(server.proc, MASTER, LogPlace(NOWHERE, None, shows_dumps=False), None, 0.0).tail() == []
    assert logged_load(server.proc, MASTER, LogPlace(NOWHERE, None, shows_dumps=False), 0.0) is None
    assert open_log(server.proc, MASTER, "/nothing") is None


def test_a_path_that_does_not_exist(server: Server) -> None:
    assert open_log(server.proc, MASTER, "/a\0b") is None


def test_the_journal(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []

    def journal(_most: int, *options: str) -> str:
        asked.append(options)
        return LINE + f"password={SECRET}\n"

    monkeypatch.setattr(_log, "journal", journal)
    monkeypatch.setattr(_log, "journalctl", lambda: "/proc/self/exe")
    place = LogPlace(JOURNAL, None, shows_dumps=True)
    mark = LogMark(server.proc, MASTER, place, "odoo.service", 12.5)
    assert mark.source == "the journal of odoo.service"
    assert mark.tail() == [LINE.strip(), "password=********"]
    assert {"--since=@12", "--unit=odoo.service"} <= set(asked[0])
    assert logged_load(server.proc, MASTER, place, 50.0) == LoggedLoad(AT)
    assert {"--since=@50", "_PID=100"} <= set(asked[1])


def test_the_newest_load_in_the_journal_counts(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def journal(_most: int, *options: str) -> str:
        # Without --reverse systemd 247 begins with the oldest entry, and looks at 20 entries of any kind.
        assert "--reverse" in options
        return LINE + LINE.replace(":01,250", ":00,000")

    monkeypatch.setattr(_log, "journal", journal)
    monkeypatch.setattr(_log, "journalctl", lambda: "/proc/self/exe")
    place = LogPlace(JOURNAL, None, shows_dumps=True)
    assert logged_load(server.proc, MASTER, place, 50.0) == LoggedLoad(AT)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("", None),
        (LINE, AT),
        ("x\n" + LINE + "y\n", AT),
        (LINE.replace(":01,250", ":00,000") + LINE, AT),
        (LINE + LINE.replace(" 100 ", " 101 ").replace(":01", ":02"), AT),
        (LINE.replace(" 100 ", " 1001 "), None),
        (LINE.replace("odoo: Odoo", "openerp: OpenERP"), AT),
        (" " + LINE, None),
        (LINE.replace("INFO", "ERROR"), None),
        ("2026-11-24 05:00:01,250 100 INFO ? odoo.http: said odoo: Odoo version 19.0\n", None),
    ],
)
def test_the_line_of_the_load(text: str, moment: float | None) -> None:
    assert find_load_line(text, 100) == moment


@pytest.mark.parametrize("moment", ["2026-13-01 00:00:00", "2026-11-24 99:00:00", "0000-00-00 00:00:00"])
def test_a_line_with_an_impossible_time_is_ignored(moment: str) -> None:
    assert find_load_line(LINE.replace("2026-11-24 05:00:01", moment), 100) is None


@given(st.text())
def test_no_text_raises(text: str) -> None:
    assert find_load_line(text, 100) is None


def _load(server: Server, **fields: t.Any) -> float | None:
    place = LogPlace(FILE, "/odoo.log", shows_dumps=True)
    found = logged_load(server.proc, build.process(100, **fields), place, 0.0)
    return found.moment if found else None


def test_the_load_is_found_backwards_wherever_it_stands(server: Server) -> None:
    filler = "2026-11-24 05:00:02,000 100 INFO ? odoo.http: x\n"
    step = _log._STEP
    for bytes_after in (0, 1, step - len(LINE), step - len(LINE) // 2, step, step + 1, 3 * step + 7):
        after = (filler * (bytes_after // len(filler) + 1))[-bytes_after:] if bytes_after else ""
        server.log.write_text(filler * 20 + LINE + after)
        assert _load(server) == AT, bytes_after


#: As Odoo 14.0 and 19.0 write them.
ADDONS = """\
2026-11-24 05:00:01,251 100 INFO ? odoo: addons paths: ['/usr/odoo/addons', '/var/lib/odoo/addons/14.0', "/it's"]
2026-11-24 05:00:01,252 101 INFO ? odoo: addons paths: _NamespacePath(['/usr/odoo/addons', '/b b'])
"""


def test_the_addons_folders_of_a_load_are_those_of_its_pid(server: Server) -> None:
    assert find_addons_line(ADDONS, 100) == ("/usr/odoo/addons", "/var/lib/odoo/addons/14.0", "/it's")
    assert find_addons_line(ADDONS, 101) == ("/usr/odoo/addons", "/b b")
    assert find_addons_line(ADDONS, 102) == ()
    assert find_addons_line("2026-11-24 05:00:01,251 100 INFO ? odoo: addons paths: [__import__('os')]", 100) == ()
    server.log.write_text(LINE + ADDONS)
    place = LogPlace(FILE, "/odoo.log", shows_dumps=True)
    assert logged_load(server.proc, MASTER, place, 0.0) == LoggedLoad(AT, find_addons_line(ADDONS, 100))


def test_the_pid_of_a_container_is_its_own(server: Server) -> None:
    server.write(LINE.replace(" 100 ", " 7 "))
    assert _load(server, namespace_pids=(100, 7)) == AT
    assert _load(server) is None


def test_a_huge_log_costs_no_more_than_a_small_one(server: Server) -> None:
    server.write(LINE)
    os.truncate(server.log, 1 << 40)
    begun = time.process_time()
    assert _load(server) is None
    assert time.process_time() - begun < 1


@pytest.mark.parametrize(("hour", "earliest"), [("06", None), ("04", AT - 3600.25)])
def test_the_earliest_time_behind_the_line_of_the_load_shows_a_clock_that_was_set_back(
    server: Server, hour: str, earliest: float | None
) -> None:
    other = "2026-11-24 03:00:00,000 100 INFO ? odoo: x\n"
    filler = "2026-11-24 09:00:00,000 101 INFO ? odoo.http: x\n"
    server.log.write_text(other + LINE + f"2026-11-24 {hour}:00:01,000 100 INFO ? odoo: x\n" + filler * 9999)
    found = logged_load(server.proc, MASTER, LogPlace(FILE, "/odoo.log", shows_dumps=True), 0.0)
    assert found is not None
    assert (found.moment, found.earliest) == (AT, earliest)
