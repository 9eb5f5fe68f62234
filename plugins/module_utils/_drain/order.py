# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The options of a drain, and the results of drain and undrain."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._facts.results import BusyResult, printable
from .._processes.classify import Role
from .._server.operation import OnTimeout
from .._supervisors.hold import AUTO


@dataclass(frozen=True)
class DrainOrder:
    """Options of a drain. Times are in seconds, from the moment when the wait for the work of a server begins."""

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
    #: owner of the drain, as text for people
    owner: str = ""

    def limits(self) -> t.Dict[Role, float]:
        """Return the limit of each kind of work, in seconds."""
        return {Role.HTTP: self.http_timeout, Role.CRON: self.cron_timeout, Role.GEVENT: self.gevent_timeout}


@dataclass
class DrainResult(BusyResult):
    """The result of the drain of one server.

    :ivar hold: the supervisor of the server, and what prevents a restart.
    :ivar successor: identity of the new master in its place.
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
