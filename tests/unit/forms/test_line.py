# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The head of a record of Odoo's log."""

from __future__ import annotations

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._forms.line import Head, head_of

from ..conftest import CAPTURES, KINDS

RECORD = "2026-11-24 10:30:21,608 34 INFO p19 odoo.addons.base: some text"
CAPTURED = [
    line for kind in KINDS for line in (CAPTURES / "dumps" / f"{kind}.log").read_text(encoding="utf-8").splitlines()
]


def test_the_head_of_a_record_has_pid_time_database_logger_and_text() -> None:
    assert head_of(RECORD) == Head(34, "2026-11-24T10:30:21.608Z", "p19", "odoo.addons.base", "some text")
    unknown = head_of("2026-11-24 10:30:21,608 34 WARNING ? odoo:")
    assert unknown == Head(34, "2026-11-24T10:30:21.608Z", None, "odoo", "")


@pytest.mark.parametrize(
    "line",
    [
        "",
        " " + RECORD,
        RECORD.replace(",608", ".608"),
        RECORD.replace(" 34 ", " x "),
        RECORD.replace("INFO", "info"),
        RECORD.replace("p19 odoo.addons.base: ", ""),
        "# Thread: <T>",
    ],
)
def test_a_line_that_begins_no_record_has_no_head(line: str) -> None:
    assert head_of(line) is None


@pytest.mark.parametrize("kind", KINDS)
def test_every_captured_line_that_begins_with_a_date_is_a_head(kind: str) -> None:
    lines = (CAPTURES / "dumps" / f"{kind}.log").read_text(encoding="utf-8").splitlines()
    dated = [line for line in lines if line.startswith("2026-")]
    assert dated
    assert all(head_of(line) for line in dated)
    assert not [line for line in lines if head_of(line) and line not in dated]
