# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Enumerations whose members are the very words that modules return, and texts that a terminal can show."""

from __future__ import annotations

import re
from enum import Enum

#: Control characters without tab and line feed, and those that turn the direction of a text.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Word(str, Enum):
    """A member equals its word, is hashed and formatted like it, and is written to JSON as it."""

    __hash__ = str.__hash__

    def __str__(self) -> str:
        return str(self.value)


def visible(text: str) -> str:
    """Return a text with its control characters as escapes, so that it gives no commands to a terminal. Pure."""
    return _CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode("ascii"), text)
