# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""End the wait for a server that cannot become healthy, because of what its log and its answers show.

An addon that cannot be imported does not end a server: each request loads the registry again, fails, and is answered
with 500 (seen on Odoo 14.0 and 19.0). Only a failing health check ends the wait. A traceback alone does not, because it
may be one of a request or of a cron job.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from .._log.follow import Follower, Unreachable
from .._log.tracebacks import Traceback, Tracebacks
from .._messages import failed, timeout
from .._messages.code import Problem
from .._processes.classify import Generation
from .._server.health import status_of
from .._server.server import Server
from .._system.clock import Pending
from .._system.errors import Failure
from .._system.redact import redact_text

#: Seconds for which the health check must fail: with a traceback as its cause, and without one.
WITH_CAUSE, WITHOUT_CAUSE = 5.0, 10.0
#: Seconds after which a new generation is asked though old processes have not ended, and for such a request.
_OLD_MAY_TAKE, _REQUEST = 3.0, 2.0
_OLD = (timeout.OLD_MASTER.name, timeout.OLD_PROCESSES.name)
_ERROR = 500
#: So often a load must have failed in the same way where the server does not answer at all.
_AGAIN = 2
#: PostgreSQL may answer again later, and then the server is healthy.
_TEMPORARY = re.compile(
    r"(?:psycopg2\.)?(?:OperationalError|InterfaceError|(?:[\w.]+\.)?PoolError|errors\.(?:SerializationFailure"
    r"|LockNotAvailable|DeadlockDetected|QueryCanceled|AdminShutdown|CannotConnectNow|TooManyConnections))\b"
)


@dataclass(frozen=True)
class Sick:
    """A health check that fails in the same way without a break.

    :ivar answer: as :func:`.health.check_health` tells it.
    :ivar seconds: for how long.
    :ivar complete: nothing but a healthy answer is missing.
    """

    answer: str
    seconds: float
    complete: bool


def find_cause(
    sick: Sick, tracebacks: t.Sequence[Traceback], paths: t.Collection[str], *, one_database: bool
) -> t.Optional[Traceback]:
    """Return the traceback that explains why the health check fails; None if none does. Pure.

    :param tracebacks: those of the new generation.
    :param paths: paths of the health check.
    :param one_database: the server has one database only, so a failed load is one of this database.
    """
    loads = [one for one in tracebacks if one.loads]
    if status_of(sick.answer) == _ERROR:
        own = [one for one in tracebacks if one.path in paths] or loads
        return own[-1] if own else None
    if status_of(sick.answer) is None and one_database and loads:
        same = [one for one in loads if one.error == loads[-1].error]
        return loads[-1] if len(same) >= _AGAIN else None
    return None


def conclude(sick: Sick, cause: t.Optional[Traceback], log: str) -> t.Optional[Problem]:
    """Return why the wait ends; None if the server may still become healthy. Pure.

    :param log: the name of the log.
    """
    if cause is not None and _TEMPORARY.match(cause.error):
        return None
    if cause is not None and sick.seconds >= WITH_CAUSE:
        error = redact_text(cause.cause)
        return failed.LOAD(error=error, pid=cause.pid, log=log, seconds=sick.seconds, answer=sick.answer)
    if sick.complete and status_of(sick.answer) == _ERROR and sick.seconds >= WITHOUT_CAUSE:
        return failed.UNHEALTHY(seconds=sick.seconds, answer=sick.answer)
    return None


class Failing:
    """Watches a server during one wait of a reload.

    :param step: puts down what was seen, as a clause.
    """

    def __init__(self, server: Server, step: t.Callable[[str], None]) -> None:
        self._server, self._step = server, step
        #: when the first look came, and since when the health check fails with this status
        self._first: t.Optional[float] = None
        self._since: t.Optional[float] = None
        self._status: t.Optional[int] = None
        #: the new generation was healthy while the old one worked
        self._was_healthy = False
        self._follower: t.Optional[Follower] = None
        self._readable = True
        self._tracebacks = Tracebacks()
        #: pids of the new generation, as the log shows them
        self._pids: t.Set[int] = set()
        self._told: t.Optional[Traceback] = None

    def check(self, pending: t.Optional[Pending]) -> None:
        """Take note of what a look has found missing.

        :raises Failure: the server cannot become healthy.
        """
        now = self._server.clock.monotonic()
        if self._first is None:
            self._first = now
        instance = self._server.now
        current = [child.process for child in instance.children if child.generation == Generation.CURRENT]
        self._pids |= {process.shown_pid for process in (instance.master, *current)}
        complete = pending is not None and pending.problem.code == timeout.HEALTHY.name
        answer = self._answer(pending, now - self._first) if pending else None
        if answer is None:
            self._since = None
            return
        status = status_of(answer)
        if self._since is None or status != self._status:
            self._since, self._status = now, status
        self._read()
        mine = [one for one in self._tracebacks.found if one.pid in self._pids]
        sick = Sick(answer, now - self._since, complete)
        one_database = len(self._server.options.databases) == 1
        cause = find_cause(sick, mine, self._server.health_paths, one_database=one_database)
        if cause is not None and (self._told is None or self._told.error != cause.error):
            self._told = cause
            self._step("pid %d wrote a traceback that ends with %s" % (cause.pid, redact_text(cause.cause)))
        problem = conclude(sick, cause, self._follower.source if self._follower else "")
        if problem:
            raise Failure(problem)

    def close(self) -> None:
        """Close the log."""
        if self._follower is not None:
            self._follower.close()
            self._follower = None

    def _answer(self, pending: Pending, waited: float) -> t.Optional[str]:
        """Return what is wrong with the answer of the new generation; None if nothing is, or it was not asked."""
        if pending.problem.code == timeout.HEALTHY.name:
            return str(pending.problem.values["answer"])
        if pending.problem.code in _OLD and waited >= _OLD_MAY_TAKE and not self._was_healthy:
            # The old generation may work on a long request, and takes no new ones any more.
            left = self._server.deadline - self._server.clock.monotonic()
            answer = self._server.ask_health(min(left, _REQUEST))
            self._was_healthy = answer is None
            return answer
        return None

    def _read(self) -> None:
        """Read the new lines of the log, which is opened when it is needed first."""
        if not self._readable:
            return
        try:
            if self._follower is None:
                self._follower = self._server.follow_log()
            self._tracebacks.feed(self._follower.read())
        except (Unreachable, OSError):
            # Then the answers alone tell.
            self._readable = False
            self.close()
