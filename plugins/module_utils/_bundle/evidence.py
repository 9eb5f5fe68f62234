# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""What is worth keeping of servers that misbehave: their processes, their log, and their stacks in it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._dumps.ask import Asking, collect
from .._facts.gather import log_place
from .._facts.process_tree import instance_tree
from .._facts.results import printable
from .._log.follow import Follower, Unreachable, follow
from .._log.place import LogPlace
from .._log.read import LogMark
from .._processes.classify import Instance
from .._processes.look import Look
from .._server.host import Host
from .._supervisors.find import supervisor_of

#: Bytes of a log that are looked at for the lines since the signals.
_SEARCHED_BYTES = 4 << 20

#: How many lines of those that came since are kept.
_MOST_SINCE = 4000


@dataclass(frozen=True)
class EvidenceOrder:
    """What the caller wants. ``wait`` is in seconds, for the dumps of all instances together."""

    #: whether QUIT is sent
    dumps: bool
    wait: float
    #: of the log of each instance, from before the signals
    lines: int


@dataclass
class Evidence:
    """What was gathered of one instance."""

    identity: str
    pid: int
    state: str
    processes: t.List[str]
    log: t.List[str] = field(default_factory=list)
    log_source: t.Optional[str] = None
    signalled: int = 0
    seen: int = 0
    refused: t.List[str] = field(default_factory=list)
    #: why fewer dumps were seen than processes signalled
    reason: t.Optional[str] = None

    def told(self) -> t.Dict[str, t.Any]:
        """As a module returns it."""
        return {
            "identity": self.identity,
            "pid": self.pid,
            "state": self.state,
            "processes": self.processes,
            "log": [printable(line) for line in self.log],
            "log_source": printable(self.log_source),
            "dumps": {
                "signalled": self.signalled,
                "seen": self.seen,
                "refused": self.refused,
                "reason": self.reason,
            },
        }


def gather(host: Host, seen: Look, identities: t.Sequence[str], order: EvidenceOrder) -> t.List[Evidence]:
    """Have the processes of the chosen instances write their stacks, and return what their logs say then.

    QUIT goes to each process that a rule does not keep it from; as a rule none is harmed by it (docs/signals.md).
    """
    now = host.proc.uptime_ticks()
    cases = [_Case(host, seen, t.cast(Instance, seen.instance(identity)), now) for identity in identities]
    try:
        if order.dumps:
            collect(host.clock, [case.asking(host) for case in cases], order.wait)
        for case in cases:
            case.read(order)
    finally:
        for case in cases:
            case.close()
    return [case.evidence for case in cases]


class _Case:
    """One instance, with the mark in its log from before the signals."""

    def __init__(self, host: Host, seen: Look, instance: Instance, now: int) -> None:
        supervisor = supervisor_of(instance.master)
        options = seen.options[instance.identity]
        self._instance = instance
        self._place: LogPlace = log_place(host.proc, instance.master, options, supervisor)
        self._log = LogMark(host.proc, instance.master, self._place, supervisor.systemd_unit, host.clock.time())
        self._asking: t.Optional[Asking] = None
        self._follower: t.Optional[Follower] = None
        #: why no dump is to be seen
        self._unseen: t.Optional[str] = None
        self.evidence = Evidence(
            instance.identity,
            instance.master.pid,
            instance.state,
            instance_tree(instance, now),
            log_source=self._log.source,
        )

    def close(self) -> None:
        self._log.close()
        if self._follower is not None:
            self._follower.close()

    def asking(self, host: Host) -> Asking:
        """QUIT for the master and its children, each unless a rule forbids it."""
        instance = self._instance
        pids = [process.pid for process, _role in instance.everybody]
        try:
            self._follower = follow(host.proc, instance, self._place, pids, host.clock.time())
        except Unreachable as exc:
            self._unseen = str(exc)
        self._asking = Asking(host.proc, host.clock, instance, instance.everybody, self._follower)
        return self._asking

    def read(self, order: EvidenceOrder) -> None:
        """Take over the log, and say why dumps are missing from it."""
        evidence = self.evidence
        # Many processes write long dumps. What stood before them must not be lost for it: it may say what went wrong.
        since = len(self._log.tail(_MOST_SINCE, _SEARCHED_BYTES))
        evidence.log = self._log.last(order.lines + since, _SEARCHED_BYTES)
        asked = self._asking.finish() if self._asking else []
        evidence.refused = ["pid %d (%s): %s" % (a.process.pid, a.role, a.refused) for a in asked if a.refused]
        evidence.signalled = sum(1 for one in asked if one.signals)
        evidence.seen = sum(1 for one in asked if one.raw)
        if evidence.seen < evidence.signalled:
            late = "%d did not come within %g s" % (evidence.signalled - evidence.seen, order.wait)
            evidence.reason = self._unseen or late
