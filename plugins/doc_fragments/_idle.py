# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The options of the modules that wait until nothing is under way on a host."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  allow_none:
    description: Whether it is all right that no master is found.
    type: bool
    default: false
  ports:
    description:
      - Ports of the host, in place of those of the chosen servers. No server need run then.
      - By default the http ports of the chosen servers, where they listen and what they are configured for, and their
        gevent ports unless they are threaded.
    type: list
    elements: int
    default: []
  ignore:
    description: Addresses or networks for whose connections the module does not wait, such as those of health checks.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds to wait until no connection to an http port is open.
    type: float
    default: 120.0
  websocket_timeout:
    description:
      - Seconds to wait until no connection to a gevent port is open, counted from the same moment as O(timeout).
      - The task continues when this time has passed. Browsers connect their websockets again.
    type: float
    default: 0.0
"""
