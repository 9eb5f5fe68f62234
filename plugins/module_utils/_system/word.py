# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Enumerations whose members are the very words that modules return."""

from __future__ import annotations

from enum import Enum


class Word(str, Enum):
    """A member equals its word, is hashed and formatted like it, and is written to JSON as it."""

    __hash__ = str.__hash__

    def __str__(self) -> str:
        return str(self.value)
