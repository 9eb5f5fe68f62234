# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""The machine that an operation works on."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.fleetops.odoo.plugins.module_utils._await import Clock
from ansible_collections.fleetops.odoo.plugins.module_utils._loads import StateDirectory
from ansible_collections.fleetops.odoo.plugins.module_utils._proc import Proc


@dataclass(frozen=True)
class Host:
    """Its processes, its clock, and what we remember of it, so that tests can bring their own."""

    proc: Proc
    clock: Clock
    store: StateDirectory
