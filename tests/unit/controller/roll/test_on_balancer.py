# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the actions that run a module on a load balancer."""

from __future__ import annotations

import types
import typing as t

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible_collections.fleetops.odoo.plugins.action import haproxy, nginx_upstream

#: options of the wait, which test_long_wait.py tests
LONG_WAIT = {"report_after", "waited"}


def run(
    action: types.ModuleType, given: dict[str, t.Any], *, reached: bool
) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    """Return the result of an action on the host lb1, and the options that the module gets."""
    options: dict[str, t.Any] = {}

    class Action(action.ActionModule):  # type: ignore[name-defined, misc]
        def _execute_module(self, module_args: dict[str, t.Any], **_more: t.Any) -> dict[str, t.Any]:
            options.update({name: value for name, value in module_args.items() if name not in LONG_WAIT})
            if not reached:
                raise AnsibleConnectionFailure("no route")
            return {"changed": True}

    task = types.SimpleNamespace(action="x", args=given, check_mode=False, async_val=0)
    connection = types.SimpleNamespace(_shell=types.SimpleNamespace(tmpdir="/x"))
    play = types.SimpleNamespace(remote_addr="lb1")
    return Action(task, connection, play, *[None] * 3).run(task_vars={"awx_user_name": "ann"}), options


@pytest.mark.parametrize(
    ("action", "given", "name"),
    [(haproxy, {}, "HAProxy"), (haproxy, {"name": "edge"}, "edge"), (nginx_upstream, {}, "lb1")],
)
def test_an_unreachable_balancer_is_a_failed_result(
    action: types.ModuleType, given: dict[str, t.Any], name: str
) -> None:
    result, _options = run(action, given, reached=False)
    assert "unreachable" not in result
    assert (result["failed"], result["code"]) == (True, "roll.balancer_unreachable")
    assert name in result["msg"]
    assert "no route" in result["msg"]
    assert run(action, given, reached=True)[0] == {"changed": True}


def test_the_owner_of_a_mark_is_filled_in() -> None:
    assert run(nginx_upstream, {}, reached=True)[1] == {"owner": "ann (AWX)"}
    assert run(nginx_upstream, {"owner": "me"}, reached=True)[1] == {"owner": "me"}
    assert run(haproxy, {"host": ["a"]}, reached=True)[1] == {"host": ["a"]}
