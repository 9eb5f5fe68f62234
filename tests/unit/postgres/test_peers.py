# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test which process has which session of PostgreSQL: real TCP and unix sockets, and answers of the kernel."""

from __future__ import annotations

import contextlib
import os
import pathlib
import socket
import struct
import subprocess
import sys
import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._postgres.peers import Session, parse_diag, tied, unix_peers
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc
from hypothesis import given
from hypothesis import strategies as st

from .. import build
from .answers import me


@contextlib.contextmanager
def connected() -> t.Iterator[tuple[int, tuple[str, int]]]:
    """A port, and the end of a connection to it that this process has."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as mine:
        theirs, _address = server.accept()
        with theirs:
            yield server.getsockname()[1], mine.getsockname()


def test_a_session_is_tied_by_its_tcp_socket() -> None:
    with connected() as (port, end):
        sessions = [Session(7, *end), Session(8, end[0], 1), Session(9, "10.9.9.9", end[1]), Session(10, None, None)]
        own = Session(1, "127.0.0.1", 5)
        assert tied(Proc(), [me()], sessions, own, port) == {7: me()}
        # Another's socket, another server, and the loopback of another host.
        assert tied(Proc(), [build.process(1)], sessions, own, port) == {}
        assert tied(Proc(), [me()], sessions, own, port + 1) == {}
        assert tied(Proc(), [me()], sessions, Session(1, "10.0.0.1", 5), port) == {}
        assert tied(Proc(), [me()], sessions, Session(1, None, -1), port) == {}
        assert tied(Proc(), [me()], sessions, None, port) == {}


BACKEND = """
import socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
print("ready", flush=True)
connection, _address = server.accept()
connection.recv(1)
"""


def test_a_session_is_tied_by_its_unix_socket(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "s")
    with subprocess.Popen([sys.executable, "-c", BACKEND, path], stdout=subprocess.PIPE) as backend:
        assert t.cast("t.IO[bytes]", backend.stdout).readline() == b"ready\n"
        with socket.socket(socket.AF_UNIX) as mine:
            mine.connect(path)
            inode = os.fstat(mine.fileno()).st_ino
            try:
                assert inode in dict(unix_peers())
            except OSError:
                mine.send(b".")
                pytest.skip("this kernel does not tell who is at the other end")
            sessions = [Session(backend.pid, None, -1), Session(1, None, -1)]
            own = Session(2, None, -1)
            for _attempt in range(100):  # accept() gives the other end to the backend
                found = tied(Proc(), [me()], sessions, own, 5432)
                if found:
                    break
                time.sleep(0.02)
            assert found == {backend.pid: me()}
            assert tied(Proc(), [me()], sessions, Session(2, "127.0.0.1", 1), 5432) == {}
            mine.send(b".")


def test_what_the_kernel_says_of_unix_sockets() -> None:
    peer = struct.pack("=HHI", 8, 2, 77)
    other = struct.pack("=HH", 5, 1) + b"x\0\0\0"
    body = struct.pack("=BBBBIII", 1, 1, 1, 0, 66, 0, 0) + other + peer
    one = struct.pack("=IHHII", 16 + len(body), 20, 2, 1, 0) + body
    done = struct.pack("=IHHIIi", 20, 3, 2, 1, 0, 0)
    assert parse_diag(one + one) == ([(66, 77)] * 2, False)
    assert parse_diag(one + done) == ([(66, 77)], True)
    assert parse_diag(b"") == ([], False)
    with pytest.raises(OSError, match="sock_diag"):
        parse_diag(struct.pack("=IHHIIi", 20, 2, 0, 1, 0, -2))


@given(st.binary(max_size=60))
def test_no_answer_of_the_kernel_hangs(data: bytes) -> None:
    with contextlib.suppress(OSError, struct.error):
        parse_diag(data)
