# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Parse the beginning of a record of Odoo's log. Pure. Seen with Odoo 8.0 to 19.0."""

from __future__ import annotations

import re
import typing as t

#: The day and the pid of a record of which the log does not tell them.
NO_DAY, NO_PID = "0000-00-00", 0

#: The first line of any record of Odoo's log. The name of a database may have spaces.
RECORD = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d) (?P<clock>\d\d:\d\d:\d\d),(?P<ms>\d{3}) (?P<pid>[0-9]{1,10}) [A-Z]+ "
    r"(?P<database>\S(?:.{0,80}?\S)??) (?P<logger>[\w.]+): ?(?P<text>.*)$"
)


class Head(t.NamedTuple):
    """The first line of a record. ``pid`` is the one that the log shows, ``time`` ISO 8601 in UTC, as Odoo's clock.

    Where the log does not tell them, ``pid`` is 0 and ``time`` is "".
    """

    pid: int
    time: str
    database: t.Optional[str]
    logger: str
    text: str


def head_of(line: str) -> t.Optional[Head]:
    """Return the line as the first one of a record; None for other lines.

    :param line: as Odoo wrote it, see :class:`.carrier.Unwrapper`.
    """
    found = RECORD.match(line)
    if found is None:
        return None
    day, clock, milliseconds, pid, database, logger, text = found.groups()
    time = "" if day == NO_DAY else "%sT%s.%sZ" % (day, clock, milliseconds)
    return Head(int(pid), time, None if database == "?" else database, logger, text)
