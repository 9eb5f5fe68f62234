# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Processes whose arguments or environments have gigabytes: no module waits for them, and each is named."""

from __future__ import annotations

import time

import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet

from .conftest import SERVICE, THIRD, attack


@pytest.mark.parametrize("user", [SERVICE, THIRD])
@pytest.mark.parametrize("what", ["arguments", "environment"])
def test_a_huge_process_hangs_no_module(fleet: Fleet, user: str, what: str) -> None:
    begun = time.monotonic()
    before = fleet.module("many", "master_info", staleness=False)
    usual = time.monotonic() - begun
    with attack(fleet, "many", user, "huge_process.py", what, "4096", "5") as pids:
        begun = time.monotonic()
        answer = fleet.module("many", "master_info", staleness=False)
        assert time.monotonic() - begun < 3 * usual + 5
        assert len(answer.result["masters"]) == len(before.result["masters"]) == 2
        assert {(one["code"], one["pid"]) for one in answer.result["unseen"]} == {
            ("host.process_too_large", pid) for pid in pids
        }
        assert fleet.module("many", "reload", match={"user": "nobody"}, allow_none=True).code == 0
