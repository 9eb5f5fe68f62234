# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""Stack dumps of every process of the chosen servers, as often as they are asked for."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass, field

from .._facts.gather import log_place
from .._facts.results import AskedResult, Outcome, counts, iso, printable
from .._log.follow import Follower, Unreachable, follow
from .._log.place import LogPlace
from .._postgres.sessions import Postgres
from .._processes.classify import Instance, Role
from .._processes.look import Look, look_again
from .._processes.proc import is_alive
from .._processes.process import Process
from .._server.host import Host
from .._supervisors.find import supervisor_of
from .ask import (
    ROLES,
    Asked,
    Asking,
    Question,
    chosen,
    collect,
    foreseen,
    silence,
)
from .pyspy import find_py_spy, read_stacks
from .stack import Dump

#: Who tells the stacks: the processes themselves after a signal, or py-spy; with auto that one where nobody would see
#: what the processes write.
AUTO, SIGNAL, PY_SPY = "auto", "signal", "py-spy"

#: Bytes of dumps that one call returns, so that the module stays small whatever it is asked for.
_MOST = 2 << 20
_TOO_MUCH = "the dumps of one call may not be larger than %d MB in all" % (_MOST >> 20)


@dataclass(frozen=True)
class DumpOrder:
    """What the caller wants. ``interval`` is in seconds from sample to sample, ``timeout`` in seconds for each."""

    samples: int
    interval: float
    timeout: float
    roles: t.Tuple[Role, ...] = ROLES
    backend: str = AUTO
    #: whether PostgreSQL is asked, too, and whether the literals in its queries are hidden
    postgres: bool = False
    hide_literals: bool = False


@dataclass
class DumpResult(AskedResult):
    """What came of one server. ``dumps`` and ``missing`` have an entry for each process and sample."""

    #: who told the stacks; None where nobody did
    backend: t.Optional[str] = None
    dumps: t.List[t.Dict[str, t.Any]] = field(default_factory=list)
    #: rows and the reason why there are no more; None where nobody wanted them
    postgres: t.Optional[t.Dict[str, t.Any]] = None

    def told(self) -> t.Dict[str, t.Any]:
        """As the module returns it."""
        return {**super().told(), "backend": self.backend, "dumps": self.dumps, "postgres": self.postgres}

    def miss(self, process: Process, role: Role, sample: int, why: str) -> None:
        """Name a process that has no dump in a sample."""
        self.missing.append({"pid": process.pid, "role": role, "sample": sample, "reason": printable(why)})


def dump_all(
    host: Host, seen: Look, identities: t.Sequence[str], order: DumpOrder, *, check_mode: bool
) -> t.List[DumpResult]:
    """Have the processes of the chosen servers write their stacks, all servers at the same time.

    As a rule no process is harmed by it (docs/signals.md), and none is asked whose dump could not be seen.
    """
    cases = [_Case(host, seen, t.cast(Instance, seen.instance(identity)), order) for identity in identities]
    room = _MOST
    begun = host.clock.monotonic()
    for sample in range(1, order.samples + 1):
        if sample > 1:
            host.clock.sleep(max(0.0, begun + (sample - 1) * order.interval - host.clock.monotonic()))
        with contextlib.ExitStack() as stack:
            askings = [asking for case in cases for asking in case.prepare(sample, stack, check_mode=check_mode)]
            if check_mode:
                break
            # psql is started before the signals and is done before most dumps are.
            for case in cases:
                case.ask_postgres(stack)
            collect(host.clock, askings, order.timeout)
            for case in cases:
                room = case.take(sample, room)
    for case in cases:
        case.conclude(host.clock.monotonic() - begun, check_mode=check_mode)
    return [case.result for case in cases]


class _Case:
    """One server."""

    def __init__(self, host: Host, seen: Look, instance: Instance, order: DumpOrder) -> None:
        self._host, self._instance, self._order = host, instance, order
        options = seen.options[instance.identity]
        self._place: LogPlace = log_place(host.proc, instance.master, options, supervisor_of(instance.master))
        self._asking: t.Optional[Asking] = None
        version = seen.releases[instance.identity].version
        self._postgres = Postgres(host.proc, version, hide_literals=order.hide_literals) if order.postgres else None
        #: who has read the stacks, and of whom, in this sample
        self._py_spy: t.Optional[str] = None
        self._people: t.Sequence[t.Tuple[Process, Role]] = ()
        self.result = DumpResult(instance.identity, instance.master.pid, Outcome.REFUSED, "")
        self.result.before = {"state": instance.state, "mode": instance.mode, "workers": counts(instance)}

    def prepare(self, sample: int, stack: contextlib.ExitStack, *, check_mode: bool) -> t.List[Asking]:
        """Mark the end of its log. Empty where nobody of it is to be asked."""
        self._asking, self._py_spy = None, None
        host, result, backend = self._host, self.result, self._order.backend
        if sample > 1:
            # Workers come and go. A look may miss a process in the moment of its exec, so only its end is an end.
            self._instance = look_again(host.proc, self._instance).instance(result.identity) or self._instance
            if not is_alive(host.proc, self._instance.master):
                result.miss(self._instance.master, Role.MASTER, sample, "the server has ended")
                return []
        people = self._people = chosen(self._instance, self._order.roles)
        if not people:
            return []
        try:
            follower = self._follow([process.pid for process, _role in people])
        except Unreachable as exc:
            program = None if backend == SIGNAL else find_py_spy()
            if program:
                self._py_spy, result.backend = program, PY_SPY
                for process, role in people if check_mode else ():
                    result.count(process, role, 0)
                return []
            for process, role in people:
                result.miss(process, role, sample, "%s, so it was not asked" % exc)
            hint = "; py-spy, installed there, would show the stacks without a signal" if backend == AUTO else ""
            result.reason = result.reason or "nobody was asked: %s%s" % (exc, hint)
            return []
        result.backend = SIGNAL
        stack.callback(follower.close)
        result.log_source = follower.source
        if check_mode:
            self._only_look(people)
            return []
        self._asking = Asking(host.proc, host.clock, self._instance, people, follower)
        return [self._asking]

    def _follow(self, pids: t.Sequence[int]) -> Follower:
        if self._order.backend == PY_SPY:
            raise Unreachable("py-spy is not installed, or not root's alone")
        return follow(self._host.proc, self._instance, self._place, pids, self._host.clock.time())

    def _only_look(self, people: t.Sequence[t.Tuple[Process, Role]]) -> None:
        for process, role, why in foreseen(self._host.proc, self._instance, people, Question()):
            if why:
                self.result.miss(process, role, 1, why)
            else:
                self.result.count(process, role, self._order.samples)

    def ask_postgres(self, stack: contextlib.ExitStack) -> None:
        """Begin to ask PostgreSQL, where that is wanted and the server lives."""
        if self._postgres and is_alive(self._host.proc, self._instance.master):
            self._postgres.ask(self._instance, stack)

    def take(self, sample: int, room: int) -> int:
        """Take over what was written, or have it read. Returns how many bytes more may be."""
        until = self._host.clock.monotonic() + self._order.timeout
        for process, role in self._people if self._py_spy else ():
            if self._host.clock.monotonic() > until:
                self.result.miss(process, role, sample, "the time was up before py-spy came to it")
                continue
            room = self._read(t.cast(str, self._py_spy), process, role, sample, room)
        for one in self._asking.finish() if self._asking else []:
            if one.signals:
                self.result.count(one.process, one.role, one.signals)
            if one.raw is None:
                why = one.refused or silence(self._host.proc, one, self._order.timeout)
                self.result.miss(one.process, one.role, sample, why)
            elif one.cut or len(one.raw) > room:
                self.result.miss(one.process, one.role, sample, _TOO_MUCH)
            else:
                room -= len(one.raw)
                self.result.dumps.append(_told(one, sample))
        self._asking = None
        return self._postgres.take(sample, self._order.timeout, room) if self._postgres else room

    def _read(self, program: str, process: Process, role: Role, sample: int, room: int) -> int:
        raw, threads = read_stacks(self._host.proc, program, process)
        self.result.count(process, role, 0)
        if not threads:
            self.result.miss(process, role, sample, "py-spy could not read it, or it has ended")
        elif len(raw) > room:
            self.result.miss(process, role, sample, _TOO_MUCH)
        else:
            dump = Dump(process.pid, iso(self._host.clock.time()), None, tuple(threads))
            self.result.dumps.append({**dump.told(), "log_pid": None, "role": role, "sample": sample, "raw": raw})
            return room - len(raw)
        return room

    def conclude(self, seconds: float, *, check_mode: bool) -> None:
        """Say what came of it."""
        result = self.result
        result.seconds = seconds
        result.postgres = self._postgres.told() if self._postgres else None
        if not result.asked:
            result.did = Outcome.REFUSED if result.missing else Outcome.NOTHING
            why = "a rule keeps every process from its signal" if result.missing else "it has no process of these roles"
            result.reason = result.reason or why
            return
        if result.backend == PY_SPY:
            result.did = Outcome.NOTHING
        else:
            result.did, result.signals = Outcome.SIGNALLED, ["QUIT"]
        if check_mode:
            result.reason = "%d processes would be asked" % len(result.asked)
        elif result.missing:
            result.reason = "%d dumps were written, %d are missing" % (len(result.dumps), len(result.missing))
        else:
            result.reason = "every process has written its stacks"
        if result.backend == PY_SPY:
            result.reason += " (read by py-spy, without a signal)"


def _told(one: Asked, sample: int) -> t.Dict[str, t.Any]:
    found = one.dump
    told = found.told() if found else {"pid": None, "time": None, "database": None, "threads": []}
    return {
        **told,
        "pid": one.process.pid,
        "log_pid": told["pid"],
        "role": one.role,
        "sample": sample,
        "raw": one.text,
    }
