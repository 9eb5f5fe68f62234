# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a server become links to files of root, and files again, while modules run: they lead root nowhere."""

from __future__ import annotations

import os
import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet

from .conftest import SERVICE, attack, send_file

#: Seconds for each module. `FLEETOPS_SWAP_SECONDS=60` for a longer run.
SECONDS = float(os.environ.get("FLEETOPS_SWAP_SECONDS", "4"))
SECRET, NAME = "ROOTS-PASSWORD-4711", "roots_secret_addon"
#: Where the attacker works, and what its links lead to.
PLACE, TARGET = "/var/tmp/swaps/here", "/root/target"


@pytest.fixture
def target(fleet: Fleet) -> t.Iterator[None]:
    """Make files that only root may read."""
    parts = f"mkdir -p -m 0700 {TARGET}/addons/{NAME} {TARGET}/data; mkdir -p -m 1777 /var/tmp/swaps"
    fleet.run("many", "sh", "-c", parts)
    for name in ("odoo.conf", "odoo.log", f"addons/{NAME}/__init__.py", f"addons/{NAME}/__manifest__.py"):
        send_file(fleet, "many", f"[options]\ndb_name = {SECRET}\n", f"{TARGET}/{name}", "0600")
    yield
    fleet.run("many", "rm", "-rf", TARGET, "/var/tmp/swaps")


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("target")
def test_links_that_come_and_go_lead_root_nowhere(fleet: Fleet) -> None:
    # With a mount that keeps them, the times of reading are a witness of each reading.
    fleet.run("many", "mount", "-t", "tmpfs", "-o", "strictatime", "none", "/mnt")
    fleet.run("many", "sh", "-c", f"mv {TARGET} /mnt/target; ln -s /mnt/target {TARGET}; chmod 0700 /mnt")
    try:
        with attack(fleet, "many", SERVICE, "swaps.py", PLACE, "/mnt/target") as (forged, swapper):
            before = state_of_mount(fleet)
            calls: list[tuple[str, dict[str, t.Any]]] = [
                ("master_info", {}),
                ("evidence", {"timeout": 1}),
                ("stack_dump", {"sample_timeout": 1, "postgres": True, "timeout": 5}),
                ("reload", {"policy": "stale", "timeout": 5}),
                ("drain", {"timeout": 2, "force": True}),
            ]
            for module, options in calls:
                end, number = time.monotonic() + SECONDS, 0
                while time.monotonic() < end or not number:
                    number += 1
                    answer = fleet.module("many", module, match={"pid": str(forged)}, **options)
                    assert SECRET not in answer.output, module
                    assert NAME not in answer.output, module
                    assert "Traceback" not in answer.output, answer.output
                assert fleet.run("many", "cat", f"/proc/{swapper}/stat").split()[2] in "RSD"
            assert state_of_mount(fleet) == before
            # The witness sees a reading.
            fleet.run("many", "cat", "/mnt/target/odoo.conf")
            assert state_of_mount(fleet) != before
    finally:
        fleet.run("many", "sh", "-c", f"umount -l /mnt; rm -f {TARGET}; rm -f /run/fleetops-odoo/drain-*", check=False)


def state_of_mount(fleet: Fleet) -> str:
    """Return names, change times and times of the last reading of the files of root."""
    return fleet.run("many", "find", "/mnt/target", "-type", "f", "-printf", "%p %C@ %A@ %s\\n")
