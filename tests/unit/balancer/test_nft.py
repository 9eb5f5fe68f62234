# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of a gate: the captures are of nft 1.0.6 (Debian 12) and 0.9.8 (Debian 11), with and without elements."""

from __future__ import annotations

import ipaddress
import json

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._balancer.nft import (
    TABLE,
    Closed,
    Gate,
    closing,
    opening,
    parse,
    told_closed,
)

from ..conftest import CAPTURES

NET4, NET6 = ipaddress.ip_network("192.0.2.0/24"), ipaddress.ip_network("2001:db8:1::/48")


def capture(name: str) -> str:
    """Return the output of nft."""
    return (CAPTURES / "nftables" / f"{name}.json").read_text()


@pytest.mark.parametrize("version", ["0.9.8", "1.0.6"])
def test_closed_ports_and_allowed_networks_are_read(version: str) -> None:
    found = parse(capture(f"{version}-allow"))
    assert found.ports == (8069, 8072)
    assert all(25 <= one.expires <= 30 and one.owner == "anna on ctl" for one in found.closed)
    assert list(map(str, found.allow)) == ["192.0.2.0/24", "198.51.100.7/32", "2001:db8::1/128", "2001:db8:1::/48"]


@pytest.mark.parametrize("version", ["0.9.8", "1.0.6"])
def test_a_table_whose_leases_are_over_closes_nothing(version: str) -> None:
    assert parse(capture(f"{version}-over")) == Gate()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"nftables": [{"set": {}}, 1]}',
        json.dumps({"nftables": [{"set": {"name": "closed", "elem": [8069]}}]}),
        json.dumps({"nftables": [{"set": {"name": "allow4", "elem": [{"elem": {"val": {"range": [1, 2]}}}]}}]}),
    ],
)
def test_other_texts_are_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a list of a table|Expecting value"):
        parse(text)


def test_a_closed_port_is_an_element_with_a_timeout_and_is_renewed_by_being_made_anew() -> None:
    lines = closing([8072, 8069], 90.4, [], "anna on ctl", published=False).split("\n")
    assert lines[-6:] == [
        f"add element {TABLE} closed {{ 8069 }}",
        f"delete element {TABLE} closed {{ 8069 }}",
        f'add element {TABLE} closed {{ 8069 timeout 90s comment "anna on ctl" }}',
        f"add element {TABLE} closed {{ 8072 }}",
        f"delete element {TABLE} closed {{ 8072 }}",
        f'add element {TABLE} closed {{ 8072 timeout 90s comment "anna on ctl" }}',
    ]


def test_loopback_and_allowed_networks_are_let_through_before_the_reset() -> None:
    lines = closing([8069], 60, [NET4, NET6, ipaddress.ip_network("198.51.100.7")], "", published=False).split("\n")
    judged = [line.partition(" judge ")[2] for line in lines if line.startswith(f"add rule {TABLE} judge ")]
    assert judged[0] == 'iifname "lo" return'
    assert judged[1:] == ["ip saddr @allow4 return", "ip6 saddr @allow6 return", "reject with tcp reset"]
    assert [line for line in lines if line.startswith(f"add element {TABLE} allow")] == [
        f"add element {TABLE} allow4 {{ 192.0.2.0/24 timeout 60s }}",
        f"add element {TABLE} allow6 {{ 2001:db8:1::/48 timeout 60s }}",
        f"add element {TABLE} allow4 {{ 198.51.100.7 timeout 60s }}",
    ]
    # What an earlier call has let through is not, unless this one does.
    assert lines.index(f"flush set {TABLE} allow4") < lines.index(
        f"add element {TABLE} allow4 {{ 198.51.100.7 timeout 60s }}"
    )


def test_only_the_first_packet_of_a_connection_is_judged() -> None:
    rule = "tcp flags & (fin|syn|rst|ack) == syn tcp dport @closed jump judge"
    lines = closing([8069], 60, [], "", published=True).split("\n")
    assert [line.rpartition(f"{TABLE} ")[2] for line in lines if line.endswith("jump judge")] == [
        f"input {rule}",
        f"prerouting {rule}",
    ]


def test_ports_of_containers_are_judged_before_the_engine_changes_them() -> None:
    hooks = [line for line in closing([80], 60, [], "", published=True).split("\n") if " hook " in line]
    assert [line.partition("{ ")[2] for line in hooks] == [
        "type filter hook input priority -10; policy accept; }",
        "type filter hook prerouting priority -150; policy accept; }",
    ]
    assert "prerouting" not in closing([80], 60, [], "", published=False)


def test_an_owner_cannot_write_rules() -> None:
    text = closing([80], 60, [], 'eve" }\nflush ruleset; ' + "x" * 300, published=False)
    assert "flush ruleset;" not in text
    comment = text.rpartition('comment "')[2].partition('"')[0]
    assert len(comment) == 100
    assert comment.startswith("eve ")


def test_the_last_port_takes_the_table_with_it() -> None:
    now = Gate((Closed(8069, 9.0), Closed(8072, 9.0)), (NET4,))
    assert opening([8069], now) == f"add element {TABLE} closed {{ 8069 }}\ndelete element {TABLE} closed {{ 8069 }}"
    assert opening([8069, 8072], now) == f"delete table {TABLE}"
    assert opening([], Gate()) == f"delete table {TABLE}"
    assert opening([9999], now) == ""


def test_told() -> None:
    assert told_closed(Gate((Closed(8069, 9.0, "anna"),))) == [{"port": 8069, "expires": 9.0, "owner": "anna"}]
