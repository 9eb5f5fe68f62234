# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Start a server by the command it was running, where nothing else would start it again."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
import tempfile
import typing as t

from .._messages import refused
from .._messages.code import Problem
from .._processes.rights import as_user, may_borrow
from .._system import programs
from .._system.errors import Refused
from .._system.files import is_roots
from .._system.redact import redact_text
from .notes import Note
from .process_settings import read_settings, take_settings
from .root_command import check_root_command

__all__ = ["launch", "read_settings", "rehearse", "why_not_launch"]


def why_not_launch(note: Note) -> t.Optional[Problem]:
    """Return why the recorded command of a server is not run; None where it may be."""
    program = _program(note)
    if program is None:
        return refused.COMMAND_PATH_UNKNOWN()
    if note.settings.get("apart"):
        return refused.COMMAND_APART(what=", ".join(note.settings["apart"]))
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


#: Seconds that the rehearsal of a command may take, and characters of what a command printed that are told.
_LONGEST, _TOLD = 60.0, 600
#: What the interpreter of a server is asked: whether it has this Odoo and all that it imports.
_TRIAL = "import sys; sys.path.insert(0, sys.argv[1]); import odoo.cli.server"


def rehearse(note: Note) -> t.Optional[Problem]:
    """Return why the interpreter of a server would not load Odoo; None where it does. No code is run as root.

    It is started as the server would be, but imports Odoo and ends.
    """
    if note.uid == 0 or not note.cmdline:
        return None
    script = next((word for word in note.cmdline[1:] if not word.startswith("-")), "")
    folder = os.path.dirname(os.path.realpath(os.path.join(note.cwd or "/", script)))
    words = [note.cmdline[0], "-B", "-c", _TRIAL, folder]
    try:
        program = _start(note, words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said = programs.finish(program, _LONGEST)
    except subprocess.TimeoutExpired:
        return refused.COMMAND_FAILS(user=note.user, said="it did not finish within %g s" % _LONGEST)
    except (Refused, OSError) as exc:
        return exc.problem if isinstance(exc, Refused) else refused.COMMAND_FAILS(user=note.user, said=str(exc))
    return refused.COMMAND_FAILS(user=note.user, said=_last_words(said)) if program.returncode else None


class Launched:
    """A command that was run, and what it has printed as far as that is kept."""

    def __init__(
        self, program: subprocess.Popen[bytes], output: t.Optional[int], begin: int, *, tells_more: bool = False
    ) -> None:
        self.program, self._output, self._begin = program, output, begin
        #: what it printed was discarded, and may be kept when it is run once more
        self.tells_more = tells_more

    @property
    def status(self) -> t.Optional[int]:
        """Return the exit code of the command; None while it runs."""
        return self.program.poll()

    def said(self) -> str:
        """Return the end of what it printed, on one line, secrets hidden."""
        if self._output is None:
            return "its output is discarded, because it logs to its terminal"
        end = os.fstat(self._output).st_size
        return _last_words(os.pread(self._output, 65536, max(self._begin, end - 65536)))


def launch(note: Note, *, keep: bool = False) -> Launched:
    """Run the recorded command as its user, in its directory, with its environment, limits and priority.

    Its output goes where it went before if that is a file. Else it is discarded: a server would have a file without a
    name open for as long as it runs, which grows and which no listing shows.

    :param keep: keep the output in such a file if the server logs elsewhere. A command that has failed is run so.
    :raises Refused, OSError: it cannot be run.
    """
    output, begin = _output_of(note), 0
    if output is None and keep and note.logs_itself:
        with tempfile.TemporaryFile() as file:
            output = os.dup(file.fileno())
    elif output is not None:
        begin = os.fstat(output).st_size
    target = subprocess.DEVNULL if output is None else output
    tells_more = output is None and note.logs_itself
    return Launched(_start(note, note.cmdline, stdout=target, stderr=target), output, begin, tells_more=tells_more)


def _output_of(note: Note) -> t.Optional[int]:
    """Open the file to which the server wrote its standard error, with the rights of its user; None without a file."""
    path = note.settings.get("output")
    if not path or (note.uid == 0 and not is_roots(path)):
        return None
    flags = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        with as_user(note.uid, note.gid, note.groups):
            descriptor = os.open(path, flags)
    except OSError:
        return None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    os.set_blocking(descriptor, True)
    return descriptor


def _start(note: Note, words: t.Sequence[str], **outputs: t.Any) -> subprocess.Popen[bytes]:
    """:raises Refused, OSError: it cannot be run."""
    plain = {"PATH": programs.PATH, "LANG": "C.UTF-8", **dict(_home(note))}
    # With its old environment a bare "python3" finds its virtualenv again. The command of root is checked completely
    # (root_command.py), and a variable could name code that was not checked.
    environment = note.settings.get("environment") if note.uid else None
    folder, as_root = _open_folder(note)
    try:
        return programs.start(
            words,
            executable=_program(note),
            env=environment or plain,
            preexec_fn=_become(note, folder, as_root=as_root),  # a module has one thread
            **outputs,
        )
    except subprocess.SubprocessError as exc:
        raise Refused(refused.COMMAND_NOT_RUN(user=note.user)) from exc
    finally:
        os.close(folder)


def _last_words(output: bytes) -> str:
    said = redact_text(" ".join(output.decode("utf-8", "replace").split()))
    return "..." + said[-_TOLD:] if len(said) > _TOLD else said or "it printed nothing"


def _is_program(path: str) -> bool:
    # Not os.access, which asks with the rights of root.
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(status.st_mode) and bool(status.st_mode & 0o111)


def _program(note: Note) -> t.Optional[str]:
    """Return the program of the command. Only the first word shows a virtualenv, and a HUP makes it a bare name."""
    first = note.cmdline[0] if note.cmdline else ""
    if os.path.isabs(first):
        return first
    program = note.executable if note.executable and os.path.isabs(note.executable) else None
    if program is None or note.uid == 0 or os.sep in first:
        return program
    # The kernel names a process by the link that was run (python3, not python3.11).
    path = (note.settings.get("environment") or {}).get("PATH", "")
    links = [os.path.join(folder, first) for folder in path.split(":") if os.path.isabs(folder)]
    return next((link for link in links if os.path.realpath(link) == os.path.realpath(program)), program)


def _home(note: Note) -> t.Iterator[t.Tuple[str, str]]:
    try:
        entry = pwd.getpwuid(note.uid)
    except KeyError:
        return
    yield "HOME", entry.pw_dir
    yield "USER", entry.pw_name
    yield "LOGNAME", entry.pw_name


def _open_folder(note: Note) -> t.Tuple[int, bool]:
    """Hold the working directory, and return whether only root can enter it.

    The path may lead elsewhere in a moment, so it is followed once, with the rights of the user. Where root had started
    the server in a folder of its own, the user may not follow the path, and the server was in that folder nevertheless:
    it is entered as root if only root could have changed the path.

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
        take_settings(note.settings)
        if as_root:
            os.fchdir(folder)
        if os.geteuid() == 0:
            os.setgroups(note.groups)
            os.setgid(note.gid)
            os.setuid(note.uid)
        if not as_root:
            os.fchdir(folder)

    return become
