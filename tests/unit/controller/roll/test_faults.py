# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a balancer says of a host, and what a failed task says of itself."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.odoo.plugins.filter.balancer_faults import FilterModule as Balancers
from ansible_collections.fleetops.odoo.plugins.filter.roll_failure import FilterModule as Failures


def seen(**more: t.Any) -> list[dict[str, t.Any]]:
    """What one balancer told of h1."""
    server = {"backend": "odoo", "server": "h1", "status": "UP", "admin": "ready", "sessions": 0, **more}
    return [{"item": "lb", "servers": [server, {**server, "server": "h2", "status": "DOWN"}]}]


def faults(told: list[dict[str, t.Any]], *backends: str) -> list[str]:
    """Ask the filter about h1."""
    return t.cast("list[str]", Balancers().filters()["balancer_faults"](told, list(backends), ["h1"]))


def test_a_host_that_is_in_has_no_fault() -> None:
    assert faults(seen()) == faults(seen(), "odoo") == faults(seen(status="no check")) == []


def test_faults() -> None:
    assert faults(seen(), "other") == ["balancer lb has no server other/h1"]
    assert faults([{"item": "lb", "servers": []}]) == ["balancer lb has no server h1"]
    assert faults(seen(admin="drain")) == [
        "odoo/h1 is out of balancer lb already (drain), and no roll says that it did it"
    ]
    assert faults(seen(status="DOWN 1/2")) == ["balancer lb says that odoo/h1 is DOWN 1/2"]
    assert faults([{"item": "lb", "unreachable": True, "msg": "no route\nmore"}]) == [
        "balancer lb cannot be asked: no route"
    ]
    assert faults([{"item": "lb", "failed": True, "msg": "no socket"}]) == ["balancer lb cannot be asked: no socket"]
    assert faults([{"item": "lb", "failed": True, "msg": ""}]) == ["balancer lb cannot be asked: no answer"]


def test_failures() -> None:
    failure = Failures().filters()["roll_failure"]
    assert failure({"msg": "it died"}, "reload") == {"step": "reload", "reason": "it died", "unreachable": False}
    assert failure({"msg": "unreachable: no route"}, "out") == {
        "step": "out",
        "reason": "no route",
        "unreachable": True,
    }
    loop = {
        "msg": "One or more items failed",
        "results": [{"item": 1}, {"item": 2, "failed": True, "msg": "no socket"}],
    }
    assert failure(loop, "out")["reason"] == "no socket"
    # What a module calls results is not what a loop calls so.
    assert failure({"msg": "it died", "results": [{"did": "signalled"}]}, "reload")["reason"] == "it died"
    assert failure({"msg": "unreachable: no"}, "out") == {"step": "out", "reason": "no", "unreachable": True}
    assert failure({"msg": "curl said password=hunter2"}, "out")["reason"] == "curl said password=********"
    for silent in ({}, {"msg": "\n"}):
        assert failure(silent, "out")["reason"] == "it failed without a word"
    assert failure({"msg": " ", "stderr": "no space"}, "out")["reason"] == "no space"
