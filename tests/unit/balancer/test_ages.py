# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the ages of requests: the rows are those of ss (iproute2 6.1) on a lab host."""

from __future__ import annotations

import ipaddress

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._balancer import ages
from ansible_collections.fleetops.odoo.plugins.module_utils._balancer.ages import (
    Connection,
    ages_here,
    ages_there,
    parse_connections,
)

TEXT = """\
0      0      10.213.3.11:8069   10.213.3.3:54812 users:(("python3",pid=71,fd=9),("python3",pid=70,fd=9))
\t cubic wscale:10,10 rto:204 rtt:0.03/0.01 mss:1448 bytes_sent:90 segs_out:4 lastsnd:34120 lastrcv:34004 lastack:34004
0      0      10.213.3.11:8069   10.213.3.3:54820
\t cubic wscale:10,10 rto:204 rtt:0.03/0.01 mss:1448 lastsnd:12000 lastrcv:2500 lastack:40
0      0      [::ffff:10.213.3.11]:8069   [::ffff:10.213.3.4]:40000
\t cubic wscale:10,10 rto:204 lastsnd:7 lastack:7
0      0      [fe80::1%eth0]:22   [fe80::2]:50000
\t cubic lastsnd:1 lastrcv:1
"""


def test_lines_of_ss() -> None:
    found = parse_connections(TEXT)
    assert found[0] == Connection(("10.213.3.11", 8069), ("10.213.3.3", 54812), frozenset([70, 71]), 34.12, 34.004)
    assert [one.far[0] for one in found] == ["10.213.3.3", "10.213.3.3", "10.213.3.4", "fe80::2"]


@pytest.mark.parametrize("text", ["", "\n", "Cannot open netlink socket\n", TEXT.splitlines()[0], "0 0 a b\n\t c\n"])
def test_what_is_not_understood_gives_no_connection(text: str) -> None:
    assert parse_connections(text) == []


def test_requests_that_arrive_here_are_as_old_as_their_last_byte() -> None:
    every = parse_connections(TEXT)
    assert ages_here(every, {8069}, []) == [34.004, 2.5, 0.0]
    assert ages_here(every, {8069}, [ipaddress.ip_network("10.213.3.3/32")]) == [0.0]
    assert ages_here(every, {8072}, []) == []


def test_requests_that_this_host_has_sent_are_as_old_as_their_last_byte() -> None:
    every = parse_connections(TEXT)
    assert ages_there(every, {71}, {("10.213.3.3", 54812)}) == [34.12]
    assert ages_there(every, {72}, {("10.213.3.3", 54812)}) == []
    assert ages_there(every, {71}, {("10.213.3.3", 1)}) == []


def test_without_ss_no_age_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ages, "first_of", lambda _paths: None)
    assert ages.connections() == []


def test_this_machine_has_an_ss_that_is_understood() -> None:
    assert isinstance(ages.connections(), list)
