# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""look: one pass over /proc, and what it showed."""

from __future__ import annotations

import dataclasses
import functools
import os
import typing as t
from dataclasses import dataclass

from .._config.cmdline import GEVENT, parse_command
from .._messages import host
from .._messages.code import Problem
from .._system.files import changed_after
from .classify import Found, Instance, Listening, Role, State, find_instances
from .limits import ALL_SERVERS, ONE_SERVER, Shares, in_turn
from .options import Options, read_options
from .proc import Gone, Proc, start_time
from .process import (
    AtSocket,
    Process,
    parse_accepted,
    parse_inodes,
    parse_listening,
)
from .read import read_processes
from .release import Release, find_release
from .rights import files_of, in_time, within_share


@dataclass(frozen=True)
class Look:
    """The result of one pass. ``hidden`` are the pids of which the kernel did not show everything."""

    instances: t.Tuple[Instance, ...]
    one_off: t.Tuple[Process, ...]
    #: by identity of the master
    options: t.Mapping[str, Options]
    releases: t.Mapping[str, Release]
    hidden: t.FrozenSet[int]
    #: processes that have the arguments of a server but are not servers
    unseen: t.Tuple[Problem, ...] = ()
    #: servers that match and are not acted on, because of their users
    left_out: t.Tuple[Problem, ...] = ()

    def instance(self, identity: str) -> t.Optional[Instance]:
        """Return the server whose master has this identity; None if it has ended."""
        return next((i for i in self.instances if i.identity == identity), None)


#: How many of a kind are named, since any user can start thousands of them.
_NAMED = 20


def shortened(unseen: t.Sequence[Problem]) -> t.Tuple[Problem, ...]:
    """Keep the first of each kind, and say how many there were more. Pure."""
    kept: t.List[Problem] = []
    for code in dict.fromkeys(one.code for one in unseen):
        alike = [one for one in unseen if one.code == code]
        kept += alike[:_NAMED]
        if len(alike) > _NAMED:
            kept.append(host.MORE_LEFT_OUT(count=len(alike) - _NAMED, code=code))
    return tuple(kept)


def look_again(proc: Proc, instance: Instance) -> Look:
    """Look at one instance and nothing else, which costs next to nothing on a busy host."""
    pid = instance.master.pid
    try:
        return look(proc, [pid, *proc.children(pid)])
    except Gone:
        return look(proc, [])


def look(proc: Proc, pids: t.Optional[t.Iterable[int]] = None) -> Look:
    """Look at every process once and at those that run Odoo closely. A process that ends meanwhile is left out.

    :param pids: look at these processes only.
    """
    hidden: t.Set[int] = set()
    unseen: t.List[Problem] = []
    if pids is None:
        pids = in_turn(proc.pids(), proc.owner)
    processes = read_processes(proc, pids, hidden, unseen)
    processes = [_known(proc, process) if process.identity in proc.classes else process for process in processes]
    listening = _listening(proc, processes)
    find = functools.partial(
        find_instances, listening=listening, now=proc.uptime_ticks(), alive=_alive(proc, processes)
    )
    found = find(processes)
    releases: t.Dict[str, Release] = {}
    options: t.Dict[str, Options] = {}
    shares = Shares(ALL_SERVERS, [one.master.uid for one in found.instances])
    late = 0
    for one in in_turn(found.instances, lambda instance: instance.master.uid):
        left = min(ONE_SERVER, shares.left(one.master.uid))
        if left <= 0:
            late += 1
            continue
        read_files = functools.partial(_named_files, proc, one)
        read = within_share(proc, one.master, NAMED_FILES, read_files, shares, left)
        if read is None:
            unseen.append(host.FILES_TIMEOUT(pid=one.master.pid, seconds=ONE_SERVER))
            continue
        releases[one.identity], options[one.identity] = read
    if late:
        unseen.append(host.SERVERS_TIMEOUT(count=late, seconds=ALL_SERVERS))
    slow = {i.master.pid for i in found.instances if i.identity not in options}
    processes = [process for process in processes if not slow & {process.pid, process.ppid}]
    silent = {i.master.pid for i in found.instances if i.identity in options and _without_http(proc, i, options)}
    if silent or slow:
        found = find(processes, without_http=silent)
    for tell in (_tell_by_log, _tell_by_socket):
        told = tell(proc, found, options, listening)
        if told:
            processes = [told.get(process.pid, process) for process in processes]
            own = {i.master.pid for i in found.instances if options[i.identity].has_own_modules_alone}
            found = find(processes, without_http=silent, own_modules=own)
    return Look(found.instances, found.one_off, options, releases, frozenset(hidden), shortened(unseen))


def _without_http(proc: Proc, instance: Instance, every: t.Mapping[str, Options]) -> bool:
    """Return whether a server was started without HTTP, so that it does not drain because it does not listen.

    If odoo.conf has changed since, its present content does not answer this: the main thread shows it then.
    """
    options = every[instance.identity]
    if not options.http_enable:
        return True
    ends = instance.state in (State.BOOTING, State.DRAINING) and instance.master.catches("QUIT")
    if not ends or instance.listening != () or instance.having(Role.HTTP) or instance.having(Role.GEVENT):
        return False

    def changes() -> t.Sequence[t.Tuple[float, str]]:
        with files_of(proc, instance.master) as root:
            return changed_after([options.config_file or ""], start_time(instance.master), root)

    try:
        changed = in_time(proc, instance.master, NAMED_FILES, changes)
    except OSError:
        return False
    return bool(changed) and proc.main_thread_rests(instance.master.pid)


def _alive(proc: Proc, processes: t.Iterable[Process]) -> t.Set[int]:
    """Return the parents of gevent processes, and the leaders of their sessions, that live."""
    commands = ((process, parse_command(process.argv)) for process in processes)
    asked = {pid for p, one in commands if one and one.kind == GEVENT for pid in (p.ppid, p.session)}
    return {pid for pid in asked if os.path.isdir("%s/%d" % (proc.root, pid))}


def _named_files(proc: Proc, instance: Instance) -> t.Tuple[Release, Options]:
    release = find_release(proc, instance.master, instance.command)
    return release, read_options(proc, instance.master, instance.command, release.version)


#: Names for what is read of a server.
NAMED_FILES, CLASSES = "the files that it names", "the classes of its workers"

_Told = t.Dict[int, Process]


def _tell_by_log(proc: Proc, found: Found, options: t.Mapping[str, Options], _listening: Listening) -> _Told:
    """Return by their pid those workers of prefork servers whose class their log tells, with it."""
    told: _Told = {}
    shares = Shares(ALL_SERVERS, [one.master.uid for one in found.instances])
    for one in in_turn(found.instances, lambda instance: instance.master.uid):
        nameless = [c.process for c in one.children if c.ready and c.role != Role.GEVENT and not c.process.worker_class]
        left = min(ONE_SERVER, shares.left(one.master.uid))
        if not nameless or proc.classes_in_log is None:
            continue
        search = functools.partial(proc.classes_in_log, proc, one, options[one.identity], nameless)
        found_classes = within_share(proc, one.master, CLASSES, search, shares, left)
        if found_classes is None:
            continue
        proc.classes.update(found_classes)
        told.update({p.pid: _known(proc, p) for p in nameless if p.identity in proc.classes})
    return told


def _tell_by_socket(proc: Proc, found: Found, _options: t.Mapping[str, Options], listening: Listening) -> _Told:
    """Return by their pid those workers of which nothing else tells that they serve http, with what the kernel does."""
    told: _Told = {}
    for one in found.instances:
        inodes = frozenset(inode for inode in one.master.sockets or () if inode in listening)
        for process in (child.process for child in one.children if child.ready and not child.told):
            at_socket = proc.at_socket.get(process.identity)
            if at_socket is None and process.sockets is not None and inodes:
                try:
                    at_socket = _at_socket(proc, process, inodes, listening)
                except (Gone, PermissionError, FileNotFoundError, ProcessLookupError):
                    continue
            if at_socket is not None:
                told[process.pid] = dataclasses.replace(process, at_socket=at_socket)
            if at_socket is not None and at_socket != AtSocket.WAITS:
                proc.at_socket[process.identity] = at_socket
    return told


#: Seconds from the start of a worker on in which it may sleep for something before it waits for a connection: an http
#: worker asks for the name of its host first.
_STARTS = 10.0


def _at_socket(proc: Proc, process: Process, inodes: t.FrozenSet[int], listening: Listening) -> t.Optional[AtSocket]:
    """Return what the kernel shows of a worker and these listening sockets of its server; None where that is nothing.

    :raises Gone: the process has ended.
    :raises PermissionError: we may not look.
    """
    own = t.cast("t.FrozenSet[int]", process.sockets) - frozenset(listening)
    tcp = [proc.text(process.pid, name) for name in ("net/tcp", "net/tcp6")]
    ports = {listening[inode][1] for inode in inodes}
    if any(own & parse_accepted(text, ports) for text in tcp):
        return AtSocket.ACCEPTED
    waits = proc.selected(process.pid, inodes)
    if waits:
        return AtSocket.WAITS
    # A connection whose other end has gone is in no table any more, and its request may go on.
    tables = [(text, 9) for text in tcp]
    tables += [(proc.text(process.pid, "net/" + name), at) for name, at in (("udp", 9), ("udp6", 9), ("unix", 6))]
    lost = own.difference(*(parse_inodes(text, column) for text, column in tables))
    age = (proc.uptime_ticks() - process.start) / os.sysconf("SC_CLK_TCK")
    return AtSocket.ELSEWHERE if waits is False and not lost and age > _STARTS else None


def _known(proc: Proc, process: Process) -> Process:
    """Return a process with what was learned of it before."""
    return dataclasses.replace(process, named=proc.classes.get(process.identity))


def _listening(proc: Proc, processes: t.Iterable[Process]) -> t.Dict[int, t.Tuple[str, int]]:
    """Listening sockets of every network namespace in which Odoo runs."""
    listening: t.Dict[int, t.Tuple[str, int]] = {}
    namespaces: t.Set[str] = set()
    for process in processes:
        if parse_command(process.argv) is None:
            continue
        try:
            namespace = proc.link(process.pid, "ns/net")
            if namespace in namespaces:
                continue
            for name in ("net/tcp", "net/tcp6"):
                listening.update(parse_listening(proc.text(process.pid, name)))
            namespaces.add(namespace)
        except (Gone, PermissionError):
            continue
    return listening
