# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Stacks as py-spy reads them out of a process, which needs neither a signal nor a log (seen: py-spy 0.4.1)."""

from __future__ import annotations

import json
import typing as t

from .._processes.proc import Proc, is_alive
from .._processes.process import Process
from .._system.files import is_roots
from .._system.programs import output_of
from .stack import Frame, Stack

#: The last one is where the role diagnostics puts it.
PATHS = ("/usr/bin/py-spy", "/usr/local/bin/py-spy", "/usr/local/lib/fleetops-odoo/py-spy")


def find_py_spy() -> t.Optional[str]:
    """Return the path of py-spy if only root can change it; None otherwise."""
    return next((path for path in PATHS if is_roots(path)), None)


def read_stacks(proc: Proc, program: str, process: Process) -> t.Tuple[str, t.Sequence[Stack]]:
    """Return the output of py-spy for a process of an earlier look, and its threads. The process stops meanwhile.

    :returns: no threads if the process could not be read, or its pid belongs to another process.
    """
    if not is_alive(proc, process):
        return "", ()
    raw = output_of(program, "dump", "--json", "--pid", str(process.pid))
    return raw, parse_py_spy(raw) if is_alive(proc, process) else ()


def as_record(pid: int, time: str, threads: t.Sequence[Stack]) -> str:
    """Return stacks in the form in which Odoo would have logged them, so that the parser of logs can read them. Pure.

    :param time: ISO 8601 in UTC, to the millisecond.
    """
    head = "%s %d INFO ? odoo.tools.misc:" % (time.replace("T", " ").replace(".", ",").rstrip("Z"), pid)
    lines = [head]
    for stack in threads:
        lines.append("# Thread: <%s> (db:n/a) (uid:n/a) (url:n/a) (qc:n/a qt:n/a pt:n/a)" % stack.name)
        lines += ['File: "%s", line %d, in %s' % (frame.file, frame.line, frame.function) for frame in stack.frames]
    return "\n".join(lines)


def parse_py_spy(text: str) -> t.Tuple[Stack, ...]:
    """Threads in what ``py-spy dump --json`` prints; none where that is something else. Pure.

    It does not know of requests, so url, user, database and times are not told.
    """
    try:
        return tuple(
            Stack(
                "%s (%s)" % (thread["thread_name"] or "thread", thread["os_thread_id"] or thread["thread_id"]),
                frames=tuple(
                    Frame(str(frame["filename"]), int(frame["line"]), str(frame["name"]))
                    for frame in reversed(thread["frames"])  # it has the innermost first
                ),
            )
            for thread in json.loads(text)
        )
    except (ValueError, TypeError, KeyError):
        return ()
