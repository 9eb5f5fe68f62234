# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Collect evidence of servers that misbehave: their processes, their log, and their stacks in it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._dumps.ask import PATIENCE, Asking, Caution, collect
from .._dumps.case import excuse
from .._facts.process_tree import instance_tree
from .._facts.results import printable
from .._log.follow import Follower, Unreachable, follow
from .._messages import dump
from .._messages.code import Problem
from .._processes.classify import Instance
from .._processes.look import Look
from .._server.host import Host
from .._signals.rest import Watch

#: Bytes of a log that are looked at for the lines since the signals.
_SEARCHED_BYTES = 4 << 20

#: How many lines of those that came since are kept.
_MOST_SINCE = 4000


@dataclass(frozen=True)
class EvidenceOrder:
    """Options of the module evidence.

    :ivar timeout: seconds for the dumps of one server; all servers are asked at the same time.
    """

    #: whether QUIT is sent
    dumps: bool
    timeout: float
    #: of the log of each instance, from before the signals
    lines: int
    #: whether a process gets a QUIT that may end it
    accepts_risk: bool = False


@dataclass
class Evidence:
    """The evidence of one server."""

    identity: str
    pid: int
    state: str
    processes: t.List[str]
    log: t.List[str] = field(default_factory=list)
    log_source: t.Optional[str] = None
    signalled: int = 0
    seen: int = 0
    refused: t.List[t.Dict[str, t.Any]] = field(default_factory=list)
    #: why fewer dumps were seen than processes signalled
    problem: t.Optional[Problem] = None
    #: what the caller has accepted
    warnings: t.List[Problem] = field(default_factory=list)

    def told(self) -> t.Dict[str, t.Any]:
        """Return the evidence as the module returns it."""
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
                "code": self.problem and self.problem.code,
                "reason": self.problem and printable(str(self.problem)),
            },
        }


def gather(host: Host, seen: Look, identities: t.Sequence[str], order: EvidenceOrder) -> t.List[Evidence]:
    """Make the processes of the chosen instances write their stacks, and return the ends of their logs.

    Each process gets a QUIT, unless a rule forbids it (docs/signals.md).
    """
    now = host.proc.uptime_ticks()
    cases = [_Case(host, seen, t.cast(Instance, seen.instance(identity)), now) for identity in identities]
    try:
        if order.dumps:
            collect(host.clock, [case.asking(order) for case in cases], order.timeout)
        for case in cases:
            case.read(order)
    finally:
        for case in cases:
            case.close()
    return [case.evidence for case in cases]


class _Case:
    """One instance, with the mark in its log from before the signals."""

    def __init__(self, host: Host, seen: Look, instance: Instance, now: int) -> None:
        supervisor = host.supervisor_of(instance.master)
        self._host, self._instance = host, instance
        self._place = host.log_place(instance.master, seen.options[instance.identity], supervisor)
        self._log = host.mark_log(instance.master, self._place, supervisor)
        self._asking: t.Optional[Asking] = None
        self._follower: t.Optional[Follower] = None
        #: why the dump is not visible
        self._unseen: t.Optional[Problem] = None
        self.evidence = Evidence(
            instance.identity,
            instance.master.pid,
            str(instance.state),
            instance_tree(instance, now),
            log_source=self._log.source,
        )

    def close(self) -> None:
        self._log.close()
        if self._follower is not None:
            self._follower.close()

    def asking(self, order: EvidenceOrder) -> Asking:
        """QUIT for the master and its children, each unless a rule forbids it."""
        host, instance = self._host, self._instance
        pids = [process.pid for process, _role in instance.everybody]
        try:
            self._follower = follow(host.proc, instance, self._place, pids, host.clock.time())
        except Unreachable as exc:
            self._unseen = exc.problem
        patience = min(PATIENCE, order.timeout) if order.accepts_risk else None
        caution = Caution(Watch(host.proc, host.clock), patience, order.accepts_risk)
        self._asking = Asking(host, instance, instance.everybody, self._follower, caution=caution)
        return self._asking

    def read(self, order: EvidenceOrder) -> None:
        """Take over the log, and say why dumps are missing from it."""
        evidence = self.evidence
        # Many processes write long dumps. What stood before them must not be lost for it: it may say what went wrong.
        since = len(self._log.tail(_MOST_SINCE, _SEARCHED_BYTES))
        evidence.log = self._log.last(order.lines + since, _SEARCHED_BYTES)
        asked = self._asking.finish() if self._asking else []
        evidence.refused = [excuse(one.process, one.role, one.refused) for one in asked if one.refused]
        evidence.warnings = [problem for one in asked for problem in one.lifted]
        evidence.signalled = sum(1 for one in asked if one.signals)
        evidence.seen = sum(1 for one in asked if one.raw)
        if evidence.seen < evidence.signalled:
            missing = evidence.signalled - evidence.seen
            evidence.problem = self._unseen or dump.EVIDENCE(
                missing=missing, asked=evidence.signalled, seconds=order.timeout
            )
