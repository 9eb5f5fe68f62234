# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the lines that a task prints while it works."""

from __future__ import annotations

import re

import pytest
from ansible_collections.fleetops.odoo.plugins.plugin_utils._waits.tell import tell


@pytest.mark.parametrize(("variables", "word"), [({}, "WAIT"), ({"rolling_restart_ledger": {}}, "ROLL")])
def test_a_line_goes_to_the_standard_error(
    variables: dict[str, object], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tell("h1: \x1b[31mred", variables)
    told = capsys.readouterr()
    assert told.out == ""
    assert re.fullmatch(rf"{word} \d\d:\d\d:\d\d h1: \S*\[31mred\n", told.err)
    assert "\x1b[31mred" not in told.err
