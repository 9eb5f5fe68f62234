# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""What a drain is asked for, and what it and the undrain return."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._facts.results import BusyResult, printable
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
    #: for how long no other server may take the place of one that has ended
    min_gone_time: float = 12.0

    def limits(self) -> t.Dict[Role, float]:
        """Return the limit of each kind of work, in seconds."""
        return {Role.HTTP: self.http_timeout, Role.CRON: self.cron_timeout, Role.GEVENT: self.gevent_timeout}


@dataclass
class DrainResult(BusyResult):
    """What was done to one server.

    :ivar hold: what keeps the server running, and what prevents that.
    :ivar successor: identity of the master that has taken its place.
    :ivar log: what a failed server wrote.
    :ivar hold_changed: its supervisor was held or released, or would be in check mode.
    """

    hold: t.Optional[t.Dict[str, t.Any]] = None
    successor: t.Optional[str] = None
    log: t.List[str] = field(default_factory=list)
    hold_changed: bool = False

    @property
    def changed(self) -> bool:
        """Return whether a signal was sent, or a supervisor was held, released or asked for something."""
        return self.hold_changed or super().changed

    def told(self) -> t.Dict[str, t.Any]:
        """Return it as the module does."""
        return {
            **super().told(),
            "hold": self.hold,
            "successor": self.successor,
            "log": [printable(line) for line in self.log],
        }
