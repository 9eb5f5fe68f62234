# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Following a server's log from a mark on: only what is new is read, in pieces, however fast it grows.

A follower is made before the signals, which is the mark. What it gives is a line with what carries it: the pid that
the journal names, or nothing where the lines of all processes come one after the other.
"""

from __future__ import annotations

import functools
import os
import subprocess
import typing as t

from .._messages import dump
from .._messages.code import Problem
from .._processes.classify import Instance, Role
from .._processes.container import runtime_of
from .._processes.limits import ONE_SERVER
from .._processes.proc import Proc
from .._processes.process import Process
from .._processes.rights import NoAnswer, in_time
from .._system.errors import Failure
from .._system.files import open_regular
from .._system.programs import container_program, end_of_output, output_of, start
from .._system.timeout import TooSlow, within
from .entries import docker_entry, journal_entry, k8s_entry
from .form import strange_form
from .held import AT_ONCE, CHUNK, LONGEST, LOOKED_AT, Held, Lines
from .journal import DROPPED, command, journalctl, unreadable
from .place import COUNTER, DUMPER, FILE, JOURNAL, LogPlace, nowhere
from .read import log_path, open_place

#: Bytes of an entry of the journal that are kept; its message may be a list of numbers.
_LONGEST_ENTRY = 1 << 22
#: How many files of a log that was rotated are held.
_MOST_FILES = 4
#: Entries of the journal that tell the form of a log.
_ENTRIES = 200

Carried = t.Tuple[str, bytes]

#: Roles of processes with a thread that has their pid in its name.
NAMED = (Role.HTTP, Role.CRON, Role.OTHER)

#: What processes may be asked to write.
DUMPS, STATISTICS = "stacks", "cache statistics"


class Unreachable(Failure):
    """A log cannot be followed."""


class Follower:
    """The interface of all ways to follow a log.

    ``whole``: lines of other processes do not interrupt a dump. A pipe passes at most a page in one piece.
    ``rest`` are the seconds without a new line after which a dump counts as complete. ``dropped`` is the message of
    journald about dropped entries. ``may_drop``: lines of processes may be missing (LogRateLimitBurst).
    """

    source = ""
    whole = True
    may_drop = False
    rest = 0.1
    dropped = ""

    def read(self) -> t.Iterator[Carried]:
        """Return the new lines, at most about 32 MB at a time."""
        raise NotImplementedError

    def before(self) -> t.List[Carried]:
        """Return the last lines from before the mark, which show the form of the log."""
        return []

    def close(self) -> None:
        """Close the log."""


class FileFollower(Follower):
    """A file, held open from the start, and later files at its path.

    :param path: where to look for later files.
    :param opened: opens the file there, if it can be trusted; None otherwise.
    """

    def __init__(self, source: str, path: str, opened: t.Callable[[], t.Optional[int]]) -> None:
        self.source = source
        self._path, self._opened, self._silent = path, opened, False
        first = opened()
        if first is None and os.path.exists(path):
            raise Unreachable(dump.LOG_UNREADABLE(path=source))
        if first is None and not os.path.isdir(os.path.dirname(path)):
            raise Unreachable(dump.LOG_MISSING(path=source))
        self._files = [] if first is None else [Held(first, os.fstat(first).st_size)]

    def read(self) -> t.Iterator[Carried]:
        """Return the new lines of the open files, then of a new one at the path.

        None from then on if the file system does not answer.
        """
        if self._silent:
            return iter(())
        try:
            return iter(within(ONE_SERVER, lambda: list(self._read())))
        except TooSlow:
            self._silent = True
            return iter(())

    def _read(self) -> t.Iterator[Carried]:
        for held in list(self._files):
            for line in held.read():
                yield "", line
        new = self._rotated()
        if new is not None:
            self._files.append(new)
            for line in new.read():
                yield "", line
            if len(self._files) > _MOST_FILES:
                os.close(self._files.pop(0).descriptor)

    def before(self) -> t.List[Carried]:
        """Return the last lines of the file."""
        try:
            return within(ONE_SERVER, lambda: [("", line) for held in self._files for line in held.before()])
        except TooSlow:
            self._silent = True
            return []

    def _rotated(self) -> t.Optional[Held]:
        try:
            status = os.stat(self._path, follow_symlinks=False)
        except OSError:
            return None
        if any(held.key == (status.st_dev, status.st_ino) for held in self._files):
            return None
        descriptor = self._opened()
        return None if descriptor is None else Held(descriptor, 0)

    def close(self) -> None:
        """Close the files."""
        for held in self._files:
            os.close(held.descriptor)
        self._files = []


class JournalFollower(Follower):
    """The journal, by a journalctl that is told the last entry there was.

    :param match: of entries, in journalctl's words.
    :param carried: entries name the process, which one of a container's runtime does not.
    """

    may_drop = True
    #: journald tells its readers of new entries four times a second at most.
    rest = 0.5

    def __init__(self, source: str, match: t.Sequence[str], now: float, *, carried: bool) -> None:
        program = journalctl()
        if program is None:
            raise Unreachable(dump.NO_JOURNALCTL())
        self.source, self._carried, self.whole = source, carried, carried
        match = [*match, "+", "MESSAGE_ID=" + DROPPED]
        # It must be one of the entries that are asked for: behind another one journalctl leaves out the first of those
        # (seen with systemd 252).
        last = output_of(*command(program, "--lines=1", "--output=cat", "--show-cursor", *match))
        cursor = last.rpartition("-- cursor: ")[2].strip() if "-- cursor: " in last else ""
        self._lines = Lines(_LONGEST_ENTRY)
        form = [
            "--all",
            "--output=json",
            "--output-fields=MESSAGE,MESSAGE_ID,_PID,_TRANSPORT,CONTAINER_PARTIAL_MESSAGE",
        ]
        begin = "--after-cursor=" + cursor if cursor else "--since=@%.6f" % now
        self._ask_before = command(program, "--lines=%d" % _ENTRIES, *form, *match)
        self._partial = b""
        try:
            self._program = start(
                command(program, "--follow", "--no-tail", begin, *form, *match), stdout=subprocess.PIPE
            )
        except OSError as exc:
            raise Unreachable(dump.JOURNALCTL_NOT_RUN(error=str(exc))) from exc
        self._output = t.cast(t.IO[bytes], self._program.stdout).fileno()
        os.set_blocking(self._output, False)

    def read(self) -> t.Iterator[Carried]:
        """Return the lines of the new entries. A message may have several lines."""
        left = AT_ONCE
        while left > 0:
            try:
                data = os.read(self._output, CHUNK)
            except BlockingIOError:
                return
            if not data:
                return
            left -= len(data)
            for line in self._lines.feed(data):
                yield from self._entry(line)

    def before(self) -> t.List[Carried]:
        """Return the last entries."""
        told = end_of_output(LOOKED_AT, *self._ask_before).encode("utf-8", "replace").splitlines()
        lines = [one for line in told for one in self._entry(line)]
        self._partial, self.dropped = b"", ""
        return lines

    def _entry(self, line: bytes) -> t.Iterator[Carried]:
        entry = journal_entry(line)
        if entry is None:
            return
        if DROPPED.encode() in line:
            self.dropped = entry.message.decode("utf-8", "replace")
            return
        if entry.partial and len(self._partial) < LONGEST:
            self._partial += entry.message
            return
        message, self._partial = self._partial + entry.message, b""
        for one in message.split(b"\n"):
            yield entry.pid if self._carried else "", one + b"\n"

    def close(self) -> None:
        """End the journalctl."""
        self._program.terminate()
        t.cast(t.IO[bytes], self._program.stdout).close()
        self._program.wait()


class RuntimeFollower(FileFollower):
    """The file in which docker or podman keep what a container writes: an entry a line."""

    whole = False

    def __init__(self, source: str, path: str, entry: t.Callable[[bytes], t.Tuple[str, bytes, bool]]) -> None:
        self._entry = entry
        self._partial: t.Dict[str, bytes] = {}
        super().__init__(source, path, self._open)

    def _open(self) -> t.Optional[int]:
        # Its directory belongs to the runtime, so no other user could put a link there.
        try:
            return open_regular(self._path, os.O_NOFOLLOW)
        except OSError:
            return None

    def read(self) -> t.Iterator[Carried]:
        """Return the lines of the entries."""
        return self._within(super().read())

    def before(self) -> t.List[Carried]:
        """Return the last lines of the entries."""
        lines = list(self._within(super().before()))
        self._partial = {}
        return lines

    def _within(self, entries: t.Iterable[Carried]) -> t.Iterator[Carried]:
        for _carrier, entry in entries:
            stream, text, partial = self._entry(entry)
            known = self._partial.pop(stream, b"")
            if partial and len(known) < LONGEST:
                self._partial[stream] = known + text
            else:
                yield "", known + text + b"\n"


def hidden(place: LogPlace, what: str = DUMPS) -> t.Optional[Problem]:
    """Return why nothing of this kind would show in the log; None where it would. Pure."""
    why = nowhere(place)
    if why:
        return why
    shows, logger = (place.shows_dumps, DUMPER) if what == DUMPS else (place.shows_statistics, COUNTER)
    return None if shows else dump.LEVEL(what=what, logger=logger)


def follow(
    proc: Proc, instance: Instance, place: LogPlace, pids: t.Sequence[int], now: float, what: str = DUMPS
) -> Follower:
    """Mark the end of a server's log.

    :param pids: of the processes whose lines are wanted.
    :param now: seconds since the epoch.
    :param what: the kind of lines to read.
    :raises Unreachable: it cannot be followed.
    """
    why = hidden(place, what)
    if why:
        raise Unreachable(why)
    follower = _follower(proc, instance, place, ["_PID=%d" % pid for pid in pids], now)
    why = strange_form(follower.source, follower.before(), unnamed(instance, pids, what), what)
    if why:
        follower.close()
        raise Unreachable(why)
    return follower


def unnamed(instance: Instance, pids: t.Sequence[int], what: str) -> int:
    """Return how many of these processes a log without pids does not tell from the others. Pure.

    A stack dump names a worker by its thread, and shows whether it is that of the master or of the gevent process.
    """
    if len(pids) == 1 or what != DUMPS:
        return len(pids) - 1
    roles = [role for process, role in instance.everybody if process.pid in pids]
    return sum(1 for role in roles if role not in NAMED) - len({Role.MASTER, Role.GEVENT} & set(roles))


def follow_server(proc: Proc, instance: Instance, place: LogPlace, unit: t.Optional[str], now: float) -> Follower:
    """Mark the end of a server's log, for the lines of all of its processes, those to come included.

    :param unit: systemd unit of the server; without one the journal is read for its master alone.
    :param now: seconds since the epoch.
    :raises Unreachable: it cannot be followed.
    """
    why = nowhere(place)
    if why:
        raise Unreachable(why)
    match = "_SYSTEMD_UNIT=" + unit if unit else "_PID=%d" % instance.master.pid
    return _follower(proc, instance, place, [match], now)


def _follower(proc: Proc, instance: Instance, place: LogPlace, match: t.Sequence[str], now: float) -> Follower:
    master = instance.master
    if place.kind == JOURNAL:
        follower = JournalFollower("the journal", match, now, carried=True)
        why = unreadable(master.uid)
        if why:
            follower.close()
            raise Unreachable(why)
        return follower
    if place.kind == FILE:
        path, children = t.cast(str, place.path), [child.process.pid for child in instance.children]
        opened = functools.partial(open_place, proc, master, place, children)
        try:
            return in_time(proc, master, path, lambda: FileFollower(path, _here(proc, master, place), opened))
        except NoAnswer:
            raise Unreachable(dump.LOG_UNREADABLE(path=path)) from None
    return _of_container(*runtime_of(master), now)


def _here(proc: Proc, master: Process, place: LogPlace) -> str:
    path = t.cast(str, place.path)
    return path if place.daemon else log_path(proc, master, path)


def container_log(runtime: str, name: t.Optional[str]) -> t.Tuple[str, str, str]:
    """Return where docker or podman keep the log of a container: its name, the driver, and the path of the file.

    :raises Unreachable: the runtime cannot be asked.
    """
    program = container_program(runtime)
    if program is None or not name:
        raise Unreachable(dump.CONTAINER(runtime=runtime))
    where = "{{.LogPath}}" if runtime == "docker" else "{{.HostConfig.LogConfig.Path}}"
    told = output_of(program, "inspect", "--format", "{{.HostConfig.LogConfig.Type}} " + where, name)
    driver, _space, path = told.strip().partition(" ")
    return "the log of container %s" % name[:12], driver, path


def entry_of(runtime: str, driver: str, path: str) -> t.Callable[[bytes], t.Tuple[str, bytes, bool]]:
    """Return the parser of a line of such a file. Pure.

    :raises Unreachable: the log driver is not supported.
    """
    if path.startswith("/") and (runtime, driver) == ("docker", "json-file"):
        return docker_entry
    if path.startswith("/") and runtime == "podman" and driver in ("k8s-file", "json-file"):
        return k8s_entry
    raise Unreachable(dump.CONTAINER_DRIVER(runtime=runtime, driver=driver or "?"))


def _of_container(runtime: str, name: t.Optional[str], now: float) -> Follower:
    source, driver, path = container_log(runtime, name)
    if driver == "journald":
        return JournalFollower(source, of_container(name), now, carried=False)
    return RuntimeFollower(source, path, entry_of(runtime, driver, path))


def of_container(name: t.Optional[str]) -> t.List[str]:
    """Return the entries of a container in the journal, as arguments of journalctl.

    Every user can write entries with such a field. Those of the engine have its user, which is ours.
    """
    return ["CONTAINER_ID_FULL=%s" % name, "_UID=%d" % os.geteuid()]
