# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test what the steps of ``diagnostics_turn`` write and return."""

from __future__ import annotations

import json
import pathlib
import types
import typing as t

import pytest
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible_collections.fleetops.odoo.plugins.action import diagnostics_turn

DUMPED = {
    "dumps": [{"raw": "the stack"}],
    "missing": [{"pid": 3, "reason": "it is busy"}],
    "reason": "",
    "postgres": None,
}
SILENT = {"dumps": [], "missing": [{"pid": 3, "reason": "it is busy"}], "reason": "no log", "postgres": None}


def run(
    folder: pathlib.Path, step: str, answer: dict[str, t.Any] | Exception, *, check: bool = False, **given: t.Any
) -> tuple[dict[str, t.Any], list[str]]:
    """Return the result of a step, and the modules that it calls."""
    calls: list[str] = []

    class Action(diagnostics_turn.ActionModule):
        def _execute_module(self, module_name: str, **_more: t.Any) -> dict[str, t.Any]:
            calls.append(module_name.rpartition(".")[2])
            if isinstance(answer, Exception):
                raise answer
            return dict(answer)

    args = {"step": step, "run": "r", "folder": str(folder / "r"), "options": {"samples": 1}, **given}
    task = types.SimpleNamespace(action="fleetops.odoo.diagnostics_turn", args=args, check_mode=check, async_val=0)
    connection = types.SimpleNamespace(transport="fake", _shell=types.SimpleNamespace(tmpdir="/x"))
    action = Action(task, connection, types.SimpleNamespace(), *[None] * 3)
    return action.run(task_vars={"inventory_hostname": "a"}), calls


def files(folder: pathlib.Path) -> set[str]:
    """Return the paths of all files."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("with_bundle", [True, False])
def test_stacks_are_in_files_and_not_in_the_result(tmp_path: pathlib.Path, with_bundle: bool) -> None:  # noqa: FBT001
    result, calls = run(tmp_path, "dumps", {"results": [DUMPED], "changed": True}, with_bundle=with_bundle)
    assert calls == ["stack_dump"]
    assert files(tmp_path) == {"r/a.log", *(["r/a/dumps.json"] if with_bundle else [])}
    assert (result["file"], result["missing"], result["run"]) == (str(tmp_path / "r/a.log"), DUMPED["missing"], "r")
    assert (result["changed"], "the stack" in json.dumps(result)) == (False, False)


def test_a_host_without_a_stack_fails_with_the_reasons(tmp_path: pathlib.Path) -> None:
    result, _calls = run(tmp_path, "dumps", {"results": [SILENT]})
    assert (result["failed"], result["code"]) == (True, "dump.none_written")
    assert [word for word in ("no log", "it is busy") if word not in result["msg"]] == []
    assert files(tmp_path) == {"r/a/dumps.json"}


def test_a_failure_of_the_module_is_told_without_its_results(tmp_path: pathlib.Path) -> None:
    answer = {"failed": True, "code": "host.no_master", "msg": "none", "results": []}
    result, _calls = run(tmp_path, "dumps", answer)
    assert (result["code"], "results" in result, files(tmp_path)) == ("host.no_master", False, set())


def test_a_check_run_asks_no_host(tmp_path: pathlib.Path) -> None:
    result, calls = run(tmp_path, "dumps", {}, check=True)
    assert (result["code"], calls) == ("dump.check_mode", [])


def test_cache_statistics_are_written_or_their_reason_is_returned(tmp_path: pathlib.Path) -> None:
    result, calls = run(tmp_path, "caches", {"results": [{"pid": 3}]})
    assert (calls, result["reason"], files(tmp_path)) == (["cache_stats"], "", {"r/a/caches.json"})
    answer = {"failed": True, "code": "host.no_master", "msg": "no server", "results": []}
    result, _calls = run(tmp_path, "caches", answer)
    assert (result["reason"], "failed" in result) == ("no server", False)


def test_a_folder_that_cannot_be_written_is_a_failure_with_a_code(tmp_path: pathlib.Path) -> None:
    (tmp_path / "r").write_text("taken", encoding="utf-8")
    result, _calls = run(tmp_path, "dumps", {"results": [DUMPED]})
    assert (result["failed"], result["code"]) == (True, "bundle.not_written")


def test_a_host_that_cannot_be_reached_keeps_its_code(tmp_path: pathlib.Path) -> None:
    result, _calls = run(tmp_path, "dumps", AnsibleConnectionFailure("no route"))
    assert (result["code"], result["run"]) == ("host.unreachable", "r")


def test_an_unknown_step_is_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(AnsibleActionFail):
        run(tmp_path, "bundle", {})
