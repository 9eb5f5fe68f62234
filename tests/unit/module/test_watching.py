# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test how a module that watches servers ends."""

from __future__ import annotations

import types
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._messages.code import Code
from ansible_collections.fleetops.odoo.plugins.module_utils._module import watching
from ansible_collections.fleetops.odoo.plugins.module_utils._server.watch import WatchOrder
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import OperationFailed

ORDER = WatchOrder(None, 0.0, 60.0)
LEFT_OUT = [{"pid": 7}]


class Ended(Exception):
    pass


def end(**result: t.Any) -> t.NoReturn:
    raise Ended(result)


def ended(monkeypatch: pytest.MonkeyPatch, watch_all: t.Callable[..., t.Any]) -> dict[str, t.Any]:
    """Return what the module ends with.

    :param watch_all: stands in for the wait.
    """
    monkeypatch.setattr(watching, "choose_masters", lambda _module, _host: ("seen", ["1:10"]))
    monkeypatch.setattr(watching, "told_left_out", lambda _module, _seen: LEFT_OUT)
    monkeypatch.setattr(watching, "watch_all", watch_all)
    module = types.SimpleNamespace(exit_json=end, fail_json=lambda **result: end(failed=True, **result))
    with pytest.raises(Ended) as caught:
        watching.watch(t.cast("t.Any", module), t.cast("t.Any", "host"), ORDER)
    return t.cast("dict[str, t.Any]", caught.value.args[0])


def watched(pid: int) -> types.SimpleNamespace:
    return types.SimpleNamespace(told=lambda: {"pid": pid})


def test_healthy_servers_end_the_module_with_their_results(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[t.Any] = []

    def watch_all(*given: t.Any) -> list[t.Any]:
        asked.append(given)
        return [watched(1)]

    assert ended(monkeypatch, watch_all) == {"changed": False, "results": [{"pid": 1}], "left_out": LEFT_OUT}
    assert asked == [("host", "seen", ["1:10"], ORDER)]


def test_a_server_that_is_not_healthy_fails_the_module_with_all_results(monkeypatch: pytest.MonkeyPatch) -> None:
    def watch_all(*_given: t.Any) -> t.NoReturn:
        problem = Code("timeout.processes", "two workers are missing")()
        raise OperationFailed(problem.message, problem, t.cast("t.Any", [watched(1), watched(2)]))

    assert ended(monkeypatch, watch_all) == {
        "failed": True,
        "msg": "Two workers are missing",
        "code": "timeout.processes",
        "changed": False,
        "results": [{"pid": 1}, {"pid": 2}],
        "left_out": LEFT_OUT,
    }
