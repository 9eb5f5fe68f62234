# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hundreds of processes that look like servers: the servers of others are found and worked on nevertheless."""

from __future__ import annotations

import time

from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet

from .conftest import THIRD, attack


def test_a_flood_of_feigned_servers_hides_no_server(fleet: Fleet) -> None:
    try:
        with attack(fleet, "many", THIRD, "flood.py", "300"):
            deadline = time.monotonic() + 60
            while int(fleet.run("many", "sh", "-c", f"pgrep -u {THIRD} python3 | wc -l")) < 300:
                assert time.monotonic() < deadline
            begun = time.monotonic()
            answer = fleet.module("many", "wait_healthy", timeout=60)
            assert answer.code == 0, answer.output
            assert len(answer.result["results"]) == 2
            # Named in short: a result that a host fills is as long as the host likes.
            assert [one["code"] for one in answer.result["left_out"]][-1] == "host.more_left_out"
            assert len(answer.result["left_out"]) < 30
            assert time.monotonic() - begun < 120
            # Their logs are read for a limited time, which does not go from the other users.
            begun = time.monotonic()
            masters = fleet.module("many", "master_info").result["masters"]
            assert time.monotonic() - begun < 150
            told = {one["user"]: one["stale_reasons"] for one in masters if one["user"] != THIRD}
            assert len(told) == 2
            assert "could not be read" not in str(told)
            begun = time.monotonic()
            answer = fleet.module("many", "reload", policy="always", health={"timeout": 5})
            assert time.monotonic() - begun < 120
            assert [one["did"] for one in answer.result["results"]] == ["signalled"] * 2, answer.output
    finally:
        fleet.run("many", "pkill", "-9", "-u", THIRD, "python3", check=False)
