# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Find the connection of a server to PostgreSQL, as an environment for psql. It has the password: never show it."""

from __future__ import annotations

import contextlib
import pwd
import typing as t
import urllib.parse

from .._config.cmdline import Command
from .._config.parse import Settings
from .._messages import dump
from .._processes.options import read_settings
from .._processes.proc import Gone, Proc
from .._processes.process import Process, parse_environ
from .._system.errors import Failure

#: Options that Odoo gives to PostgreSQL's library, by its variables. The database may be a list, or an address.
_VARIABLES = {
    "PGHOST": "db_host",
    "PGUSER": "db_user",
    "PGPASSWORD": "db_password",
    "PGSSLMODE": "db_sslmode",
}
#: Where Odoo itself looks when it has no database.
_MAINTENANCE = "postgres"
#: Of the server's environment PostgreSQL's library takes all but these for us, too.
_OURS = frozenset(["PGAPPNAME", "PGCONNECT_TIMEOUT", "PGDATABASE", "PGOPTIONS"])
#: A database may be an address. What such an address may have behind its question mark.
_SCHEMES = ("postgresql://", "postgres://")
_IN_ADDRESS = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
}


class NoAnswer(Failure):
    """PostgreSQL was not asked or has not answered."""


def read_connection(proc: Proc, master: Process, command: Command, version: t.Optional[str]) -> t.Dict[str, str]:
    """Variables that make psql connect as this server does; parameters as for :func:`read_options`.

    :raises NoAnswer: its odoo.conf cannot be read. Without it, it would be another PostgreSQL that is asked.
    """
    try:
        environ = parse_environ(proc.read(master.pid, "environ"))
    except (Gone, PermissionError):
        environ = {}
    settings = read_settings(proc, master, command, version)
    if settings.error:
        raise NoAnswer(dump.PSQL_SETTINGS(error=settings.error))
    found = connection(settings, environ)
    if "HOME" in environ:
        found["HOME"] = environ["HOME"]
    else:
        with contextlib.suppress(KeyError):
            found["HOME"] = pwd.getpwuid(master.uid).pw_dir
    return found


def connection(settings: Settings, environ: t.Mapping[str, str]) -> t.Dict[str, str]:
    """Return the connection from settings and environment. Pure."""

    found = {name: text for name, text in environ.items() if name.startswith("PG") and name not in _OURS}
    names = settings.listed("db_name")
    if names and names[0].startswith(_SCHEMES):
        # The address says all; Odoo gives nothing else to the library then.
        found.update(parse_address(",".join(names)))
        return found
    port = settings.number("db_port")
    told = {**{variable: settings.text(name) for variable, name in _VARIABLES.items()}, "PGPORT": str(port or "")}
    found.update((variable, text) for variable, text in told.items() if text)
    found["PGDATABASE"] = (names[0].strip() if names else "") or _MAINTENANCE
    return found


def parse_address(text: str) -> t.Dict[str, str]:
    """Parse an address of a database, such as postgresql://user:password@host:port/database?sslmode=require. Pure."""
    try:
        parts = urllib.parse.urlsplit(text)
        port = parts.port
        more = urllib.parse.parse_qsl(parts.query)
    except ValueError:
        return {"PGDATABASE": _MAINTENANCE}
    told = {
        "PGHOST": parts.hostname,
        "PGPORT": str(port) if port else None,
        "PGUSER": parts.username,
        "PGPASSWORD": parts.password,
        "PGDATABASE": parts.path[1:] or parts.username or _MAINTENANCE,
    }
    found = {name: urllib.parse.unquote(value) for name, value in told.items() if value}
    found.update((_IN_ADDRESS[name], value) for name, value in more if name in _IN_ADDRESS)
    return found
