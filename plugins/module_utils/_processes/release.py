# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Find the version of Odoo of a server in its release.py, read as text: no foreign code runs."""

from __future__ import annotations

import glob
import os
import re
import typing as t
from dataclasses import dataclass

from .._config.cmdline import Command
from .._config.python_path import Interpreter, program_of, python_path
from .._system.files import reached, read_regular
from .limits import RELEASE
from .proc import Gone, Proc
from .process import DELETED, Process, parse_environ
from .rights import files_of

#: The newest version that this collection was tried with. A newer one is handled like it.
NEWEST = "19.0"
_VERSION_INFO = re.compile(r"^version_info\s*=\s*\(\s*['\"]?((?:saas~)?\d+)['\"]?\s*,\s*['\"]?(\d+)", re.MULTILINE)


def parse_release(text: str) -> t.Optional[str]:
    """``19.0`` or ``saas~17.4`` out of the text of odoo/release.py."""
    found = _VERSION_INFO.search(text)
    return "%s.%s" % found.groups() if found else None


@dataclass(frozen=True)
class Release:
    """The Odoo that a server would load now. ``package`` is the folder of the Python package, as the server sees it."""

    version: t.Optional[str] = None
    package: t.Optional[str] = None


def find_release(proc: Proc, master: Process, command: Command) -> Release:
    """Find the Odoo of a server on the disk; empty when its release.py is not found."""
    try:
        interpreter = interpreter_of(proc, master, command)
        with files_of(proc, master) as root:
            return _find(root, interpreter, command)
    except OSError:
        return Release()


def interpreter_of(proc: Proc, master: Process, command: Command) -> Interpreter:
    """Return how a server runs Python.

    :raises OSError: the server has ended, or its files cannot be looked at.
    """
    cwd = master.working_directory
    # Read with our rights: a process that may not be traced shows its environment to root alone.
    try:
        environ = parse_environ(proc.read(master.pid, "environ"))
    except (Gone, OSError):
        environ = {}
    executable = (master.executable or "").replace(DELETED, "") or None
    home = environ.get("HOME") or "/"
    with files_of(proc, master) as root:
        program = program_of(command.interpreter, cwd, environ, root)
        return Interpreter(program, executable, environ, home, cwd, _first(command, cwd, root))


def _first(command: Command, cwd: str, root: str) -> t.Optional[str]:
    """Return the folder that Python has first on its path: that of the script, where a link to it leads."""
    if not command.script:
        return cwd if command.package else None
    script = os.path.join(cwd, command.script)
    if os.path.islink(root + script):
        script = reached(script, root)[len(root) :] if root else os.path.realpath(script)
    folder = os.path.dirname(script)
    # "./odoo-bin"; what goes up may go through a link.
    return folder if "/../" in folder + "/" else os.path.normpath(folder)


def _find(root: str, interpreter: Interpreter, command: Command) -> Release:
    for folder, below in _places(root, interpreter, command):
        real = reached(folder, root)
        for path in sorted(glob.glob(glob.escape(real) + below)):
            try:
                version = parse_release(read_regular(path, RELEASE).decode("utf-8", "replace"))
            except OSError:
                continue
            if version:
                return Release(version, os.path.dirname(folder + path[len(real) :]))
    return Release()


def _places(root: str, interpreter: Interpreter, command: Command) -> t.Iterator[t.Tuple[str, str]]:
    """Folders, and patterns of what may be the release.py below them."""
    first = [(interpreter.first, "")] if interpreter.first else []
    yield from _patterns(first)
    yield from _patterns((folder, "") for folder in python_path(root, interpreter).folders)
    script = os.path.join(interpreter.cwd, command.script) if command.script else None
    places: t.List[t.Tuple[str, str]] = []
    # A script that pip made stands in the bin directory of its environment, as its interpreter does.
    for program in (interpreter.program, script, interpreter.executable):
        if program:
            prefix = os.path.dirname(os.path.dirname(program))
            places += [(prefix, "/lib/python3*/site-packages"), (prefix, "/lib/python3*/dist-packages")]
    places += [("/usr/local/lib", "/python3*/dist-packages"), ("/usr/lib/python3/dist-packages", "")]
    yield from _patterns(places)


def _patterns(places: t.Iterable[t.Tuple[str, str]]) -> t.Iterator[t.Tuple[str, str]]:
    for folder, below in places:
        for package in ("odoo", "openerp"):
            yield folder.rstrip("/"), "%s/%s/release.py" % (below, package)


def major(version: t.Optional[str]) -> t.Optional[int]:
    """Major number of a version string: 19 of ``19.0``, 17 of ``saas~17.4``."""
    found = re.search(r"\d+", version or "")
    return int(found.group()) if found else None


def is_newer(version: t.Optional[str]) -> bool:
    """Return whether a version, such as ``20.0``, is newer than the newest tested version."""
    numbers = [int(number) for number in re.findall(r"\d+", version or "")]
    return numbers > [int(number) for number in NEWEST.split(".")]
