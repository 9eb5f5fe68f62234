# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records for tests: processes and instances that no capture has, and a clock that costs no time."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._config.parse import Settings, read_settings
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Instance, find_instances
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.options import Options, options_of
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.process import Process, signal_number
from ansible_collections.fleetops.odoo.plugins.module_utils._system.clock import Clock
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Failure

PREFORK_MASTER = ("HUP", "INT", "QUIT", "USR1", "USR2", "TERM", "CHLD", "TTIN", "TTOU")
THREADED_MASTER = ("HUP", "INT", "QUIT", "USR1", "USR2", "TERM", "CHLD", "XCPU")
WORKER = ("INT", "QUIT", "USR1", "USR2", "XCPU")
GEVENT = ("INT", "QUIT", "USR1", "USR2", "CHLD")
BOOTING = ("INT",)

SERVER_ARGV = ("/usr/bin/python3", "/usr/bin/odoo", "--config", "/etc/odoo/odoo.conf")
GEVENT_ARGV = ("/usr/bin/python3", "/usr/bin/odoo", "gevent", "--config", "/etc/odoo/odoo.conf")

#: inodes of the sockets at which the servers made here and their gevent processes listen
SOCKET, EVENTED = 4711, 4712
PORTS = {SOCKET: ("0.0.0.0", 8069), EVENTED: ("0.0.0.0", 8072)}


def mask(names: t.Iterable[str]) -> int:
    """A SigCgt mask that holds these signals."""
    return sum(1 << (signal_number(name) - 1) for name in set(names))


def process(pid: int, ppid: int = 1, caught: t.Iterable[str] = PREFORK_MASTER, **fields: t.Any) -> Process:
    """A process record; what is not given is as a server's master has it."""
    values: dict[str, t.Any] = {
        "start": 1000 + pid,
        "argv": SERVER_ARGV,
        "run_state": "S",
        "uid": 102,
        "gid": 102,
        "groups": (102,),
        "nice": 0,
        "threads": 1,
        "fingerprint": 7000,
        "executable": "/usr/bin/python3.11",
        "cwd": "/",
        "sockets": frozenset([SOCKET]),
    }
    return Process(pid=pid, ppid=ppid, caught=mask(caught), **{**values, **fields})


def prefork(master: int = 100, workers: int = 2, **fields: t.Any) -> list[Process]:
    """A prefork server at rest: master, http workers, gevent, one cron worker."""
    own = {"uid": fields["uid"]} if "uid" in fields else {}
    processes = [process(master, **fields)]
    processes += [process(master + 1 + n, master, WORKER, named="WorkerHTTP", **own) for n in range(workers)]
    evented = {"argv": GEVENT_ARGV, "fingerprint": 9000 + master, "sockets": frozenset([EVENTED]), **own}
    processes.append(process(master + 50, master, GEVENT, **evented))
    processes.append(process(master + 60, master, WORKER, named="WorkerCron", nice=10, sockets=frozenset(), **own))
    return processes


def threaded(master: int = 100, **fields: t.Any) -> list[Process]:
    """A threaded server at rest."""
    return [process(master, **{"caught": THREADED_MASTER, **fields})]


def instance(processes: t.Iterable[Process], **keywords: t.Any) -> Instance:
    """The only instance among these processes."""
    (found,) = find_instances(processes, PORTS, 100_000, **keywords).instances
    return found


def options(**fields: t.Any) -> Options:
    """Odoo's own options, but for these."""
    return dataclasses.replace(options_of(settings()), **fields)


@dataclasses.dataclass
class Place:
    """Return what a server sees: environment, working directory, files, folders, homes of users."""

    environ: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    cwd: str = "/"
    files: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    folders: t.Collection[str] = ()
    homes: t.Mapping[str | None, str] = dataclasses.field(default_factory=dict)

    def home(self, user: str | None) -> str | None:
        """Return a home."""
        return self.homes.get(user)

    def is_file(self, path: str) -> bool:
        """Return True if there is a file."""
        return path in self.files

    def is_folder(self, path: str) -> bool:
        """Return True if there is a folder."""
        return path in self.folders

    def read(self, path: str) -> str:
        """Return the text of a file."""
        try:
            return self.files[path]
        except KeyError:
            raise FileNotFoundError(2, os.strerror(2), path) from None


def settings(
    content: t.Mapping[str, str] | None = None, *args: str, version: int | None = None, **environ: str
) -> Settings:
    """Options of a server with this odoo.conf, these arguments and this environment."""
    if content is None:
        return read_settings(args, Place(environ), version)
    text = "[options]\n" + "".join(f"{name} = {value}\n" for name, value in content.items())
    return read_settings(["-c", "/odoo.conf", *args], Place(environ, files={"/odoo.conf": text}), version)


class FakeClock(Clock):
    """A clock on which only sleeping lets time pass, and that tells a test when it does."""

    def __init__(self, on_sleep: t.Callable[[float], object] | None = None) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self._on_sleep = on_sleep

    def monotonic(self) -> float:
        """Seconds since the start of this clock."""
        return self.now

    def time(self) -> float:
        """Some seconds of 2026."""
        return 1_796_000_000.0 + self.now

    def uptime(self) -> float:
        """Seconds since a boot that was when this clock began."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        self.now += seconds
        self.slept.append(seconds)
        if self._on_sleep is not None:
            self._on_sleep(seconds)


@contextlib.contextmanager
def failing(code: str, kind: type[Failure] = Failure) -> t.Iterator[pytest.ExceptionInfo[t.Any]]:
    """Expect a failure with this code within the block."""
    with pytest.raises(kind) as caught:
        yield caught
    assert caught.value.code == code, caught.value
