# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Identify the present boot of the machine, and return its uptime."""

from __future__ import annotations

import time

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
