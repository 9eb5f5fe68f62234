# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's PostgreSQL, from the outside: databases made from the templates."""

from __future__ import annotations

from pathlib import Path

from . import machine
from .errors import LabError
from .fleet import Host
from .health import wait_until
from .paths import Lab
from .templates import template_name

_START_SECONDS = 60.0
#: A QUIT wakes a cron worker, which looks for jobs then, and may end one that works (docs/signals.md). In a template
#: all jobs are due; here they begin when a test has them begin.
_NOTHING_DUE = "update ir_cron set nextcall = now() at time zone 'utc' + interval '1 day'"


def wait_ready(lab: Lab) -> None:
    """Until PostgreSQL on `db` takes queries."""

    def ready() -> bool:
        return machine.inside(lab, "db", ["pg_isready", "-q", "-h", "/run/postgresql"], check=False).returncode == 0

    wait_until(ready, _START_SECONDS, lambda: f"PostgreSQL on db does not start: {machine.console_tail(lab, 'db')}")


def add_template(lab: Lab, version: str, sql: Path) -> None:
    """The template database of a version from a checkout, where the lab does not have it yet."""
    name = template_name(version)
    if not _as_postgres(lab, "psql", "-qXd", name, "-c", "select 1"):
        return
    text = sql.read_text(encoding="utf-8")
    done = _as_postgres(lab, "createdb", "--owner=odoo", name)
    done = done or _as_postgres(lab, "psql", "-qX", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", "-d", name, feed=text)
    if done:
        drop(lab, name)
        raise LabError(f"The template database {name} could not be made: {done}")


def create(lab: Lab, host: Host) -> None:
    """A fresh database for each Odoo of a host."""
    for server in host.servers:
        name = host.label(server)
        # Copied as files: read through PostgreSQL's buffers, the template would be copied up into db's own layer first.
        words = ["--owner=odoo", "--strategy=file_copy", f"--template={template_name(host.version)}", name]
        for _attempt in range(3):
            drop(lab, name)
            done = _as_postgres(lab, "createdb", *words)
            # A signal to PostgreSQL during an overlay's copying up ends an open() that PostgreSQL does not try again.
            if "Interrupted system call" not in done:
                break
        done = done or _as_postgres(lab, "psql", "-qXd", name, "-c", _NOTHING_DUE)
        if done:
            raise LabError(f"The database {name} could not be made: {done}")


def drop(lab: Lab, name: str) -> None:
    """Remove a database, with all its connections."""
    done = _as_postgres(lab, "dropdb", "--if-exists", "--force", name)
    if done:
        raise LabError(f"The database {name} could not be dropped: {done}")


def _as_postgres(lab: Lab, *argv: str, feed: str | None = None) -> str:
    """Run a client program as the database's superuser; return its error message, empty after success."""
    done = machine.inside(lab, "db", ["runuser", "-u", "postgres", "--", *argv], check=False, feed=feed)
    return "" if done.returncode == 0 else " ".join(done.stderr.split()) or f"exit {done.returncode}"
