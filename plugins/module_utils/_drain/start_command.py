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
from .._processes.rights import as_user, may_borrow
from .._system import programs
from .._system.errors import Refused
from .._system.files import is_roots
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
    try:
        folder, _as_root = _open_folder(note)
    except OSError:
        return refused.COMMAND_DIRECTORY_GONE(path=note.cwd)
    os.close(folder)
    if note.uid == 0:
        try:
            check_root_command(program, note.cmdline[1:], note.cwd or "/")
        except Refused as exc:
            return exc.problem
    return None


def launch(note: Note) -> subprocess.Popen[bytes]:
    """Run the recorded command as its user, in its directory, on its own, with nothing to read from or write to.

    :raises Refused, OSError: it cannot be run.
    """
    # The environment of the old one is not kept, since it may hold secrets.
    user = dict(_home(note))
    folder, as_root = _open_folder(note)
    try:
        return programs.start(
            note.cmdline,
            executable=_program(note),
            env={"PATH": programs.PATH, "LANG": "C.UTF-8", **user},
            start_new_session=True,
            preexec_fn=_become(note, folder, as_root=as_root),  # a module has one thread
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


def _open_folder(note: Note) -> t.Tuple[int, bool]:
    """Hold the working directory, and tell whether only root may enter it.

    The path may lead elsewhere in a moment, so it is followed once, with the rights of the user. Where root had started
    the server in a folder of its own, the user may not follow the path, and the server was in that folder all the same:
    it is entered as root if nobody else could have changed where the path leads.

    :raises OSError: it is not there, or the server may not be in it.
    """
    path = note.cwd or ""
    flags = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
    try:
        with as_user(note.uid, note.gid, note.groups):
            # By the dot the kernel asks whether the directory itself may be entered.
            return os.open(os.path.join(path, ".") if path else path, flags), False
    except PermissionError:
        if not may_borrow() or not is_roots(path):
            raise
    return os.open(path, flags), True


def _become(note: Note, folder: int, *, as_root: bool) -> t.Callable[[], None]:
    def become() -> None:
        if as_root:
            os.fchdir(folder)
        if os.geteuid() == 0:
            os.setgroups(note.groups)
            os.setgid(note.gid)
            os.setuid(note.uid)
        if not as_root:
            os.fchdir(folder)

    return become
