# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The earlier rolls in a folder of reports."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.filter.roll_page import roll_page
from ansible_collections.fleetops.odoo.plugins.plugin_utils._pages.roll_history import earlier, entry

from ...conftest import CAPTURES

NOW = "20261130T180618Z"


def captured(name: str) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", json.loads((CAPTURES / "rolls" / f"{name}.json").read_text(encoding="utf-8")))


@pytest.fixture
def rolls(tmp_path: pathlib.Path) -> t.Callable[..., pathlib.Path]:
    """Return what writes the folder of a roll."""

    def write(name: str, report: str | None = None, *, page: bool = True) -> pathlib.Path:
        folder = tmp_path / name
        folder.mkdir()
        if report is not None:
            (folder / "report.json").write_text(report, encoding="utf-8")
            if page:
                (folder / "report.html").write_text("<html>", encoding="utf-8")
        return folder

    return write


def test_earlier_rolls_are_listed_from_the_newest_on(rolls: t.Callable[..., pathlib.Path]) -> None:
    own = rolls(NOW)
    rolls("20261130T180125Z", json.dumps(captured("done")))
    rolls("20261130T180335Z", json.dumps(captured("failed")), page=False)
    rolls("20261130T180517Z")
    rolls("20261201T000000Z", json.dumps(captured("done")))
    rolls("notes")
    rows = earlier(str(own))
    assert [one["started"] for one in rows] == ["2026-11-30T18:05:17Z", "2026-11-30T18:03:35Z", "2026-11-30T18:01:25Z"]
    assert [one["link"] for one in rows] == ["", "", "../20261130T180125Z/report.html"]
    assert rows[0]["why"] == "it was interrupted, or it still runs"
    failed = {name: rows[1][name] for name in ("outcome", "by", "reason", "done", "all", "lost")}
    assert failed == {
        "outcome": "stopped",
        "by": "root on vm",
        "reason": "release 2026.12",
        "done": 1,
        "all": 3,
        "lost": "t19",
    }
    page = roll_page(captured("after_interruption"), folder=str(own))
    assert page.count('<th scope="row">') == 3 + 3 + 3
    assert "failed: t19" in page
    assert "it was interrupted, or it still runs" in page


def test_a_roll_is_not_read_where_the_reports_before_it_are_large(rolls: t.Callable[..., pathlib.Path]) -> None:
    own = rolls(NOW)
    text = json.dumps(captured("done"))
    for second in range(5):
        rolls(f"20261130T18010{second}Z", text)
    assert [one["known"] for one in earlier(str(own), most_bytes=2 * len(text) + 10)] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert len(earlier(str(own), most=3)) == 3
    (last, *_rest) = earlier(str(own), most_bytes=10)
    assert "too large" in last["why"]


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', "{}", '{"hosts": [{}]}', "[" * 100_000, "\udcff"])
def test_a_report_that_cannot_be_read_is_a_row_without_numbers(rolls: t.Callable[..., pathlib.Path], text: str) -> None:
    own = rolls(NOW)
    folder = rolls("20261130T180125Z")
    (folder / "report.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    (row,) = earlier(str(own))
    assert not row["known"]
    assert row["why"]


def test_what_is_not_a_file_is_not_read(rolls: t.Callable[..., pathlib.Path]) -> None:
    own = rolls(NOW)
    (rolls("20261130T180125Z") / "report.json").mkdir()
    assert earlier(str(own))[0]["why"] == "the report is not a file"
    assert earlier("/no/such/folder") == []


def test_a_report_of_before_this_page_has_no_owner() -> None:
    report = captured("done")
    for name in ("by", "check", "planned"):
        del report[name]
    row = entry(report)
    assert row is not None
    assert (row["by"], row["reason"], row["outcome"]) == ("", "", "done")


def test_of_many_hosts_some_are_named() -> None:
    report = captured("failed")
    report["hosts"] = [{"host": f"h{number}", "outcome": "failed"} for number in range(8)]
    row = entry(report)
    assert row is not None
    assert row["lost"] == "h0, h1, h2, h3, h4 and 3 more"
