# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The error of a reload or restart that would leave no running server."""

from __future__ import annotations

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import WouldFail


@pytest.mark.parametrize(
    ("remedy", "message"),
    [
        ("", "odoo.conf cannot be read"),
        ("run it as root", "odoo.conf cannot be read; run it as root"),
    ],
)
def test_the_message_is_the_reason_and_the_remedy_if_there_is_one(remedy: str, message: str) -> None:
    error = WouldFail("odoo.conf cannot be read", remedy)
    assert (str(error), error.reason) == (message, "odoo.conf cannot be read")


def test_a_restart_does_not_help_unless_the_error_says_so() -> None:
    assert not WouldFail("x").restart_helps
    assert WouldFail("x", restart_helps=True).restart_helps
