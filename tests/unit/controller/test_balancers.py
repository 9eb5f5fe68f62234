# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the table of hosts in their load balancers."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.plugin_utils.balancers import report

#: 2026-11-30T10:20:00Z
NOW = 1796034000.0
PLACE = {"host": "lb1", "path": "/run/haproxy/admin.sock"}
LOCK = {
    "id": "graceful_drain",
    "kind": "drain",
    "owner": "anna on ctl",
    "reason": "new disk",
    "age": 60.0,
    "expired": False,
    "out": True,
}


def record(kind: str = "haproxy", **more: t.Any) -> dict[str, t.Any]:
    """Return the record of a host."""
    return {"kind": kind, "ask": [PLACE], "servers": ["web1"], "backends": [], "lock": {"lock": None}, **more}


def haproxy(**more: t.Any) -> dict[str, t.Any]:
    """The answer of a HAProxy with one server."""
    server = {
        "backend": "odoo",
        "server": "web1",
        "status": "UP",
        "admin": "ready",
        "sessions": 3,
        "weight": 1,
        "check": "L7OK",
        **more,
    }
    return {"balancer_ask": PLACE, "servers": [server]}


def told(one: dict[str, t.Any], *seen: dict[str, t.Any]) -> dict[str, t.Any]:
    """The report about one host."""
    return report({"web1": one}, {one["kind"]: seen}, NOW)


@pytest.mark.parametrize(
    ("server", "state", "detail", "by"),
    [
        ({}, "in", "", ""),
        ({"status": "no check"}, "in", "", ""),
        ({"status": "DRAIN", "admin": "drain"}, "out", "drain", "not by fleetops.odoo"),
        ({"status": "DOWN", "admin": "maint"}, "out", "maint", "not by fleetops.odoo"),
        ({"status": "DOWN", "check": "L4CON"}, "down", "DOWN L4CON", ""),
        ({"status": "DOWN", "check": None}, "down", "DOWN", ""),
        ({"weight": 0}, "out", "weight 0", ""),
        ({"backup": True}, "in", "backup", ""),
        (
            {"status": "DRAIN", "admin": "drain", "tracks": "web/web1", "inherited": True},
            "out",
            "drain, because it tracks web/web1",
            "not by fleetops.odoo",
        ),
    ],
)
def test_state_of_a_server_of_haproxy(server: dict[str, t.Any], state: str, detail: str, by: str) -> None:
    (row,) = told(record(), haproxy(**server))["rows"]["web1"]
    assert (row["state"], row["detail"], row["by"], row["since"]) == (state, detail, by, "")


def test_owner_and_time_of_a_server_of_haproxy_come_from_the_lock() -> None:
    done = told(record(lock={"lock": LOCK, "failed": True}), haproxy(status="DRAIN", admin="drain", sessions=0))
    assert done["lines"] == [
        "host  balancer  server     state        sessions  by           since",
        "web1  lb1       odoo/web1  out (drain)  0         anna on ctl  2026-11-30T10:19:00Z",
        "web1: locked by the drain graceful_drain of anna on ctl since 2026-11-30T10:19:00Z (new disk)",
        "1 host; servers: 1 out",
    ]
    assert done["stats"]["outcome"] == "done"
    assert (done["stats"]["out"], done["stats"]["locked"]) == (["web1"], ["web1"])


def test_a_server_that_is_down_by_a_drain_names_its_owner() -> None:
    drained = [{"server": "odoo.service", "pid": 33, "at": "2026-11-30T10:00:00Z", "by": "anna on ctl"}]
    done = told(record(lock={"lock": None, "drained": drained}), haproxy(status="DOWN", check="L4CON"))
    (row,) = done["rows"]["web1"]
    assert (row["state"], row["by"], row["since"]) == ("down", "anna on ctl", "2026-11-30T10:00:00Z")
    assert "web1: odoo.service (pid 33) was drained at 2026-11-30T10:00:00Z by anna on ctl" in done["lines"]
    assert (done["stats"]["drained"], done["stats"]["down"]) == (["web1"], ["web1"])


def test_a_lock_of_a_host_that_it_did_not_take_out_names_no_owner() -> None:
    lock = {**LOCK, "out": False, "reason": "", "expired": True}
    done = told(record(lock={"lock": lock}), haproxy(admin="maint"))
    assert done["rows"]["web1"][0]["by"] == "not by fleetops.odoo"
    assert done["lines"][2].endswith("since 2026-11-30T10:19:00Z, expired")
    assert done["stats"]["locked"] == []


@pytest.mark.parametrize(
    ("server", "names", "row"),
    [
        ({"state": "up"}, ["192.0.2.1"], ("in", "", "")),
        ({"state": "down"}, ["192.0.2.1:8069"], ("out", "not by fleetops.odoo", "")),
        ({"state": "down", "marked": {"owner": "bob", "since": "S"}}, ["192.0.2.1"], ("out", "bob", "S")),
        ({"state": "up"}, ["192.0.2.2"], ("unknown", "", "")),
    ],
)
def test_state_of_a_server_of_nginx(server: dict[str, t.Any], names: list[str], row: tuple[str, ...]) -> None:
    answer = {"balancer_ask": PLACE, "servers": [{"upstream": "odoo", "server": "192.0.2.1:8069", **server}]}
    (found,) = told(record("nginx", servers=names), answer)["rows"]["web1"]
    assert (found["state"], found["by"], found["since"]) == row


@pytest.mark.parametrize(
    ("kind", "server", "missing"),
    [
        ("haproxy", {"backend": "odoo", "server": "web1", "admin": "ready", "status": "UP"}, "odoo_gevent/web1"),
        ("nginx", {"upstream": "odoo", "server": "web1:8069", "state": "up"}, "odoo_gevent/web1"),
    ],
)
def test_a_backend_without_the_host_is_told_beside_one_that_has_it(
    kind: str, server: dict[str, t.Any], missing: str
) -> None:
    answer = {"balancer_ask": PLACE, "servers": [server]}
    done = told(record(kind, backends=["odoo", "odoo_gevent"]), answer)
    rows = [(one["server"], one["state"], one["detail"]) for one in done["rows"]["web1"]]
    assert rows[1:] == [(missing, "unknown", "not in this load balancer")]
    assert rows[0][1] == "in"
    assert (done["stats"]["in"], done["stats"]["partly"]) == ([], ["web1"])


@pytest.mark.parametrize(
    ("closed", "rows"),
    [
        ([], [("all ports", "in", "", "")]),
        ([{"port": 8069, "expires": 89.7, "owner": "anna"}], [("port 8069", "out", "opens in 90 s", "anna")]),
    ],
)
def test_state_of_a_gate(closed: list[dict[str, t.Any]], rows: list[tuple[str, ...]]) -> None:
    done = told(record("firewall", gate={"closed": closed}))
    assert [(one["server"], one["state"], one["detail"], one["by"]) for one in done["rows"]["web1"]] == rows


@pytest.mark.parametrize("kind", ["none", "tasks"])
def test_a_balancer_that_cannot_be_asked_is_unknown_and_no_failure(kind: str) -> None:
    done = told(record(kind, ask=[]))
    assert done["lines"][1].split()[:4] == ["web1", "-", "web1", "unknown"]
    assert done["stats"]["outcome"] == "done"


def test_a_host_that_is_in_one_balancer_and_out_of_another_is_partly_in() -> None:
    other = {**PLACE, "host": "lb2"}
    out = {**haproxy(admin="drain"), "balancer_ask": other}
    stats = told(record(ask=[PLACE, other]), haproxy(), out)["stats"]
    assert (stats["in"], stats["out"], stats["partly"]) == ([], [], ["web1"])


def test_a_balancer_of_other_hosts_and_other_backends_have_no_row() -> None:
    elsewhere = {**haproxy(admin="drain"), "balancer_ask": {**PLACE, "host": "lb2"}}
    second = haproxy()["servers"][0]
    answer = {"balancer_ask": PLACE, "servers": [second, {**second, "backend": "other"}]}
    rows = told(record(backends=["odoo"]), answer, elsewhere)["rows"]["web1"]
    assert [one["server"] for one in rows] == ["odoo/web1"]


@pytest.mark.parametrize(
    ("one", "answer", "code"),
    [
        (record(), {"balancer_ask": PLACE, "unreachable": True, "msg": "no route"}, "roll.balancer_unreachable"),
        (record(), {"balancer_ask": PLACE, "msg": "the socket does not exist\nat all"}, "roll.balancer_not_asked"),
        (record(), {"balancer_ask": PLACE}, "roll.balancer_not_asked"),
        (record(lock={"unreachable": True, "msg": "no route"}), haproxy(), "host.unreachable"),
        (record("firewall", gate={"msg": "no nft", "code": "gate.no_nft"}), haproxy(), "gate.no_nft"),
    ],
)
def test_a_missing_answer_is_a_failure_with_its_code(
    one: dict[str, t.Any], answer: dict[str, t.Any], code: str
) -> None:
    done = told(one, answer)
    assert done["stats"]["codes"] == {"web1": code}
    assert done["stats"]["remaining"] == ["web1"]
    assert any(line.startswith("web1: NO ANSWER: ") and line.endswith(f"[{code}]") for line in done["lines"])


def test_a_host_that_left_the_play_is_a_failure() -> None:
    assert report({"web1": {}}, {}, NOW)["stats"]["remaining"] == ["web1"]
