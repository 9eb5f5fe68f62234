# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""Moments as users write them. Pure."""

from __future__ import annotations

import datetime
import re


class BadMoment(Exception):
    """A text that is no moment; the message says what would be right."""


_RIGHT = "right are seconds since the epoch, or ISO 8601 with an offset such as 2026-11-24T05:00:00Z"


def parse_moment(text: str) -> float:
    """Seconds since the epoch of ``text``: a number, or ISO 8601 with an offset.

    A time without an offset is refused: the controller and the host may not mean the same hour by it.

    :raises BadMoment: with what would be right.
    """
    text = text.strip()
    if re.match(r"^\d+(\.\d+)?$", text):
        return float(text)
    try:
        moment = datetime.datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", text))
    except ValueError:
        raise BadMoment("%r is no moment; %s" % (text, _RIGHT)) from None
    if moment.tzinfo is None:
        raise BadMoment("%r has no offset from UTC; %s" % (text, _RIGHT))
    try:
        datetime.datetime.fromtimestamp(moment.timestamp(), datetime.timezone.utc)
    except (OverflowError, ValueError, OSError):
        raise BadMoment("%r is no moment; %s" % (text, _RIGHT)) from None
    return moment.timestamp()
