# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Lines that a task prints while it works."""

from __future__ import annotations

import time
import typing as t

from ansible.utils.display import Display

from ...module_utils._system.word import visible

#: A variable that only a roll has.
_ROLL = "rolling_restart_ledger"


def tell(text: str, variables: t.Mapping[str, t.Any]) -> None:
    """Print a line to the standard error, as the callback ``roll_progress`` does, and with its word in a roll."""
    word = "ROLL" if _ROLL in variables else "WAIT"
    Display().display(f"{word} {time.strftime('%H:%M:%S')} {visible(text)}", stderr=True)
