# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""Watching servers until all of them have been healthy for a while. Nothing is signalled here."""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import dataclass

from .._facts.gather import find_successor, succeeded_by
from .._facts.results import printable
from .._processes.classify import Instance, State
from .._processes.look import Look, look_again
from .._processes.proc import is_alive
from .._supervisors.find import supervisor_of
from .._system.clock import Pending, TimedOut, wait_until
from .complete import missing, reloaded
from .health import HealthCheck, check_health
from .host import Host


@dataclass(frozen=True)
class WatchOrder:
    """What the caller wants. ``health`` None: no request is made. ``timeout`` is in seconds, for all instances."""

    health: t.Optional[HealthCheck]
    #: seconds for which all must be healthy without a break; 0 asks for one healthy answer
    duration: float
    timeout: float


@dataclass
class Watched:
    """What was seen of one instance. ``healthy``: it met the goal, or had met it when another one ended the wait."""

    identity: str
    pid: int
    version: t.Optional[str]
    state: State
    healthy: bool = False
    reason: str = ""
    #: how often it was healthy and then was not
    breaks: int = 0
    last_break: t.Optional[str] = None
    seconds: float = 0.0

    def told(self) -> t.Dict[str, t.Any]:
        """As a module returns it."""
        return {
            **dataclasses.asdict(self),
            "reason": printable(self.reason),
            "last_break": printable(self.last_break),
            "seconds": round(self.seconds, 2),
        }


class WatchFailed(Exception):
    """Not all were healthy in time, or one has ended; ``results`` hold what was seen."""

    def __init__(self, message: str, results: t.Sequence[Watched]) -> None:
        super().__init__(message)
        self.results = list(results)


class _Ended(Exception):
    """A master is gone; the message says so, and who has taken its place."""


def watch_all(host: Host, seen: Look, identities: t.Sequence[str], order: WatchOrder) -> t.List[Watched]:
    """Wait until all the chosen instances have been healthy at the same time for the wished duration.

    :raises WatchFailed: one of them has ended, or they were not healthy in time.
    """
    begun = host.clock.monotonic()
    deadline = begun + order.timeout
    watches = [_Watch(host, seen, t.cast(Instance, seen.instance(identity)), order) for identity in identities]

    def attempt() -> t.Union[bool, Pending]:
        for watch in watches:
            watch.look(deadline)
        return all(watch.met for watch in watches) or Pending("all to be healthy")

    results = [watch.result for watch in watches]
    try:
        wait_until(attempt, host.clock, deadline)
    except TimedOut as exc:
        late = [watch for watch in watches if not watch.met]
        raise WatchFailed(" ".join("%s." % watch.complaint() for watch in late), results) from exc
    except _Ended as exc:
        raise WatchFailed(str(exc), results) from exc
    finally:
        for watch in watches:
            watch.conclude(host.clock.monotonic() - begun)
    return results


class _Watch:
    """One instance under watch."""

    def __init__(self, host: Host, seen: Look, first: Instance, order: WatchOrder) -> None:
        self._host, self._order = host, order
        self._seen, self._now = seen, first
        self._obituary: t.Optional[str] = None
        #: what it lacks, as a clause; None while it is healthy
        self._lacking: t.Optional[str] = "a first look"
        #: when it was first and last seen healthy, on the clock's monotonic()
        self._since = self._until = 0.0
        self.result = Watched(first.identity, first.master.pid, seen.releases[first.identity].version, first.state)

    @property
    def met(self) -> bool:
        """It is healthy, and has been for as long as is wished."""
        return self._obituary is None and self._lacking is None and self._held >= self._order.duration

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
            if self._lacking is not None:
                self._since = now
            self._until = now
        elif self._lacking is None:
            self.result.breaks += 1
            self.result.last_break = lacking
        self._lacking = lacking

    def _look(self, deadline: float) -> t.Optional[str]:
        before = self._now
        seen = look_again(self._host.proc, before)
        now = seen.instance(before.identity)
        if now is None:
            # In the moment of its exec a master shows nothing that tells what it is. Only its end is an end.
            if is_alive(self._host.proc, before.master):
                return "the master to show what it is"
            self._obituary = self._bury()
            raise _Ended(self._obituary)
        self._seen, self._now = seen, now
        self.result.state, self.result.version = now.state, seen.releases[now.identity].version
        options = seen.options[now.identity]
        lacking = missing(now, options, self._host.store.scaled(now.master))
        if lacking is not None and options.config_error:
            # Then what it lacks may only be a default that it does not have.
            lacking += " (%s)" % options.config_error
        if lacking is None and self._lacking is None and reloaded(before, now):
            return "the master to settle after a reload"
        health = self._order.health
        if lacking is None and health is not None and options.http_enable:
            check = health.within(deadline - self._host.clock.monotonic())
            sick = check_health(check, now, options, self.result.version, self._host.proc.root)
            lacking = sick and "it to be healthy: " + sick
        return lacking

    def complaint(self) -> str:
        """Why it has not met the goal, without a full stop."""
        what = "Odoo with pid %d was not healthy%s within %g s: %s" % (
            self.result.pid,
            " for %g s without a break" % self._order.duration if self._order.duration else "",
            self._order.timeout,
            "it is now, since %.1f s" % self._held if self._lacking is None else "still waiting for " + self._lacking,
        )
        return what + self._breaks()

    def _bury(self) -> str:
        what = "Odoo with pid %d ended while it was watched" % self.result.pid
        supervisor = supervisor_of(self._now.master)
        found = find_successor(self._host.proc, self._now, self._seen, supervisor)
        if found is not None:
            what += succeeded_by(supervisor, found[1])
        return what + self._breaks()

    def conclude(self, seconds: float) -> None:
        """Fill in the result."""
        result = self.result
        result.seconds, result.healthy = seconds, self.met
        if self._obituary is not None:
            result.state, result.reason = State.GONE, self._obituary
        elif self._lacking is not None:
            result.reason = "still waiting for " + self._lacking + self._breaks()
        elif result.healthy and not self._order.duration:
            result.reason = "it is complete and healthy"
        else:
            result.reason = "it has been complete and healthy for %.1f s" % self._held + self._breaks()

    def _breaks(self) -> str:
        if not self.result.breaks:
            return ""
        count = "1 break" if self.result.breaks == 1 else "%d breaks" % self.result.breaks
        return "; after %s, the last one while waiting for %s" % (count, self.result.last_break)
