# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""Start a server by the command it was running, where nothing else would start it again."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
import typing as t

from .._messages import refused
from .._messages.code import Problem
from .._processes.rights import as_user
from .._system import programs
from .._system.errors import Refused
from .notes import Note
from .root_command import check_root_command


def why_not_launch(note: Note) -> t.Optional[Problem]:
    """Return why the recorded command of a server is not run; None where it may be."""
    program = _program(note)
    if program is None:
        return refused.COMMAND_PATH_UNKNOWN()
    if os.geteuid() not in (0, note.uid):
        return refused.COMMAND_OTHER_USER(user=note.user)
    with as_user(note.uid, note.gid, note.groups):
        if not _is_program(program):
            return refused.COMMAND_PROGRAM_GONE(path=program)
        if not note.cwd or not os.path.isdir(note.cwd):
            return refused.COMMAND_DIRECTORY_GONE(path=note.cwd)
    if note.uid == 0:
        try:
            check_root_command(program, note.cmdline[1:], note.cwd)
        except Refused as exc:
            return exc.problem
    return None


def launch(note: Note) -> subprocess.Popen[bytes]:
    """Run the recorded command as its user, in its directory, on its own, with nothing to read from or write to.

    :raises Refused, OSError: it cannot be run.
    """
    # The environment of the old one is not kept, since it may hold secrets.
    user = dict(_home(note))
    # The path may lead elsewhere in a moment: it is followed once, with the rights of the user.
    with as_user(note.uid, note.gid, note.groups):
        folder = os.open(note.cwd or "/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return programs.start(
            note.cmdline,
            executable=_program(note),
            env={"PATH": programs.PATH, "LANG": "C.UTF-8", **user},
            start_new_session=True,
            preexec_fn=_become(note, folder),  # a module has one thread
        )
    except subprocess.SubprocessError as exc:
        raise Refused(refused.COMMAND_NOT_RUN(user=note.user)) from exc
    finally:
        os.close(folder)


def _is_program(path: str) -> bool:
    # Not os.access, which asks with the rights of root.
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(status.st_mode) and bool(status.st_mode & 0o111)


def _program(note: Note) -> t.Optional[str]:
    """A virtualenv shows in the first word only; behind a HUP that is a bare name, and the executable is the one."""
    first = note.cmdline[0] if note.cmdline else ""
    if os.path.isabs(first):
        return first
    return note.executable if note.executable and os.path.isabs(note.executable) else None


def _home(note: Note) -> t.Iterator[t.Tuple[str, str]]:
    try:
        entry = pwd.getpwuid(note.uid)
    except KeyError:
        return
    yield "HOME", entry.pw_dir
    yield "USER", entry.pw_name
    yield "LOGNAME", entry.pw_name


def _become(note: Note, folder: int) -> t.Callable[[], None]:
    def become() -> None:
        if os.geteuid() == 0:
            os.setgroups(note.groups)
            os.setgid(note.gid)
            os.setuid(note.uid)
        os.fchdir(folder)

    return become
