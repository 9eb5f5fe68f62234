# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of the roles: unknown names and wrong values."""

from __future__ import annotations

import pathlib
import re
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.filter.unknown_variables import FilterModule
from ansible_collections.fleetops.odoo.plugins.plugin_utils.variables import own_values, unknown_variables, wrong_values

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


SPEC: dict[str, dict[str, t.Any]] = {
    "r_count": {"type": "int", "required": True},
    "r_wait": {"type": "float", "default": 3},
    "r_how": {"choices": ["soft", "hard"], "default": "soft"},
    "r_users": {"type": "list", "elements": "int", "default": []},
    "r_match": {"type": "dict", "default": {}},
}


def test_values_of_surveys_are_taken() -> None:
    given = {"r_count": "3", "r_wait": "1.5", "r_how": "hard", "r_users": "1,2", "r_match": '{"pid": 3}'}
    assert wrong_values(SPEC, given) == {}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("r_count", None, ["r_count"]),
        ("r_count", "many", ["r_count", "integer", "'many'"]),
        ("r_wait", "soon", ["r_wait", "number", "'soon'"]),
        ("r_how", "none", ["r_how", "soft, hard", "'none'"]),
        ("r_users", ["odoo"], ["r_users", "list", "integer", "odoo"]),
        ("r_match", 3, ["r_match", "dictionary", "3"]),
    ],
)
def test_a_wrong_value_is_told_with_what_it_must_be(name: str, value: object, words: list[str]) -> None:
    found = wrong_values(SPEC, {"r_count": 1, name: value} if value is not None else {})
    assert list(found) == [name]
    assert [word for word in words if word not in found[name]] == []


def test_a_message_shows_no_secret_and_no_long_value() -> None:
    found = wrong_values(SPEC, {"r_count": "password=hunter22 " + "x" * 500})
    assert "hunter22" not in found["r_count"]
    assert len(found["r_count"]) < 200


@pytest.mark.parametrize(
    ("used", "shown", "others", "found"),
    [
        # The inventory has it for both hosts, and for the other host only.
        ({"r_wait": 5}, {"r_wait": 5}, {"r_wait": "x"}, {"r_wait": "x"}),
        ({"r_wait": 3}, {}, {"r_wait": "x"}, {"r_wait": "x"}),
        ({}, {}, {"r_count": "x", "other": 1}, {"r_count": "x"}),
        # A variable of the play overrides both.
        ({"r_wait": 7}, {"r_wait": 5}, {"r_wait": "x"}, {}),
        ({"r_wait": 7}, {}, {"r_wait": "x"}, {}),
    ],
)
def test_variables_of_other_hosts_count_unless_the_play_overrides_them(
    used: dict[str, object], shown: dict[str, object], others: dict[str, object], found: dict[str, object]
) -> None:
    assert own_values(SPEC, used, shown, others) == found
