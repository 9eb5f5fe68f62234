# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users name the ports and the configuration of others: a drain, its way back and the gate do not heed them."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet

from .conftest import SERVICE, TENANT, THIRD, attack

CONF = "/etc/odoo/odoo.conf"
OURS = {"user": SERVICE}


@pytest.mark.parametrize("user", [THIRD])
def test_an_impostor_takes_no_place_of_a_drained_server(fleet: Fleet, user: str) -> None:
    (before,) = fleet.module("term", "master_info", match=OURS).result["masters"]
    words = ("--config", CONF, "--http-port", str(before["options"]["http_port"]))
    with attack(fleet, "term", user, "impostors.py", *words):
        seen = fleet.module("term", "master_info").result["masters"]
        assert {one["user"] for one in seen} == {SERVICE, user}
        drained = fleet.module("term", "drain", match=OURS, min_gone_time=4)
        assert (drained.code, drained.only["did"]) == (0, "signalled"), drained.output
        again = fleet.module("term", "drain", match=OURS, min_gone_time=0)
        assert (again.code, again.only["after"]) == (0, {"state": "gone"}), again.output
        # A check of the impostor is not one of the drained server.
        impostor = {"user": user}
        back = fleet.module("term", "drain", "--check", state="undrained", start_recorded=True, match=impostor)
        assert before["pid"] not in [one["pid"] for one in back.result["results"]], back.output
        back = fleet.module("term", "drain", state="undrained", start_recorded=True, match=OURS, timeout=120)
        assert (back.code, back.only["did"]) == (0, "started"), back.output
    (now,) = fleet.module("term", "master_info", match=OURS).result["masters"]
    assert (now["config_file"], now["state"]) == (CONF, "running")
    assert now["identity"] != before["identity"]


@pytest.mark.parametrize(("option", "port"), [("gevent_port", 22), ("http_port", 8169)])
def test_the_gate_closes_no_port_of_another_process(fleet: Fleet, option: str, port: int) -> None:
    own = "/etc/odoo/prod.conf"
    fleet.run(
        "many",
        "sh",
        "-ec",
        f"cp -p {own} /root/prod.conf; sed -i '/^{option}/d' {own}; echo '{option} = {port}' >> {own}",
    )
    match: dict[str, t.Any] = {"config_file": own}
    try:
        (seen,) = fleet.module("many", "master_info", match=match).result["masters"]
        assert seen["options"][option] == port
        closed = fleet.module(
            "many", "gate", state="closed", match=match, lease=60, wait=False, timeout=5, websocket_timeout=5
        )
        assert closed.code == 0, closed.output
        ports = [one["port"] for one in closed.result["closed"]]
        assert 8069 in ports
        assert port not in ports
        # Neither ssh nor the tenant is cut off.
        assert fleet.module("many", "wait_healthy", timeout=20, match={"user": TENANT}).code == 0
    finally:
        fleet.module("many", "gate", state="open")
        fleet.run("many", "mv", "/root/prod.conf", own)
