# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The owner of a roll: its ID, its process, and the locks that it may take over."""

from __future__ import annotations

import os
import subprocess

import pytest
from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll.owner import (
    holder,
    is_dead,
    may_take,
    owner,
    roll_id,
    workflow,
)


def test_roll_id_workflow_and_owner_come_from_awx_or_the_process() -> None:
    # Two nodes of one workflow may run at the same time.
    assert roll_id({"tower_job_id": 7, "awx_workflow_job_id": 5}, 1) == "awx-job-7"
    assert workflow({"tower_job_id": 7, "awx_workflow_job_id": 5}) == "awx-workflow-job-5"
    assert workflow({"tower_job_id": 7}) == ""
    assert roll_id({}, os.getpid()).split("-")[-2] == str(os.getpid())
    assert roll_id({}, os.getpid()) == roll_id({}, os.getpid()) != roll_id({}, os.getppid())
    assert owner({"awx_user_name": "ann"}) == "ann (AWX)"
    assert " on " in owner({})


def test_only_an_ended_process_of_this_machine_is_dead() -> None:
    assert not is_dead(holder(os.getpid()))
    process = subprocess.Popen(["sleep", "60"])
    text = holder(process.pid)
    assert not is_dead(text)
    process.kill()
    process.wait()
    assert is_dead(text)
    # The pid is another process's now.
    assert is_dead(holder(os.getpid()).rpartition("/")[0] + "/1")
    # Somewhere else, or nowhere: nobody can tell.
    assert not is_dead("other/" + text.partition("/")[2])
    assert not is_dead("")
    assert not is_dead("a/b/c/d/e")


@pytest.mark.parametrize(
    ("given", "own", "expected"),
    [
        ([], "", []),
        ("a, b,", "", ["a", "b"]),
        (["a", "*"], "awx-workflow-job-5", ["a", "*"]),
        (["a", "workflow"], "awx-workflow-job-5", ["a", "awx-workflow-job-5"]),
        ("a,workflow", "awx-workflow-job-5", ["a", "awx-workflow-job-5"]),
        # Outside of AWX nobody's lock is taken for it.
        ("workflow", "", []),
    ],
)
def test_may_take_names_ids_and_the_own_workflow(given: str | list[str], own: str, expected: list[str]) -> None:
    assert may_take(given, own) == expected
