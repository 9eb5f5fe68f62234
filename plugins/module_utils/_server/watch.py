# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""A wait without a signal: until all chosen servers have been complete and healthy at the same time."""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import dataclass

from .._facts.results import printable
from .._messages import timeout
from .._messages.code import Problem
from .._processes.classify import Instance, State
from .._processes.look import Look
from .._system.clock import Pending, wait_until
from .._system.errors import OperationFailed, TimedOut
from .complete import missing, missing_as_loaded, reloaded
from .health import HealthCheck
from .host import Host
from .server import end_of


@dataclass(frozen=True)
class WatchOrder:
    """Options of a wait. ``health`` None: no request is made. ``timeout`` is in seconds, for all servers."""

    health: t.Optional[HealthCheck]
    #: seconds for which all must be healthy without a break; 0 asks for one healthy answer
    min_healthy_time: float
    timeout: float


@dataclass
class Watched:
    """The result of one server. ``healthy``: it had met the goal when it, or another server, ended the wait."""

    identity: str
    pid: int
    version: t.Optional[str]
    state: State
    healthy: bool = False
    reason: str = ""
    code: t.Optional[str] = None
    #: how often it was healthy and then was not
    breaks: int = 0
    last_break: t.Optional[str] = None
    seconds: float = 0.0

    def told(self) -> t.Dict[str, t.Any]:
        """Return it as a module does."""
        return {
            **dataclasses.asdict(self),
            "state": str(self.state),
            "reason": printable(self.reason),
            "last_break": printable(self.last_break),
            "seconds": round(self.seconds, 2),
        }


class _Ended(Exception):
    """A master is gone."""


def watch_all(host: Host, seen: Look, identities: t.Sequence[str], order: WatchOrder) -> t.List[Watched]:
    """Wait until all the chosen servers have been healthy at the same time for the wished duration.

    :raises OperationFailed: one of them has ended, or they were not healthy in time.
    """
    begun = host.clock.monotonic()
    deadline = begun + order.timeout
    watches = [_Watch(host, seen, t.cast(Instance, seen.instance(identity)), order) for identity in identities]

    def attempt() -> t.Union[bool, Pending]:
        for watch in watches:
            watch.look(deadline)
        return all(watch.met for watch in watches) or Pending(timeout.ALL_HEALTHY())

    results = [watch.result for watch in watches]
    try:
        wait_until(attempt, host.clock, deadline)
    except (TimedOut, _Ended) as exc:
        late = [watch for watch in watches if watch.has_ended or (isinstance(exc, TimedOut) and not watch.met)]
        message = " ".join("%s." % watch.complaint() for watch in late)
        raise OperationFailed(message, late[0].problem or timeout.ALL_HEALTHY(), results) from exc
    finally:
        for watch in watches:
            watch.conclude(host.clock.monotonic() - begun)
    return results


class _Watch:
    """One server under watch."""

    def __init__(self, host: Host, seen: Look, first: Instance, order: WatchOrder) -> None:
        self._host, self._order = host, order
        self._seen, self._now = seen, first
        self.has_ended = False
        #: what it lacks; None while it is healthy
        self.problem: t.Optional[Problem] = timeout.FIRST_LOOK()
        #: when it was first and last seen healthy, on the clock's monotonic()
        self._since = self._until = 0.0
        self.result = Watched(first.identity, first.master.pid, seen.releases[first.identity].version, first.state)

    @property
    def met(self) -> bool:
        """Return whether the server has been healthy for the whole wanted time."""
        return self.problem is None and self._held >= self._order.min_healthy_time

    @property
    def _held(self) -> float:
        return self._until - self._since

    def look(self, deadline: float) -> None:
        """Look at it once more.

        :param deadline: on the clock's monotonic(); the health check ends with it.
        :raises _Ended: it is gone.
        """
        lacking = self._look(deadline)
        now = self._host.clock.monotonic()
        if lacking is None:
            if self.problem is not None:
                self._since = now
            self._until = now
        elif self.problem is None:
            self.result.breaks += 1
            self.result.last_break = lacking.text
        self.problem = lacking
        if self.has_ended:
            raise _Ended

    def _look(self, deadline: float) -> t.Optional[Problem]:
        before = self._now
        seen = self._host.look_again(before)
        now = seen.instance(before.identity)
        if now is None:
            # In the moment of its exec a master shows nothing that tells what it is. Only its end is an end.
            if self._host.is_alive(before.master):
                return timeout.NOT_SHOWN()
            self.has_ended = True
            return self._end()
        self._seen, self._now = seen, now
        self.result.state, self.result.version = now.state, seen.releases[now.identity].version
        options = seen.options[now.identity]
        lacking = missing(now, options, self._host.store.scaled(now.master))
        asks = options.http_enable
        if lacking is not None and self._host.has_old_configuration(seen, now):
            # A reload is to apply what is configured now, and a roll asks before it whether the server is well.
            lacking, asks = missing_as_loaded(now), bool(now.listening)
        if lacking is not None and options.config_error:
            # Then what it lacks may only be a default that it does not have.
            lacking = dataclasses.replace(lacking, text="%s (%s)" % (lacking.text, options.config_error))
        if lacking is None and self.problem is None and reloaded(before, now):
            return timeout.SETTLED()
        health = self._order.health
        if lacking is None and health is not None and asks:
            check = health.within(deadline - self._host.clock.monotonic())
            sick = self._host.health.check_health(check, now, options, self.result.version, self._host.proc.root)
            lacking = timeout.HEALTHY(answer=sick) if sick else None
        return lacking

    def _end(self) -> Problem:
        supervisor = self._host.supervisor_of(self._now.master)
        return end_of(self._host, self._now, self._seen, supervisor, "during the wait")

    def complaint(self) -> str:
        """Return why it has not met the goal, without a full stop."""
        if self.has_ended:
            return "pid %d: %s%s" % (self.result.pid, t.cast(Problem, self.problem).text, self._breaks())
        return "pid %d was not healthy%s within %g s: %s%s" % (
            self.result.pid,
            " for %g s without a break" % self._order.min_healthy_time if self._order.min_healthy_time else "",
            self._order.timeout,
            "it has been healthy for %.1f s" % self._held
            if self.problem is None
            else "waiting for " + self.problem.text,
            self._breaks(),
        )

    def conclude(self, seconds: float) -> None:
        """Fill in the result."""
        result = self.result
        result.seconds, result.healthy = seconds, self.met
        if self.has_ended:
            result.state = State.GONE
        if self.problem is not None:
            waiting = "" if self.has_ended else "waiting for "
            result.reason, result.code = waiting + self.problem.text + self._breaks(), self.problem.code
        elif result.healthy and not self._order.min_healthy_time:
            result.reason = "it is complete and healthy"
        else:
            result.reason = "it has been complete and healthy for %.1f s" % self._held + self._breaks()

    def _breaks(self) -> str:
        if not self.result.breaks:
            return ""
        count = "1 break" if self.result.breaks == 1 else "%d breaks" % self.result.breaks
        return "; after %s, the last one while waiting for %s" % (count, self.result.last_break)
