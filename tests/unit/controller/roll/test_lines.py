# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the line about what a module did to the servers of a host."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll.lines import drain_line, workers_line


def drained(did: str = "signalled", **fields: t.Any) -> dict[str, t.Any]:
    """Return what the module drain returned of a server."""
    steps = [{"what": "hold odoo.service"}, {"what": "INT to 33"}]
    return {
        "did": did,
        "pid": 33,
        "signals": ["INT"],
        "seconds": 2.345,
        "reason": "it does not run",
        "steps": steps,
        **fields,
    }


HOLD = {"unit": "odoo.service", "policy": "always", "drop_in": "/run/systemd/system/odoo.service.d/fleetops.conf"}


@pytest.mark.parametrize(
    ("server", "check", "line"),
    [
        (drained(), False, "drained in 2.3 s (INT to 33)"),
        (drained(signals=["INT", "TERM"]), False, "drained in 2.3 s (INT, TERM to 33)"),
        (drained(hold=HOLD), False, "drained in 2.3 s (INT to 33); odoo.service (Restart=always) is held"),
        (drained(hold={**HOLD, "drop_in": None}), False, "drained in 2.3 s (INT to 33)"),
        (drained(hold=None), True, "would be drained (hold odoo.service, INT to 33)"),
        (drained("started"), False, "back after 2.3 s"),
        (drained("started"), True, "would be started (hold odoo.service, INT to 33)"),
        (drained("nothing"), False, "it does not run"),
        (drained("refused"), True, "it does not run"),
    ],
)
def test_drain_line_of_a_server(server: dict[str, t.Any], check: bool, line: str) -> None:  # noqa: FBT001
    assert drain_line({"results": [server]}, check) == line


@pytest.mark.parametrize(
    ("signals", "check", "line"),
    [
        ([], False, "2 http workers"),
        (["TTIN"], False, "2 http workers (TTIN; 1.5 s)"),
        (["TTIN", "TTIN", "INT"], False, "2 http workers (2 TTIN, INT; 1.5 s)"),
        (["INT", "TTIN", "INT"], True, "2 http workers (INT, TTIN, INT would be sent)"),
    ],
)
def test_workers_line_of_a_server(signals: list[str], check: bool, line: str) -> None:  # noqa: FBT001
    one = {"signals": signals, "seconds": 1.5, "reason": "2 http workers"}
    assert workers_line({"results": [one]}, check) == line


@pytest.mark.parametrize("tell", [drain_line, workers_line])
@pytest.mark.parametrize("result", [{}, {"results": []}, {"results": None}])
def test_a_host_without_a_server_has_a_line_too(tell: t.Callable[..., str], result: dict[str, t.Any]) -> None:
    assert tell(result, check=False) == "no Odoo server runs"


def test_several_servers_of_a_host_are_told_in_one_line() -> None:
    assert drain_line({"results": [drained("nothing"), drained("started")]}, check=False) == (
        "it does not run; back after 2.3 s"
    )
