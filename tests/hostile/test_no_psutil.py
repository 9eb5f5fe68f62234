# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host whose interpreters have no psutil: every module that needs it says so, and has done nothing."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet

NEED_IT: list[tuple[str, dict[str, t.Any]]] = [
    ("bundle", {"dest": "/tmp/no-psutil"}),
    ("cache_stats", {}),
    ("drain", {}),
    ("drain", {"state": "undrained"}),
    ("evidence", {}),
    ("gate", {"state": "closed", "lease": 60}),
    ("master_info", {}),
    ("recycle_workers", {"older_than": 0}),
    ("reload", {"policy": "always"}),
    ("send_signal", {"signal": "QUIT"}),
    ("stack_dump", {}),
    ("wait_healthy", {}),
    ("wait_idle", {}),
    ("workers", {"count": 3}),
]


@pytest.fixture(scope="module")
def bare(fleet: Fleet) -> t.Iterator[None]:
    """Take psutil away."""
    packages = "/usr/lib/python3/dist-packages"
    fleet.run("many", "sh", "-c", f"mkdir -p /opt/away; mv {packages}/psutil* /opt/away/")
    yield
    fleet.run("many", "sh", "-c", f"mv /opt/away/psutil* {packages}/; rmdir /opt/away")


def state(fleet: Fleet) -> str:
    """Return the processes of the servers, the notes of the modules, and the rules of the firewall."""
    show = "ps -eo pid,lstart,args | grep [/]usr/bin/odoo; find /run/fleetops-odoo -type f; nft list tables; true"
    return fleet.run("many", "sh", "-c", show)


@pytest.mark.parametrize(("module", "options"), NEED_IT, ids=str)
@pytest.mark.usefixtures("bare")
def test_a_module_without_psutil_says_so_and_does_nothing(fleet: Fleet, module: str, options: dict[str, t.Any]) -> None:
    before = state(fleet)
    assert "/usr/bin/odoo" in before
    answer = fleet.module("many", module, **options)
    assert (answer.code, answer.result.get("code")) == (2, "host.no_psutil"), answer.output
    assert "python3-psutil" in answer.result["msg"]
    assert "Traceback" not in answer.output
    assert state(fleet) == before


@pytest.mark.parametrize(("module", "options"), [("roll_lock", {"id": "x"}), ("gate_info", {})])
@pytest.mark.usefixtures("bare")
def test_modules_that_look_at_no_process_need_no_psutil(fleet: Fleet, module: str, options: dict[str, t.Any]) -> None:
    answer = fleet.module("many", module, **options)
    assert answer.code == 0, answer.output
