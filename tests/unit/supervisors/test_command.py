# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test programs of supervisors: their output, and the message if they cannot be run."""

from __future__ import annotations

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.command import run
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused

from ..build import failing


def test_run_returns_both_outputs_in_one_line_with_secrets_hidden() -> None:
    said = run(["/bin/sh", "-c", "echo one; echo two >&2; echo db_password=S3cret"], 5.0)
    assert said == "one two db_password=********"


def test_run_has_a_fixed_environment_and_is_in_the_root_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_PRELOAD", "")
    monkeypatch.setenv("SECRET", "x")
    said = run(["/usr/bin/env"], 5.0)
    assert {word.partition("=")[0] for word in said.split()} <= {
        "PATH",
        "LC_ALL",
        "HOME",
        "XDG_RUNTIME_DIR",
        "DOCKER_HOST",
        "CONTAINERS_CONF",
    }
    assert run(["/bin/pwd"], 5.0) == "/"


def test_run_raises_for_another_code_than_0() -> None:
    with failing("supervisor.command_failed", Refused) as caught:
        run(["/bin/sh", "-c", "exit 3"], 5.0)
    assert caught.value.problem.values == {"command": "/bin/sh -c exit 3", "said": "code 3"}
    with failing("supervisor.command_failed", Refused) as caught:
        run(["/bin/sh", "-c", "echo no space >&2; exit 1"], 5.0)
    assert caught.value.problem.values["said"] == "no space"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["/nonexistent/program"], "supervisor.command_not_run"),
        (["/bin/sleep", "20"], "supervisor.command_timeout"),
    ],
)
def test_run_raises_when_a_program_cannot_be_run_or_takes_too_long(command: list[str], code: str) -> None:
    with failing(code, Refused):
        run(command, 0.1)
