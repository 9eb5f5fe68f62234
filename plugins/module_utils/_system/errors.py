# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The errors that all operations share. Each carries a problem: a code, its sentence and its remedy."""

from __future__ import annotations

import typing as t

from .._messages.code import Problem


class Failure(Exception):
    """Something was not done, or did not end well."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem

    @property
    def code(self) -> str:
        """Return the stable name of what went wrong."""
        return self.problem.code


class Refused(Failure):
    """Something is not done, and nothing was changed.

    :ivar restart_helps: a restart through the supervisor may avoid the problem.
    """

    def __init__(self, problem: Problem, *, restart_helps: bool = False) -> None:
        super().__init__(problem)
        self.restart_helps = restart_helps


class TimedOut(Failure):
    """A deadline passed; the problem says what was still missing, as a noun phrase that follows "waiting for"."""


class StillWaiting(Failure):
    """The wait goes on, and the module was asked to tell what it waits for. The problem is that of a deadline."""


class OperationFailed(Failure):
    """An operation on several servers ended early.

    :ivar results: one for every chosen server, also for those that were not begun.
    """

    def __init__(self, message: str, problem: Problem, results: t.Sequence[t.Any]) -> None:
        super().__init__(problem)
        self.message = message
        self.results = list(results)

    def __str__(self) -> str:
        return self.message
