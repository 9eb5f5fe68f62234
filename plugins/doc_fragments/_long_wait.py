# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Documentation of the options with which a module returns in the midst of a long wait."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  report_after:
    description:
      - Seconds after which the module returns RV(waiting) if it still waits.
      - The action plugin of the same name sets this option. It prints what the module waits for, and calls the module
        again. So a task waits as long as its other options say.
    type: float
  waited:
    description: Seconds that earlier calls for the same task have waited. The action plugin sets this option too.
    type: float
    default: 0.0
"""
