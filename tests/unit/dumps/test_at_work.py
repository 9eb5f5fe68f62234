# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test what the kernel shows of the work of a process."""

from __future__ import annotations

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.at_work import is_idle, parse_unix
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Role
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.waits import Wait

MAIN = Wait(41, "odoo", "S", "futex")
LISTENS, WAKES, POSTGRES, FOREIGN = "socket:[100]", "pipe:[7]", "socket:[200]", "socket:[300]"


@pytest.mark.parametrize(
    ("role", "call", "state", "on", "told"),
    [
        # As seen on Odoo 19.0.
        (Role.HTTP, "pselect6", "S", [LISTENS, WAKES], "idle"),
        (Role.CRON, "pselect6", "S", [WAKES, POSTGRES], "idle"),
        (Role.HTTP, "select", "S", [LISTENS, WAKES], "idle"),
        # A request that waits for a query, for a pipe, for a server of its own, or runs.
        (Role.HTTP, "poll", "S", [POSTGRES], "no"),
        (Role.HTTP, "pselect6", "S", ["pipe:[8]"], "no"),
        (Role.HTTP, "pselect6", "S", [FOREIGN], "no"),
        (Role.HTTP, None, "R", None, "no"),
        (Role.HTTP, "pselect6", "R", [LISTENS], "no"),
        # A job in a select of its own, or that sleeps.
        (Role.CRON, "pselect6", "S", ["pipe:[8]", POSTGRES], "no"),
        (Role.CRON, "pselect6", "S", [POSTGRES], "no"),
        (Role.CRON, "clock_nanosleep", "S", None, "no"),
        # Its greenlets do not show.
        (Role.GEVENT, "epoll_wait", "S", None, "no"),
    ],
)
def test_who_is_idle(role: Role, call: str | None, state: str, on: list[str] | None, told: str) -> None:
    wait = Wait(43, "odoo", state, call, None if on is None else frozenset(on))
    assert is_idle(role, [MAIN, wait], frozenset([LISTENS, FOREIGN]), frozenset([LISTENS, WAKES])) is (told == "idle")


def test_paths_of_unix_sockets() -> None:
    text = (
        "Num       RefCount Protocol Flags    Type St Inode Path\n"
        "0000000000000000: 00000003 00000000 00000000 0001 03 101590 /run/pg/.s.PGSQL.5432\n"
        "0000000000000000: 00000003 00000000 00000000 0001 03 101589\n"
    )
    assert parse_unix(text) == {101590: "/run/pg/.s.PGSQL.5432"}
