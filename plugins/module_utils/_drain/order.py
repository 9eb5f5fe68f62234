# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""What a drain is asked for, and what it and the way back tell."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._facts.results import StepsResult, printable
from .._processes.classify import Role
from .._server.operation import OnTimeout
from .._supervisors.hold import AUTO


@dataclass(frozen=True)
class DrainOrder:
    """What the caller wants. Times are in seconds, and count from when the work of a server begins to be waited for."""

    http_timeout: float
    cron_timeout: float
    gevent_timeout: float
    #: for one server, everything included
    timeout: float
    on_timeout: OnTimeout = OnTimeout.FAIL
    hold: str = AUTO
    force: bool = False

    def limits(self) -> t.Dict[Role, float]:
        """By kind of work."""
        return {Role.HTTP: self.http_timeout, Role.CRON: self.cron_timeout, Role.GEVENT: self.gevent_timeout}


@dataclass
class DrainResult(StepsResult):
    """``hold`` is who keeps it running, ``successor`` the identity of the master that has taken its place."""

    hold: t.Optional[t.Dict[str, t.Any]] = None
    successor: t.Optional[str] = None
    log: t.List[str] = field(default_factory=list)
    #: a signal was sent, or a supervisor held, let go or asked for something
    changed: bool = False

    def told(self) -> t.Dict[str, t.Any]:
        """As the module returns it."""
        return {
            **super().told(),
            "hold": self.hold,
            "successor": self.successor,
            "log": [printable(line) for line in self.log],
        }


class DrainFailed(Exception):
    """A drain or its undoing was refused or did not end well; ``results`` hold what was done until then."""

    def __init__(self, message: str, results: t.Sequence[DrainResult]) -> None:
        super().__init__(message)
        self.results = list(results)
