# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""supervisord: which one keeps a server running, and what it calls the server.

It is found by where it stands: above the server. Its arguments and its open socket say how it is asked, so it may be in
a virtualenv, have a configuration of its own, and be one of several.
"""

from __future__ import annotations

import os
import re
import typing as t

from .._messages import supervisor as codes
from .._messages.code import Problem
from .._processes.proc import Gone, Proc
from .._processes.process import Process, parse_cmdline, parse_listening, parse_status
from .._processes.rights import as_user
from .._system.errors import Refused
from .._system.redact import redact_text
from .ancestors import ancestors
from .rpc import Daemon, Errand, Fault, ask

#: States of a program that may come to a running server without us.
GOES_ON = frozenset(["BACKOFF", "RUNNING", "STARTING"])
STOPPING = "STOPPING"
#: States in which no server comes of it any more.
_IS_DOWN = frozenset(["EXITED", "FATAL", "STOPPED"])
#: A script, or a module that an interpreter is told to run.
_PROGRAMS = frozenset(["supervisord", "supervisor.supervisord"])
#: Its socket has a name of its own until it is linked to the one that is configured.
_WHILE_BOUND = re.compile(r"\.\d+$")
_LISTENS = 0x10000
#: How long a supervisord may take to answer, in seconds.
_PATIENCE = 10.0
#: supervisord answers as soon as the work has begun.
_WAIT = False


def supervisord_above(proc: Proc, pid: int) -> t.Optional[int]:
    """Return the nearest supervisord above a process; None without one."""
    for above in (*(one.pid for one in ancestors(proc, pid)), 1):
        try:
            if is_supervisord(parse_cmdline(proc.read(above, "cmdline"))):
                return above
        except (Gone, PermissionError):
            continue
    return None


def is_supervisord(argv: t.Sequence[str]) -> bool:
    """Return whether these are the arguments of a supervisord, behind an interpreter or not. Pure."""
    script = next((word for word in argv[1:] if not word.startswith("-")), "")
    return any(os.path.basename(word) in _PROGRAMS for word in (*argv[:1], script))


def daemon_above(proc: Proc, master: Process) -> Daemon:
    """Return how to ask the supervisord above a server.

    :raises Refused: there is no supervisord, we must not ask it, or it has no socket.
    """
    pid = supervisord_above(proc, master.pid)
    if pid is None:
        raise Refused(codes.NO_SUPERVISORD())
    try:
        status = parse_status(proc.text(pid, "status"))
        if not status.has_one_user:  # sudo with the arguments of a supervisord has an effective ID of 0
            raise Refused(codes.NO_SUPERVISORD())
        if os.geteuid() not in (0, status.uid):
            raise Refused(codes.SUPERVISORD_NOT_OURS(pid=pid))
        address = _address(proc, pid)
        argv, cwd = parse_cmdline(proc.read(pid, "cmdline")), proc.link(pid, "cwd")
    except (Gone, PermissionError, ValueError):
        raise Refused(codes.NO_SUPERVISORD()) from None
    if address is None:
        raise Refused(codes.SUPERVISORD_WITHOUT_SOCKET(pid=pid))
    with as_user(status.uid, status.gid, status.groups):
        config = config_of(argv, cwd)
    return Daemon(address, status.uid, status.gid, status.groups, config)


def _address(proc: Proc, pid: int) -> t.Optional[str]:
    inodes = proc.sockets(pid)
    for inode, path in parse_listening_unix(proc.text(pid, "net/unix")).items():
        if inode in inodes:
            return "unix://" + _WHILE_BOUND.sub("", path)
    for inode, (address, port) in parse_listening(proc.text(pid, "net/tcp")).items():
        if inode in inodes:
            return "http://%s:%d" % (address, port)
    return None


def parse_listening_unix(text: str) -> t.Dict[int, str]:
    """Return the paths of the listening sockets in /proc/PID/net/unix, by their inodes. Pure."""
    rows = (line.split(None, 7) for line in text.splitlines()[1:])
    return {int(row[6]): row[7] for row in rows if len(row) == 8 and int(row[3], 16) & _LISTENS}


def config_of(argv: t.Sequence[str], cwd: str) -> t.Optional[str]:
    """Return the path of the configuration of a supervisord; None if it is not found.

    :param argv: its arguments.
    :param cwd: its working directory.
    """
    for word, following in zip(argv, [*argv[1:], ""]):
        if word in ("-c", "--configuration") and following:
            return os.path.join(cwd, following)
        if word.startswith("--configuration="):
            return os.path.join(cwd, word.partition("=")[2])
        if word.startswith("-c") and len(word) > len("-c"):
            return os.path.join(cwd, word[2:])
    program = next((word for word in argv if os.path.basename(word) == "supervisord"), "supervisord")
    base = os.path.dirname(os.path.dirname(os.path.join(cwd, program)))
    places = [os.path.join(folder, name) for folder in (base, cwd) for name in _NAMES]
    return next(filter(os.path.exists, (*places, "/etc/supervisord.conf", "/etc/supervisor/supervisord.conf")), None)


#: Where supervisord looks for its configuration, below the folder of its program and its working directory.
_NAMES = ("etc/supervisord.conf", "supervisord.conf")


def program_of(proc: Proc, daemon: Daemon, master: Process, seconds: float = _PATIENCE) -> t.Optional[str]:
    """Return the program (``group:name``) of a supervisord that is a server or a launcher of it; None where none is.

    :param seconds: how long it may take to answer.
    :raises Refused: supervisord cannot be asked.
    """
    pids = [master.pid, *(one.pid for one in ancestors(proc, master.pid))]
    programs = {one.pid: one.name for one in _programs(daemon, "getAllProcessInfo", seconds=seconds)}
    return next((programs[pid] for pid in pids if pid in programs), None)


def daemon_of(proc: Proc, master: Process, program: t.Optional[str]) -> Daemon:
    """Return how the supervisord of a server is asked about it.

    :param program: what it calls the server, as the server itself says; None where nothing says so.
    :raises Refused: it cannot be asked, or calls this server something else.
    """
    daemon = daemon_above(proc, master)
    named = program_of(proc, daemon, master)
    if named != program:
        raise Refused(codes.OTHER_PROGRAM(program=program, named=named or "no program"))
    return daemon


def state_of(daemon: Daemon, program: str) -> str:
    """Return the state of a program in supervisord's word, such as EXITED.

    :raises Refused: supervisord cannot be asked.
    """
    return _programs(daemon, "getProcessInfo", program)[0].state


def stop(daemon: Daemon, program: str) -> None:
    """Ask supervisord to stop a program. Return before it has stopped.

    :raises Refused: supervisord does not do that.
    """
    _told(daemon, "stopProcess", program, _WAIT)


def start(daemon: Daemon, program: str) -> None:
    """Ask supervisord to start a program. Return before it counts as started.

    :raises Refused: supervisord does not do that.
    """
    _told(daemon, "startProcess", program, _WAIT)


def why_down(daemon: Daemon, program: str) -> t.Optional[Problem]:
    """Return why no server comes of a program that was to be started; None while one may.

    :raises Refused: supervisord cannot be asked.
    """
    told = _programs(daemon, "getProcessInfo", program)[0]
    if told.state not in _IS_DOWN:
        return None
    return codes.SUPERVISORD_SAYS(said="%s is %s (%s)" % (program, told.state, redact_text(told.description)))


def restart(daemon: Daemon, program: str) -> Errand:
    """Ask supervisord to stop a program and to start it again. Both happen even if this process ends.

    :raises Refused: supervisord cannot be asked.
    """
    return Errand(daemon, [("supervisor.stopProcess", (program,)), ("supervisor.startProcess", (program,))])


class _Program(t.NamedTuple):
    """The answer of a supervisord about a program."""

    name: str
    pid: int
    state: str
    description: str


def _programs(daemon: Daemon, method: str, *params: t.Any, seconds: float = _PATIENCE) -> t.List[_Program]:
    """Ask about all programs, or about one.

    :raises Refused: it cannot be asked, or answers something else.
    """
    told = _told(daemon, method, *params, seconds=seconds)
    try:
        return [
            _Program(
                "%s:%s" % (one["group"], one["name"]), int(one["pid"]), str(one["statename"]), str(one["description"])
            )
            for one in ([told] if params else told)
        ]
    except (KeyError, TypeError, ValueError):
        error = "its answer is not the state of a program"
        raise Refused(codes.SUPERVISORD_SILENT(address=daemon.address, error=error)) from None


def _told(daemon: Daemon, method: str, *params: t.Any, seconds: float = _PATIENCE) -> t.Any:
    try:
        return ask(daemon, "supervisor." + method, *params, seconds=seconds)
    except Fault as exc:
        raise Refused(codes.SUPERVISORD_SAYS(said=str(exc))) from exc
