# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Moments as users write them. Pure."""

from __future__ import annotations

import datetime
import re

from .._messages import option
from .errors import Refused


def parse_moment(text: str, name: str = "since") -> float:
    """Return ``text`` as seconds since the epoch: a number, or ISO 8601 with an offset.

    A time without an offset is refused: it may mean another hour on the controller than on the host.

    :raises Refused: it cannot be parsed.
    """
    text = text.strip()
    bad = Refused(option.NOT_A_MOMENT(option=name, value=text))
    if re.match(r"^\d+(\.\d+)?$", text):
        return float(text)
    try:
        moment = datetime.datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", text))
    except ValueError:
        raise bad from None
    if moment.tzinfo is None:
        raise bad
    try:
        datetime.datetime.fromtimestamp(moment.timestamp(), datetime.timezone.utc)
    except (OverflowError, ValueError, OSError):
        raise bad from None
    return moment.timestamp()
