# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Decide whether a file is a Python interpreter, by its content and never by its name."""

from __future__ import annotations

import os
import stat

from .limits import PROGRAM

_CHUNK = 1 << 20
#: The main function of CPython since 3.6 and of PyPy. A program that is linked with libpython imports the function, a
#: program that contains the interpreter exports it for its extension modules. The last word stands in the help text of
#: CPython, which a static interpreter without any symbols still has.
_MARKERS = (
    b"\0Py_BytesMain\0",
    b"\0Py_RunMain\0",
    b"\0Py_Main\0",
    b"\0_Py_UnixMain\0",
    b"\0pypy_main_startup\0",
    b"PYTHONCASEOK",
)
_OVERLAP = max(map(len, _MARKERS)) - 1


def is_python(descriptor: int) -> bool:
    """Return True if an open file is the program of a Python interpreter.

    :param descriptor: of a file that is open for reading, such as /proc/PID/exe: the kernel opens the very file that
        the process executes, also where it has been replaced or removed.
    :raises OSError: the file cannot be read.
    """
    if not stat.S_ISREG(os.fstat(descriptor).st_mode) or os.pread(descriptor, 4, 0) != b"\x7fELF":
        return False
    at, tail = 0, b""
    while at < PROGRAM:
        # pread and no mapping: a file that is cut off meanwhile would kill us.
        chunk = os.pread(descriptor, _CHUNK, at)
        if not chunk:
            return False
        if any(marker in tail + chunk for marker in _MARKERS):
            return True
        tail = chunk[-_OVERLAP:]
        at += len(chunk)
    return False
