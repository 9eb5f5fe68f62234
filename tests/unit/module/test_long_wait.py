# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the options and the result of a module that returns in the midst of a wait."""

from __future__ import annotations

import dataclasses
import types
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._balancer.connections import Patience, host_view, wait_idle
from ansible_collections.fleetops.odoo.plugins.module_utils._module.long_wait import set_clock, told_waiting
from ansible_collections.fleetops.odoo.plugins.module_utils._system.clock import Waiting
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import StillWaiting, TimedOut

from .. import build
from ..balancer.test_connections import HERE, LB, Tables, row


def clock_of(after: float | None, waited: float = 0.0) -> build.FakeClock:
    """Return the clock of a module with these options."""
    params = {"report_after": after, "waited": waited}
    clock = build.FakeClock()
    set_clock(t.cast("t.Any", types.SimpleNamespace(params=params)), clock)
    return clock


@pytest.mark.parametrize(
    ("after", "waited", "error", "seconds"),
    [(10, 0, StillWaiting, 10), (10, 55, TimedOut, 5), (None, 0, TimedOut, 60), (90, 0, TimedOut, 60)],
)
def test_a_wait_ends_at_its_report_or_at_the_timeout_of_the_whole_task(
    after: float | None, waited: float, error: type[Exception], seconds: float
) -> None:
    clock = clock_of(after, waited)
    begun = clock.monotonic()
    with pytest.raises(error):
        wait_idle(Tables(row(HERE, LB, "01")), [host_view([8069])], Patience(60, 0), clock)
    assert seconds <= clock.monotonic() - begun < seconds + 1


def test_websockets_are_waited_for_over_several_calls() -> None:
    proc, view = Tables(row(HERE, LB, "01")), [dataclasses.replace(host_view([]), websockets=frozenset([8069]))]
    with pytest.raises(StillWaiting):
        wait_idle(proc, view, Patience(10, 30), clock_of(10, 0))
    assert wait_idle(proc, view, Patience(10, 30), clock_of(10, 29)).websockets == 1


def test_a_result_names_the_oldest_requests_only() -> None:
    told = told_waiting(Waiting("requests to end", [9.04, 8, 7, 6, 5, 4]))
    assert told == {"waiting": {"text": "requests to end", "ages": [9.0, 8, 7, 6, 5]}}
    assert told_waiting(None) == {}
