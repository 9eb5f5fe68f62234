# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running a module on a host that cannot be reached."""

from __future__ import annotations

import types
import typing as t

import pytest
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure, AnsibleError
from ansible_collections.fleetops.odoo.plugins.action import (
    bundle,
    drain,
    evidence,
    haproxy_info,
    master_info,
    reload,
    roll_lock,
)
from ansible_collections.fleetops.odoo.plugins.plugin_utils.remote import run_module


@pytest.mark.parametrize("action", [bundle, drain, evidence, haproxy_info, master_info, reload, roll_lock])
@pytest.mark.parametrize("select", ["", "[?version=='14.0']"])
def test_an_unreachable_host_is_a_result_and_not_an_exception(action: types.ModuleType, select: str) -> None:
    """ansible-core before 2.19 marks results as no templates, but not the message of this exception.

    ssh puts the banner of a host into it, which may be anything.
    """

    class Action(action.ActionModule):  # type: ignore[name-defined, misc]
        def _execute_module(self, **_arguments: t.Any) -> dict[str, t.Any]:
            # ssh lets through what turns the direction of a line.
            raise AnsibleConnectionFailure("{{ lookup('pipe', 'id') }}\u202e\x1b\r\nno")

    name = action.__name__.rpartition(".")[2]
    task = types.SimpleNamespace(action=f"fleetops.odoo.{name}", args={"select": select}, check_mode=False, async_val=0)
    play = types.SimpleNamespace(no_log=False)
    connection = types.SimpleNamespace(_shell=types.SimpleNamespace(tmpdir="/x"))
    result = Action(task, connection, play, *[None] * 3).run(task_vars={})
    assert result["unreachable"]
    assert (result["msg"], result["code"]) == ("{{ lookup('pipe', 'id') }}\\u202e\\x1b\nno", "host.unreachable")


@pytest.mark.parametrize(
    ("role", "is_failed"),
    [
        ("fleetops.odoo.graceful_drain", True),
        ("fleetops.odoo.scale_workers", True),
        # These judge the answers themselves.
        ("fleetops.odoo.doctor", False),
        ("fleetops.odoo.balancer", False),
        ("example.own.role", False),
        (None, False),
    ],
)
def test_in_the_roles_an_unreachable_host_has_failed_and_stays_in_the_play(role: str | None, is_failed: bool) -> None:  # noqa: FBT001
    class Action(drain.ActionModule):
        def _execute_module(self, **_arguments: t.Any) -> dict[str, t.Any]:
            raise AnsibleConnectionFailure("no route")

    inside = types.SimpleNamespace(get_name=lambda **_how: role) if role else None
    task = types.SimpleNamespace(action="fleetops.odoo.drain", args={}, check_mode=False, async_val=0, _role=inside)
    connection = types.SimpleNamespace(_shell=types.SimpleNamespace(tmpdir="/x"))
    result = Action(task, connection, types.SimpleNamespace(no_log=False), *[None] * 3).run(task_vars={})
    assert result["code"] == "host.unreachable"
    assert (result.get("failed"), result.get("unreachable")) == ((True, None) if is_failed else (None, True))


@pytest.mark.parametrize("role", ["fleetops.odoo.doctor", "fleetops.odoo.balancer"])
def test_with_run_once_an_unreachable_host_has_always_failed(role: str) -> None:
    """Ansible would end the play for all hosts, without a summary, and the locks of a roll would stay."""

    class Action(haproxy_info.ActionModule):
        def _execute_module(self, **_arguments: t.Any) -> dict[str, t.Any]:
            raise AnsibleConnectionFailure("no route")

    inside = types.SimpleNamespace(get_name=lambda **_how: role)
    task = types.SimpleNamespace(
        action="fleetops.odoo.haproxy_info", args={}, check_mode=False, async_val=0, _role=inside, run_once=True
    )
    connection = types.SimpleNamespace(_shell=types.SimpleNamespace(tmpdir="/x"))
    result = Action(task, connection, types.SimpleNamespace(no_log=False), *[None] * 3).run(task_vars={})
    assert (result["failed"], result["unreachable"]) == (True, False)
    assert (result["code"], result["msg"]) == ("host.unreachable", "no route")


@pytest.mark.parametrize(
    "error", ["Missing sudo password", "Incorrect su password", "Timeout (12s) waiting for privilege escalation: "]
)
def test_sudo_that_refuses_is_a_result_with_a_code(error: str) -> None:
    class Action:
        def _execute_module(self, **_arguments: t.Any) -> dict[str, t.Any]:
            raise AnsibleError(error)

    told = run_module(t.cast("t.Any", Action()), "m", {}, {})
    assert (told["failed"], told["code"]) == (True, "host.no_privileges")
    assert error.rstrip(": ") in told["msg"]
    assert "-K" in told["msg"]


def test_the_result_of_the_module_is_returned_as_it_is() -> None:
    asked: list[dict[str, t.Any]] = []
    result = {"changed": False, "masters": []}

    class Action:
        def _execute_module(self, **arguments: t.Any) -> dict[str, t.Any]:
            asked.append(arguments)
            return result

    assert run_module(t.cast("t.Any", Action()), "fleetops.odoo.master_info", {"match": {}}, {"a": 1}) is result
    assert asked == [{"module_name": "fleetops.odoo.master_info", "module_args": {"match": {}}, "task_vars": {"a": 1}}]


def test_a_connection_failure_is_told_as_unreachable_and_other_errors_are_raised() -> None:
    class Action:
        def __init__(self, error: Exception) -> None:
            self.error = error

        def _execute_module(self, **_arguments: t.Any) -> dict[str, t.Any]:
            raise self.error

    told = run_module(t.cast("t.Any", Action(AnsibleConnectionFailure("no route"))), "m", {}, {})
    assert told == {"unreachable": True, "changed": False, "msg": "no route", "code": "host.unreachable"}
    with pytest.raises(AnsibleActionFail):
        run_module(t.cast("t.Any", Action(AnsibleActionFail("no"))), "m", {}, {})
    with pytest.raises(AnsibleError):
        run_module(t.cast("t.Any", Action(AnsibleError("no module"))), "m", {}, {})
