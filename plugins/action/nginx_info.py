# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the module of the same name. The message of an unreachable load balancer is not templated."""

from __future__ import annotations

from ansible_collections.fleetops.odoo.plugins.plugin_utils.remote import ActionModule

__all__ = ["ActionModule"]
