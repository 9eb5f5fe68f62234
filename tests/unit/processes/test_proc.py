# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The live /proc."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Gone, Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.process import parse_listening, parse_stat

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
