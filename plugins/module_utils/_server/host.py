# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""The machine that an operation works on."""

from __future__ import annotations

from dataclasses import dataclass

from .._facts.loaded import ServerRecords
from .._processes.proc import Proc
from .._system.clock import Clock


@dataclass(frozen=True)
class Host:
    """Its processes, its clock, and what we remember of it, so that tests can bring their own."""

    proc: Proc
    clock: Clock
    store: ServerRecords
