# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""One server that is worked on: how it looks now, what surrounds it, and what it still lacks."""

from __future__ import annotations

import dataclasses
import typing as t

from .._facts.differences import Difference, serves_http
from .._facts.gather import Facts
from .._facts.loaded import Loaded, Trace
from .._facts.results import printable, summary
from .._messages import failed, timeout
from .._messages.code import Problem
from .._processes.classify import Generation, Instance, Mode, Role, State
from .._processes.look import Look
from .._processes.options import Options
from .._processes.process import Process
from .._signals.rules import Target
from .._supervisors.find import Supervisor
from .._system.clock import Pending
from .._system.errors import TimedOut
from .complete import gevent_ends, missing, missing_as_loaded
from .health import HealthCheck, paths_of
from .host import Host

if t.TYPE_CHECKING:
    from .._log.follow import Follower

#: Seconds that the look at the health of a server before anything is done may take.
_FIRST_REQUEST = 5.0


class Ended(Exception):
    """The master is gone.

    :ivar why: what became of its successor, where that is known.
    """

    def __init__(self, why: t.Optional[Problem] = None) -> None:
        super().__init__(str(why or ""))
        self.why = why


def end_of(host: Host, gone: Instance, seen: Look, supervisor: Supervisor, when: str) -> Problem:
    """Say that a server ended, and name the server that has taken its place.

    :param when: such as ``during the wait``.
    """
    found = host.find_successor(gone, seen, supervisor)
    successor = ""
    if found is not None:
        successor = ", and %s has started another one with pid %d" % (supervisor.unit, found[1].master.pid)
    return failed.ENDED(when=when, successor=successor)


class Server:
    """One server, and what operations on it need to know.

    :param health: None: no request is made.
    :param deadline: until when the call waits, on the monotonic clock of the host.
    """

    def __init__(
        self, host: Host, seen: Look, first: Instance, health: t.Optional[HealthCheck], deadline: float
    ) -> None:
        self.host, self.proc, self.clock = host, host.proc, host.clock
        self.seen, self.now = seen, first
        self.deadline = deadline
        #: what the last request for its health came to: "ok", or what was wrong; None when none was made
        self.health: t.Optional[str] = None
        self._check = health
        self._facts: t.Optional[Facts] = None
        #: options as Odoo's own parser has read them before a HUP or a restart, by the name that they have here
        self.configured: t.Mapping[str, t.Any] = {}
        #: the gevent processes of this exec that were seen
        self._gevents: t.Set[str] = set()
        self.supervisor = host.supervisor_of(first.master)
        self.place = host.log_place(first.master, seen.options[first.identity], self.supervisor)
        # The mark is taken before anything happens, so that a server that dies leaves its last words.
        self.log = host.mark_log(first.master, self.place, self.supervisor)

    @property
    def options(self) -> Options:
        """Return the options of the server, from its arguments and its present odoo.conf."""
        return dataclasses.replace(self.seen.options[self.now.identity], **self.configured)

    @property
    def version(self) -> t.Optional[str]:
        """Version of the Odoo that it would load now."""
        return self.seen.releases[self.now.identity].version

    def look(self) -> None:
        """Look at it again.

        :raises Ended: it is gone.
        :raises TimedOut: it did not show what it is before the deadline.
        """
        while True:
            seen = self.host.look_again(self.now)
            now = seen.instance(self.now.identity)
            if now is not None:
                self.turn_to(seen, now)
                return
            # In the moment of its exec a master shows nothing that tells what it is. Only its end is an end.
            if not self.host.is_alive(self.now.master):
                raise Ended
            if self.clock.monotonic() >= self.deadline:
                raise TimedOut(timeout.NOT_SHOWN())
            self.clock.sleep(0.01)

    def turn_to(self, seen: Look, now: Instance) -> None:
        """Continue with the result of another look: the same server, or the server in its place."""
        self.seen, self.now = seen, now
        # What surrounds it was true for the look before.
        self._facts = None

    def facts(self) -> Facts:
        """Return what surrounds it, staleness included.

        Its code is walked over once a look: what follows one look (the decision, the list of files that must compile)
        is about the same moment. After a wait one looks again, and the code is walked over again.
        """
        if self._facts is None:
            self._facts = self.host.facts(self.seen, self.now)
        return self._facts

    def trace(self, *, whole: bool = False) -> Trace:
        """Return what it loads from now.

        :param whole: with the state of all files, and not only the links on the way to them.
        """
        return self.host.trace(self.seen, self.now, self.place if whole else None)

    def changed_code(self) -> t.Sequence[str]:
        """Return the Python files that have changed since it loaded them."""
        staleness = self.facts().staleness
        return staleness.python if staleness else ()

    def differences(self) -> t.Sequence[Difference]:
        """Return how it differs from its configuration."""
        options = {**self.seen.options, self.now.identity: self.options}
        seen = dataclasses.replace(self.seen, options=options)
        return self.host.differences(seen, self.now)

    def load(self) -> Loaded:
        """Return when it loaded its code."""
        return self.host.load(self.now.master, self.place)

    def pending(self, *, as_loaded: bool = False) -> t.Optional[Pending]:
        """Return what it still lacks of being complete and healthy.

        :param as_loaded: what has been configured since it was loaded is not missed.
        """
        lacking = missing(self.now, self.options, self.host.store.scaled(self.now.master))
        if lacking and as_loaded and self.host.has_old_configuration(self.seen, self.now):
            lacking = missing_as_loaded(self.now)
        self._gevents |= {child.process.identity for child in self.now.having(Role.GEVENT, Generation.CURRENT)}
        lacking = lacking and (gevent_ends(self.now, self._gevents) or lacking)
        if lacking is None:
            sick = self.ask_health(self.deadline - self.clock.monotonic())
            lacking = timeout.HEALTHY(answer=sick) if sick else None
        return Pending(lacking) if lacking else None

    def probe(self) -> None:
        """Ask a server that the operation has not touched for its health, with a short timeout."""
        if self.now.state == State.RUNNING:
            self.ask_health(_FIRST_REQUEST)

    def ask_health(self, seconds: float) -> t.Optional[str]:
        """Ask it for its health; None if it is healthy or is not asked, else what is wrong.

        :param seconds: for the request.
        """
        if self._check is None or not self.options.http_enable:
            return None
        if self.now.state == State.RUNNING and serves_http(self.now, self.options) is False:
            # It was started without HTTP, which is configured since.
            return None
        sick: t.Optional[str] = self.host.health.check_health(
            self._check.within(seconds), self.now, self.options, self.version, self.proc.root
        )
        self.health = sick or "ok"
        return sick

    @property
    def health_paths(self) -> t.Tuple[str, ...]:
        """Paths of its health check."""
        return paths_of(self._check) if self._check else ()

    def follow_log(self) -> Follower:
        """Mark the end of its log; the lines of all of its processes are read from there.

        :raises Unreachable: it cannot be followed.
        """
        unit = self.supervisor.systemd_unit
        follower: Follower = self.host.logs.follow_server(self.proc, self.now, self.place, unit, self.clock.time())
        return follower

    @property
    def alive(self) -> bool:
        """True if its master lives."""
        return self.host.is_alive(self.now.master)

    def target(self, process: t.Optional[Process] = None, role: Role = Role.MASTER) -> Target:
        """Return a process of it, the master unless another is given, as the target of a signal."""
        mode: t.Optional[Mode] = self.now.mode
        return Target(process or self.now.master, role, mode, self.now.state)

    def summary(self) -> t.Dict[str, t.Any]:
        """Return what an operation can change, as a module returns it."""
        told = summary(self.now, self.version, self.load())
        return {**told, "databases": [printable(name) for name in self.options.databases], "health": self.health}
