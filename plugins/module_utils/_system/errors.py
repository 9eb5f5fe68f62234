# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""DOC"""

from __future__ import annotations


class WouldFail(Exception):
    """The HUP or the restart would not leave a running server behind.

    :ivar reason: why, as a clause.
    :ivar restart_helps: a restart through the supervisor may get round it, and is worth a rehearsal of its own.
    """

    def __init__(self, reason: str, remedy: str = "", *, restart_helps: bool = False) -> None:
        super().__init__("%s; %s" % (reason, remedy) if remedy else reason)
        self.reason = reason
        self.restart_helps = restart_helps
