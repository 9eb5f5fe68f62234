# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.
"""Ask PostgreSQL for its sessions and their locks, with psql, as the user of the server and never as root."""

from __future__ import annotations

import contextlib
import glob
import json
import os
import subprocess
import tempfile
import time
import typing as t
from dataclasses import dataclass

from .._messages import dump
from .._processes.proc import Proc, root_of
from .._processes.process import Process
from .._processes.run_as import becoming
from .._system import programs
from .._system.files import is_roots
from .._system.namespaces import MOUNTS, NETWORK, differs
from .._system.redact import redact_text
from .connection import NoAnswer

#: Sessions that one answer has, and bytes that psql may write.
MOST_ROWS, _MOST_WRITTEN = 100, 1 << 20
#: Debian's /usr/bin/psql is a script that looks for the first.
_PLACES = ("/usr/lib/postgresql/*/bin/psql", "/usr/pgsql-*/bin/psql", "/usr/bin/psql", "/usr/local/bin/psql")
#: Seconds for the connection (libpq takes no less than two), and for all of it.
_CONNECT, LONGEST = 2, 5.0

#: Since PostgreSQL 10. Locks first: they are there for everybody, while another user's state and query are not shown.
#: What is set is set for this transaction only, because a pooler may hand the session on.
_SCRIPT = """\
BEGIN TRANSACTION READ ONLY;
SET LOCAL statement_timeout = '2s';
SET LOCAL search_path = pg_catalog;
WITH waiting AS (
  SELECT pid, min((to_jsonb(l) ->> 'waitstart')::timestamptz) AS since FROM pg_locks l WHERE NOT granted GROUP BY pid
), blocked AS (
  SELECT pid, since, pg_blocking_pids(pid) AS blockers FROM waiting
), seen AS (
  SELECT a.*, b.since, b.blockers,
    b.pid IS NOT NULL OR a.pid IN (SELECT unnest(blockers) FROM blocked) AS locks
  FROM pg_stat_activity a LEFT JOIN blocked b ON b.pid = a.pid
  WHERE a.pid <> pg_backend_pid()
)
SELECT json_build_object(
  'pid', pid, 'started', to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
  'database', datname, 'user', usename, 'application', application_name, 'client', host(client_addr),
  'client_port', client_port, 'type', backend_type, 'state', state, 'wait_type', wait_event_type,
  'wait_event', wait_event, 'blocked_by', coalesce(blockers, '{}'),
  'seconds', round(extract(epoch FROM clock_timestamp()
    - CASE WHEN state = 'active' THEN query_start ELSE state_change END)::numeric, 3),
  'waited', round(extract(epoch FROM clock_timestamp() - since)::numeric, 3),
  'transaction_seconds', round(extract(epoch FROM clock_timestamp() - xact_start)::numeric, 3),
  'query', left(query, 2000))
FROM seen
WHERE locks OR (state <> 'idle' AND backend_type = 'client backend')
ORDER BY locks DESC, (client_addr IS NOT DISTINCT FROM inet_client_addr()) DESC, query_start
LIMIT :most;
SELECT json_build_object('time', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
  'server', to_char(pg_postmaster_start_time() AT TIME ZONE 'UTC', 'YYYYMMDD"T"HH24MISS.US'),
  'version', current_setting('server_version'), 'backend', pg_backend_pid(),
  'address', (SELECT host(client_addr) FROM pg_stat_activity WHERE pid = pg_backend_pid()),
  'port', (SELECT client_port FROM pg_stat_activity WHERE pid = pg_backend_pid()));
SELECT json_build_object('system', system_identifier::text) FROM pg_control_system();
ROLLBACK;
"""


@dataclass
class Answer:
    """The answer of PostgreSQL. ``head`` is about itself and our own session; ``cut``: there were more rows."""

    rows: t.List[t.Dict[str, t.Any]]
    head: t.Dict[str, t.Any]
    cut: bool = False


class Question:
    """psql under way, while the processes write their stacks.

    :param environ: of :func:`read_connection`. It goes to psql and nowhere else.
    :raises NoAnswer: it cannot be run.
    """

    def __init__(self, proc: Proc, master: Process, environ: t.Mapping[str, str]) -> None:
        if os.geteuid() not in (0, master.uid):
            raise NoAnswer(dump.PSQL_USER())
        if master.uid == 0:
            raise NoAnswer(dump.PSQL_ROOT())
        program, spaces = find_psql(proc, master)
        # Files and not pipes: a process that psql leaves behind cannot keep them open for us.
        self._stack = contextlib.ExitStack()
        self._begun = time.monotonic()
        try:
            self._files = [
                self._stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
                for _number in range(3)
            ]
            self._process = self._started(proc, master, program, spaces, environ)
        except (OSError, ValueError, subprocess.SubprocessError) as exc:
            self._stack.close()
            nul = isinstance(exc, ValueError)
            raise NoAnswer(dump.PSQL_NUL() if nul else dump.PSQL_NOT_RUN(error=str(exc))) from None

    def _started(
        self,
        proc: Proc,
        master: Process,
        program: str,
        spaces: t.Sequence[str],
        environ: t.Mapping[str, str],
    ) -> subprocess.Popen[bytes]:
        script, said, wrong = self._files
        script.write(_SCRIPT.encode())
        script.seek(0)
        with becoming(proc, master, "/", _MOST_WRITTEN, spaces) as become:
            return programs.start(  # close() ends it
                ["psql", "-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1", "-v", "most=%d" % (MOST_ROWS + 1)],
                executable=program,
                env={
                    "PATH": programs.PATH,
                    "LANG": "C.UTF-8",
                    **environ,
                    "PGAPPNAME": "fleetops.odoo",
                    "PGCLIENTENCODING": "UTF8",
                    "PGCONNECT_TIMEOUT": str(_CONNECT),
                },
                stdin=script,
                stdout=said,
                stderr=wrong,
                preexec_fn=become,  # one thread
            )

    def answer(self, seconds: float) -> Answer:
        """Wait for it, at most for so many seconds since it was asked.

        :raises NoAnswer: it has none.
        """
        limit = min(seconds, LONGEST)
        try:
            self._process.wait(max(0.0, self._begun + limit - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise NoAnswer(dump.PSQL_TIMEOUT(seconds=limit)) from None
        texts = []
        for file in self._files[1:]:
            file.seek(0)
            texts.append(file.read(_MOST_WRITTEN).decode("utf-8", "replace"))
        return understood(*texts)

    def close(self) -> None:
        """End psql if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._stack.close()


def understood(said: str, wrong: str) -> Answer:
    """Parse the output of psql. Pure.

    :raises NoAnswer: it is not an answer; the error has the message of psql, secrets hidden.
    """
    rows: t.List[t.Dict[str, t.Any]] = []
    head: t.Dict[str, t.Any] = {}
    for line in said.splitlines():
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if not isinstance(found, dict):
            continue
        if isinstance(found.get("pid"), int):
            rows.append(found)
        else:
            head.update(found)
    if "server" not in head:
        complaint = " ".join(redact_text(wrong).split())[:300]
        raise NoAnswer(dump.PSQL_FAILED(said=complaint) if complaint else dump.PSQL_SILENT())
    return Answer(rows[:MOST_ROWS], head, len(rows) > MOST_ROWS)


def find_psql(proc: Proc, master: Process) -> t.Tuple[str, t.Tuple[str, ...]]:
    """Return a psql that only root can change, and the kinds of namespaces of the server in which it must run.

    The psql of a container is preferred: its files resolve the names of the server.

    :raises NoAnswer: psql was not found, or we must not enter the network of the server.
    """
    foreign = [kind for kind in (MOUNTS, NETWORK) if differs(proc.root, master.pid, kind)]
    if foreign and os.geteuid() != 0:
        raise NoAnswer(dump.PSQL_CONTAINER())
    roots = [(root_of(proc.root, master), (MOUNTS, NETWORK))] if MOUNTS in foreign else []
    for root, spaces in [*roots, ("", (NETWORK,))]:
        for place in _PLACES:
            there = (path[len(root) :] for path in glob.glob(glob.escape(root) + place) if not _is_wrapper(path))
            found = sorted((path for path in there if is_roots(path, root)), key=_by_version)
            if found:
                return found[-1], spaces
    raise NoAnswer(dump.NO_PSQL())


def _is_wrapper(path: str) -> bool:
    # Debian's /usr/bin/psql is there without any psql that it could start.
    return os.path.islink(path) and os.path.basename(os.readlink(path)) == "pg_wrapper"


def _by_version(path: str) -> t.List[int]:
    return [int(number) for number in "".join(c if c.isdigit() else " " for c in path).split()]
