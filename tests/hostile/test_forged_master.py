# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A setuid program with the arguments of a server: nothing may take it for a server of root."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet

from .conftest import SERVICE, TENANT, THIRD, attack

ARGUMENTS = ("/usr/bin/odoo", "-c", "/tmp/evil.conf")


def pids(answer: t.Any) -> list[int]:
    """Pids of the servers that a module has found."""
    return [master["pid"] for master in answer.result["masters"]]


@pytest.mark.parametrize("user", [SERVICE, TENANT, THIRD])
def test_sudo_with_forged_arguments_is_unseen(fleet: Fleet, user: str) -> None:
    before = pids(fleet.module("many", "master_info"))
    assert len(before) == 2
    with attack(fleet, "many", user, "forged_master.py", *ARGUMENTS) as (forged,):
        answer = fleet.module("many", "master_info")
        assert pids(answer) == before
        (unseen,) = answer.result["unseen"]
        assert (unseen["code"], unseen["pid"]) == ("host.other_rights", forged)
        assert "0 0 0" in unseen["reason"]


def test_a_drain_does_not_signal_sudo_and_notes_nothing(fleet: Fleet) -> None:
    with attack(fleet, "many", SERVICE, "forged_master.py", *ARGUMENTS) as (forged,):
        answer = fleet.module("many", "drain", match={"user": "root"})
        assert forged not in [one["pid"] for one in answer.result.get("results", [])]
        back = fleet.module("many", "drain", state="undrained", start_recorded=True, match={"user": "root"})
        assert back.result["results"] == []
        assert fleet.run("many", "cat", f"/proc/{forged}/stat").split()[2] == "S"
    assert fleet.run("many", "sh", "-c", "ls /run/fleetops-odoo/drain-*.json 2>/dev/null || true") == ""


def test_a_program_that_only_has_the_arguments_of_a_server_is_unseen(fleet: Fleet) -> None:
    with attack(fleet, "many", THIRD, "renamed_program.py", *ARGUMENTS) as (forged,):
        (unseen,) = fleet.module("many", "master_info").result["unseen"]
        assert (unseen["code"], unseen["pid"]) == ("host.not_python", forged)
