# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""await: the one waiter. Its clock is handed in, so that tests wait for nothing."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass

from .._messages.code import Problem
from .boot import uptime
from .errors import TimedOut

_T = t.TypeVar("_T")


class Clock:
    """The clocks of the machine."""

    def monotonic(self) -> float:
        """Return seconds that only ever grow."""
        return time.monotonic()

    def time(self) -> float:
        """Return seconds since the epoch."""
        return time.time()

    def uptime(self) -> float:
        """Return seconds since the boot, time asleep included."""
        return uptime()

    def sleep(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)


@dataclass(frozen=True)
class Pending:
    """The goal is not reached yet; the problem says what is missing, as a noun phrase that follows "waiting for"."""

    problem: Problem


#: Seconds between two looks: short at first, since Odoo needs about a second for a reload, then longer.
_SHORTEST, _LONGEST, _GROWTH = 0.05, 0.5, 1.15


def wait_until(attempt: t.Callable[[], t.Union[_T, Pending]], clock: Clock, deadline: float) -> _T:
    """Call ``attempt`` until it returns something else than :class:`Pending`.

    :param deadline: on ``clock.monotonic()``; the last attempt begins at or after it.
    :raises TimedOut: the deadline passed. What ``attempt`` raises goes through.
    """
    pause = _SHORTEST
    while True:
        late = clock.monotonic() >= deadline
        outcome = attempt()
        if not isinstance(outcome, Pending):
            return outcome
        if late:
            raise TimedOut(outcome.problem)
        clock.sleep(max(0.0, min(pause, deadline - clock.monotonic())))
        pause = min(pause * _GROWTH, _LONGEST)
