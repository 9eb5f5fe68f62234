# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Get an argument area, or an environment, of so many MiB: prctl lets a process say where they are.

Arguments: "arguments" or "environment", the MiB, and how many such processes.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import signal
import sys
import time

PR_SET_MM, PR_SET_MM_MAP = 35, 14
WORDS = b"python3\0/usr/bin/odoo\0--config\0/tmp/x\0"


class Map(ctypes.Structure):
    """struct prctl_mm_map."""

    _fields_ = [
        *((name, ctypes.c_uint64) for name in ("start_code", "end_code", "start_data", "end_data", "start_brk", "brk")),
        *((name, ctypes.c_uint64) for name in ("start_stack", "arg_start", "arg_end", "env_start", "env_end", "auxv")),
        ("auxv_size", ctypes.c_uint32),
        ("exe_fd", ctypes.c_uint32),
    ]


def become_huge(what: str, size: int) -> mmap.mmap:
    """Move the arguments, and for an environment that, too, into unused memory."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.sbrk.restype = ctypes.c_void_p
    # Not backed by memory until a process reads it.
    area = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)
    area[: len(WORDS)] = WORDS
    start = ctypes.addressof(ctypes.c_char.from_buffer(area))
    with open("/proc/self/stat") as file:
        fields = [0, 0, 0, *map(int, file.read().rpartition(")")[2].split()[1:])]
    arguments = (start, start + (size if what == "arguments" else len(WORDS)))
    environment = (start + len(WORDS), start + size) if what == "environment" else (start, start)
    told = Map(
        *(fields[25], fields[26], fields[44], fields[45], fields[46], libc.sbrk(0), fields[27]),
        *(*arguments, *environment, 0, 0, 0xFFFFFFFF),
    )
    if libc.prctl(PR_SET_MM, PR_SET_MM_MAP, ctypes.byref(told), ctypes.c_ulong(ctypes.sizeof(told)), 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    return area


what, size, number = sys.argv[1], int(sys.argv[2]) << 20, int(sys.argv[3])
pids = []
for _process in range(number):
    pid = os.fork()
    if pid == 0:
        held = become_huge(what, size)
        for name in ("HUP", "INT", "QUIT", "USR1", "USR2", "TERM", "CHLD", "XCPU"):
            signal.signal(getattr(signal, "SIG" + name), lambda *_arguments: None)
        time.sleep(600)
    pids.append(pid)
time.sleep(1)
print(*pids, flush=True)
for pid in pids:
    os.waitpid(pid, 0)
