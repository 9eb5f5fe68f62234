# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Do the work of a module in a child process, so that a thread that the kernel does not let go holds no task.

A program of FUSE that has taken a request and does not answer, such as an sshfs whose server is gone, holds the thread
that asks: not even SIGKILL ends it, and its process stays (seen on Linux 6.18). sshd waits for that process, and for
its output to be closed. So the process that sshd waits for asks nothing, and passes on what its child writes.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import typing as t

from .._system.libc import end_with_parent

_COLLECTION = "ansible_collections.fleetops.odoo."
_CHUNK = 1 << 16
#: Seconds between two looks at a child that writes nothing, and the first pause after its output was closed: it ends
#: within milliseconds then, and every step of a roll waits for it.
_BETWEEN, _SOON = 0.5, 0.001
#: Place of the exit status in /proc/PID/stat, counted after the name of the program.
_STATE, _EXIT_CODE = 0, 49


def go_apart() -> None:
    """Continue in a child process; the parent ends with its output and its exit status. Only in a module that runs."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    if not str(getattr(spec, "name", "")).startswith(_COLLECTION):
        return
    sys.stdout.flush()
    sys.stderr.flush()
    pipes = [os.pipe(), os.pipe()]
    child = os.fork()
    if child == 0:
        for target, (reader, writer) in zip((1, 2), pipes):
            os.dup2(writer, target)
            os.close(reader)
            os.close(writer)
        # A signal that ends the parent ends the work, as if it had come here.
        with contextlib.suppress(OSError):
            end_with_parent(signal.SIGTERM)
        return
    for _reader, writer in pipes:
        os.close(writer)
    status = forward(child, {reader: target for target, (reader, _writer) in zip((1, 2), pipes)})
    os._exit(status)


def forward(child: int, pipes: t.Dict[int, int]) -> int:
    """Copy the output of a child process until it has ended or only stuck threads are left. Return its exit status.

    :param pipes: where to write what comes from which descriptor.
    """
    while pipes:
        ready, _writable, _failed = select.select(list(pipes), [], [], _BETWEEN)
        for reader in ready:
            data = os.read(reader, _CHUNK)
            if data:
                _write(pipes[reader], data)
            else:
                del pipes[reader]
        if not ready:
            status = ended(child)
            if status is not None:
                return status
    pause = _SOON
    while True:
        status = ended(child)
        if status is not None:
            return status
        select.select([], [], [], pause)
        pause = min(2 * pause, _BETWEEN)


def _write(target: int, data: bytes) -> None:
    # With the connection lost the work goes on.
    with contextlib.suppress(OSError):
        while data:
            data = data[os.write(target, data) :]


def ended(child: int) -> t.Optional[int]:
    """Return the exit status of a child process that has ended, as of a shell; None while its main thread lives."""
    try:
        pid, status = os.waitpid(child, os.WNOHANG)
        if not pid:
            with open("/proc/%d/stat" % child, encoding="utf-8", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
            # The main thread has ended. The kernel keeps it until the other threads have ended too.
            if fields[_STATE] != "Z":
                return None
            status = int(fields[_EXIT_CODE])
    except (OSError, ValueError, IndexError):
        return 1
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
