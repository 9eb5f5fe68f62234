# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Documentation of the option with which a module checks the health of servers."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  health:
    description:
      - The request that checks whether the server serves. The module sends it from the host itself.
    type: dict
    default: {}
    suboptions:
      enabled:
        description: Whether the module makes a request.
        type: bool
        default: true
      path:
        description:
          - Path of the request. The default is C(/web/health), and C(/web/login) for Odoo 14 and older.
          - An Odoo 14 that answers C(/web/login) with the choice of a database (C(/web/database/selector)) is healthy,
            unless this option sets the path.
          - C(/web/health) needs no database. With C(/web/health?db_server_status=1) Odoo 19 also asks PostgreSQL.
        type: str
      port:
        description: Port of the request. The default is the port on which the server listens.
        type: int
      address:
        description: Address of the request. The default is the configured address, if the server listens there.
        type: str
      host:
        description: Value of the C(Host) header, which may choose a database.
        type: str
        default: localhost
      status:
        description: Status codes that are right.
        type: list
        elements: int
        default: [200]
      timeout:
        description: Seconds that one request may take.
        type: float
        default: 10.0
"""
