# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A line of Odoo's log without what a carrier puts around it, and the head of a record."""

from __future__ import annotations

import json

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._log.carrier import unwrapped
from ansible_collections.fleetops.odoo.plugins.module_utils._log.line import Head, head_of
from hypothesis import given
from hypothesis import strategies as st

from ..conftest import CAPTURES, KINDS

RECORD = "2026-11-24 10:30:21,608 34 INFO p19 odoo.addons.base: some text"
CAPTURED = [
    line for kind in KINDS for line in (CAPTURES / "dumps" / f"{kind}.log").read_text(encoding="utf-8").splitlines()
]


@pytest.mark.parametrize(
    ("raw", "pid"),
    [
        (RECORD, ""),
        (RECORD + "\r\n", ""),
        (f"Nov 24 10:30:22 p19 odoo[7]: {RECORD}", "7"),
        (f"Nov  4 10:30:22.123456 p19 python3[7]: {RECORD}", "7"),
        (f"2026-11-24T10:30:22+0000 p19 odoo[7]: {RECORD}", "7"),
        (f"2026-11-24T07:32:16.034+00:00 stdout F {RECORD}", ""),
        (f"2026-11-24T07:32:16.034+00:00 stderr P {RECORD}", ""),
        (f"odoo-1  | {RECORD}", "odoo-1"),
        (json.dumps({"MESSAGE": RECORD, "_PID": "7"}), "7"),
        (json.dumps({"MESSAGE": list(RECORD.encode()), "_PID": "7"}), "7"),
        (json.dumps({"MESSAGE": RECORD, "_PID": 7}), ""),
        (json.dumps({"log": RECORD + "\n", "stream": "stderr", "_PID": "7"}), ""),
        (RECORD.replace("INFO", "\x1b[1;32mINFO\x1b[0m"), ""),
        ("odoo-1  | " + RECORD.replace("INFO", "\x1b[1;32mINFO\x1b[0m"), "odoo-1"),
        (json.dumps({"MESSAGE": RECORD.replace("INFO", "\x1b[32mINFO\x1b[m")}), ""),
    ],
)
def test_the_carrier_of_a_line_is_taken_off_and_names_the_process(raw: str, pid: str) -> None:
    assert unwrapped(raw) == (pid, RECORD)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "  File: x",
        "{broken",
        "{}",
        '{"MESSAGE": 3}',
        '{"MESSAGE": [256]}',
        '{"MESSAGE": ["x"]}',
        '{"log": null}',
        "[1]",
        '{"a":' * 100_000,
        "Nov 24 10:30:22 p19 kernel: text",
        "2026-11-24T07:32:16.034+00:00 stdin F text",
    ],
)
def test_a_line_without_a_known_carrier_stays_as_it_is(raw: str) -> None:
    assert unwrapped(raw) == ("", raw)


def test_every_captured_line_stays_as_it_was_written() -> None:
    assert len(CAPTURED) > 500
    assert [unwrapped(line) for line in CAPTURED] == [("", line) for line in CAPTURED]


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


@given(st.text())
def test_any_text_can_be_unwrapped(text: str) -> None:
    pid, line = unwrapped(text)
    assert pid == "" or pid.isdigit() or text.startswith("{")
    head_of(line)
