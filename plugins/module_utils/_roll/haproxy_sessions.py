# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Tell how long the sessions of servers have run, as HAProxy shows it."""

from __future__ import annotations

import re
import typing as t

SESSIONS = "show sess"
_SESSION = re.compile(r"^0x\w+: .*?\bbe=(\S+) srv=(\S+) .*?\bage=(\w+)", re.MULTILINE)
_PART = re.compile(r"(\d+)([dhms])")
_SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


def parse_ages(text: str, servers: t.Container[str]) -> t.List[int]:
    """Return the ages of the sessions of these servers in whole seconds, the oldest first. Pure.

    :param text: the answer to ``show sess`` (seen on HAProxy 2.6).
    :param servers: as HAProxy's commands name them, ``backend/server``.
    """
    found = [age for backend, server, age in _SESSION.findall(text) if "%s/%s" % (backend, server) in servers]
    return sorted((sum(int(n) * _SECONDS[unit] for n, unit in _PART.findall(age)) for age in found), reverse=True)
