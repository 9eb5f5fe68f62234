# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The options a server runs with, without secrets, as Odoo's own parser has them in the server's place."""

from __future__ import annotations

import contextlib
import functools
import pwd
import typing as t
from dataclasses import dataclass

from .._config.cmdline import Command
from .._config.parse import Settings
from .._config.parse import read_settings as read_settings_at
from .._system.redact import redact_text
from .limits import ODOO_CONF, PASSWD
from .proc import Gone, Proc
from .process import Process, parse_environ
from .release import major
from .rights import is_file, is_folder, read_file

LARGEST_FILE = ODOO_CONF


#: Modules of Odoo itself that stand in server_wide_modules.
_OWN_MODULES = frozenset(["base", "bus", "rpc", "web", "web_kanban"])


@dataclass(frozen=True)
class Options:
    """The options of a server that the collection needs. Ports are numbers, limits are seconds, paths are absolute."""

    config_file: t.Optional[str]
    #: why odoo.conf could not be read; it says nothing of its content
    config_error: t.Optional[str]
    databases: t.Tuple[str, ...]
    http_enable: bool
    http_interface: str
    http_port: int
    gevent_port: int
    workers: int
    max_cron_threads: int
    logfile: t.Optional[str]
    syslog: bool
    log_level: str
    limit_time_real: int
    limit_time_real_cron: int
    data_dir: t.Optional[str]
    addons_path: t.Tuple[str, ...] = ()
    #: "logger:LEVEL", later ones win
    log_handler: t.Tuple[str, ...] = ()
    #: bytes of address space that one worker may have; 0: no limit
    limit_memory_hard: int = 0
    #: modules that the master itself loads
    server_wide_modules: t.Tuple[str, ...] = ()
    #: odoo.conf, and the files that Odoo reads before it
    config_files: t.Tuple[str, ...] = ()

    @property
    def has_own_modules_alone(self) -> bool:
        """Return whether the master loads only modules of Odoo itself (14 to 19), none of which adds a worker."""
        return _OWN_MODULES.issuperset(self.server_wide_modules)


class ServersPlace:
    """Files and environment as a server sees them."""

    def __init__(self, proc: Proc, master: Process) -> None:
        self._proc, self._master = proc, master

    @functools.cached_property
    def environ(self) -> t.Mapping[str, str]:
        """Return the environment of the process at its exec; empty if it is not readable."""
        try:
            return parse_environ(self._proc.read(self._master.pid, "environ"))
        except (Gone, PermissionError):
            return {}

    @property
    def cwd(self) -> str:
        """Return the working directory of the process."""
        return self._master.working_directory

    def home(self, user: t.Optional[str]) -> t.Optional[str]:
        """Return a home by its own database of users; by ours where it has no other files than we have."""
        uid = str(self._master.uid)
        for line in self._users:
            fields = line.split(":")
            if len(fields) > 5 and (fields[0] == user if user else fields[2] == uid):
                return fields[5]
        if len(self._master.namespace_pids) <= 1:
            with contextlib.suppress(KeyError, ValueError):
                return (pwd.getpwnam(user) if user else pwd.getpwuid(self._master.uid)).pw_dir
        return None

    @functools.cached_property
    def _users(self) -> t.List[str]:
        try:
            return self.read("/etc/passwd", PASSWD).splitlines()
        except OSError:
            return []

    def is_file(self, path: str) -> bool:
        """Return True if it would find a file."""
        return is_file(self._proc, self._master, path)

    def is_folder(self, path: str) -> bool:
        """Return True if it would find a folder."""
        return is_folder(self._proc, self._master, path)

    def read(self, path: str, limit: int = LARGEST_FILE) -> str:
        """Return the text of a file, up to a limit in bytes.

        :raises OSError: the file cannot be read.
        """
        return read_file(self._proc, self._master, path, limit).decode("utf-8", "replace")


def read_options(proc: Proc, master: Process, command: Command, version: t.Optional[str]) -> Options:
    """Options of a server at this moment. odoo.conf is read again at each call: a HUP makes Odoo do the same.

    :param version: from 19 on the environment may hold options too (seen in Odoo 19.0).
    """
    return options_of(read_settings(proc, master, command, version))


def read_settings(proc: Proc, master: Process, command: Command, version: t.Optional[str]) -> Settings:
    """Return every option of a server, also secrets; parameters as for :func:`read_options`."""
    return read_settings_at(command.args, ServersPlace(proc, master), major(version))


def options_of(settings: Settings) -> Options:
    """Take what we need of a server's options."""
    databases = settings.listed("db_name")
    return Options(
        config_file=settings.path,
        config_error=settings.error,
        # One may be an address, with a password in it.
        databases=tuple(redact_text(",".join(databases)).split(",")) if databases else (),
        http_enable=settings.flag("http_enable"),
        http_interface=settings.text("http_interface"),
        http_port=settings.number("http_port"),
        gevent_port=settings.number("gevent_port"),
        workers=settings.number("workers"),
        max_cron_threads=settings.number("max_cron_threads"),
        logfile=settings.text("logfile") or None,
        syslog=settings.flag("syslog"),
        log_level=settings.text("log_level"),
        limit_time_real=settings.number("limit_time_real"),
        limit_time_real_cron=settings.number("limit_time_real_cron"),
        data_dir=settings.text("data_dir") or None,
        addons_path=settings.listed("addons_path"),
        log_handler=settings.listed("log_handler"),
        limit_memory_hard=settings.number("limit_memory_hard"),
        server_wide_modules=settings.listed("server_wide_modules"),
        config_files=settings.files,
    )
