# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Find the Python that a process runs, from the files that it has mapped and not from a name that a user can choose."""

from __future__ import annotations

import re
import typing as t

from .._processes.proc import Gone, Proc

#: Extension modules carry the version for which they were built, and no other Python loads them. The library of Python
#: has it too. Every Odoo has some of them, such as psycopg2 (seen with Debian's, uv's and pyenv's interpreters).
_TAGS = re.compile(r"/[^/\n]+\.cpython-3(\d{1,2})[a-z]*(?:-[^/\n]+)?\.so|/libpython3\.(\d{1,2})[a-z]*\.so")
#: What else a Python has mapped, where it has nothing of the above: its standard library, or itself.
_PATHS = re.compile(r"/python3\.(\d{1,2})t?(?=/[^\n]*\.so|$| \(deleted\)$)", re.MULTILINE)

#: On these a frame has no line number for a moment while it runs, and Odoo's handler of QUIT raises then.
_MAY_END = frozenset([(3, 10), (3, 11)])

Version = t.Tuple[int, int]


def python_of(proc: Proc, pid: int) -> t.Optional[Version]:
    """Return the version of Python that a process runs; None where that cannot be told."""
    try:
        return parse_maps(proc.text(pid, "maps"))
    except (Gone, OSError):
        return None


def parse_maps(text: str) -> t.Optional[Version]:
    """Return the version of Python in /proc/PID/maps; None without one, or with several. Pure."""
    for pattern in (_TAGS, _PATHS):
        found = {int(number) for match in pattern.finditer(text) for number in match.groups() if number}
        if found:
            return (3, found.pop()) if len(found) == 1 else None
    return None


def may_end_of_quit(version: t.Optional[Version]) -> bool:
    """Return whether a QUIT may end a process on this Python. One that is not known counts as such."""
    return version is None or version in _MAY_END


def named(version: t.Optional[Version]) -> str:
    """Return the version as messages name it."""
    return "a Python of unknown version" if version is None else "Python %d.%d" % version
