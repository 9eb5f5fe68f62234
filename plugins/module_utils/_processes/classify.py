# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Classify process records: find the Odoo servers and the role of each process. Pure.

Processes are recognised by the signals that they catch, by the fingerprint of their exec and by their parent, never by
their name: setproctitle, a HUP and wrappers change names (docs/discovery.md says what was seen and where).
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._config.cmdline import (
    GEVENT,
    ONE_OFF,
    SERVER,
    Command,
    lasting_arguments,
    parse_command,
)
from .._system.word import Word
from .process import AtSocket, Process


class Mode(Word):
    """The mode of a server: with processes as its workers, with threads, or as a gevent process without a master."""

    PREFORK = "prefork"
    THREADED = "threaded"
    GEVENT = "gevent"


class State(Word):
    """The state of a server at the moment of a look."""

    BOOTING = "booting"
    RUNNING = "running"
    RELOADING = "reloading"
    DRAINING = "draining"
    GONE = "gone"


class Role(Word):
    """The role of a process in its server."""

    MASTER = "master"
    HTTP = "http"
    CRON = "cron"
    GEVENT = "gevent"
    #: a worker of another class, which an addon has added to the server
    OTHER = "other"
    SHEPHERD = "shepherd"
    UNKNOWN = "unknown"


class Generation(Word):
    """The generation of a process: the present exec of its master, or an older one."""

    CURRENT = "current"
    OLD = "old"


Listening = t.Mapping[int, t.Tuple[str, int]]


@dataclass(frozen=True)
class Child:
    """A process that belongs to a master. ``generation`` is that of the code it runs, seen from the master's exec.

    ``told``: the role rests on evidence. It is False for a process that may be an http worker or another one.
    """

    process: Process
    role: Role
    generation: Generation
    told: bool = True

    @property
    def kind(self) -> t.Optional[str]:
        """Class of a worker that an addon has added; None for others, and where nothing tells it."""
        return self.process.worker_class if self.role == Role.OTHER else None

    @property
    def starting(self) -> bool:
        """Return whether the process was forked a moment ago: a new worker, or the shepherd of a reload that has just
        begun."""
        return self.role == Role.UNKNOWN and self.process.catches("HUP")

    @property
    def ready(self) -> bool:
        """Return whether the process has its own handlers, and not those of its master any more."""
        return self.process.catches("QUIT") and not self.process.catches("HUP")


@dataclass(frozen=True)
class Instance:
    """One Odoo server: a master and its children, at one moment."""

    master: Process
    command: Command
    #: None while it boots: only the handlers tell a prefork master from a threaded one
    mode: t.Optional[Mode]
    state: State
    children: t.Tuple[Child, ...]
    #: where the master listens (address, port); None when the kernel does not show us its sockets
    listening: t.Optional[t.Tuple[t.Tuple[str, int], ...]]
    #: where any process of the instance listens, gevent's port included
    ports: t.Tuple[t.Tuple[str, int], ...] = ()
    #: where its gevent process listens
    evented: t.Tuple[t.Tuple[str, int], ...] = ()

    @property
    def identity(self) -> str:
        """Identity of the master; a HUP keeps it."""
        return self.master.identity

    @property
    def activated(self) -> bool:
        """A unit of systemd has opened its socket and handed it over (seen in the source of Odoo 14.0 and 19.0)."""
        marks = self.master.marks
        return marks.get("LISTEN_FDS") == "1" and marks.get("LISTEN_PID") == str(self.master.shown_pid)

    @property
    def everybody(self) -> t.List[t.Tuple[Process, Role]]:
        """All of its processes with their roles, the master first."""
        return [(self.master, Role.MASTER), *((child.process, child.role) for child in self.children)]

    def having(self, role: Role, generation: t.Optional[Generation] = None) -> t.List[Child]:
        """Children with this role and, where given, of this generation."""
        return [c for c in self.children if c.role == role and generation in (None, c.generation)]


@dataclass(frozen=True)
class Found:
    """The results of one look."""

    instances: t.Tuple[Instance, ...]
    #: shells, database commands and runs with --stop-after-init: real Odoo, but no server
    one_off: t.Tuple[Process, ...]


def find_instances(
    processes: t.Iterable[Process],
    listening: t.Optional[Listening] = None,
    now: t.Optional[int] = None,
    without_http: t.Container[int] = (),
    own_modules: t.Container[int] = (),
    alive: t.Container[int] = (),
) -> Found:
    """Group process records into instances.

    :param processes: every process whose argument vector names Odoo; others do no harm.
    :param listening: sockets in state LISTEN by inode, as :func:`_process.parse_listening` gives them.
    :param now: the moment of the look in clock ticks since boot; tells the first moments of a server from its last.
    :param without_http: pids of servers that are told to serve no HTTP, so that a missing socket means nothing.
    :param alive: parents, and leaders of sessions, that live.
    :param own_modules: pids of servers that load nothing but Odoo's own modules, none of which adds a worker.
    """
    records = {process.pid: process for process in processes if process.run_state not in ("Z", "X")}
    commands = {pid: parse_command(process.argv) for pid, process in records.items()}
    masters = {
        pid: process
        for pid, process in records.items()
        if _kind(commands[pid]) == SERVER and _could_be_master(process) and not _has_master(process, commands)
    }
    alone = {pid: p for pid, p in records.items() if _kind(commands[pid]) == GEVENT and _is_alone(p, commands, alive)}
    offspring: t.Dict[int, t.List[Process]] = {}
    for pid, process in records.items():
        if process.ppid in masters and pid not in masters and _is_fork(process, masters[process.ppid], commands[pid]):
            offspring.setdefault(process.ppid, []).append(process)
    masters.update(alone)
    ports = listening or {}
    instances = []
    for pid in sorted(masters):
        master = masters[pid]
        children = _children(master, offspring.get(pid, []), commands, ports, own_modules=pid in own_modules)
        own = None if master.sockets is None else _listens_at([master], ports)
        state = _state(
            master,
            children,
            silent=own == (),
            young=now is not None and _is_young(now, master, children),
            with_http=pid not in without_http,
        )
        command = t.cast(Command, commands[pid])
        if command.kind == GEVENT:
            state = State.RUNNING if master.catches("QUIT") else State.BOOTING
        everywhere = _listens_at([master, *(child.process for child in children)], ports)
        evented = _listens_at((c.process for c in children if c.role == Role.GEVENT), ports)
        instances.append(Instance(master, command, _mode(master, command), state, children, own, everywhere, evented))
    one_off = sorted(pid for pid, command in commands.items() if _kind(command) == ONE_OFF)
    return Found(tuple(instances), tuple(records[pid] for pid in one_off))


#: A server younger than this that does not listen is starting, an older one is stopping; once it has workers, the
#: youngest of them counts, because a prefork server starts all its processes within some milliseconds. In clock ticks:
#: Linux has shown user space 100 of them a second on every architecture that runs Odoo.
_YOUNG_MASTER, _YOUNG_WORKER = 1000, 50


def _is_young(now: int, master: Process, children: t.Sequence[Child]) -> bool:
    if children:
        return now - max(child.process.start for child in children) < _YOUNG_WORKER
    return now - master.start < _YOUNG_MASTER


def _listens_at(processes: t.Iterable[Process], ports: Listening) -> t.Tuple[t.Tuple[str, int], ...]:
    inodes = {inode for process in processes for inode in process.sockets or () if inode in ports}
    return tuple(sorted({ports[inode] for inode in inodes}))


def _kind(command: t.Optional[Command]) -> t.Optional[str]:
    return command.kind if command else None


def _could_be_master(process: Process) -> bool:
    # Without QUIT it boots or exits. With QUIT and without HUP it is a worker whose master is gone.
    return process.catches("HUP") or not process.catches("QUIT")


def _has_master(process: Process, commands: t.Mapping[int, t.Optional[Command]]) -> bool:
    """Return whether the parent is an Odoo server that forked this process."""
    parent, mine = commands.get(process.ppid), commands[process.pid]
    if parent is None or mine is None or parent.kind != SERVER:
        return False
    # A fork has its parent's arguments, but for those that a HUP drops and the shepherd still has. A server that a
    # server has started (runbot, a test) has others.
    same_code = mine.script == parent.script and mine.package == parent.package
    return same_code and lasting_arguments(mine.args) == lasting_arguments(parent.args)


def _is_alone(process: Process, commands: t.Mapping[int, t.Optional[Command]], alive: t.Container[int]) -> bool:
    """Return whether a gevent process was started without a master, as its own unit or container.

    A gevent process whose master has ended also ends some seconds later (seen on Odoo 19.0). Then its parent has ended,
    or the leader of its session, which was its master or of its master.
    """
    if _kind(commands.get(process.ppid)) == SERVER or process.catches("HUP"):
        return False
    has_parent = process.ppid == 0 or process.ppid in alive
    return has_parent and (process.session in (0, process.pid) or process.session in alive)


def _is_fork(process: Process, master: Process, command: t.Optional[Command]) -> bool:
    # Not every child of a threaded server is part of it: it starts wkhtmltopdf too, with odoo in its argv. With
    # setproctitle a worker's argv is a title; then its exec, or the title, shows where it comes from. A fork that runs
    # as another user is not part of the server: a signal of root would reach the process of another user.
    if process.uid != master.uid:
        return False
    if command is not None:
        return command.kind in (SERVER, GEVENT)
    same_exec = process.fingerprint is not None and process.fingerprint == master.fingerprint
    return same_exec or process.worker_class is not None


def _mode(master: Process, command: t.Optional[Command] = None) -> t.Optional[Mode]:
    if command is not None and command.kind == GEVENT:
        return Mode.GEVENT
    if not master.catches("QUIT"):
        return None
    return Mode.PREFORK if master.catches("TTIN") else Mode.THREADED


def _children(
    master: Process,
    offspring: t.Sequence[Process],
    commands: t.Mapping[int, t.Optional[Command]],
    ports: Listening,
    *,
    own_modules: bool,
) -> t.Tuple[Child, ...]:
    shepherds = [process for process in offspring if _is_shepherd(process, master)]
    handed_over = max((shepherd.start for shepherd in shepherds), default=-1)
    classes = _Classes.of(master, offspring)
    children = []
    for process in sorted(offspring, key=lambda p: p.pid):
        is_gevent = _kind(commands[process.pid]) == GEVENT
        # gevent has an exec of its own, so time must tell: what lived when the HUP forked the shepherd is old, and a
        # master without handlers has not started anything yet.
        old = (
            process.start <= handed_over
            or (is_gevent and not master.catches("QUIT"))
            or (not is_gevent and _other_exec(process, master))
        )
        told = True
        if process in shepherds:
            role = Role.SHEPHERD
        elif is_gevent:
            role = Role.GEVENT
        else:
            role, told = _worker_role(process, master, ports, classes)
            told = told or (own_modules and process.at_socket == AtSocket.WAITS)
        children.append(Child(process, role, Generation.OLD if old else Generation.CURRENT, told))
    return tuple(children)


def _is_shepherd(process: Process, master: Process) -> bool:
    # The old master, forked off by a HUP on Odoo 19: it kept the handlers of its own exec. The new master's environment
    # names it for ever, so a later worker may bear the same pid: the handlers must tell as well.
    return process.catches("HUP") and (_other_exec(process, master) or process.shown_pid == master.handover_pid)


def _other_exec(process: Process, master: Process) -> bool:
    if process.fingerprint is None or master.fingerprint is None:
        return False
    return process.fingerprint != master.fingerprint


@dataclass(frozen=True)
class _Classes:
    """Classes of the workers of one server, by name.

    ``http`` and ``cron`` are Odoo's own or, where no worker has that, those which stand in its place: an addon may put
    a subclass of its own there. ``sure``: there is no doubt which class the http workers have.
    """

    http: t.FrozenSet[str]
    cron: t.FrozenSet[str]
    sure: bool

    @classmethod
    def of(cls, master: Process, workers: t.Iterable[Process]) -> _Classes:
        """Find them among the workers of a server."""
        named = [(process, process.worker_class) for process in workers]
        http = _own_or("WorkerHTTP", ((p, name) for p, name in named if p.at_socket in _SERVES), named)
        nicer = ((process, name) for process, name in named if process.nice > master.nice)
        return cls(http, _own_or("WorkerCron", nicer, named), len(http) == 1)


#: By how much a cron worker is nicer than its master.
_CRON_NICENESS = 10
#: What the kernel shows of the workers that may be http workers.
_SERVES = (AtSocket.ACCEPTED, AtSocket.WAITS)
_Named = t.Tuple[Process, t.Optional[str]]


def _own_or(own: str, others: t.Iterable[_Named], named: t.Iterable[_Named]) -> t.FrozenSet[str]:
    if any(name == own for _process, name in named):
        return frozenset([own])
    return frozenset(name for _process, name in others if name)


def _worker_role(process: Process, master: Process, ports: Listening, classes: _Classes) -> t.Tuple[Role, bool]:
    """Return the role of a worker, and whether that is more than a guess."""
    nicer = process.nice > master.nice
    if process.catches("HUP"):
        # Forked a moment ago, with all that its master has: only niceness tells a cron worker by now. The others are
        # to become a worker, gevent, or the shepherd.
        return (Role.CRON if nicer else Role.UNKNOWN), True
    if process.at_socket == AtSocket.ACCEPTED:
        return Role.HTTP, True
    # Niceness comes before sockets: with a socket of systemd every child has that one open. It ends at 19, so the cron
    # worker of a master with the highest niceness has no listening socket. An administrator may have changed the
    # niceness of any process: the listening socket decides then, too.
    hidden = process.sockets is None
    at_socket = hidden or any(inode in ports for inode in process.sockets or ())
    as_nice = process.nice >= min(19, master.nice + _CRON_NICENESS)
    like_cron = (nicer and (as_nice or not at_socket)) or (master.nice == 19 and not at_socket)
    name = process.worker_class
    if name is not None:
        if name in classes.http:
            return Role.HTTP, classes.sure
        if name in classes.cron and like_cron:
            return Role.CRON, True
        return Role.OTHER, bool(classes.http) or not at_socket or process.at_socket is not None
    if like_cron and (nicer or process.catches("XCPU")):
        return Role.CRON, True
    if not at_socket:
        return (Role.OTHER if process.catches("XCPU") else Role.UNKNOWN), True
    if process.at_socket == AtSocket.ELSEWHERE:
        return Role.OTHER, True
    return (Role.UNKNOWN if hidden and not process.catches("XCPU") else Role.HTTP), False


def _state(master: Process, children: t.Sequence[Child], *, silent: bool, young: bool, with_http: bool) -> State:
    if any(c.role == Role.SHEPHERD or c.generation == Generation.OLD for c in children):
        return State.RELOADING
    if not master.catches("QUIT"):
        # A server that boots catches INT and nothing else; one that exits has given up even that. A shell script starts
        # what it starts in the background with INT ignored, and Python leaves it so until Odoo has its handlers.
        return State.BOOTING if young or master.catches("INT") or master.ignores("INT") else State.DRAINING
    # A prefork server that stops ends its gevent process first, and starts a new one at once while it does not stop.
    # Odoo 14 keeps its socket open until the end, Odoo 19 and threaded servers close it first.
    without_gevent = _mode(master) == Mode.PREFORK and not any(c.role == Role.GEVENT or c.starting for c in children)
    if without_gevent and not silent and not children and with_http:
        # It has its handlers and its socket and loads its registry, which may take minutes. A server that drains keeps
        # its socket no longer than its last worker.
        return State.BOOTING
    if with_http and (silent or without_gevent):
        return State.BOOTING if young else State.DRAINING
    return State.RUNNING
