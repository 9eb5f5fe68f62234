# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Notes of what was drained, so that it can be brought back. They are in the state directory until a boot.

A note is readable by its owner only, because it has the arguments of the server as they were. None is returned.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import typing as t
from dataclasses import dataclass, field

from .._facts.loaded import ServerRecords
from .._facts.results import user_name
from .._processes.classify import Instance, State
from .._processes.look import Look
from .._processes.options import Options
from .._supervisors.find import Supervisor, SupervisorKind, supervisor_of
from .._supervisors.hold import Hold, restored
from .._system.clock import boot_id
from .brief import PREFIX, SUFFIX, keys_of_notes, name_of


@dataclass
class Note:
    """One drained server. ``begun`` and ``drained`` are seconds since the epoch, ``sent`` seconds since the boot."""

    key: str
    boot: str
    identity: str
    pid: int
    start: int
    user: str
    uid: int
    gid: int
    groups: t.List[int]
    kind: str
    unit: t.Optional[str]
    config_file: t.Optional[str]
    databases: t.List[str]
    http_port: int
    version: t.Optional[str]
    mode: t.Optional[str]
    cmdline: t.List[str]
    executable: t.Optional[str]
    cwd: t.Optional[str]
    hold: t.Dict[str, t.Any]
    begun: float
    #: the directory of the drop-in was made for it
    made: bool = False
    #: when the INT was, or was about to be, sent; None before
    sent: t.Optional[float] = None
    #: when it was seen to be gone
    drained: t.Optional[float] = None
    #: what it had besides its command (process_settings.py); it may hold secrets, as /proc/PID/environ does
    settings: t.Dict[str, t.Any] = field(default_factory=dict)
    #: it writes its log into a file or to syslog, so its output is short
    logs_itself: bool = False
    #: of its supervisord
    address: t.Optional[str] = None
    #: where it listened: option, address and port
    places: t.List[t.Sequence[t.Any]] = field(default_factory=list)
    #: what was at work at the last look, as results tell it
    busy: t.List[t.Dict[str, t.Any]] = field(default_factory=list)
    #: owner of the drain, as the controller tells it
    by: str = ""

    @property
    def held(self) -> Hold:
        """Return the hold."""
        return restored(self.hold)

    @property
    def supervisor(self) -> Supervisor:
        """Return what kept it running."""
        kind = SupervisorKind(self.kind)
        uid = self.uid if kind == SupervisorKind.SYSTEMD_USER else None
        return Supervisor(kind, self.unit, uid, self.address)

    @property
    def is_launched(self) -> bool:
        """Return whether only its recorded command would start it."""
        return SupervisorKind.NONE in (self.kind, self.held.kind) or self.held.transient

    def as_master(self) -> t.Dict[str, t.Any]:
        """Return what ``match`` is compared with, in the form of ``master_info``."""
        return {
            "identity": self.identity,
            "pid": self.pid,
            "user": self.user,
            "config_file": self.config_file,
            "databases": self.databases,
            "version": self.version,
            "mode": self.mode,
            "supervisor": {"unit": self.unit},
            "options": {"http_port": self.http_port},
        }

    def is_of(self, instance: Instance, options: Options) -> bool:
        """Return whether a server has the same user, odoo.conf and port, with any supervisor."""
        return (self.uid, self.config_file, self.http_port) == (
            instance.master.uid,
            options.config_file,
            options.http_port,
        )

    @property
    def name(self) -> str:
        """Return what the server is called in messages."""
        return name_of(self.unit, self.config_file, self.http_port)


def key_of(supervisor: Supervisor, config_file: t.Optional[str], http_port: int, uid: int) -> str:
    """Return what a server and the one that takes its place have in common. Pure.

    Another user may start what has the arguments of the server, and only that user is different then.
    """
    text = json.dumps([supervisor.kind, supervisor.unit, config_file, http_port, uid])
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:20]


def key_in(seen: Look, instance: Instance) -> str:
    """Return the key of a server of a look."""
    options = seen.options[instance.identity]
    return key_of(supervisor_of(instance.master), options.config_file, options.http_port, instance.master.uid)


def new_note(
    seen: Look,
    instance: Instance,
    hold: Hold,
    now: float,
    supervisor: t.Optional[Supervisor] = None,
    settings: t.Optional[t.Dict[str, t.Any]] = None,
) -> Note:
    """Make the note of a server that is about to be drained.

    :param now: seconds since the epoch.
    :param supervisor: what keeps it running; None: what it shows itself.
    :param settings: what it has besides its command.
    """
    master, options = instance.master, seen.options[instance.identity]
    supervisor = supervisor or supervisor_of(master)
    return Note(
        key=key_in(seen, instance),
        boot=boot_id(),
        identity=instance.identity,
        pid=master.pid,
        start=master.start,
        user=user_name(master.uid),
        uid=master.uid,
        gid=master.gid,
        groups=list(master.groups),
        kind=supervisor.kind,
        unit=supervisor.unit,
        address=supervisor.address,
        config_file=options.config_file,
        databases=list(options.databases),
        http_port=options.http_port,
        version=seen.releases[instance.identity].version,
        mode=instance.mode,
        cmdline=list(master.argv),
        executable=master.executable,
        cwd=master.cwd,
        hold=dataclasses.asdict(hold),
        begun=now,
        settings=settings or {},
        logs_itself=bool(options.logfile or options.syslog),
    )


class NoteBook:
    """The notes of one user on one host."""

    def __init__(self, store: ServerRecords) -> None:
        self._store = store

    def read(self, key: str) -> t.Optional[Note]:
        """Return the note with this key; None if this boot has none."""
        try:
            note = Note(**self._store.read(PREFIX + key + SUFFIX))
        except (OSError, ValueError, TypeError):
            return None
        return note if note.boot == boot_id() else None

    def all(self) -> t.List[Note]:
        """Return every note of this boot, the oldest drain first."""
        found = [note for note in map(self.read, keys_of_notes(self._store)) if note is not None]
        return sorted(found, key=lambda note: (note.begun, note.key))

    def told_to_end(self, instance: Instance) -> bool:
        """Return whether a drain has sent this very server its INT, or was about to."""
        return any(note.identity == instance.identity and note.sent is not None for note in self.all())

    def state_of(self, instance: Instance, options: Options) -> State:
        """Return the state of a server. Without HTTP it does not show that it drains, so there its note counts."""
        drains = not options.http_enable and self.told_to_end(instance)
        return State.DRAINING if drains else instance.state

    def write(self, note: Note) -> None:
        """Write a note, in the place of an earlier one.

        :raises OSError: it could not be written.
        """
        self._store.write(PREFIX + note.key + SUFFIX, dataclasses.asdict(note))

    def forget(self, note: Note) -> None:
        """Remove a note."""
        try:
            os.unlink(os.path.join(self._store.path, PREFIX + note.key + SUFFIX))
        except FileNotFoundError:
            return

    def try_lock(self, key: str) -> t.Optional[int]:
        """Take the lock of the drains and undrains of a server; None while another call has it."""
        try:
            return self._store.lock(PREFIX + key + ".lock", wait=False)
        except BlockingIOError:
            return None
