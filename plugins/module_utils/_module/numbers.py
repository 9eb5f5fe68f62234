# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Check options that are numbers of seconds. Pure."""

from __future__ import annotations

import math
import typing as t

from .._messages import option
from .._messages.code import Problem

#: Seconds that a time limit may have: poll takes milliseconds in 32 bits, which is 24 days.
MOST_SECONDS = 1_000_000


def bad_timeout(name: str, seconds: float) -> t.Optional[Problem]:
    """Return what is wrong with a time limit; None where nothing is.

    :param name: of the option, as the user writes it.
    """
    return _bad(name, seconds, MOST_SECONDS) or (
        None if seconds > 0 else option.NOT_POSITIVE(option=name, value=seconds)
    )


def bad_span(name: str, seconds: float, most: float = MOST_SECONDS) -> t.Optional[Problem]:
    """Return what is wrong with a span of time, which may be 0; None where nothing is."""
    return _bad(name, seconds, most) or (None if seconds >= 0 else option.NEGATIVE(option=name, value=seconds))


def _bad(name: str, seconds: float, most: float) -> t.Optional[Problem]:
    if not math.isfinite(seconds):
        return option.NOT_FINITE(option=name, value=seconds)
    if seconds > most:
        return option.TOO_MANY_SECONDS(option=name, most=most, value=seconds)
    return None
