# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the module that looks at a host before a roll, with the lock as ``roll_lock`` takes it."""

from __future__ import annotations

from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll.locking import ActionModule

__all__ = ["ActionModule"]
