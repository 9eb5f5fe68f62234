# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.
"""Return the sessions of the PostgreSQL of a server while its processes write their stacks."""

from __future__ import annotations

import contextlib
import json
import typing as t

from .._facts.results import printable
from .._messages import dump
from .._messages.code import Problem
from .._processes.classify import Instance
from .._processes.proc import Proc
from .._processes.process import Process
from .._system.redact import redact_text
from .connection import NoAnswer, read_connection
from .peers import Session, tied
from .psql import MOST_ROWS, Answer, Question
from .query import shown_query

#: The default address of PostgreSQL.
_PORT = 5432
_TEXTS = ("started", "database", "user", "application", "client", "type", "state", "wait_type", "wait_event")
_NUMBERS = ("seconds", "waited", "transaction_seconds")


def begin(proc: Proc, instance: Instance, version: t.Optional[str]) -> t.Tuple[Question, int]:
    """Begin to ask the PostgreSQL of a server, and return the question and the port that it goes to.

    :raises NoAnswer: it cannot be asked.
    """
    environ = read_connection(proc, instance.master, instance.command, version)
    port = environ.get("PGPORT", "").partition(",")[0].strip()
    return Question(proc, instance.master, environ), int(port) if port.isdigit() else _PORT


class Postgres:
    """Asks the PostgreSQL of one server, once in each sample. An error is returned as a reason.

    :param hide_literals: as for :func:`shown_query`.
    :param begin: begins to ask.
    :param tied: returns which process has which session.
    """

    def __init__(
        self,
        proc: Proc,
        version: t.Optional[str],
        *,
        hide_literals: bool,
        begin: t.Callable[..., t.Tuple[t.Any, int]] = begin,
        tied: t.Callable[..., t.Dict[int, Process]] = tied,
    ) -> None:
        self._proc, self._version, self._hide = proc, version, hide_literals
        self._begin, self._tied = begin, tied
        self._question: t.Optional[Question] = None
        self._port = _PORT
        self._instance: t.Optional[Instance] = None
        self.rows: t.List[t.Dict[str, t.Any]] = []
        self.problems: t.List[Problem] = []

    def ask(self, instance: Instance, stack: contextlib.ExitStack) -> None:
        """Begin to ask, in psql, which goes on by itself until the stack is closed."""
        self._question, self._instance = None, instance
        try:
            self._question, self._port = self._begin(self._proc, instance, self._version)
            stack.callback(self._question.close)
        except NoAnswer as exc:
            self._fail(exc.problem)

    def take(self, sample: int, seconds: float, room: int) -> int:
        """Take over the answer. Returns how many bytes more may be returned.

        :param seconds: to wait at most, counted from the question.
        """
        if self._question is None or self._instance is None:
            return room
        try:
            answer = self._question.answer(seconds)
        except NoAnswer as exc:
            self._fail(exc.problem)
            return room
        if answer.cut:
            self._fail(dump.MANY_SESSIONS(most=MOST_ROWS))
        rows = self._told(answer, self._instance, sample)
        size = len(json.dumps(rows))
        if size > room:
            self._fail(dump.TOO_LARGE())
            return room
        self.rows += rows
        return room - size

    def told(self) -> t.Dict[str, t.Any]:
        """Return the sessions as the module returns them."""
        return {
            "rows": self.rows,
            "code": self.problems[0].code if self.problems else None,
            "reason": printable(" ".join(str(one).rstrip(".") + "." for one in self.problems)) or None,
        }

    def _fail(self, problem: Problem) -> None:
        if problem not in self.problems:
            self.problems.append(problem)

    def _told(self, answer: Answer, instance: Instance, sample: int) -> t.List[t.Dict[str, t.Any]]:
        roles = {process.pid: role for process, role in instance.everybody}
        owners = self._tied(
            self._proc,
            [process for process, _role in instance.everybody],
            [_session(row) for row in answer.rows],
            _session({**answer.head, "pid": answer.head.get("backend"), "client": answer.head.get("address")}, "port"),
            self._port,
        )
        where = {
            "sample": sample,
            "time": str(answer.head.get("time")),
            "server": "%s/%s" % (answer.head.get("system", ""), answer.head["server"]),
            "version": str(answer.head.get("version")),
        }
        return [
            {**where, **_worker(owners.get(row["pid"]), roles), **told_row(row, hide_literals=self._hide)}
            for row in answer.rows
        ]


def _worker(process: t.Optional[Process], roles: t.Mapping[int, str]) -> t.Dict[str, t.Any]:
    if process is None:
        return {"worker": None, "log_pid": None, "role": None}
    return {"worker": process.pid, "log_pid": process.shown_pid, "role": roles[process.pid]}


def _session(row: t.Mapping[str, t.Any], port: str = "client_port") -> Session:
    number, address = row.get(port), row.get("client")
    return Session(
        int(row.get("pid") or 0), str(address) if address else None, number if isinstance(number, int) else None
    )


def told_row(row: t.Mapping[str, t.Any], *, hide_literals: bool) -> t.Dict[str, t.Any]:
    """Return a row for the result: secrets are hidden in all texts that clients can write. Pure."""

    def text(name: str) -> t.Optional[str]:
        found = row.get(name)
        return None if found in (None, "") else printable(redact_text(str(found)))

    def number(name: str) -> t.Optional[float]:
        found = row.get(name)
        return float(found) if isinstance(found, (int, float)) else None

    query, blockers = row.get("query"), row.get("blocked_by")
    return {
        "pid": row["pid"],
        **{name: text(name) for name in _TEXTS},
        "client_port": row.get("client_port"),
        "blocked_by": [pid for pid in blockers if isinstance(pid, int)] if isinstance(blockers, list) else [],
        **{name: number(name) for name in _NUMBERS},
        "query": printable(shown_query(str(query), hide_literals=hide_literals)) if query else None,
    }
