# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Misspelt variables of the roles are found, and what the roles and playbooks use is known."""

from __future__ import annotations

import pathlib
import re

import pytest
from ansible_collections.fleetops.odoo.plugins.filter.unknown_variables import FilterModule
from ansible_collections.fleetops.odoo.plugins.plugin_utils.unknown_variables import unknown_variables

ROOT = pathlib.Path(__file__).resolve().parents[3]
ROLES = sorted(path for path in (ROOT / "roles").iterdir())


@pytest.mark.parametrize(
    ("role", "name", "alike"),
    [
        ("rolling_restart", "rolling_restart_batchs", "rolling_restart_batches"),
        ("rolling_restart", "rolling_restart_balancer", "balancer"),
        ("rolling_restart", "rolling_restart_balancer_haproxy_hosts", "balancer_haproxy_hosts"),
        ("rolling_restart", "rolling_restart_colour", ""),
        ("graceful_drain", "graceful_drain_cron_time", "graceful_drain_cron_timeout"),
        ("balancer", "balancer_haproxy_host", "balancer_haproxy_hosts"),
    ],
)
def test_a_misspelt_variable_is_found_with_the_right_name(role: str, name: str, alike: str) -> None:
    assert unknown_variables([name, "ansible_host", "other"], str(ROOT / "roles" / role)) == {name: alike}


def test_a_prefix_that_others_may_use_is_only_checked_for_misspelt_names() -> None:
    assert unknown_variables(["balancer_vip", "balancer_color"], str(ROOT / "roles/balancer")) == {}


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_what_playbooks_and_guides_use_is_known(role: pathlib.Path) -> None:
    files = [*(ROOT / "playbooks").glob("*.yml"), *(ROOT / "docs").glob("*.md"), ROOT / "roles/awx_setup/files/awx.yml"]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    names = re.findall(rf"(?<![\w/]){role.name}_[a-z]\w*(?=[:=\"' ),])", text)
    assert names
    assert unknown_variables(names, str(role)) == {}


def test_the_filter_looks_at_the_variables_of_all_hosts() -> None:
    find = FilterModule().filters()["unknown_variables"]
    role = str(ROOT / "roles/rolling_restart")
    variables = {"a": {"rolling_restart_batches": 1}, "b": {"rolling_restart_batchs": 1}, "c": {"rolling_restart_x": 1}}
    assert find(variables, ["a"], role)["that"]
    told = find(variables, ["a", "b"], role)
    assert (told["that"], told["otherwise"]["code"]) == (False, "option.unknown_variable")
    assert "rolling_restart_batches" in told["otherwise"]["msg"]
    assert "rolling_restart_x" not in told["otherwise"]["msg"]
