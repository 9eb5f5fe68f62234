# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test finding the file of a syslog daemon among the open files of processes."""

from __future__ import annotations

import os
import pathlib
import re
import socket
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._log import syslog
from ansible_collections.fleetops.odoo.plugins.module_utils._log.syslog import (
    SyslogFile,
    lines_of_odoo,
    open_syslog,
    syslog_file,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.systemd import Unit

LINE = "Nov 24 10:30:22 p19 Odoo Server 19.0:p19:INFO:odoo.http:x\n"
TAGGED = "Nov 24 10:30:22 p19 Odo[33]: Server 19.0:p19:INFO:odoo.http:x\n"
OTHER = "Nov 24 10:30:22 p19 sshd[7]: Server listening on 0.0.0.0 port 22.\n"


@pytest.fixture
def path(tmp_path: pathlib.Path) -> t.Iterator[str]:
    """Be a syslog daemon: this process has the socket."""
    path = str(tmp_path / "log")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as taken:
        taken.bind(path)
        yield path


@pytest.mark.parametrize("line", [LINE, TAGGED])
def test_the_file_with_lines_of_odoo_is_found(path: str, tmp_path: pathlib.Path, line: str) -> None:
    with (tmp_path / "auth.log").open("w") as auth, (tmp_path / "syslog").open("w") as mine:
        auth.write(OTHER)
        mine.write(OTHER + line)
        auth.flush()
        mine.flush()
        found = syslog_file(Proc(), path)
        assert found == SyslogFile(str(tmp_path / "syslog"), os.getpid())
        descriptor = open_syslog(Proc(), found)
        assert descriptor is not None
        assert os.read(descriptor, 1000).decode() == OTHER + line
        os.close(descriptor)
    assert open_syslog(Proc(), found) is None


class OfUser(Proc):
    """Processes of another user."""

    def read(self, pid: int, name: str) -> bytes:
        ids = "1234 1234 1234 1234" if self.same else "1234 0 0 0"
        found = super().read(pid, name)
        return re.sub(rb"(?m)^Uid:.*$", f"Uid: {ids}".encode(), found) if name == "status" else found

    same = True


@pytest.mark.parametrize("same", [True, False])
def test_a_socket_of_that_name_does_not_make_a_process_of_another_user_a_daemon(
    path: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, *, same: bool
) -> None:
    proc = OfUser()
    proc.same = same
    main = {"rsyslog.service": Unit(main_pid=7)}
    monkeypatch.setattr(syslog, "show_units", lambda names: main if names == ["syslog.service"] else {})
    with (tmp_path / "syslog").open("w") as mine:
        mine.write(LINE)
        mine.flush()
        assert syslog_file(proc, path) is None
        # rsyslogd of Ubuntu.
        main["rsyslog.service"] = Unit(main_pid=os.getpid())
        assert syslog_file(proc, path) == SyslogFile(str(tmp_path / "syslog"), os.getpid())


def test_a_daemon_without_lines_of_odoo_or_no_daemon_has_no_file(path: str, tmp_path: pathlib.Path) -> None:
    with (tmp_path / "auth.log").open("w") as auth:
        auth.write(OTHER)
        auth.flush()
        assert syslog_file(Proc(), path) is None
    assert syslog_file(Proc(), str(tmp_path / "none")) is None


def test_lines_of_other_programs_are_not_shown() -> None:
    assert lines_of_odoo(OTHER + LINE + OTHER + TAGGED) == (LINE + TAGGED).rstrip("\n")
