# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records that have a line for each of their values; whole logs of them are in captures/logs (dumps/test_forms)."""

from __future__ import annotations

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._forms import blocks
from ansible_collections.fleetops.odoo.plugins.module_utils._forms.blocks import Blocks
from ansible_collections.fleetops.odoo.plugins.module_utils._forms.carrier import Unwrapper

HEAD = "2026-11-24 10:30:21,608 34 INFO p19 odoo.http: x"


def taken(*lines: str) -> list[object]:
    """Return the records of lines that are all of blocks."""
    collected, found = Blocks(), []
    for line in lines:
        if collected.ends_before(line):
            found += collected.rest()[0]
        if collected.is_open:
            found += collected.take(line)[0]
        else:
            assert collected.begin(line) or not line
    return [*found, *collected.rest()[0]]


@pytest.mark.parametrize(
    ("lines", "records"),
    [
        (['{', '  "a": 1', '}'], [{"a": 1}]),
        (['  {', '    "a": {', '      "b": 2', '    }', '  },'], [{"a": {"b": 2}}]),
        (["ok: [p19] => {", '    "a": 1', "}"], [{"a": 1}]),
        (["ok: [p19] => (item=a) => {", '    "a": 1', "}"], [{"a": 1}]),
        (["__CURSOR=s", "MESSAGE=a", "_PID=7", ""], [{"__CURSOR": "s", "MESSAGE": "a", "_PID": "7"}]),
        # A value of several lines, one of them blank, behind its eight bytes of length.
        (
            ["__CURSOR=s", "MESSAGE", "\x07\x00\x00\x00\x00\x00\x00\x00a", "", "  b", "_PID=7", ""],
            [{"__CURSOR": "s", "MESSAGE": "a\n\n  b", "_PID": "7"}],
        ),
        (
            ["Tue 2026-11-24 10:30:22.1 UTC [s=a;i=1;b=2]", "    MESSAGE=a", "              b", "    _PID=7",
             "Tue 2026-11-24 10:30:22.2 UTC [s=a;i=2;b=2]", "    MESSAGE=c"],
            [{"MESSAGE": "a\n  b", "_PID": "7"}, {"MESSAGE": "c"}],
        ),
        (["__CURSOR=s", "_PID=7", ""], []),
    ],
)  # fmt: skip
def test_a_record_is_put_together(lines: list[str], records: list[object]) -> None:
    assert taken(*lines) == records


@pytest.mark.parametrize("line", ["", "{}", "  x = {", "a: {", HEAD, "Tue 2026-11-24 10:30:22 UTC [x]", "MESSAGE=a"])
def test_a_line_of_another_kind_begins_no_record(line: str) -> None:
    assert not Blocks().begin(line)


@pytest.mark.parametrize("lines", [["{", "not JSON", "}"], ["{", HEAD], ["{", '"a": 1']])
def test_lines_that_make_up_no_record_are_kept(lines: list[str]) -> None:
    assert [line for _carrier, line in Unwrapper().each(lines)] == lines


def test_a_record_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "_MOST", 5)
    collected = Blocks()
    assert collected.begin("{")
    assert [collected.take(line) for line in "aaaaa"][-1] == ([], ["{", *["a"] * 5])
    assert not collected.is_open
