# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of one server: why none of its processes was asked, or some have not answered."""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.ask import Question
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.case import Case, excuse
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.results import AskedResult, Outcome
from ansible_collections.fleetops.odoo.plugins.module_utils._messages import dump
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Role
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import look

from .. import build
from .stage import Stage


@pytest.fixture
def case(tmp_path: pathlib.Path) -> Case[AskedResult]:
    """A threaded server of which nothing is known yet."""
    on = Stage("hup-19-threaded-done", tmp_path)
    seen = look(on.scene)
    (instance,) = seen.instances
    result = AskedResult(instance.identity, instance.master.pid, Outcome.REFUSED, "")
    return Case(on.host, seen, instance, result, Question())


def codes(case: Case[AskedResult]) -> tuple[str, str | None, list[str]]:
    """Return what was done, the code of the result, and the codes of its warnings."""
    return str(case.result.did), case.result.code, [one.code for one in case.result.warnings]


def test_the_first_reason_why_no_process_was_asked_is_that_of_the_result(case: Case[AskedResult]) -> None:
    case.refuse(dump.TERMINAL())
    case.refuse(dump.NO_LOG())
    case.miss(case.instance.master, Role.MASTER, dump.TERMINAL())
    case.conclude(0.5, 0, check_mode=False)
    assert codes(case) == ("refused", "dump.terminal", ["dump.terminal"])
    assert case.result.reason == str(dump.TERMINAL())


def test_rules_that_forbid_every_signal_have_a_code_of_their_own(case: Case[AskedResult]) -> None:
    case.miss(case.instance.master, Role.MASTER, dump.GEVENT())
    case.conclude(0.5, 0, check_mode=False)
    assert codes(case) == ("refused", "dump.none_asked", ["dump.none_asked"])


def test_no_process_to_ask_is_nothing_to_do(case: Case[AskedResult]) -> None:
    case.conclude(0.5, 0, check_mode=False)
    assert codes(case) == ("nothing", None, [])


@pytest.mark.parametrize(
    ("check_mode", "missing", "warnings"),
    [(False, False, []), (False, True, ["dump.incomplete"]), (True, True, [])],
)
def test_answers_that_are_missing_are_a_warning(
    case: Case[AskedResult],
    check_mode: bool,  # noqa: FBT001
    missing: bool,  # noqa: FBT001
    warnings: list[str],
) -> None:
    case.count(case.instance.master, Role.MASTER, 1)
    if missing:
        case.miss(case.instance.master, Role.MASTER, dump.TOO_LARGE())
    case.conclude(0.5, 1, check_mode=check_mode)
    assert codes(case) == ("signalled", None, warnings)
    assert case.result.signals == ["QUIT"]


def test_excuse_tells_code_and_reason() -> None:
    told = excuse(build.process(7), Role.HTTP, dump.TERMINAL(), sample=2)
    assert told == {"pid": 7, "role": "http", "sample": 2, "code": "dump.terminal", "reason": str(dump.TERMINAL())}
