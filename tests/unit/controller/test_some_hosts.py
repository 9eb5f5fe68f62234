# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test a pattern of hosts that must match at least one host."""

from __future__ import annotations

import pathlib

import pytest
from ansible import constants
from ansible.errors import AnsibleLookupError
from ansible.parsing.dataloader import DataLoader
from ansible_collections.fleetops.odoo.plugins.lookup.some_hosts import LookupModule

GROUPS = {"all": ["a", "b", "c"], "odoo": ["a", "b"], "db": ["c"]}


def ask(pattern: str, limit: str | None = None) -> list[str]:
    """Return the result of the lookup for a pattern."""
    known = {"groups": GROUPS, **({"ansible_limit": limit} if limit else {})}
    return LookupModule(loader=DataLoader()).run([pattern], known, name="my_hosts")


@pytest.mark.parametrize("pattern", ["odoo", "a", "a:c", "odoo:!b", "a,b", "all", "*", "odoo:&all", "~[ab]", "odoo[0]"])
def test_what_matches_is_left_as_it_is(pattern: str) -> None:
    assert ask(pattern) == [pattern]


@pytest.mark.parametrize("pattern", ["typo", "odoo:&db", "odoo:!all", ""])
def test_a_pattern_that_matches_no_host_is_refused(pattern: str) -> None:
    with pytest.raises(AnsibleLookupError, match=r"^my_hosts must match .* \[option\.no_hosts\]$"):
        ask(pattern)


def test_a_pattern_that_matches_no_host_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """ansible-core 2.16 repeats the message of another class, and the inventory would warn of the pattern as well."""
    said: list[str] = []
    monkeypatch.setattr("ansible.inventory.manager.display.warning", said.append)
    before = constants.HOST_PATTERN_MISMATCH
    with pytest.raises(AnsibleLookupError):
        ask("typo")
    assert said == []
    assert before == constants.HOST_PATTERN_MISMATCH == "warning"


def test_the_limit_counts(tmp_path: pathlib.Path) -> None:
    (tmp_path / "remaining").write_text("b\nc\n", encoding="utf-8")
    assert ask("odoo", "a,c") == ["odoo"]
    assert ask("odoo", f"@{tmp_path / 'remaining'}") == ["odoo"]
    with pytest.raises(AnsibleLookupError, match=r"^my_hosts: .* \[option\.outside_limit\]$"):
        ask("odoo", "c")
