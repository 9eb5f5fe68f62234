# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The common parts of all operations: the lock, the deadline, steps, failures, and one loop over the chosen servers."""

from __future__ import annotations

import os
import typing as t

from .._facts.results import Outcome, Result, StepsResult
from .._messages import failed, refused, timeout
from .._messages.code import Problem
from .._processes.classify import Instance, State
from .._processes.look import Look
from .._system.clock import Pending, wait_until
from .._system.errors import Failure, OperationFailed, Refused, TimedOut
from .._system.word import Word
from .health import HealthCheck
from .host import Host
from .server import Ended, Server, end_of

R = t.TypeVar("R", bound=StepsResult)
_S = t.TypeVar("_S", bound=Result)
_T = t.TypeVar("_T")


class OnTimeout(Word):
    """The action for work that takes too long: fail, cut it off, or kill its process."""

    FAIL = "fail"
    ABORT = "abort"
    KILL = "kill"


class Operation(t.Generic[R]):
    """One operation on one server, which may not run: predict or act, wait, and report.

    :ivar deed: the operation, as a noun after "the": ``reload``.
    :ivar doing: the same, after "not": ``reloading``.
    :param timeout: seconds for everything together.
    """

    deed = ""
    doing = ""

    def __init__(self, host: Host, result: R, timeout_seconds: float) -> None:
        self.host, self.result, self.timeout = host, result, timeout_seconds
        self.clock = host.clock
        self.begun = host.clock.monotonic()
        self.deadline = self.begun + timeout_seconds
        self._locks: t.List[int] = []

    @property
    def name(self) -> str:
        """The name of the server in messages."""
        return "pid %d" % self.result.pid

    @property
    def title(self) -> str:
        """The name of the operation in messages."""
        return "the %s of %s" % (self.deed, self.name)

    def predict(self) -> None:
        """Put into the result what :meth:`act` would do, and do nothing."""
        raise NotImplementedError

    def act(self) -> None:
        """Do it, and wait until it has worked.

        :raises Refused: it is not to be done; nothing was.
        :raises TimedOut, Ended, OSError: it did not end well.
        """
        raise NotImplementedError

    def refuse_paused(self) -> None:
        """:raises Refused: a process of the server is stopped or frozen, so nothing would come of a signal."""

    def close(self) -> None:
        """Release the locks."""
        self.result.seconds = self.clock.monotonic() - self.begun
        self.release()

    def release(self) -> None:
        """Release the locks before the end."""
        while self._locks:
            os.close(self._locks.pop())

    def keep(self, lock: t.Optional[int]) -> bool:
        """Keep a lock until the end; False without one."""
        if lock is not None:
            self._locks.append(lock)
        return lock is not None

    @property
    def locks(self) -> int:
        """The number of locks that are held."""
        return len(self._locks)

    def wait(self, attempt: t.Callable[[], t.Union[_T, Pending]]) -> _T:
        """Wait for something until the deadline.

        :raises TimedOut: the deadline passed.
        """
        return wait_until(attempt, self.clock, self.deadline)

    def step(self, what: str) -> None:
        """Put down what was done, as a clause."""
        self.result.step(self.clock.monotonic() - self.begun, what)

    def warn(self, problem: Problem) -> None:
        """Add a warning for the caller, once."""
        if problem not in self.result.warnings:
            self.result.warnings.append(problem)

    # When it fails.

    def after(self) -> str:
        """Return the time of a failure for its message."""
        if self.result.signals:
            return "after %s" % ", ".join(self.result.signals)
        return "before any signal was sent"

    def limit(self, late: TimedOut) -> str:
        """Name the time limit that passed, to be told to a person."""
        del late
        return "%g s" % self.timeout

    def describe_end(self, ended: Ended) -> Problem:
        """Say that the server ended."""
        return ended.why or failed.ENDED(when=self.after(), successor="")

    def last_words(self) -> str:
        """Return the text after the message, such as the last lines of the log."""
        return ""

    def fail(self, exc: Exception) -> t.Tuple[str, Problem]:
        """Put the failure into the result; return the message for a person and the problem."""
        result, nothing_done = self.result, self.result.did == Outcome.NOTHING
        if isinstance(exc, TimedOut):
            problem = exc.problem
            said = "%s did not finish within %s (%s): waiting for %s"
            said %= (self.title, self.limit(exc), self.after(), problem)
        else:
            problem = self._problem_of(exc)
            if isinstance(exc, Refused) and nothing_done:
                result.did = Outcome.REFUSED
            if nothing_done and not isinstance(exc, Ended):
                said = "not %s %s: %s" % (self.doing, self.name, problem)
            else:
                said = "%s failed: %s" % (self.title, problem)
        said = said[0].upper() + said[1:]
        result.code, result.reason = problem.code, said
        return said + self.last_words(), problem

    def _problem_of(self, exc: Exception) -> Problem:
        if isinstance(exc, Failure):
            return exc.problem
        if isinstance(exc, Ended):
            return self.describe_end(exc)
        if isinstance(exc, OSError):
            where = " (%s)" % exc.filename if exc.filename else ""
            return failed.OS_ERROR(error="%s%s" % (exc.strerror or exc, where))
        raise exc


class ServerOperation(Operation[R], Server):
    """One operation on one server that runs."""

    def __init__(
        self,
        host: Host,
        seen: Look,
        first: Instance,
        health: t.Optional[HealthCheck],
        timeout_seconds: float,
        result: R,
    ) -> None:
        Operation.__init__(self, host, result, timeout_seconds)
        Server.__init__(self, host, seen, first, health, self.deadline)

    def refuse_paused(self) -> None:
        """:raises Refused: a process of the server is stopped or frozen, so nothing would come of a signal."""
        for process, _role in self.now.everybody:
            if process.run_state in ("T", "t"):
                raise Refused(refused.STOPPED(pid=process.pid))
            if self.proc.is_frozen(process.pid):
                raise Refused(refused.FROZEN(pid=process.pid))

    def close(self) -> None:
        """Release the locks and the log."""
        super().close()
        self.log.close()

    def take_lock(self) -> None:
        """Wait until no other call works on the server.

        :raises TimedOut, Ended: the deadline passed, or the server is gone.
        """

        def attempt() -> t.Union[bool, Pending]:
            if not self._locks:
                self.keep(self.host.store.try_lock(self.now.master))
            self.look()
            return bool(self._locks) or Pending(timeout.LOCKED())

        self.wait(attempt)

    def settle(self) -> None:
        """Wait until a start, a reload or a drain that is in progress has ended."""

        def attempt() -> t.Union[bool, Pending]:
            self.look()
            return self.now.state == State.RUNNING or Pending(timeout.RUNNING(state=self.now.state))

        self.wait(attempt)

    def describe_end(self, ended: Ended) -> Problem:
        """Say that the server ended, and name the server that has taken its place."""
        if ended.why is not None:
            return ended.why
        return end_of(self.host, self.now, self.seen, self.supervisor, self.after())


class Begin(t.NamedTuple):
    """One chosen server, and the function that makes the operation on it when its turn comes."""

    identity: str
    pid: int
    make: t.Callable[[], Operation[t.Any]]


def begin_each(
    seen: Look, identities: t.Sequence[str], make: t.Callable[[Instance], Operation[t.Any]]
) -> t.List[Begin]:
    """Return how the operation on each of these servers, which run, is made."""

    def begin(first: Instance) -> Begin:
        return Begin(first.identity, first.master.pid, lambda: make(first))

    return [begin(t.cast(Instance, seen.instance(identity))) for identity in identities]


def run_all(
    servers: t.Sequence[Begin], result_type: t.Type[_S], *, check_mode: bool, done: t.Sequence[_S] = ()
) -> t.List[_S]:
    """Run an operation on one server after the other; the first failure ends it.

    :param result_type: makes the result of a server that is not begun.
    :param done: results of servers that need no operation.
    :raises OperationFailed: with a result for every server.
    """
    results: t.List[_S] = list(done)
    for number, server in enumerate(servers):
        one = server.make()
        results.append(t.cast(_S, one.result))
        try:
            one.refuse_paused()
            if check_mode:
                one.predict()
            else:
                one.act()
        except (Failure, Ended, OSError) as exc:
            message, problem = one.fail(exc)
            left = servers[number + 1 :]
            results += [not_reached(result_type(other.identity, other.pid, Outcome.NOTHING, "")) for other in left]
            raise OperationFailed(message, problem, results) from exc
        finally:
            one.close()
    return results


def not_reached(result: _S) -> _S:
    """Put into a result, and return it, that an earlier server was refused or failed."""
    problem = failed.NOT_REACHED()
    result.did, result.code, result.reason = Outcome.NOT_REACHED, problem.code, problem.text
    return result
