# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the files of a run of diagnostics that hold the answers of a host, and the record of a host."""

from __future__ import annotations

import json
import pathlib
import typing as t

from ansible_collections.fleetops.odoo.plugins.filter.diagnostics_records import FilterModule
from ansible_collections.fleetops.odoo.plugins.plugin_utils._runs.answers import record, write_dumps, write_part

FAILURE = {"code": "dump.none_written", "reason": "none", "unreachable": False}
LEFT = {"failure": {"code": "dump.not_asked"}}
DUMPED = {"run": "r", "file": "/runs/r/a.log", "missing": [{"pid": 3}]}
BUNDLE = {"dest": "/runs/r/a", "parts": [1, 2], "packed": 5, "servers": ["x"], "left_out": []}


def of(**variables: t.Any) -> dict[str, t.Any]:
    """Return the record of the host a in the run r."""
    named = {f"diagnostics_{name}": value for name, value in variables.items()}
    return record(named, "a", "r", "/runs/r")


def test_stacks_and_sessions_are_written_for_the_user_only(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "r"
    told = {"rows": [{"pid": 1}], "reason": None}
    results: list[dict[str, t.Any]] = [
        {"dumps": [{"raw": "one"}, {"raw": "two \udce9"}], "postgres": told},
        {"dumps": [], "postgres": {"rows": [], "reason": "no psql"}},
        {"dumps": [], "postgres": {"rows": [], "reason": "no psql"}},
    ]
    assert write_dumps(str(folder), "a", results) == str(folder / "a.log")
    assert (folder / "a.log").read_text(encoding="utf-8").splitlines()[0] == "one"
    sessions = json.loads((folder / "a.postgres.json").read_text(encoding="utf-8"))
    assert sessions == {"rows": [{"pid": 1}], "unsaid": ["no psql"]}
    assert [path.stat().st_mode & 0o777 for path in (folder, folder / "a.log")] == [0o700, 0o600]


def test_a_host_without_sessions_has_no_file_of_sessions(tmp_path: pathlib.Path) -> None:
    write_dumps(str(tmp_path), "a", [{"dumps": [{"raw": "one"}], "postgres": None}])
    assert [path.name for path in tmp_path.iterdir()] == ["a.log"]


def test_nothing_is_written_without_a_stack(tmp_path: pathlib.Path) -> None:
    assert write_dumps(str(tmp_path / "r"), "a", [{"dumps": [], "postgres": {"rows": [1]}}]) == ""
    assert list(tmp_path.iterdir()) == []


def test_a_part_of_a_bundle_is_json_in_the_folder_of_the_host(tmp_path: pathlib.Path) -> None:
    write_part(str(tmp_path), "a", "dumps.json", [{"pid": 3}])
    assert json.loads((tmp_path / "a/dumps.json").read_text(encoding="utf-8")) == [{"pid": 3}]


def test_a_host_that_answered_has_its_file_and_its_bundle() -> None:
    assert of(dumps=DUMPED, gathered=BUNDLE, cached={"run": "r", "reason": ""}) == {
        "ok": True,
        "file": {"path": "/runs/r/a.log", "host": "a"},
        "missing": [{"pid": 3}],
        "bundle": {"parts": 2, "packed": 5, "servers": ["x"], "left_out": []},
    }


def test_missing_cache_statistics_are_a_part_that_is_left_out() -> None:
    cached = {"run": "r", "reason": "it is busy"}
    found = of(dumps=DUMPED, gathered=BUNDLE, cached=cached)
    assert found["bundle"]["left_out"] == [{"part": "caches.json", "reason": "it is busy"}]
    assert of(gathered={**BUNDLE, "servers": []}, cached=cached)["bundle"]["left_out"] == []


def test_a_host_that_failed_tells_why_and_may_have_a_bundle() -> None:
    noted = {"run": "r", "failure": FAILURE}
    found = of(host=noted, dumps={"run": "r", "failed": True}, gathered=BUNDLE)
    assert (found["failure"], "ok" in found, found["bundle"]["parts"]) == (FAILURE, False, 2)
    assert of(dumps=DUMPED, without=noted, gathered=BUNDLE)["bundle"] == {"failure": FAILURE}


def test_what_an_earlier_run_has_left_does_not_count() -> None:
    earlier = {"run": "q", "failure": FAILURE}
    dumps, bundle = {**DUMPED, "run": "q"}, {**BUNDLE, "dest": "/runs/q/a"}
    assert of(host=earlier, without=earlier, dumps=dumps, gathered=bundle) == {}


def test_the_filter_has_a_record_for_each_host_of_the_run() -> None:
    make = FilterModule().filters()["diagnostics_records"]
    run = {"hosts": ["a", "b"], "run": "r", "folder": "/runs/r"}
    found = make({"a": {"diagnostics_dumps": DUMPED}, "b": {}}, run, LEFT)
    assert (found["a"]["ok"], found["b"]) == (True, LEFT)
