# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Codes on the controller: the filter problem, and every use of it in roles."""

from __future__ import annotations

import pathlib
import re
import string
import typing as t

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.fleetops.odoo.plugins.filter.problem import FilterModule
from ansible_collections.fleetops.odoo.plugins.plugin_utils.problems import code_named, split_code

problem = FilterModule().filters()["problem"]
ROOT = pathlib.Path(__file__).resolve().parents[3]
CODE = r"'([a-z]+\.[a-z0-9_]+)'"


def uses() -> list[tuple[str, str, str]]:
    """Return file, code and arguments of every use of the filter, and of codes handed to roll_step."""
    found = []
    for path in sorted((ROOT / "roles").glob("*/*/*.yml")):
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(ROOT).as_posix()
        filters = re.finditer(CODE + r"\s*\)?\s*\|\s*fleetops\.odoo\.problem(\(?)", text)
        found += [(name, match[1], _arguments(text, match.end(), match[2])) for match in filters]
        steps = re.finditer(r"code=" + CODE + "()", text)
        found += [(name, match[1], _arguments(text, match.end(), "(")) for match in steps]
    return found


def _arguments(text: str, at: int, opening: str) -> str:
    """Return what stands between the brackets of a call."""
    depth, end = 1, at
    while opening and depth:
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        end += 1
    return text[at : end - 1] if opening else ""


def names(arguments: str) -> set[str]:
    """Return the keywords of a call, and not those of calls in it."""
    flat = arguments
    while "(" in flat:
        flat = re.sub(r"\([^()]*\)", "", flat)
    return set(re.findall(r"(?:^|[,\s])(\w+)=(?!=)", flat))


def placeholders(code: str) -> set[str]:
    """Return what a code must be given."""
    row = code_named(code)
    parts = [*string.Formatter().parse(row.sentence), *string.Formatter().parse(row.remedy)]
    return {name for _text, name, _format, _conversion in parts if name}


@pytest.mark.parametrize(("path", "code", "arguments"), uses())
def test_every_use_in_a_role_has_the_values_of_its_code(path: str, code: str, arguments: str) -> None:
    assert names(arguments) == placeholders(code), path


def messages(tasks: t.Any) -> t.Iterator[str]:
    """Return the message of every task that fails by itself."""
    for task in tasks or []:
        for key in ("block", "rescue", "always"):
            yield from messages(task.get(key))
        yield from (str(task[name]["msg"]) for name in ["ansible.builtin.fail"] if name in task)
        yield from (one["fail_msg"] for one in [task.get("ansible.builtin.assert") or {}] if "fail_msg" in one)


def test_every_task_that_fails_has_a_code() -> None:
    files = sorted((ROOT / "roles").glob("*/tasks/*.yml"))
    found = [text for path in files for text in messages(yaml.safe_load(path.read_text(encoding="utf-8")))]
    assert len(found) > 20
    # (The error of explain_logs has its code. awx_setup hands on what a module of AWX says.)
    assert [
        text
        for text in found
        if not re.search(
            r"\)\.msg|otherwise\.msg|_others\.msg|attribute='msg'|ansible_failed_result\.msg|code|_report\.error", text
        )
    ] == []


def test_the_message_has_the_code_at_its_end() -> None:
    told = problem("host.unreachable", error="no route")
    assert told == {
        "code": "host.unreachable",
        "message": "The host cannot be reached: no route",
        "msg": "The host cannot be reached: no route [host.unreachable]",
    }
    assert split_code(told["msg"]) == (told["message"], told["code"])
    assert split_code("no code") == ("no code", None)


def test_a_variable_keeps_its_small_letter() -> None:
    told = problem("option.not_a_path", option="fleet_info_report_dir", value="x")
    assert told["message"].startswith("fleet_info_report_dir must be ")


@pytest.mark.parametrize("code", ["roll.nothing", "nothing.at_all", "roll", "", "../x.y", "code.problem"])
def test_what_is_not_a_code_is_refused(code: str) -> None:
    with pytest.raises(AnsibleFilterError, match=r"\[option\.unknown_code\]$"):
        problem(code)


def test_a_missing_value_is_refused() -> None:
    with pytest.raises(AnsibleFilterError, match=r"\[option\.unknown_code\]$"):
        problem("host.unreachable")
