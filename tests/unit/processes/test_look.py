# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks at processes that change while they are looked at."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import look
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Gone

from ..conftest import CapturedProc, captured

FILES = ["cmdline", "stat", "status", "environ", "cgroup"]


class Changing(CapturedProc):
    """A tree in which something happens right after one read."""

    def __init__(self, read: tuple[int, str], happens: t.Callable[[dict[str, bytes]], None]) -> None:
        super().__init__(dict(captured("19-prefork", "running").files))
        self._read, self._happens = read, happens
        self._done = False

    def read(self, pid: int, name: str) -> bytes:
        content = super().read(pid, name)
        if (pid, name) == self._read and not self._done:
            self._done = True
            self._happens(self.files)
        return content


def _die(files: dict[str, bytes]) -> None:
    for name in [name for name in files if name.startswith("472/")]:
        del files[name]


def _become_a_stranger(files: dict[str, bytes]) -> None:
    """The pid passes to a daemon that catches HUP."""
    head, _bracket, tail = files["472/stat"].rpartition(b")")
    fields = tail.split()
    fields[19] = b"999999"
    files["472/stat"] = head + b") " + b" ".join(fields)
    files["472/cmdline"] = b"/usr/sbin/daemon\0"


def _execute(files: dict[str, bytes]) -> None:
    """The process executes something else: same start, other arguments and stack."""
    head, _bracket, tail = files["472/stat"].rpartition(b")")
    fields = tail.split()
    fields[25] = b"140000000000000"
    files["472/stat"] = head + b") " + b" ".join(fields)
    files["472/cmdline"] = b"/usr/sbin/daemon\0"


@pytest.mark.parametrize("name", FILES)
def test_a_master_that_dies_at_any_moment_is_no_error(name: str) -> None:
    proc = Changing((472, name), _die)
    assert [i for i in look(proc).instances if i.state == "running" and name != FILES[-1]] == []
    with pytest.raises(Gone):
        proc.read(472, "stat")


def test_a_stranger_that_takes_the_pid_during_the_look_is_no_master() -> None:
    seen = look(Changing((472, "cmdline"), _become_a_stranger))
    assert [i.identity for i in seen.instances if i.master.pid == 472] == []


def test_a_program_that_is_executed_during_the_look_is_no_master() -> None:
    seen = look(Changing((472, "cmdline"), _execute))
    assert [i.identity for i in seen.instances if i.master.pid == 472] == []
