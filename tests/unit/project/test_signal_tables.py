# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that the tables of docs/signals.md are made from the records of real servers."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.release import NEWEST
from ansible_collections.fleetops.odoo.tests.signals import archive, cases, table

ROW = {"mode": "prefork", "role": "master", "state": "serving", "signal": "HUP", "caught": ["HUP"]}


def test_the_document_has_the_tables_of_the_records() -> None:
    text = table.DOCUMENT.read_text(encoding="utf-8")
    assert table.rewritten(text, cases.records()) == text, "run python -m tests.signals.table"


@pytest.mark.parametrize("name", cases.records())
def test_a_record_has_every_trial(name: str) -> None:
    record = cases.records()[name]
    assert set(record) == {"version", "python", "tree", "date", "rows"}
    wanted = [{"mode": mode, **trial} for mode in cases.PLACES for trial in cases.trials(mode)]
    assert [{key: row[key] for key in ("mode", "role", "state", "signal")} for row in record["rows"]] == wanted
    assert not [row for row in record["rows"] if "failed" in row]


def test_the_newest_known_version_is_recorded() -> None:
    assert list(cases.records().values())[-1]["version"] == NEWEST


@pytest.mark.parametrize(
    ("seen", "cell"),
    [
        ({"effect": "nothing"}, "nothing"),
        ({"effect": "killed", "request": "cut"}, "**kills it**, **its request is lost**"),
        ({"effect": "ended:0", "request": 200}, "ends, its request is answered"),
        ({"effect": "ended:1", "request": 500}, "**ends** with status 1, its request ends with 500"),
        (
            {"effect": "executes itself", "request": 200, "serves again": True},
            "executes itself again, its request is answered, the port stays open",
        ),
        ({"effect": "executes itself", "serves again": False}, "executes itself again, **does not serve again**"),
        (
            {"effect": "stacks, then gone", "signal": "QUIT", "replaced": True},
            "writes its stacks, **kills it**, is replaced",
        ),
        ({"effect": "gone", "replaced": True}, "ends, is replaced"),
        ({"effect": "gone", "caught": [], "replaced": False}, "**kills it**, **is not replaced**"),
        ({"effect": "nothing", "state": "booting", "comes up": True}, "nothing, it starts"),
        ({"effect": "nothing", "state": "booting", "comes up": False}, "**it does not start**"),
    ],
)
def test_a_row_becomes_the_text_of_its_cell(seen: t.Dict[str, t.Any], cell: str) -> None:
    assert table.words({**ROW, **seen}) == cell


def test_versions_with_equal_results_share_a_column_and_others_do_not() -> None:
    def record(version: str, effect: str) -> cases.Row:
        return {"version": version, "python": "3.11", "tree": "a", "date": "b", "rows": [{**ROW, "effect": effect}]}

    records = {"14": record("14.0", "killed"), "15": record("15.0", "killed"), "19": record("19.0", "nothing")}
    text = table.tables(records)
    assert "|  | 14, 15 | 19 |\n|---|---|---|\n| HUP | **kills it** | nothing |" in text
    assert cases.differences(records["14"]["rows"], records["15"]["rows"]) == []
    assert cases.differences(records["14"]["rows"], records["19"]["rows"]) == [
        "prefork master serving HUP: effect: killed -> nothing"
    ]


def test_a_record_that_was_written_is_read_back(tmp_path: pathlib.Path) -> None:
    record = {"version": "14.0", "python": "3.9", "tree": "a", "date": "b", "rows": [ROW, ROW]}
    cases.write(record, tmp_path / "14.json")
    assert cases.read(tmp_path / "14.json") == record
    assert len((tmp_path / "14.json").read_text(encoding="utf-8").splitlines()) == 4


def test_a_capture_takes_the_place_of_an_earlier_one_without_lines_of_source() -> None:
    known = {"15-prefork/dumps.log": b"old", "15-prefork-running/proc/1/stat": b"old", "15-threaded/dumps.log": b"kept"}
    dumps = b'2026 30 INFO p odoo.tools.misc: \nFile: "/a/b c.py", line 8, in <module>\n  secret()\n\n# Thread: 1\n'
    capture = {"proc/running/proc/1/stat": b"new", "dumps.log": dumps, "usr1.log": b"  1 entries\n"}
    assert archive.added(known, "15-prefork", capture) == {
        "15-threaded/dumps.log": b"kept",
        "15-prefork-running/proc/1/stat": b"new",
        "15-prefork/dumps.log": dumps.replace(b"secret()", b"(source)"),
        "15-prefork/usr1.log": b"  1 entries\n",
    }
