# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Find the interpreter that a server runs, and the one that it would find in its PATH after a HUP."""

from __future__ import annotations

import os
import typing as t

from .._config.cmdline import Command
from .._messages import rehearsal as codes
from .._messages.code import Problem
from .._processes.proc import Gone, Proc
from .._processes.process import Process, parse_status
from .._processes.rights import is_program, status_of


def find_interpreter(
    proc: Proc, master: Process, command: Command, environ: t.Mapping[str, str], cwd: t.Optional[str]
) -> t.Optional[str]:
    """:func:`interpreter_path` of a server that runs, among its files."""
    return interpreter_path(command, environ, cwd, lambda path: is_program(proc, master, path))


def interpreter_path(
    command: Command,
    environ: t.Mapping[str, str],
    cwd: t.Optional[str],
    exists: t.Callable[[str], bool],
) -> t.Optional[str]:
    """``sys.executable`` of the running server: the path it was started by, or argv[0] looked up in its PATH. Pure."""
    if "/" in command.interpreter:
        return os.path.join(cwd or "/", command.interpreter)
    return _in_path(command.interpreter, environ, exists)


def path_trap(
    executable: str, environ: t.Mapping[str, str], unit: t.Optional[str], exists: t.Callable[[str], bool]
) -> t.Optional[Problem]:
    """Return how a HUP would lose the interpreter of a virtualenv; None when it would not. Pure."""
    folder, name = os.path.split(executable)
    if not exists(os.path.join(os.path.dirname(folder), "pyvenv.cfg")):
        return None
    found = _in_path(name, environ, exists)
    if found is not None and os.path.normpath(os.path.dirname(found)) == os.path.normpath(folder):
        return None
    return codes.VIRTUALENV_LOST(
        name=name,
        found=found or "nothing",
        executable=executable,
        remedy=path_remedy(executable, environ, unit),
    )


def _in_path(name: str, environ: t.Mapping[str, str], exists: t.Callable[[str], bool]) -> t.Optional[str]:
    for folder in environ.get("PATH", "").split(":"):
        if folder and exists(os.path.join(folder, name)):
            return os.path.join(folder, name)
    return None


def path_remedy(executable: str, environ: t.Mapping[str, str], unit: t.Optional[str]) -> str:
    """Return what makes the interpreter of a virtualenv survive a HUP, as a sentence for a user. Pure."""
    path = os.path.dirname(executable) + ":" + (environ.get("PATH") or "/usr/local/bin:/usr/bin:/bin")
    if unit:
        return "Put Environment=PATH=%s into the unit %s and restart it once, or set method to auto." % (path, unit)
    return "Start the server with PATH=%s, or set method to auto." % path


def runs(proc: Proc, master: Process, executable: str) -> bool:
    """Return whether this path of the server is the program that the process runs."""
    named = status_of(proc, master, executable)
    if named is None:
        return False
    try:
        running = os.stat("%s/%d/exe" % (proc.root, master.pid))
    except OSError:
        return False
    return (named.st_dev, named.st_ino) == (running.st_dev, running.st_ino)


def is_plain_python(proc: Proc, master: Process) -> bool:
    """Return True if a process is a Python that runs with the rights of one user.

    If its program was replaced, the path in its arguments may not be what it runs. Its user could execute that path
    without us, so this gives no rights away; a setgid program with forged arguments does not count.
    """
    try:
        return parse_status(proc.text(master.pid, "status")).has_one_user and proc.runs_python(master.pid)
    except (Gone, OSError, ValueError):
        return False
