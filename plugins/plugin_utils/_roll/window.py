# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Hours in which a roll may begin a batch: what people write, and whether a moment lies within. Pure."""

from __future__ import annotations

import datetime
import re
import typing as t
import zoneinfo
from dataclasses import dataclass

from ...module_utils._messages import option as _option
from ...module_utils._system.errors import Refused

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_ONE = re.compile(r"^(?:(?P<first>[A-Za-z]{3})(?:-(?P<last>[A-Za-z]{3}))?\s+)?(?P<begin>\d\d:\d\d)-(?P<end>\d\d:\d\d)$")


@dataclass(frozen=True)
class Window:
    """``begin`` and ``end`` in minutes since midnight. Where the end is not later, it is on the day after."""

    days: frozenset[int]
    begin: int
    end: int

    def holds(self, moment: datetime.datetime) -> bool:
        """Return whether a local moment lies within. Hours past midnight belong to the day on which they began."""
        minute = moment.hour * 60 + moment.minute
        if self.begin < self.end:
            return moment.weekday() in self.days and self.begin <= minute < self.end
        yesterday = (moment.weekday() - 1) % 7
        return (moment.weekday() in self.days and minute >= self.begin) or (
            yesterday in self.days and minute < self.end
        )


def parse_windows(text: str, option: str = "window") -> list[Window]:
    """Return the windows of a text; an empty one has none, which means at any time.

    :param option: the name of the text, for messages.
    :raises Refused: a part of it does not name hours.
    """
    try:
        return [_parse(part.strip()) for part in text.split(",") if part.strip()]
    except ValueError as exc:
        raise Refused(_option.BAD_WINDOW(option=option, value=text)) from exc


def _parse(part: str) -> Window:
    found = _ONE.match(part)
    if not found:
        raise ValueError(part)
    first = _day(found["first"]) if found["first"] else 0
    last = _day(found["last"]) if found["last"] else first if found["first"] else 6
    days = frozenset((first + i) % 7 for i in range((last - first) % 7 + 1))
    return Window(days, _minute(found["begin"]), _minute(found["end"]))


def _day(name: str) -> int:
    return _DAYS.index(name.capitalize())


def _minute(text: str) -> int:
    hours, minutes = int(text[:2]), int(text[3:])
    if hours > 24 or minutes > 59 or (hours == 24 and minutes):
        raise ValueError(text)
    return hours * 60 + minutes


def parse_zone(name: str, option: str = "timezone") -> datetime.tzinfo:
    """Return a time zone by its name, such as Europe/Berlin.

    :param option: the name of the value, for messages.
    :raises Refused: there is none of this name.
    """
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise Refused(_option.UNKNOWN_TIMEZONE(option=option, value=name)) from exc


def within(windows: t.Sequence[Window], zone: datetime.tzinfo, seconds: float) -> bool:
    """Return whether a moment, in seconds since the epoch, lies in one of the windows; always where there is none."""
    moment = datetime.datetime.fromtimestamp(seconds, zone)
    return not windows or any(window.holds(moment) for window in windows)
