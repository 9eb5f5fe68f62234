# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prefixes that tools put in front of lines: learned from one line, recognised in others."""

from __future__ import annotations

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._forms.prefixes import Prefixes, may_stand_before

FRAME = 'File: "a", line 1, in f'


@pytest.mark.parametrize(
    ("learned", "other"),
    [
        ("Nov 24 10:30:22 p19 odoo[33]: ", "Nov  4 09:00:00 p19 odoo[412]: "),
        ("web-1  | ", "web-12 | "),
        ("[pod/erp-6d9f7c5b-x2x9p/odoo] ", "[pod/erp-6d9f7c5b-x2x9p/odoo] "),
        ("odoo.log-101-", "odoo.log-9-"),
        # PowerShell marks the lines that match.
        ("> odoo.log:12:", "  odoo.log:13:"),
        # A table has quotation marks only where they are needed.
        ('2026-11-24 10:30:22,"', "2026-11-24 10:30:23,"),
    ],
)
def test_numbers_and_widths_may_differ(learned: str, other: str) -> None:
    prefixes = Prefixes()
    prefixes.learn(learned)
    assert prefixes.of_a_dump(other + FRAME) == prefixes.latest_of(other + FRAME) == prefixes.of(other + "x") == other
    assert prefixes.of_a_dump(other + "x") is None


@pytest.mark.parametrize(
    ("prefix", "carrier"),
    [
        ("", ""),
        ("  ", ""),
        ("Nov 24 10:30:22 p19 odoo[33]: ", "33"),
        ("<30>1 2026-11-24T10:30:22Z p19 odoo 33 - - ", "33"),
        ("1 2026-11-24T10:30:22Z p19 odoo 33 - - ", "33"),
        ("10:30:22 web.1  | ", "web.1"),
        ("odoo.log-101-", "odoo.log"),
    ],
)
def test_the_carrier_is_a_pid_or_the_words_of_a_prefix(prefix: str, carrier: str) -> None:
    assert Prefixes().carrier(prefix) == carrier


def test_blanks_are_forgotten_and_shapes_are_limited() -> None:
    prefixes = Prefixes()
    prefixes.learn("    ")
    assert prefixes.of("    x") == "    "
    prefixes.forget_blanks()
    assert prefixes.of("    x") == ""
    for number in range(200):
        prefixes.learn("a" * number + ": ")
    assert len(prefixes.shapes) <= 16


@pytest.mark.parametrize(
    ("prefix", "may"),
    [("", True), ("    ", True), ("10:30 ", True), ("  log(", False), ('  x = "', False), ('  "message": "', False)],
)
def test_code_is_not_taken_for_a_prefix(prefix: str, may: bool) -> None:  # noqa: FBT001
    assert may_stand_before(prefix) == may
