# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A feigned server in PID namespaces, where it has the pid of another process: no signal reaches another process."""

from __future__ import annotations

import time

import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet

from .conftest import HERE, SERVICE, send_file

HEARD = "/tmp/heard-signals"


@pytest.mark.parametrize("levels", [3])
def test_a_signal_goes_to_the_process_that_was_found(fleet: Fleet, levels: int) -> None:
    path = "/tmp/counts_signals.py"
    send_file(fleet, "many", (HERE / "counts_signals.py").read_text(encoding="utf-8"), path)
    fleet.run("many", "rm", "-f", HEARD)
    before = {one["pid"]: one for one in fleet.module("many", "master_info").result["masters"]}
    logged = fleet.run("many", "sh", "-c", "grep -c dumpstacks /var/log/odoo/*.log; true")
    words = "unshare -Urpf --mount-proc " * levels
    fleet.run(
        "many", "runuser", "-u", SERVICE, "--", "sh", "-c", f"setsid {words} python3 {path} {HEARD} >/dev/null 2>&1 &"
    )
    try:
        deadline = time.monotonic() + 30
        while "begun" not in fleet.run("many", "cat", HEARD, check=False):
            assert time.monotonic() < deadline
        found = fleet.module("many", "master_info").result["masters"]
        (feigned,) = (one["pid"] for one in found if one["pid"] not in before)
        pids = fleet.run("many", "grep", "NSpid", f"/proc/{feigned}/status").split()[1:]
        # In its namespace it is the first process, as systemd is on the host.
        assert (pids[0], pids[-1], len(pids)) == (str(feigned), "1", levels + 1)
        answer = fleet.module("many", "send_signal", signal="USR1", match={"pid": str(feigned)})
        for pid in ("1", "2"):
            wrong = fleet.module("many", "send_signal", signal="USR1", match={"pid": pid}, allow_none=True)
            assert wrong.result.get("results", []) == []
        told = fleet.run("many", "cat", HEARD).split("\n")[1:-1]
        # Only the feigned server has heard something, if the module has signalled it at all.
        assert told == (["1 10"] if answer.result["results"][0]["signals"] else []), answer.output
        assert fleet.module("many", "wait_healthy", timeout=20, match={"pid": sorted(map(str, before))}).code == 0
        now = {one["pid"]: one["identity"] for one in fleet.module("many", "master_info").result["masters"]}
        assert {pid: now[pid] for pid in before} == {pid: one["identity"] for pid, one in before.items()}
        assert fleet.run("many", "sh", "-c", "grep -c dumpstacks /var/log/odoo/*.log; true") == logged
    finally:
        fleet.run("many", "pkill", "-9", "-u", SERVICE, "-f", "no-http --logfile", check=False)
        fleet.run("many", "rm", "-f", HEARD)
