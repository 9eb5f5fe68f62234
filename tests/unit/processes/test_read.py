# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Processes that change or hang while they are read, and forged ones."""

from __future__ import annotations

import threading
import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._messages import host
from ansible_collections.fleetops.odoo.plugins.module_utils._messages.code import Code
from ansible_collections.fleetops.odoo.plugins.module_utils._processes import read as _read
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import look
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Gone, TooLarge

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
def test_a_master_that_ends_at_any_moment_raises_nothing(name: str) -> None:
    proc = Changing((472, name), _die)
    assert [i for i in look(proc).instances if i.state == "running" and name != FILES[-1]] == []
    with pytest.raises(Gone):
        proc.read(472, "stat")


def test_a_process_that_takes_the_pid_during_the_look_is_not_a_master() -> None:
    seen = look(Changing((472, "cmdline"), _become_a_stranger))
    assert [i.identity for i in seen.instances if i.master.pid == 472] == []


def test_a_program_that_is_executed_during_the_look_is_not_a_master() -> None:
    seen = look(Changing((472, "cmdline"), _execute))
    assert [i.identity for i in seen.instances if i.master.pid == 472] == []


class Forged(CapturedProc):
    """A tree in which the master has the arguments of a server and nothing else of one."""

    def __init__(self, ids: str, program: object) -> None:
        super().__init__(dict(captured("19-prefork", "running").files))
        self._program = program
        lines = self.files["472/status"].decode().splitlines()
        lines = [line for line in lines if not line.startswith(("Uid:", "Gid:"))]
        self.files["472/status"] = "\n".join([*lines, *ids.split("|")]).encode()

    def runs_python(self, pid: int) -> bool:
        if pid != 472:
            return True
        if isinstance(self._program, Exception):
            raise self._program
        return bool(self._program)


USER, GROUP = "Uid:\t107\t107\t107\t107", "Gid:\t114\t114\t114\t114"
PYTHON = captured("19-prefork", "running").link(472, "exe")
ROOT = "Uid:\t0\t0\t0\t0|Gid:\t0\t0\t0\t0"


@pytest.mark.parametrize(
    ("ids", "program", "code", "value"),
    [
        (f"Uid:\t107\t0\t0\t0|{GROUP}", True, host.OTHER_RIGHTS, "user IDs 107 0 0 0"),
        (f"Uid:\t107\t107\t0\t107|{GROUP}", True, host.OTHER_RIGHTS, "user IDs 107 107 0 107"),
        (f"{USER}|Gid:\t114\t5\t5\t5", True, host.OTHER_RIGHTS, "group IDs 114 5 5 5"),
        ("Uid:\t107\t0\t0\t0|Gid:\t114\t0\t0\t0", False, host.OTHER_RIGHTS, "user IDs 107 0 0 0, group IDs 114 0 0 0"),
        (f"{USER}|{GROUP}", False, host.NOT_PYTHON, PYTHON),
        (ROOT, False, host.NOT_PYTHON, PYTHON),
        (f"{USER}|{GROUP}", OSError(5, "I/O"), host.PROGRAM_UNREADABLE, "[Errno 5] I/O"),
        (ROOT, PermissionError(), host.PROGRAM_HIDDEN, None),
    ],
)
def test_a_process_that_has_only_the_arguments_of_a_server_is_unseen(
    ids: str,
    program: object,
    code: Code,
    value: str | None,
) -> None:
    seen = look(Forged(ids, program))
    assert 472 not in [instance.master.pid for instance in seen.instances]
    (unseen,) = seen.unseen
    assert (unseen.code, [*unseen.values.values()]) == (code.name, [472, value] if value else [472])


def test_a_program_that_the_kernel_does_not_show_is_not_held_against_another_user() -> None:
    seen = look(Forged(f"{USER}|{GROUP}", PermissionError()))
    assert [instance.master.pid for instance in seen.instances] == [472]
    assert seen.unseen == ()


class Hanging(CapturedProc):
    """A tree in which some processes, or the files of a server, never come."""

    def __init__(self, *pids: int) -> None:
        super().__init__(dict(captured("19-prefork", "running").files))
        self._pids, self.over = pids, threading.Event()

    def read(self, pid: int, name: str) -> bytes:
        if pid in self._pids:
            self.over.wait(30)
        return super().read(pid, name)


def test_a_process_that_never_comes_is_left_out_and_the_rest_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_read, "ONE_PROCESS", 0.2)
    (whole,) = look(captured("19-prefork", "running")).instances
    worker = whole.children[0].process.pid
    proc = Hanging(worker)
    seen = look(proc)
    assert seen.unseen == (host.PROCESS_TIMEOUT(pid=worker, seconds=0.2),)
    (instance,) = seen.instances
    assert [child.process.pid for child in instance.children] == [c.process.pid for c in whole.children[1:]]
    proc.over.set()


def test_a_look_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_read, "ONE_PROCESS", 0.2)
    monkeypatch.setattr(_read, "ALL_PROCESSES", 0.5)
    proc = Hanging(*captured("19-prefork", "running").pids())
    begun = time.monotonic()
    seen = look(proc)
    assert time.monotonic() - begun < 5
    assert seen.instances == ()
    assert seen.unseen[-1].code == "host.look_timeout"
    assert seen.unseen[-1].values["count"] > 1
    proc.over.set()


def test_what_fails_within_a_pass_is_raised() -> None:
    class Broken(CapturedProc):
        def read(self, pid: int, name: str) -> bytes:
            raise ZeroDivisionError(pid, name)

    with pytest.raises(ZeroDivisionError):
        look(Broken(dict(captured("19-prefork", "running").files)))


@pytest.mark.parametrize(
    ("what", "begin", "named"),
    [("cmdline", b"python3\0odoo\0", True), ("cmdline", b"java\0", False), ("environ", b"", True), ("fd", b"", True)],
)
def test_a_process_that_is_too_large_is_left_out(what: str, begin: bytes, *, named: bool) -> None:
    class Huge(CapturedProc):
        def read(self, pid: int, name: str) -> bytes:
            if (pid, name) == (472, what):
                raise TooLarge(pid, name, begin)
            return super().read(pid, name)

        def sockets(self, pid: int) -> frozenset[int]:
            if (pid, what) == (472, "fd"):
                raise TooLarge(pid, what)
            return super().sockets(pid)

    seen = look(Huge(dict(captured("19-prefork", "running").files)))
    assert 472 not in [instance.master.pid for instance in seen.instances]
    assert seen.unseen == ((host.PROCESS_TOO_LARGE(pid=472, name=what),) if named else ())


@pytest.mark.parametrize(("argv", "named"), [("python3\0/srv/run_odoo_now", True), ("python3\0odoo-bin", False)])
def test_a_process_that_behaves_as_a_server_by_another_name_is_unseen(argv: str, *, named: bool) -> None:
    proc = captured("19-threaded", "running")
    (master,) = look(proc).instances
    proc.files[f"{master.master.pid}/cmdline"] = argv.encode() + b"\0"
    pids = [one.values["pid"] for one in look(proc).unseen if one.code == "host.looks_like_odoo"]
    assert pids == ([master.master.pid] if named else [])
