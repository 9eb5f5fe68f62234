# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""What is worth keeping of servers that misbehave: their processes, their log, and their stacks in it."""

from __future__ import annotations

import contextlib
import os
import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.fleetops.odoo.plugins.module_utils._await import Pending, TimedOut, wait_until
from ansible_collections.fleetops.odoo.plugins.module_utils._host import Host
from ansible_collections.fleetops.odoo.plugins.module_utils._instances import MASTER, Instance
from ansible_collections.fleetops.odoo.plugins.module_utils._log import LogMark
from ansible_collections.fleetops.odoo.plugins.module_utils._logplace import LogPlace
from ansible_collections.fleetops.odoo.plugins.module_utils._look import Look
from ansible_collections.fleetops.odoo.plugins.module_utils._process import Process
from ansible_collections.fleetops.odoo.plugins.module_utils._redact import redact_argv
from ansible_collections.fleetops.odoo.plugins.module_utils._send import Refused, Target, send
from ansible_collections.fleetops.odoo.plugins.module_utils._survey import log_place, supervisor_of
from ansible_collections.fleetops.odoo.plugins.module_utils._tell import printable

#: The first line of a dump, whole: other records of this logger go on after the colon. Seen on Odoo 14.0 and 19.0.
_HEADER = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (\d+) [A-Z]+ .* odoo\.tools\.misc:$")

#: How much of the log since the signals is searched for headers: lines, and bytes of a file.
_SEARCHED_LINES, _SEARCHED_BYTES = 20_000, 4 << 20

#: How many lines of those that came since are kept.
_MOST_SINCE = 4000

#: Seconds that the rest of a dump may take behind its header: the journal gets it line by line.
_REST = 0.2

#: Characters of a line that are shown, as in a log.
_WIDTH = 500


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

    QUIT goes to each process that a rule does not keep it from; none is harmed by it.
    """
    now = host.proc.uptime_ticks()
    cases = [_Case(host, seen, t.cast(Instance, seen.instance(identity)), now) for identity in identities]
    try:
        if order.dumps:
            for case in cases:
                case.signal(host)
            _await_dumps(host, cases, order.wait)
        for case in cases:
            case.read(order)
    finally:
        for case in cases:
            case.close()
    return [case.evidence for case in cases]


def process_tree(seen: Look, now: int) -> t.List[str]:
    """A line for every Odoo process of a look: the servers with what belongs to them, then the one-off runs. Pure.

    :param now: the moment of the look, in clock ticks since boot.
    """
    lines = [line for instance in seen.instances for line in instance_tree(instance, now)]
    return lines + [_line(process, "one-off", now) for process in seen.one_off]


def instance_tree(instance: Instance, now: int) -> t.List[str]:
    """The lines of one server: its master, and indented below it its children by pid. Pure.

    :param now: the moment of the look, in clock ticks since boot.
    """
    children = [
        "  " + _line(child.process, "%s %s" % (child.role, child.generation), now) for child in instance.children
    ]
    return [_line(instance.master, "%s %s" % (MASTER, instance.state), now), *children]


def _line(process: Process, role: str, now: int) -> str:
    ticks = os.sysconf("SC_CLK_TCK")
    line = "%d %s rss=%.1fMB cpu=%.2fs age=%.1fs %s" % (
        process.pid,
        role,
        process.rss_pages * os.sysconf("SC_PAGE_SIZE") / 1e6,
        process.cpu_ticks / ticks,
        max(0, now - process.start) / ticks,
        " ".join(redact_argv(process.argv)),
    )
    return t.cast(str, printable(line.rstrip().replace("\n", " ")))[:_WIDTH]


def dumped(lines: t.Iterable[str]) -> t.Set[int]:
    """Pids, as the log shows them, whose dump begins in these lines. Pure."""
    return {int(found.group(1)) for found in map(_HEADER.match, lines) if found}


class _Case:
    """One instance, with the mark in its log from before the signals."""

    def __init__(self, host: Host, seen: Look, instance: Instance, now: int) -> None:
        supervisor = supervisor_of(instance.master)
        options = seen.options[instance.identity]
        self._instance = instance
        self._place: LogPlace = log_place(host.proc, instance.master, options, supervisor)
        self._log = LogMark(host.proc, instance.master, self._place, supervisor.systemd_unit, host.clock.time())
        #: pids of the signalled, as the log shows them
        self._expected: t.Set[int] = set()
        self._dumped: t.Set[int] = set()
        self.evidence = Evidence(
            instance.identity,
            instance.master.pid,
            instance.state,
            instance_tree(instance, now),
            log_source=self._log.source,
        )

    def close(self) -> None:
        self._log.close()

    def signal(self, host: Host) -> None:
        """QUIT to the master and its children, each unless a rule forbids it."""
        instance = self._instance
        everybody = [(instance.master, MASTER), *((child.process, child.role) for child in instance.children)]
        for process, role in everybody:
            try:
                send(host.proc, "QUIT", Target(process, role, instance.mode, instance.state))
            except Refused as exc:
                self.evidence.refused.append("pid %d (%s): %s" % (process.pid, role, exc))
            else:
                self.evidence.signalled += 1
                self._expected.add(process.namespace_pids[-1] if process.namespace_pids else process.pid)

    @property
    def shows(self) -> bool:
        """Whether a dump is to be seen in its log."""
        return bool(self._expected) and self._log.source is not None and self._place.shows_dumps

    def lacking(self) -> int:
        """How many dumps are still to come."""
        self._dumped = dumped(self._log.tail(_SEARCHED_LINES, _SEARCHED_BYTES)) & self._expected
        return len(self._expected - self._dumped)

    def read(self, order: EvidenceOrder) -> None:
        """Take over the log, and say why dumps are missing from it."""
        evidence = self.evidence
        # Many processes write long dumps. What stood before them must not be lost for it: it may say what went wrong.
        since = len(self._log.tail(_MOST_SINCE, _SEARCHED_BYTES))
        evidence.log = self._log.last(order.lines + since, _SEARCHED_BYTES)
        evidence.seen = len(self._dumped)
        if evidence.seen == evidence.signalled:
            return
        if not self._place.shows_dumps:
            evidence.reason = "its log level hides dumps, or its log goes nowhere"
        elif self._log.source is None:
            evidence.reason = "its log cannot be read from here"
        else:
            evidence.reason = "%d did not come within %g s" % (evidence.signalled - evidence.seen, order.wait)


def _await_dumps(host: Host, cases: t.Sequence[_Case], seconds: float) -> None:
    showing = [case for case in cases if case.shows]

    def attempt() -> t.Union[bool, Pending]:
        lacking = sum([case.lacking() for case in showing])
        return Pending("%d dumps" % lacking) if lacking else True

    if showing:
        with contextlib.suppress(TimedOut):
            wait_until(attempt, host.clock, host.clock.monotonic() + seconds)
        host.clock.sleep(_REST)
