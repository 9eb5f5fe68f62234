# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that the two places in which a role describes its variables agree."""

from __future__ import annotations

import pathlib
import re
import typing as t

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
ROLES = sorted((ROOT / "roles").iterdir())
#: Plays over hosts. (Plays over localhost cannot lose a host.)
PLAYS = [
    pytest.param(play, id=f"{file.stem}: {play['name']}")
    for file in sorted((ROOT / "playbooks").glob("*.yml"))
    for play in yaml.safe_load(file.read_text("utf-8"))
    if play["hosts"] != "localhost"
]


def read(path: pathlib.Path) -> dict[str, t.Any]:
    """A YAML file, or nothing where there is none."""
    return (yaml.safe_load(path.read_text("utf-8")) if path.exists() else {}) or {}


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_defaults_are_as_they_are_described(role: pathlib.Path) -> None:
    for entry in read(role / "meta/argument_specs.yml")["argument_specs"].values():
        described = {name: one["default"] for name, one in entry["options"].items() if "default" in one}
        flat = {name: " ".join(one.split()) if isinstance(one, str) else one for name, one in described.items()}
        defaults = read(role / "defaults/main.yml").items()
        assert {name: " ".join(one.split()) if isinstance(one, str) else one for name, one in defaults} == flat


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_variables_have_the_name_of_their_role_and_are_used(role: pathlib.Path) -> None:
    options = set(next(iter(read(role / "meta/argument_specs.yml")["argument_specs"].values()))["options"])
    folders = ("tasks", "vars", "templates")
    # The role balancer is there for the others.
    users = [role] if role.name != "balancer" else ROLES
    used = " ".join(file.read_text("utf-8") for one in users for folder in folders for file in (one / folder).glob("*"))
    for name in options | set(read(role / "vars/main.yml")):
        assert name == role.name or name.startswith(f"{role.name}_")
        assert len(re.findall(rf"\b{name}\b", used)) > (name not in options), f"{name} is used nowhere"


@pytest.mark.parametrize("play", PLAYS)
def test_no_ansible_cfg_takes_the_other_hosts_away(play: dict[str, t.Any]) -> None:
    assert play["any_errors_fatal"] is False
    assert play["strategy"] == "ansible.builtin.linear"


def test_each_step_of_a_turn_is_one_task() -> None:
    """The callback roll_progress takes a step "end" for the end of a turn, so no other task may use that step."""
    texts = [file.read_text("utf-8") for file in (ROOT / "roles/rolling_restart/tasks").glob("*.yml")]
    steps = [step for text in texts for step in re.findall(r"fleetops\.odoo\.roll_turn:\s+step: (\w+)", text)]
    assert sorted(set(steps)) == ["begin", "end", "leave", "look", "reload", "write"]
    # The folder is made at the begin, and filled at the end.
    assert len(steps) == len(set(steps)) + 1
