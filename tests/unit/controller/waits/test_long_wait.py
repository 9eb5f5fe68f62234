# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that one long wait is several calls of its module, with a line between two of them."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.plugin_utils._waits import long_wait
from ansible_collections.fleetops.odoo.plugins.plugin_utils._waits.long_wait import FIRST, NEXT, call_and_tell, line


class Host:
    """A module whose wait takes so many seconds, on a clock that only its calls move."""

    def __init__(self, seconds: float, **result: t.Any) -> None:
        self.seconds, self.result, self.now = seconds, result, 500.0
        self.calls: list[dict[str, t.Any]] = []

    def call(self, module: str, options: dict[str, t.Any], _variables: t.Any) -> dict[str, t.Any]:
        assert module == "m"
        assert options["waited"] == self.now - 500.0
        left = self.seconds - options["waited"]
        self.now += min(left, options["report_after"])
        told = {"changed": not self.calls, "under_way": 3 - len(self.calls), **self.result}
        self.calls.append(options)
        waiting = {"waiting": {"text": "2 requests to end", "ages": [34.2, 12.0, 0.3]}}
        return {**told, **waiting} if left > options["report_after"] else told

    def clock(self) -> float:
        return self.now


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(long_wait, "tell", lambda text, _variables: lines.append(text))
    return lines


def test_a_short_wait_is_one_call_and_no_line(told: list[str]) -> None:
    host = Host(FIRST - 1)
    assert call_and_tell(host.call, "m", {"state": "drain"}, {}, host.clock) == {"changed": True, "under_way": 3}
    assert host.calls == [{"state": "drain", "report_after": FIRST, "waited": 0.0}]
    assert told == []


def test_a_long_wait_is_told_and_returns_what_the_first_call_has_changed(told: list[str]) -> None:
    host = Host(FIRST + NEXT + 5)
    options = {"state": "drain", "only_ready": True, "timeout": 120}
    result = call_and_tell(host.call, "m", options, {"inventory_hostname": "h1"}, host.clock)
    assert result == {"changed": True, "under_way": 3}
    assert told == [
        f"h1: after {seconds:.0f} s waiting for 2 requests to end; the oldest requests have run for 34 s, 12 s"
        for seconds in (FIRST, FIRST + NEXT)
    ]
    assert ["only_ready" in call for call in host.calls] == [True, False, False]
    assert [call["timeout"] for call in host.calls] == [120] * 3


def test_a_failure_stays_one(told: list[str]) -> None:
    host = Host(FIRST + 1, failed=True, msg="late", code="timeout.requests")
    result = call_and_tell(host.call, "m", {}, {}, host.clock)
    assert (result["failed"], result["code"], result["changed"], len(told)) == (True, "timeout.requests", True, 1)


def test_an_unreachable_host_keeps_its_result(told: list[str]) -> None:
    lost = {"unreachable": True, "msg": "no route"}
    assert call_and_tell(lambda *_call: dict(lost), "m", {}, {}) == lost
    assert told == []


def test_without_ages_none_are_told() -> None:
    told = line({"inventory_hostname": "h1"}, {"text": "a server to start"}, 10.4)
    assert told == "h1: after 10 s waiting for a server to start"
