# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The clocks and the boot of the machine; await: the one waiter. Its clock is handed in: tests wait for nothing."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass

from .._messages.code import Problem
from .errors import StillWaiting, TimedOut

_T = t.TypeVar("_T")

_BOOT_ID = "/proc/sys/kernel/random/boot_id"


def boot_id() -> str:
    """Return the ID of this boot of the machine; empty if the kernel does not show it."""
    try:
        with open(_BOOT_ID, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def uptime() -> float:
    """Return seconds since boot, time asleep included, on a clock that cannot be set."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Clock:
    """The clocks of the machine."""

    #: seconds that earlier calls of the same task have waited, as :meth:`began` counts them
    waited: float = 0.0
    #: when a wait must be reported, on :meth:`monotonic`; None waits on in silence
    report_at: t.Optional[float] = None

    def began(self) -> float:
        """Return when the first call of the task began its wait, on :meth:`monotonic`, if the wait begins now."""
        return self.monotonic() - self.waited

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


class Waiting(t.NamedTuple):
    """The goal of a wait that goes on, and the ages of the requests in seconds, the oldest first."""

    text: str
    ages: t.Sequence[float] = ()


#: Seconds between two looks: short at first, since Odoo needs about a second for a reload, then longer. So a look comes
#: late by a tenth of what the wait has taken at most.
_SHORTEST, LONGEST, _GROWTH = 0.05, 0.5, 1.05


def wait_until(
    attempt: t.Callable[[], t.Union[_T, Pending]],
    clock: Clock,
    deadline: float,
    *,
    may_report: bool = False,
    longest: float = LONGEST,
) -> _T:
    """Call ``attempt`` until it returns something else than :class:`Pending`.

    :param deadline: on ``clock.monotonic()``; the last attempt begins at or after it.
    :param may_report: nothing is half done during this wait, so the module may return in the midst of it.
    :param longest: seconds between two looks at most; less where a look costs next to nothing.
    :raises TimedOut: the deadline passed. What ``attempt`` raises goes through.
    :raises StillWaiting: with ``may_report``, at the moment at which the clock asks for a report.
    """
    pause = _SHORTEST
    while True:
        late = clock.monotonic() >= deadline
        outcome = attempt()
        if not isinstance(outcome, Pending):
            return outcome
        if late:
            raise TimedOut(outcome.problem)
        if may_report and clock.report_at is not None and clock.monotonic() >= clock.report_at:
            raise StillWaiting(outcome.problem)
        clock.sleep(max(0.0, min(pause, deadline - clock.monotonic())))
        pause = min(pause * _GROWTH, longest)
