# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The live /proc."""

from __future__ import annotations

import os
import pathlib
import socket
import subprocess
import sys
import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._processes import proc as _proc
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.limits import PROC
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Gone, Proc, TooLarge, start_time
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.process import parse_listening, parse_stat
from ansible_collections.fleetops.odoo.plugins.module_utils._system.clock import uptime

from .. import build

NOBODY = 4_194_304  # above the largest pid_max


def test_long_files_are_read_to_their_end() -> None:
    # The kernel hands out net/tcp by the page, some 27 lines at once.
    with socket.create_server(("127.0.0.1", 0), backlog=300) as server:
        clients = [socket.create_connection(server.getsockname()) for _client in range(300)]
        late = [socket.create_server(("127.0.0.1", 0)) for _server in range(60)]
        try:
            text = Proc().text(os.getpid(), "net/tcp")
            listening = parse_listening(text)
            inodes = Proc().sockets(os.getpid())
            ports = {listening[inode][1] for inode in inodes if inode in listening}
            assert {one.getsockname()[1] for one in (server, *late)} <= ports
            assert text.count("\n") > 600
        finally:
            for one in (*clients, *late):
                one.close()


def test_a_long_environment_and_long_arguments() -> None:
    long = "x" * 100_000
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()", long], stdin=subprocess.PIPE, env={"LONG": long}
    ) as child:
        # Before its exec a child has our arguments; its stdin is read afterwards.
        while b"stdin.read" not in Proc().read(child.pid, "cmdline"):
            pass
        assert Proc().read(child.pid, "cmdline").endswith(long.encode() + b"\0")
        assert b"LONG=" + long.encode() in Proc().read(child.pid, "environ")
        t.cast("t.IO[bytes]", child.stdin).close()


@pytest.mark.parametrize("ago", [0.0, 90.0])
def test_start_time_is_the_clock_less_the_age_of_the_process(ago: float) -> None:
    ticks = int((uptime() - ago) * os.sysconf("SC_CLK_TCK"))
    assert start_time(build.process(7, start=ticks)) == pytest.approx(time.time() - ago, abs=2.0)


IDLE = "import time; print(flush=True); time.sleep(60)"
BUSY = "import time; print(flush=True)\nwhile True: time.sleep(0.1)"
LOCKED = "import threading; print(flush=True); lock = threading.Lock(); lock.acquire(); lock.acquire()"
SELECTS = "import os, select; print(flush=True); select.select([os.pipe()[0]], [], [], 60)"


@pytest.mark.parametrize(("code", "rests"), [(IDLE, True), (SELECTS, True), (BUSY, False), (LOCKED, False)])
def test_a_main_thread_rests_when_one_sleep_goes_on(code: str, rests: bool) -> None:  # noqa: FBT001
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as child:
        try:
            assert t.cast("t.IO[bytes]", child.stdout).readline() == b"\n"
            deadline = time.monotonic() + 10
            while Proc().main_thread_rests(child.pid) != rests:
                assert time.monotonic() < deadline
            # The same result again, so it was not chance.
            assert Proc().main_thread_rests(child.pid) is rests
        finally:
            child.kill()


def test_a_main_thread_that_has_ended_does_not_rest() -> None:
    assert not Proc().main_thread_rests(NOBODY)


@pytest.mark.parametrize("name", ["stat", "status", "cmdline", "environ", "cgroup", "net/tcp"])
def test_a_process_that_has_ended_is_gone(name: str) -> None:
    with pytest.raises(Gone):
        Proc().read(NOBODY, name)


def test_what_else_is_gone() -> None:
    proc = Proc()
    for ask in (lambda: proc.link(NOBODY, "exe"), lambda: proc.sockets(NOBODY), lambda: proc.children(NOBODY)):
        with pytest.raises(Gone):
            ask()


def test_children_of_every_thread() -> None:
    code = (
        "import subprocess, sys, threading\n"
        "def start(): made.append(subprocess.Popen(['cat'], stdin=subprocess.PIPE))\n"
        "made = []; start()\n"
        "def run(): start(); print(*(p.pid for p in made), flush=True); sys.stdin.read()\n"
        "threading.Thread(target=run).start()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        pids = sorted(map(int, t.cast("t.IO[bytes]", child.stdout).readline().split()))
        assert Proc().children(child.pid) == pids
        assert len(pids) == 2
        t.cast("t.IO[bytes]", child.stdin).close()


def test_our_start_is_before_now() -> None:
    proc = Proc()
    start = parse_stat(proc.text(os.getpid(), "stat")).start
    assert 0 < start <= proc.uptime_ticks() + 1
    assert os.getpid() in proc.pids()
    assert proc.link(os.getpid(), "cwd") == os.getcwd()


class Files(Proc):
    """A tree of plain files."""

    def __init__(self, root: pathlib.Path) -> None:
        super().__init__(str(root))
        (root / "7/net").mkdir(parents=True)
        (root / "7/fd").mkdir()


@pytest.mark.parametrize("name", ["cmdline", "environ", "status", "stat", "cgroup"])
def test_a_file_that_is_too_large_is_read_to_its_limit_only(tmp_path: pathlib.Path, name: str) -> None:
    proc = Files(tmp_path)
    (tmp_path / "7" / name).write_bytes(b"x" * PROC[name])
    assert len(proc.read(7, name)) == PROC[name]
    with (tmp_path / "7" / name).open("ab") as file:
        file.truncate(1 << 34)
    with pytest.raises(TooLarge) as caught:
        proc.read(7, name)
    assert (caught.value.pid, caught.value.name, len(caught.value.begin)) == (7, name, PROC[name])


def test_a_list_of_sockets_that_is_too_long_ends_with_a_line(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_proc, "PROC_LINES", 100)
    proc = Files(tmp_path)
    (tmp_path / "7/net/tcp").write_bytes(b"123456789\n" * 50)
    assert proc.read(7, "net/tcp") == b"123456789\n" * 10


def test_a_process_with_too_many_open_files_is_too_large(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_proc, "DESCRIPTORS", 3)
    proc = Files(tmp_path)
    for number in range(3):
        (tmp_path / f"7/fd/{number}").symlink_to(f"socket:[{number}]")
    assert proc.sockets(7) == {0, 1, 2}
    (tmp_path / "7/fd/3").symlink_to("socket:[3]")
    with pytest.raises(TooLarge):
        proc.sockets(7)
