# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test what stops a rolling play: a bad host in the second place of four, where Ansible's own keywords continue.

Run by `make matrix` on the oldest and the newest ansible-core as well: `ansible-playbook` is the one on PATH.
"""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import KINDS, LAB, Fleet, lab
from ansible_collections.fleetops.odoo.tests.integration.rolls import Ended, Roll

BAD = "t19"

#: What is done to the host at the last moment, when the preflight is over and its batch is about to begin.
SABOTAGE = {
    "failed": "systemctl stop odoo",
    # Without its listener and its sessions the next connection is refused at once.
    "unreachable": "systemctl stop ssh.socket ssh.service; pkill -9 sshd; true",
}
REPAIR = {"failed": "systemctl start odoo", "unreachable": "systemctl start ssh"}


@pytest.mark.parametrize(
    ("outcome", "batches"),
    [
        pytest.param("failed", "1", marks=pytest.mark.thorough),
        # As test_rolling_restart.py has it, where the reload itself fails.
        pytest.param("failed", "2", marks=pytest.mark.thorough),
        pytest.param("failed", "1,2,100%", marks=pytest.mark.thorough),
        pytest.param("unreachable", "1", marks=pytest.mark.thorough),
        ("unreachable", "2"),
        pytest.param("unreachable", "1,2,100%", marks=pytest.mark.thorough),
    ],
)
def test_no_batch_begins_after_a_bad_host(fleet: Fleet, tmp_path: pathlib.Path, batches: str, outcome: str) -> None:
    untouched = {host: fleet.processes(host) for host in KINDS[2:]}
    done = roll_with(fleet, tmp_path, batches, outcome)
    mates = {"1": [], "2": ["p19"], "1,2,100%": ["p14"]}[batches]
    done_hosts = ["p19", *(mate for mate in mates if mate != "p19")]
    assert done.code == 2, done.output
    assert done.outcomes[BAD] == outcome, done.output
    assert [host for host, one in done.outcomes.items() if one == "reloaded"] == done_hosts, done.output
    later = [host for host in KINDS[2:] if host not in done_hosts]
    assert {done.outcomes[host] for host in later} == {"not touched"}, done.output
    assert {host: fleet.processes(host) for host in later} == {host: untouched[host] for host in later}
    assert done.stop() == ("failures", "roll.hosts_lost")
    # The summary is printed after every failure, and the remaining hosts can be rolled.
    assert "PLAY [Show the result, and release the locks]" in done.output
    assert done.report["remaining"] == [BAD, *later]


# As test_rolling_restart.py has it with a balancer that cannot be reached.
@pytest.mark.thorough
@pytest.mark.parametrize("batches", ["1", "2"])
def test_a_host_that_a_task_of_the_users_own_cannot_reach_is_lost(
    fleet: Fleet, tmp_path: pathlib.Path, batches: str
) -> None:
    """Ansible takes it out of the play by itself, and no task of the role sees why."""
    before = {host: fleet.processes(host) for host in KINDS}
    done = roll_with(fleet, tmp_path, batches, "unreachable", "- ansible.builtin.ping:\n")
    # 2 and 4 meet here, and which of them wins depends on the core.
    assert done.code in (2, 4), done.output
    # With batches of one Ansible ends the playbook there. With two, the mate is not begun either.
    reloaded = ["p19"] if batches == "1" else []
    if batches == "2":
        assert done.stop() == ("failures", "roll.hosts_lost"), done.output
        assert done.outcomes == {"p19": "not touched", BAD: "failed", "p14": "not touched", "t14": "not touched"}
    assert [host for host in KINDS if fleet.processes(host) != before[host]] == reloaded
    release = fleet.playbook("release", "-l", ",".join(KINDS))
    assert release.returncode == 0, release.stdout


def roll_with(fleet: Fleet, folder: pathlib.Path, batches: str, outcome: str, then: str = "") -> Ended:
    """Roll, and do that to the host before its batch; then run tasks of the user's own on the batch."""
    tasks = folder / "before.yml"
    argv = [str(LAB), "--lab", fleet.name, "ssh", BAD, SABOTAGE[outcome]]
    tasks.write_text(
        f"- ansible.builtin.command: {{argv: {argv}}}\n"
        f"  when: \"'{BAD}' in ansible_play_batch\"\n"
        "  delegate_to: localhost\n  run_once: true\n  failed_when: false\n" + then,
        encoding="utf-8",
    )
    options: dict[str, t.Any] = {"balancer": "none", "batches": batches, "before_batch": str(tasks), "timeout": 60}
    roll = Roll(fleet, folder / "r", "-l", ",".join(KINDS), **options)
    try:
        return roll.end()
    finally:
        repair(fleet, outcome)


def repair(fleet: Fleet, outcome: str) -> None:
    """Undo it, without ssh: there may be none."""
    lab(fleet.name, "exec", BAD, *REPAIR[outcome].split())
    fleet.settle(BAD)
