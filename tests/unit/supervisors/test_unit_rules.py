# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test what the properties of a unit mean for a drain."""

from __future__ import annotations

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.systemd import Unit, parse_span, parse_units
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.unit_rules import (
    drain_warnings,
    sockets_of,
    why_not_drain,
)

#: As systemd 252 shows it.
SHOWN = """Id=erp.service
FragmentPath=/run/systemd/transient/erp.service
WatchdogUSec=20s
TimeoutStopUSec=1min 30s
RuntimeMaxUSec=infinity
ActiveEnterTimestampMonotonic=787300000
SuccessAction=none
TriggeredBy=erp.socket erp-nightly.timer
WantedBy=multi-user.target shop.service
BoundBy=proxy.service
Result=success
"""


def unit(**others: tuple[str, ...]) -> Unit:
    return Unit("always", "mixed", 100, active_state="active", others=others)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("20s", 20),
        ("1min 30s", 90),
        ("2h 500ms", 7200.5),
        ("1month 2d", 2629800 + 172800),
        ("0", None),
        ("infinity", None),
        ("", None),
        (None, None),
    ],
)
def test_a_span_of_time(text: str | None, seconds: float | None) -> None:
    assert parse_span(text) == seconds


def test_what_systemd_shows() -> None:
    shown = parse_units(SHOWN)["erp.service"]
    assert (shown.watchdog, shown.stop_timeout, shown.longest_run, shown.active_since) == (20, 90, None, 787.3)
    assert (shown.success_action, shown.result, sockets_of(shown)) == (None, "success", ("erp.socket",))
    found = [one.code for one in drain_warnings("erp.service", shown, 960, by_launcher=True)]
    assert found == [
        "supervisor.kill_mode",
        "supervisor.bound",
        "supervisor.started_by",
        "supervisor.transient",
        "supervisor.stop_timeout",
    ]
    (named,) = [one for one in drain_warnings("erp.service", shown, 60, by_launcher=True) if "started" in one.code]
    assert named.values["starters"] == "erp-nightly.timer shop.service"


@pytest.mark.parametrize(
    ("one", "watchdogs", "code"),
    [
        (unit(), True, None),
        (Unit(watchdog=20.0), True, "supervisor.watchdog"),
        (Unit(watchdog=20.0), False, None),
        (Unit(longest_run=3600.0, active_since=1000.0), True, "supervisor.runtime_max"),
        (Unit(longest_run=3600.0, active_since=3500.0), True, None),
        (Unit(success_action="reboot"), True, "supervisor.success_action"),
        (unit(UpheldBy=("stack.service",)), True, "supervisor.upheld"),
        (unit(TriggeredBy=("erp.socket",)), True, None),
        (unit(TriggeredBy=("erp.socket",), Requires=("erp.socket",)), True, "supervisor.socket_needed"),
        (unit(Requires=("system.slice",)), True, None),
    ],
)
def test_what_refuses_a_drain(one: Unit, watchdogs: bool, code: str | None) -> None:  # noqa: FBT001
    found = why_not_drain("erp.service", one, 100.0, 4550.0, watchdogs=watchdogs)
    assert (found.code if found else None) == code


def test_a_stop_under_way_is_named_when_it_kills_too_early() -> None:
    stopping = Unit("no", "mixed", 100, active_state="deactivating", stop_timeout=90.0)
    assert [one.code for one in drain_warnings("e.service", stopping, 960, by_launcher=False)] == [
        "supervisor.stop_timeout"
    ]
    assert drain_warnings("e.service", stopping, 60, by_launcher=False) == ()
