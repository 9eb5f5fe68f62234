# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""One server whose processes are asked to write something, and the result."""

from __future__ import annotations

import typing as t

from .._facts.results import AskedResult, Outcome, counts, printable
from .._messages import dump as codes
from .._messages.code import Problem
from .._processes.classify import Instance, Role
from .._processes.look import Look
from .._processes.process import Process
from .._server.host import Host
from .ask import Asking, Question, foreseen

R = t.TypeVar("R", bound=AskedResult)

#: Bytes that one call returns, so that the module stays small for every request.
MOST = 2 << 20


class Case(t.Generic[R]):
    """One server, and what is returned of it.

    :param question: what its processes are asked for.
    """

    def __init__(self, host: Host, seen: Look, instance: Instance, result: R, question: Question) -> None:
        self.host, self.instance, self.result, self.question = host, instance, result, question
        options = seen.options[instance.identity]
        self.place = host.log_place(instance.master, options, host.supervisor_of(instance.master))
        self.asking: t.Optional[Asking] = None
        result.before = {"state": str(instance.state), "mode": instance.mode and str(instance.mode)}
        result.before["workers"] = counts(instance)

    def miss(self, process: Process, role: Role, problem: Problem, **more: t.Any) -> None:
        """Name a process that has written nothing, and why."""
        self.result.missing.append(excuse(process, role, problem, **more))

    def refuse(self, problem: Problem) -> None:
        """Say why no process of it is asked."""
        if self.result.code is None:
            self.result.code, self.result.reason = problem.code, str(problem)
            self.result.warnings.append(problem)

    def only_look(self, people: t.Sequence[t.Tuple[Process, Role]], signals: int, **more: t.Any) -> None:
        """Put into the result which of these would be asked, how often, and why the others would not."""
        for process, role, problem in foreseen(self.host, self.instance, people, self.question):
            if problem:
                self.miss(process, role, problem, **more)
            else:
                self.count(process, role, signals)

    def count(self, process: Process, role: Role, signals: int) -> None:
        """Keep in mind how many signals a process got."""
        self.result.count(process, role, signals)
        if signals:
            self.result.signals = sorted({*self.result.signals, self.question.signal(process)})

    def conclude(self, seconds: float, written: int, *, check_mode: bool) -> None:
        """Say what came of it.

        :param written: how many answers are returned.
        """
        result, what, missing = self.result, self.question.what, len(self.result.missing)
        result.seconds = seconds
        if not result.asked:
            result.did = Outcome.REFUSED if result.missing else Outcome.NOTHING
            if result.missing:
                self.refuse(codes.NONE_ASKED(what=what))
            else:
                result.reason = "it has no process of these roles"
            return
        result.did = Outcome.SIGNALLED if result.signals else Outcome.NOTHING
        result.code = None
        if check_mode:
            result.reason = "%d processes would be asked" % len(result.asked)
        elif result.missing:
            problem = codes.INCOMPLETE(missing=missing, wanted=written + missing, what=what)
            result.reason = problem.text
            result.warnings.append(problem)
        else:
            result.reason = "every process that was asked has written its %s" % what


def excuse(process: Process, role: Role, problem: Problem, **more: t.Any) -> t.Dict[str, t.Any]:
    """Return a process that has written nothing, and why, as modules return it."""
    return {
        "pid": process.pid,
        "role": str(role),
        **more,
        "code": problem.code,
        "reason": printable(str(problem)),
    }
