# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Odoo 19 with a socket of systemd."""

from __future__ import annotations

import typing as t

import pytest

from .conftest import Fleet

UNITS = "/etc/systemd/system"

pytestmark = [pytest.mark.timeout(400), pytest.mark.thorough]


def shell(fleet: Fleet, *commands: str) -> None:
    """Run commands on p19, one after the other."""
    fleet.run("p19", "sh", "-ec", "\n".join(commands))


@pytest.fixture(autouse=True)
def _plain(fleet: Fleet) -> t.Iterator[None]:
    yield
    shell(
        fleet,
        "systemctl stop odoo.socket odoo.service || true",
        f"rm -f {UNITS}/odoo.socket",
        "systemctl daemon-reload",
        "systemctl start odoo.service",
    )
    assert fleet.module("p19", "wait_healthy", timeout=60).code == 0


def test_with_a_socket_of_systemd_each_process_has_its_role(fleet: Fleet) -> None:
    shell(
        fleet,
        "systemctl stop odoo.service",
        f"printf '[Socket]\\nListenStream=0.0.0.0:8069\\n' > {UNITS}/odoo.socket",
        "systemctl daemon-reload",
        "systemctl start odoo.socket",
        "systemctl start odoo.service",
    )
    assert fleet.module("p19", "wait_healthy", timeout=60).code == 0
    workers = {"http": 2, "cron": 1, "gevent": 1, "other": 0}
    assert fleet.master("p19")["workers"] == workers
    assert fleet.module("p19", "workers", count=3).only["signals"] == ["TTIN"]
    answer = fleet.module("p19", "reload", policy="always")
    assert (answer.code, answer.only["after"]["workers"]) == (0, workers), answer.output
