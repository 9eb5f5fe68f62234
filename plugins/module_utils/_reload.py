# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""The reload: look, choose, decide, send, await, tell for one HUP after another."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.odoo.plugins.module_utils._await import Pending, TimedOut, wait_until
from ansible_collections.fleetops.odoo.plugins.module_utils._decide import (
    ACT,
    NOTHING,
    REFUSE,
    SINCE,
    STALE,
    WAIT,
    Decision,
    ReloadWish,
    decide_reload,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._health import HealthCheck, check_health
from ansible_collections.fleetops.odoo.plugins.module_utils._host import Host
from ansible_collections.fleetops.odoo.plugins.module_utils._instances import DRAINING, MASTER, Instance
from ansible_collections.fleetops.odoo.plugins.module_utils._loads import Loaded
from ansible_collections.fleetops.odoo.plugins.module_utils._log import LogMark
from ansible_collections.fleetops.odoo.plugins.module_utils._look import Look, is_alive, look, look_again
from ansible_collections.fleetops.odoo.plugins.module_utils._rehearsal import WouldFail, rehearse
from ansible_collections.fleetops.odoo.plugins.module_utils._send import Refused, Target, check, send
from ansible_collections.fleetops.odoo.plugins.module_utils._serving import missing, reloaded
from ansible_collections.fleetops.odoo.plugins.module_utils._survey import (
    find_load,
    log_place,
    rehearsal_inputs,
    supervisor_of,
    survey,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._tell import REFUSED, SIGNALLED, Result, iso, summary


class ReloadFailed(Exception):
    """A reload was refused or did not end well; ``results`` hold what was done until then."""

    def __init__(self, message: str, results: t.Sequence[Result]) -> None:
        super().__init__(message)
        self.results = list(results)


class _Ended(Exception):
    """The master is gone."""


@dataclass(frozen=True)
class ReloadOrder:
    """What the caller wants. ``health`` None: no request is made. ``timeout`` is in seconds, for each instance."""

    wish: ReloadWish
    health: t.Optional[HealthCheck]
    timeout: float
    #: on Odoo.sh, which uses signals itself, nothing is signalled without it
    force: bool = False


def reload_all(
    host: Host, seen: Look, identities: t.Sequence[str], order: ReloadOrder, *, check_mode: bool
) -> t.List[Result]:
    """Bring the chosen instances to the wished load, one after the other; the first failure ends it.

    :raises ReloadFailed: with the results so far, the failed one last.
    """
    results: t.List[Result] = []
    for identity in identities:
        one = _Reload(host, seen, t.cast(Instance, seen.instance(identity)), order)
        results.append(one.result)
        try:
            one.predict() if check_mode else one.run()
        except (WouldFail, Refused) as exc:
            one.result.did, one.result.reason = REFUSED, str(exc)
            raise ReloadFailed("Odoo with pid %d is not reloaded: %s" % (one.result.pid, exc), results) from exc
        except (_Ended, TimedOut, OSError) as exc:
            raise ReloadFailed(one.failure(exc), results) from exc
        finally:
            one.close()
    return results


class _Reload:
    """One instance on its way. It holds what the steps share: the lock, the mark in the log and the deadline."""

    def __init__(self, host: Host, seen: Look, first: Instance, order: ReloadOrder) -> None:
        self._host, self._order = host, order
        self._proc, self._clock = host.proc, host.clock
        self._seen, self._now = seen, first
        self._begun = host.clock.monotonic()
        self._deadline = self._begun + order.timeout
        self._lock: t.Optional[int] = None
        supervisor = supervisor_of(first.master)
        self._unit = supervisor.systemd_unit
        self._place = log_place(host.proc, first.master, seen.options[first.identity], supervisor)
        # The mark is taken before anything happens, so that a server that dies leaves its last words.
        self._log = LogMark(host.proc, first.master, self._place, self._unit, host.clock.time())
        self.result = Result(first.identity, first.master.pid, "nothing", "", before=self._summary())

    def close(self) -> None:
        self.result.seconds = self._clock.monotonic() - self._begun
        self._log.close()
        if self._lock is not None:
            os.close(self._lock)

    def predict(self) -> None:
        """What :meth:`run` would do, without doing it."""
        decision = self._decide(None)
        if decision.kind == WAIT:
            if self._order.wish.policy in (SINCE, STALE):
                self.result.reason = "%s: it would be waited for and then looked at again" % decision.reason
            else:
                self.result.reason = "%s: that would be waited for, and no signal sent" % decision.reason
            return
        self.result.reason = decision.reason
        if decision.kind == ACT:
            self._rehearse()
            check(self._proc, "HUP", self._target(), force=self._order.force)
            self.result.did, self.result.signals = SIGNALLED, ["HUP"]

    def run(self) -> None:
        """Wait for what is under way, then send the HUP if one is still needed, and wait until it has worked."""
        self._host.store.open()
        waited_for = self._take_lock()
        rehearsed = settled = False
        while True:
            decision = self._decide(waited_for)
            self.result.reason = decision.reason
            if decision.kind == ACT and rehearsed:
                break
            if decision.kind == ACT:
                self._rehearse()
                rehearsed = True
                # That took its time, and somebody else may have begun something meanwhile.
                self._look()
                continue
            # What needs no reload must serve all the same: it may be what a failed call has left behind.
            if decision.kind == WAIT or not settled:
                self._settle()
                settled = True
            if decision.kind == NOTHING:
                self.result.after = self._summary()
                return
            if decision.load:
                waited_for = decision.reason
        self._hang_up()
        self._host.store.forget_others(self._proc.lives)

    def _rehearse(self) -> None:
        inputs = rehearsal_inputs(self._proc, self._seen, self._now, self._host.store)
        rehearse(self._proc, self._now, *inputs)

    def _decide(self, waited_for: t.Optional[str]) -> Decision:
        staleness = None
        if self._order.wish.policy == STALE:
            facts = survey(self._proc, self._seen, self._host.store, staleness=True)
            staleness = facts[self._now.identity].staleness
        decision = decide_reload(self._now, self._load(), staleness, self._order.wish, waited_for, iso)
        if decision.kind == REFUSE:
            raise WouldFail(decision.reason)
        return decision

    def _load(self) -> Loaded:
        return find_load(self._proc, self._now.master, self._host.store, self._place)

    def _take_lock(self) -> t.Optional[str]:
        """One call at a time acts on a server. Returns what had to be waited for, if anything."""
        first, first_marker = self._now, self._host.store.recall(self._now.master)
        decision = self._decide(None)

        def attempt() -> t.Union[bool, Pending]:
            self._lock = self._host.store.try_lock(first.master)
            if self._lock is None:
                self._look()
                return Pending("another call that is at work on this server")
            return True

        self._wait(attempt)
        self._look()
        if decision.load:
            return decision.reason
        executed = first.master.fingerprint != self._now.master.fingerprint
        if executed or self._host.store.recall(self._now.master) != first_marker:
            return "another call was reloading it"
        return None

    def _settle(self) -> None:
        """Wait until a start, reload or drain that somebody else began has come to its end."""

        def attempt() -> t.Union[bool, Pending]:
            self._look()
            return self._pending() or True

        self._wait(attempt)

    def _hang_up(self) -> None:
        before = self._now
        sent_at = self._clock.time()
        send(self._proc, "HUP", self._target(), force=self._order.force)
        self.result.did, self.result.signals = SIGNALLED, ["HUP"]
        executed: t.List[float] = []

        def attempt() -> t.Union[bool, Pending]:
            self._look()
            if not executed:
                if not reloaded(before, self._now):
                    return Pending("the master to execute itself anew")
                executed.append(self._clock.time())
            return self._pending() or True

        try:
            self._wait(attempt)
        finally:
            if executed and self._now is not None:
                self._remember(sent_at, executed[0])
        self.result.after = self._summary()

    def _target(self) -> Target:
        return Target(self._now.master, MASTER, self._now.mode, self._now.state)

    def _remember(self, not_before: float, not_after: float) -> None:
        try:
            self._host.store.remember(self._now.master, not_before, not_after)
        except OSError as exc:
            # The reload itself went well. Without the marker the next call knows less, and may reload once more.
            self.result.reason += " (when it loaded could not be written down: %s)" % (exc.strerror or exc)

    def _pending(self) -> t.Optional[Pending]:
        options = self._seen.options[self._now.identity]
        lacking = missing(self._now, options)
        if lacking is None and self._order.health is not None and options.http_enable:
            version = self._seen.releases[self._now.identity].version
            sick = check_health(self._order.health, self._now, options, version, self._proc.root)
            lacking = sick and "it to be healthy: " + sick
        return Pending(lacking) if lacking else None

    def _look(self) -> None:
        while True:
            seen = look_again(self._proc, self._now)
            now = seen.instance(self._now.identity)
            if now is not None:
                self._seen, self._now = seen, now
                return
            # In the moment of its exec a master shows nothing that tells what it is. Only its end is an end.
            if not is_alive(self._proc, self._now.master):
                raise _Ended
            if self._clock.monotonic() >= self._deadline:
                raise TimedOut("the master to show what it is", self._clock.monotonic() - self._begun)
            self._clock.sleep(0.01)

    def _wait(self, attempt: t.Callable[[], t.Union[bool, Pending]]) -> None:
        wait_until(attempt, self._clock, self._deadline)

    def _summary(self) -> t.Dict[str, t.Any]:
        return summary(self._now, self._seen.releases[self._now.identity].version, self._load())

    def failure(self, exc: Exception) -> str:
        """One message for a person: what happened, what was sent, and the server's last words."""
        pid, sent = self.result.pid, "after the HUP" if self.result.signals else "before any signal was sent"
        if isinstance(exc, _Ended):
            drained = self._now.state == DRAINING and not self.result.signals
            what = "Odoo with pid %d ended %s" % (pid, "its drain and is gone" if drained else sent)
            successor = self._successor()
            if successor:
                what += "; %s has started another one with pid %d" % (self._unit, successor.master.pid)
        elif isinstance(exc, TimedOut):
            what = "Odoo with pid %d was not ready within %g s %s: still waiting for %s" % (
                pid,
                self._order.timeout,
                sent,
                exc.reason,
            )
        else:
            what = "Odoo with pid %d was not reloaded: %s" % (pid, exc)
        self.result.reason = what
        lines = self._log.tail()
        return what + (".\nLast lines of %s:\n%s" % (self._log.source, "\n".join(lines)) if lines else "")

    def _successor(self) -> t.Optional[Instance]:
        if not self._unit:
            return None
        same = [i for i in look(self._proc).instances if supervisor_of(i.master).unit == self._unit]
        return next((i for i in same if i.identity != self.result.identity), None)
