# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Stack dumps of every process of the chosen servers, as often as they are asked for."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass, field

from .._facts.results import AskedResult, Outcome, iso
from .._log.follow import DUMPS, Follower, Unreachable, follow
from .._messages import dump as codes
from .._messages import failed
from .._messages.code import Problem
from .._postgres.sessions import Postgres
from .._processes.classify import Instance, Mode, Role
from .._processes.look import Look
from .._processes.process import Process
from .._server.host import Host
from .._signals.rest import Watch
from . import pyspy
from .ask import PATIENCE, ROLES, Asked, Asking, Caution, Question, chosen, collect, silence
from .case import MOST, Case
from .stack import Dump

#: Source of the stacks: the processes themselves after a signal, or py-spy; with auto py-spy if the log cannot show
#: what the processes write, and where a signal may end a process.
AUTO, SIGNAL, PY_SPY = "auto", "signal", "py-spy"


@dataclass(frozen=True)
class DumpOrder:
    """Options of the module stack_dump.

    :ivar interval: seconds from sample to sample.
    :ivar sample_timeout: seconds for each sample; all servers are asked at the same time.
    :ivar postgres: ask PostgreSQL too; ``hide_literals``: hide the literals in queries.
    :ivar accepts_risk: send the signal to a process that it may end, if its stacks cannot be read otherwise.
    :ivar most: bytes that one call returns.
    """

    samples: int
    interval: float
    sample_timeout: float
    roles: t.Tuple[Role, ...] = ROLES
    backend: str = AUTO
    postgres: bool = False
    hide_literals: bool = False
    accepts_risk: bool = False
    most: int = MOST


@dataclass
class DumpResult(AskedResult):
    """The result of one server. ``dumps`` and ``missing`` have an entry for each process and sample."""

    #: source of the stacks; None without stacks
    backend: t.Optional[str] = None
    #: version of its Python
    python: t.Optional[str] = None
    dumps: t.List[t.Dict[str, t.Any]] = field(default_factory=list)
    #: rows and the reason why rows are missing; None if they were not requested
    postgres: t.Optional[t.Dict[str, t.Any]] = None

    def told(self) -> t.Dict[str, t.Any]:
        """Return the result as the module returns it."""
        return {
            **super().told(),
            "backend": self.backend,
            "python": self.python,
            "dumps": self.dumps,
            "postgres": self.postgres,
        }


class PySpy(t.Protocol):
    """py-spy: the file ``pyspy``."""

    def find_py_spy(self) -> t.Optional[str]:
        """Return the path of the program."""

    def read_stacks(self, proc: t.Any, program: str, process: Process) -> t.Tuple[str, t.Sequence[t.Any]]:
        """Return what it prints of a process, and the threads in that."""


def dump_all(
    host: Host,
    seen: Look,
    identities: t.Sequence[str],
    order: DumpOrder,
    *,
    check_mode: bool,
    py_spy: PySpy = pyspy,
    postgres: t.Callable[..., Postgres] = Postgres,
) -> t.List[DumpResult]:
    """Make the processes of the chosen servers write their stacks, all servers at the same time.

    A process gets no signal if the rules of docs/signals.md forbid it, or if its dump could not be read.
    """
    cases = [_Case(host, seen, t.cast(Instance, seen.instance(one)), order, py_spy, postgres) for one in identities]
    room = order.most
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
            collect(host.clock, askings, order.sample_timeout)
            for case in cases:
                room = case.take(sample, room)
    for case in cases:
        case.conclude(host.clock.monotonic() - begun, len(case.result.dumps), check_mode=check_mode)
    return [case.result for case in cases]


class _Case(Case[DumpResult]):
    """One server."""

    def __init__(
        self,
        host: Host,
        seen: Look,
        instance: Instance,
        order: DumpOrder,
        py_spy: PySpy,
        postgres: t.Callable[..., Postgres],
    ) -> None:
        result = DumpResult(instance.identity, instance.master.pid, Outcome.REFUSED, "")
        super().__init__(host, seen, instance, result, Question())
        self._order, self._py_spy = order, py_spy
        self._watch = Watch(host.proc, host.clock)
        python = self._watch.python(instance.master)
        result.python = python and "%d.%d" % python
        version = seen.releases[instance.identity].version
        self._postgres = postgres(host.proc, version, hide_literals=order.hide_literals) if order.postgres else None
        #: the py-spy that reads the stacks in this sample, and of which processes
        self._program: t.Optional[str] = None
        self._people: t.Sequence[t.Tuple[Process, Role]] = ()

    def prepare(self, sample: int, stack: contextlib.ExitStack, *, check_mode: bool) -> t.List[Asking]:
        """Mark the end of its log. Empty if no process of the server will be asked."""
        self.asking, self._program = None, None
        host, result, backend = self.host, self.result, self._order.backend
        if sample > 1:
            # Workers come and go. A look may miss a process in the moment of its exec, so only its end is an end.
            self.instance = host.look_again(self.instance).instance(result.identity) or self.instance
            master = self.instance.master
            if not host.is_alive(master):
                self.miss(master, Role.MASTER, failed.MASTER_ENDED(pid=master.pid), sample=sample)
                self._people = ()
                return []
        people = self._people = chosen(self.instance, self._order.roles)
        if not people:
            return []
        try:
            follower = self._follow([process.pid for process, _role in people])
        except Unreachable as exc:
            self._program = None if backend == SIGNAL else self._py_spy.find_py_spy()
            if self._program:
                result.backend = PY_SPY
                for process, role in people if check_mode else ():
                    self.count(process, role, 0)
                return []
            self.refuse(exc.problem)
            if backend == AUTO:
                self._warn(codes.PY_SPY_HELPS())
            for process, role in people:
                self.miss(process, role, exc.problem, sample=sample)
            return []
        result.backend = SIGNAL
        stack.callback(follower.close)
        result.log_source = follower.source
        if check_mode:
            self.only_look(people, self._order.samples, sample=1)
            return []
        asked = self._by_signal(people, sample)
        # What is not at rest in time is read by py-spy, where there is one.
        accepts = self._order.accepts_risk and not self._helper
        caution = Caution(self._watch, PATIENCE if self._helper or accepts else None, accepts)
        self.asking = Asking(host, self.instance, asked, follower, caution=caution)
        return [self.asking]

    def _by_signal(self, people: t.Sequence[t.Tuple[Process, Role]], sample: int) -> t.Sequence[t.Tuple[Process, Role]]:
        """Return who gets a signal in this sample, and note who is read by py-spy.

        A master that may end of a QUIT gets none where there is py-spy, and at most one, in the last sample, where the
        others are asked as well.
        """
        masters = [one for one in people if one[1] == Role.MASTER and self._watch.endangers(one[0])]
        if self.instance.mode == Mode.THREADED or len(masters) == len(people):
            return people
        rest = [one for one in people if one not in masters]
        if self._helper:
            self._people, self._program = masters, self._helper
            return rest
        return people if sample == self._order.samples else rest

    @property
    def _helper(self) -> t.Optional[str]:
        """The py-spy that reads processes which a signal may end."""
        if self._order.backend != AUTO or not self._watch.endangers(self.instance.master):
            return None
        return self._py_spy.find_py_spy()

    def _follow(self, pids: t.Sequence[int]) -> Follower:
        if self._order.backend == PY_SPY:
            raise Unreachable(codes.NO_PY_SPY(paths=" or ".join(pyspy.PATHS)))
        return follow(self.host.proc, self.instance, self.place, pids, self.host.clock.time())

    def ask_postgres(self, stack: contextlib.ExitStack) -> None:
        """Begin to ask PostgreSQL, where that is wanted and the server lives."""
        if self._postgres and self.host.is_alive(self.instance.master):
            self._postgres.ask(self.instance, stack)

    def take(self, sample: int, room: int) -> int:
        """Take over what was written, or have it read. Returns how many bytes more may be."""
        until = self.host.clock.monotonic() + self._order.sample_timeout
        for process, role in self._people if self._program else ():
            if self.host.clock.monotonic() > until:
                self.miss(process, role, codes.PY_SPY_LATE(pid=process.pid), sample=sample)
                continue
            room = self._read(t.cast(str, self._program), process, role, sample, room)
        for one in self.asking.finish() if self.asking else []:
            if one.signals:
                self.count(one.process, one.role, one.signals)
            for problem in one.lifted:
                self._warn(problem)
            if one.was_at_work and self._helper:
                room = self._read(self._helper, one.process, one.role, sample, room)
            elif one.was_at_work:
                self.miss(one.process, one.role, t.cast(Problem, one.refused), sample=sample, waits=one.waits)
            elif one.raw is None:
                why = one.refused or silence(self.host, one, self._order.sample_timeout)
                self.miss(one.process, one.role, why, sample=sample)
            elif one.cut or len(one.raw) > room:
                self._too_large(one.process, one.role, sample)
            else:
                room -= len(one.raw)
                self.result.dumps.append(self._told(one, sample))
        self.asking = None
        return self._postgres.take(sample, self._order.sample_timeout, room) if self._postgres else room

    def _read(self, program: str, process: Process, role: Role, sample: int, room: int) -> int:
        raw, threads = self._py_spy.read_stacks(self.host.proc, program, process)
        self.count(process, role, 0)
        if not threads:
            alive = self.host.is_alive(process)
            why = codes.PY_SPY_FAILED(pid=process.pid) if alive else codes.PROCESS_ENDED(pid=process.pid, what=DUMPS)
            self.miss(process, role, why, sample=sample)
        elif len(raw) > room:
            self._too_large(process, role, sample)
        else:
            dump = Dump(process.pid, iso(self.host.clock.time()), None, tuple(threads)).told()
            raw = pyspy.as_record(process.pid, dump["time"], threads)
            more = {"log_pid": None, "role": str(role), "sample": sample, "code": None, "backend": PY_SPY, "raw": raw}
            self.result.dumps.append({**dump, **more})
            return room - len(raw)
        return room

    def _told(self, one: Asked, sample: int) -> t.Dict[str, t.Any]:
        found, pid = one.dump, one.process.pid
        told = found.told() if found else {"pid": None, "time": None, "database": None, "threads": [], "other": []}
        doubt = None
        if one.unfinished:
            doubt = codes.UNFINISHED(pid=pid, seconds=self._order.sample_timeout, what=DUMPS)
        elif found and (found.is_cut or (found.is_understood and not found.is_whole)):
            doubt = codes.CUT(pid=pid, because=" (journald: %s)" % one.dropped if one.dropped else "")
        elif not one.understood:
            doubt = codes.NOT_UNDERSTOOD(pid=pid)
        if doubt:
            self._warn(doubt)
        if doubt and doubt.code == codes.CUT.name:
            # A report that is made of its text could not tell.
            self.miss(one.process, one.role, doubt, sample=sample)
        return {
            **told,
            "pid": pid,
            "log_pid": told["pid"],
            "role": str(one.role),
            "sample": sample,
            "understood": doubt is None,
            "code": doubt and doubt.code,
            "backend": SIGNAL,
            "raw": one.text,
        }

    def _too_large(self, process: Process, role: Role, sample: int) -> None:
        self.miss(process, role, codes.TOO_LARGE(), sample=sample)

    def _warn(self, problem: Problem) -> None:
        if problem not in self.result.warnings:
            self.result.warnings.append(problem)

    def conclude(self, seconds: float, written: int, *, check_mode: bool) -> None:
        """Say what came of it."""
        if self.result.dumps and all(dump["backend"] == PY_SPY for dump in self.result.dumps):
            self.result.backend = PY_SPY
        cut = sum(1 for one in self.result.dumps if one["code"] == codes.CUT.name)
        super().conclude(seconds, written - cut, check_mode=check_mode)
        doubtful = sum(1 for one in self.result.dumps if one["code"])
        if doubtful and not self.result.missing:
            self.result.reason = codes.DOUBTFUL(doubtful=doubtful, written=len(self.result.dumps), what=DUMPS).text
        self.result.postgres = self._postgres.told() if self._postgres else None
        read = sum(1 for dump in self.result.dumps if dump["backend"] == PY_SPY)
        if read or (check_mode and self.result.asked and self.result.backend == PY_SPY):
            which = "" if self.result.backend == PY_SPY else "%d of them " % read
            self.result.reason += " (%sread by py-spy, without a signal)" % which
