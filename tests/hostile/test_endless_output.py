# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Python of a server prints without end when a drain asks it to load Odoo: the module keeps little of that."""

from __future__ import annotations

import time

from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet

from .conftest import SERVICE, send_file

#: Python runs this file of a user at each start.
FLOOD = "import sys\nwhile 'import odoo.cli.server' in ' '.join(sys.orig_argv):\n    print('x' * 1000000)\n"


def test_endless_output_is_not_kept(fleet: Fleet) -> None:
    place = fleet.run(
        "term", "runuser", "-u", SERVICE, "--", "python3", "-m", "site", "--user-site", check=False
    ).strip()
    # The whole module: far less than what the program prints in this time.
    fleet.run("term", "install", "-d", "-o", SERVICE, place)
    send_file(fleet, "term", FLOOD, f"{place}/usercustomize.py", "0644")
    try:
        begun = time.monotonic()
        answer = fleet.module("term", "drain", "--check", match={"user": SERVICE})
        assert answer.code == 0, answer.output
        assert "64 MB" in answer.warned["supervisor.no_way_back"]
        assert time.monotonic() - begun < 40
    finally:
        fleet.run("term", "rm", "-rf", place)
