# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The process that passes on what its child writes, and ends with it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._module.apart import forward, go_apart

#: The main thread ends by the system call, which leaves the other thread alive, with its output open.
STUCK = """
import ctypes, os, threading, time
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
os.write(1, b"told")
ctypes.CDLL(None).syscall(ctypes.c_long(%d), ctypes.c_long(3))
"""
EXIT = {"x86_64": 60, "aarch64": 93}


def passed_on(program: str) -> tuple[int, bytes, int]:
    """Run a program as the child. Return its exit status as it is passed on, its output, and its pid."""
    reader, writer = os.pipe()
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        status = forward(child.pid, {child.stdout.fileno(): writer})
        os.close(writer)
        with os.fdopen(reader, "rb") as output:
            told = output.read()
        # forward() has waited for it, and Python up to 3.8 does not notice that.
        with contextlib.suppress(ProcessLookupError):
            child.kill()
    return status, told, child.pid


@pytest.mark.parametrize(
    ("program", "status"),
    [
        ("print('told', end='')", 0),
        ("print('told', end=''); raise SystemExit(7)", 7),
        ("import os; os.write(1, b'told'); os.kill(os.getpid(), 9)", 128 + signal.SIGKILL),
    ],
)
def test_output_and_status_of_the_child_are_passed_on(program: str, status: int) -> None:
    assert passed_on(program)[:2] == (status, b"told")


def test_a_large_output_is_passed_on_whole() -> None:
    # Less than a pipe holds, because nothing reads it meanwhile.
    assert passed_on("print('x' * 60000, end='')")[:2] == (0, b"x" * 60000)


@pytest.mark.skipif(os.uname().machine not in EXIT, reason="the number of the system call is not known")
def test_a_thread_that_does_not_end_holds_nothing() -> None:
    begun = time.monotonic()
    status, told, _pid = passed_on(STUCK % EXIT[os.uname().machine])
    assert (status, told) == (3, b"told")
    assert time.monotonic() - begun < 30


def test_only_a_module_that_runs_goes_apart() -> None:
    pid = os.getpid()
    go_apart()
    assert os.getpid() == pid
