# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test what the kernel shows of waiting threads. (test_rest.py has a process with some.)"""

from __future__ import annotations

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.waits import parse_syscall, polled, selected


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("running\n", None),
        ("-1 0x7ffc 0x7fcd\n", None),
        ("", None),
        ("230 0x1 0x1 0x7fff 0x0 0x0 0x0 0x7fff 0x7fef\n", (230, (1, 1, 0x7FFF, 0, 0, 0))),
    ],
)
def test_the_system_call_of_a_thread(text: str, found: object) -> None:
    assert parse_syscall(text) == found


def test_the_lists_of_poll_and_select() -> None:
    assert polled(bytes.fromhex("0500000001000000 ffffffff01000000 0a00000001000000")) == [5, 10]
    assert selected(bytes([0b00101000, 0b1, 0, 0, 0, 0, 0, 0]), 10) == [3, 5, 8]
