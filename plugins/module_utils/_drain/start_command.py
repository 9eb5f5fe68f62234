# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""Start a server by the command it was running, where nothing else would start it again."""

from __future__ import annotations

import os
import pwd
import subprocess
import typing as t

from .._messages import refused
from .._messages.code import Problem
from .._system.errors import Refused
from .._system.files import is_roots
from .notes import Note

#: What a server started anew gets of an environment: that of the old one is not kept, since it may hold secrets.
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def why_not_launch(note: Note) -> t.Optional[Problem]:
    """Return why the recorded command of a server is not run; None where it may be."""
    program = _program(note)
    if program is None:
        return refused.COMMAND_PATH_UNKNOWN()
    if not os.access(program, os.X_OK):
        return refused.COMMAND_PROGRAM_GONE(path=program)
    if not note.cwd or not os.path.isdir(note.cwd):
        return refused.COMMAND_DIRECTORY_GONE(path=note.cwd)
    if os.geteuid() not in (0, note.uid):
        return refused.COMMAND_OTHER_USER(user=note.user)
    if note.uid == 0:
        # With -m, Python imports from the directory.
        theirs = [path for path in [program, *_files(note), note.cwd] if not is_roots(path)]
        if theirs:
            return refused.COMMAND_NOT_ROOTS(path=theirs[0])
    return None


def launch(note: Note) -> subprocess.Popen[bytes]:
    """Run the recorded command as its user, in its directory, on its own, with nothing to read from or write to.

    :raises Refused, OSError: it cannot be run.
    """
    user = dict(_home(note))
    try:
        return subprocess.Popen(  # pylint: disable=ansible-bad-function,consider-using-with  # it must outlive the module
            note.cmdline,
            executable=_program(note),
            cwd=note.cwd,
            env={"PATH": _PATH, "LANG": "C.UTF-8", **user},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_become(note),  # noqa: PLW1509  # a module has one thread
        )
    except subprocess.SubprocessError as exc:
        raise Refused(refused.COMMAND_NOT_RUN(user=note.user)) from exc


def _program(note: Note) -> t.Optional[str]:
    """A virtualenv shows in the first word only; behind a HUP that is a bare name, and the executable is the one."""
    first = note.cmdline[0] if note.cmdline else ""
    if os.path.isabs(first):
        return first
    return note.executable if note.executable and os.path.isabs(note.executable) else None


def _files(note: Note) -> t.List[str]:
    """What is there of the paths among the arguments, options and lists included: root would execute or read it."""
    words: t.List[str] = []
    for word in note.cmdline[1:]:
        # --config=FILE, and -cFILE.
        words += [word.partition("=")[2], word[2:]] if word.startswith("-") else [word]
    paths = (os.path.join(note.cwd or "/", path) for word in words for path in word.split(",") if path)
    return [path for path in paths if os.path.exists(path)]


def _home(note: Note) -> t.Iterator[t.Tuple[str, str]]:
    try:
        entry = pwd.getpwuid(note.uid)
    except KeyError:
        return
    yield "HOME", entry.pw_dir
    yield "USER", entry.pw_name
    yield "LOGNAME", entry.pw_name


def _become(note: Note) -> t.Callable[[], None]:
    def become() -> None:
        if os.geteuid() == 0:
            os.setgroups(note.groups)
            os.setgid(note.gid)
            os.setuid(note.uid)

    return become
