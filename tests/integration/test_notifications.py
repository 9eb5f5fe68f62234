# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the tasks of the user at the end of a roll, a drain and a run of diagnostics."""

from __future__ import annotations

import json
import pathlib
import re
import typing as t

import pytest
import yaml
from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet

#: For each role its playbook, and variables that make it quick.
ROLES: dict[str, tuple[str, dict[str, t.Any]]] = {
    "rolling_restart": ("rolling_restart", {}),
    "graceful_drain": ("drain", {"graceful_drain_least": 0}),
    "diagnostics": ("diagnostics", {"diagnostics_samples": 1, "diagnostics_bundle": False}),
}


@pytest.fixture(scope="module")
def fleet(first_hour: Fleet) -> Fleet:
    """The fleet of three files, whose tests leave it as it was."""
    return first_hour


def notified(fleet: Fleet, folder: pathlib.Path, role: str, **more: t.Any) -> tuple[int, str, dict[str, t.Any] | None]:
    """Run a playbook on p19; return its exit code, its output, and the report that its tasks at the end have got."""
    playbook, options = ROLES[role]
    told = folder / "told.json"
    told.unlink(missing_ok=True)
    place = folder / "after.yml"
    write = {
        "name": "Write the report",
        "ansible.builtin.copy": {"content": f"{{{{ {role}_report | to_json }}}}", "dest": str(told), "mode": "0600"},
        "delegate_to": "localhost",
        "become": False,
        "check_mode": False,
    }
    failing = {"name": "Fail", "ansible.builtin.fail": {"msg": "no chat, token=not-for-the-log"}, "when": "fail_too"}
    place.write_text(yaml.safe_dump([write, failing]), encoding="utf-8")
    report = {} if role == "graceful_drain" else {f"{role}_report_dir": str(folder / "report")}
    values = {f"{role}_hosts": "p19", f"{role}_after": str(place), "fail_too": False, **options, **report, **more}
    done = fleet.playbook(playbook, *(["--check"] if role == "graceful_drain" else []), "-e", json.dumps(values))
    shown = re.sub(r"\s+", " ", done.stdout)
    return done.returncode, shown, json.loads(told.read_text(encoding="utf-8")) if told.exists() else None


@pytest.mark.parametrize("role", ROLES)
def test_report_of_a_success_and_a_notification_that_fails(fleet: Fleet, tmp_path: pathlib.Path, role: str) -> None:
    code, shown, told = notified(fleet, tmp_path, role, fail_too=True)
    assert code == 0, shown
    assert told is not None, shown
    assert told.get("outcome", told.get("stats", {}).get("outcome")) == "done"
    assert "no chat, token=********. Correct these tasks." in shown
    assert shown.index("[roll.after_failed]") > shown.index("Write the report")


@pytest.mark.parametrize(
    ("role", "values"),
    [
        ("rolling_restart", {"rolling_restart_masters": 7}),
        ("graceful_drain", {"graceful_drain_match": {"unit": "none.service"}, "graceful_drain_health": {}}),
        ("diagnostics", {"diagnostics_match": {"unit": "none.service"}}),
    ],
)
def test_report_of_a_failure(fleet: Fleet, tmp_path: pathlib.Path, role: str, values: dict[str, t.Any]) -> None:
    code, shown, told = notified(fleet, tmp_path, role, **values)
    assert told is not None, shown
    outcome = told.get("outcome", told.get("stats", {}).get("outcome"))
    # A drain without a server has nothing to do.
    assert (code, outcome) in ([(0, "done")] if role == "graceful_drain" else [(2, "failed"), (2, "stopped")]), shown


# test_rolling_restart.py, test_graceful_drain.py and test_diagnostics.py run without such tasks.
@pytest.mark.thorough
@pytest.mark.parametrize("role", ROLES)
def test_without_such_tasks_nothing_is_shown_of_them(fleet: Fleet, tmp_path: pathlib.Path, role: str) -> None:
    code, shown, told = notified(fleet, tmp_path, role, **{f"{role}_after": ""})
    assert (code, told) == (0, None), shown
    assert "Notify" not in shown
    assert f"Run {role}_after" not in shown


@pytest.mark.parametrize("role", ROLES)
def test_a_path_that_is_not_absolute_is_refused(fleet: Fleet, tmp_path: pathlib.Path, role: str) -> None:
    code, shown, told = notified(fleet, tmp_path, role, **{f"{role}_after": "notify.yml"})
    assert (code, told) == (2, None)
    assert "[option.not_a_path]" in shown
