# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A third user feigns servers that catch the right signals: the operations of root on the others do not fail for it."""

from __future__ import annotations

import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet

from .conftest import HERE, SERVICE, TENANT, THIRD, attack, send_file

FORGED = ("--no-http", "--workers", "2")


@pytest.mark.parametrize(
    ("module", "options"),
    [
        ("reload", {"policy": "always", "health": {"timeout": 5}}),
        ("wait_healthy", {"timeout": 20}),
        ("stack_dump", {}),
        ("cache_stats", {}),
        ("evidence", {}),
        ("send_signal", {"signal": "QUIT"}),
    ],
)
def test_a_feigned_server_makes_no_operation_of_root_fail(
    fleet: Fleet, module: str, options: dict[str, object]
) -> None:
    with attack(fleet, "many", THIRD, "catches_signals.py", *FORGED) as (forged,):
        answer = fleet.module("many", module, **options)
        assert answer.code == 0, answer.output
        assert [(one["code"], one["pid"]) for one in answer.result["left_out"]] == [("host.user_without_unit", forged)]
        pids = [one["pid"] for one in answer.result["results"]]
        assert forged not in pids
        assert len(pids) == 2


def test_users_that_are_named_are_worked_on_and_no_others(fleet: Fleet) -> None:
    with attack(fleet, "many", THIRD, "catches_signals.py", *FORGED) as (forged,):
        named = fleet.module("many", "send_signal", signal="QUIT", users=[SERVICE])
        assert named.code == 0, named.output
        assert len(named.result["results"]) == 1
        assert forged not in [one["pid"] for one in named.result["results"]]
        # A task that names the third user gets the servers of that user.
        both = fleet.module("many", "master_info", users=[TENANT, THIRD])
        assert {one["user"] for one in both.result["masters"]} == {TENANT, THIRD}
        assert fleet.module("many", "reload", users=["nobody"]).result["code"] == "host.no_master"


def test_a_process_in_the_unit_of_another_program_does_not_count_as_a_server_of_the_system(fleet: Fleet) -> None:
    # What cron and an ssh without PAM start for a user is in their unit.
    with attack(fleet, "many", THIRD, "catches_signals.py", *FORGED) as (forged,):
        fleet.run("many", "sh", "-c", f"echo {forged} > /sys/fs/cgroup/system.slice/ssh.service/cgroup.procs")
        (found,) = fleet.module("many", "master_info", match={"pid": str(forged)}).result["masters"]
        assert found["supervisor"] == {**found["supervisor"], "kind": "systemd", "unit": "ssh.service"}
        answer = fleet.module("many", "wait_healthy", timeout=20)
        assert (answer.code, len(answer.result["results"])) == (0, 2), answer.output


def test_a_forged_environment_and_pid_namespace_make_no_server_of_the_system(fleet: Fleet) -> None:
    feigned = "env SUPERVISOR_ENABLED=1 SUPERVISOR_PROCESS_NAME=odoo unshare -Ur --pid --fork --mount-proc"
    script = f"{feigned} /usr/bin/python3 /tmp/attack-catches_signals.py {' '.join(FORGED)}"
    send_file(
        fleet, "many", (HERE / "catches_signals.py").read_text(encoding="utf-8"), "/tmp/attack-catches_signals.py"
    )
    fleet.run("many", "runuser", "-u", THIRD, "--", "sh", "-c", f"setsid {script} >/dev/null 2>&1 </dev/null &")
    try:
        found: list[dict[str, t.Any]] = []
        deadline = time.monotonic() + 30
        while len(found) != 1:
            assert time.monotonic() < deadline
            found = fleet.module("many", "master_info", users=[THIRD], staleness=False).result["masters"]
        answer = fleet.module("many", "wait_healthy", timeout=20)
        assert (answer.code, len(answer.result["results"])) == (0, 2), answer.output
        assert [one["pid"] for one in answer.result["left_out"]] == [found[0]["pid"]]
    finally:
        fleet.run("many", "sh", "-c", f"kill -9 $(pgrep -u {THIRD} python3)", check=False)
