# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test connections in progress: the rows are those of /proc/net/tcp of a lab host."""

from __future__ import annotations

import ipaddress

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._balancer.connections import (
    Patience,
    UnderWay,
    View,
    collapsed,
    count,
    host_view,
    peers_of,
    wait_idle,
    within,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Gone, Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import TimedOut

from .. import build

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
#: 10.213.3.11:8069, from 10.213.3.3
HERE, LB = "0B03D50A:1F85", "0303D50A:D61C"


def row(local: str, remote: str, state: str, inode: int = 7) -> str:
    """A row of /proc/net/tcp."""
    return f"   0: {local} {remote} {state} 00000000:00000000 00:00000000 00000000 102 0 {inode} 1 0 20 4 30 10 -1\n"


def six(address: str) -> str:
    """An address of IPv4, as /proc/net/tcp6 writes it."""
    return f"0000000000000000FFFF0000{address}"


class Tables(Proc):
    """A kernel whose tables change with each look."""

    def __init__(self, *looks: str) -> None:
        super().__init__()
        self.looks = list(looks)

    def text(self, pid: int, name: str) -> str:
        if pid == 404:
            raise Gone(str(pid))
        if name == "net/tcp6":
            return HEAD
        return HEAD + (self.looks.pop(0) if len(self.looks) > 1 else self.looks[0])


@pytest.mark.parametrize(
    ("state", "counts"),
    [("01", 1), ("03", 1), ("08", 1), ("04", 0), ("06", 0), ("0A", 0), ("07", 0)],
)
def test_states_that_are_under_way(state: str, counts: int) -> None:
    assert peers_of(HEAD + row(HERE, LB, state), {8069}, []) == ["10.213.3.3"] * counts


def test_other_ports_and_our_own_connections_do_not_count() -> None:
    text = HEAD + row("0B03D50A:1F86", LB, "01") + row("0100007F:D000", "0100007F:1F85", "01")
    assert peers_of(text, {8069}, []) == []


def test_ipv4_in_ipv6_is_the_same_address() -> None:
    text = HEAD + row(f"{six('0B03D50A')}:1F85", f"{six('0303D50A')}:D61C", "01")
    assert peers_of(text, {8069}, []) == ["10.213.3.3"]
    assert peers_of(text, {8069}, [ipaddress.ip_network("10.213.3.0/24")]) == []


@pytest.mark.parametrize(
    ("address", "networks"),
    [("10.213.3.3", 1), ("10.213.4.3", 0), ("2001:db8::5", 1), ("2001:db9::5", 0), ("nonsense", 0)],
)
def test_within(address: str, networks: int) -> None:
    known = [ipaddress.ip_network("10.213.3.0/24"), ipaddress.ip_network("2001:db8::/32")]
    assert sum(within(address, [network]) for network in known) == networks
    assert within(address, known) == bool(networks)


def test_networks_within_others_go() -> None:
    given = [ipaddress.ip_network(text) for text in ("2001:db8::1", "192.0.2.7", "192.0.2.0/24", "192.0.2.7")]
    assert list(map(str, collapsed(given))) == ["192.0.2.0/24", "2001:db8::1/128"]


def test_views_are_counted_apart_and_what_has_ended_has_nothing() -> None:
    proc = Tables(row(HERE, LB, "01") + row("0B03D50A:1F88", LB, "01") * 2)
    views = [View(1, frozenset([8069]), frozenset([8072])), View(404, frozenset([8069]))]
    assert count(proc, views, []) == UnderWay(1, 2, ("10.213.3.3",))


def test_it_waits_for_requests() -> None:
    clock, proc = build.FakeClock(), Tables(row(HERE, LB, "01"), row(HERE, LB, "01"), "")
    assert wait_idle(proc, [host_view([8069])], Patience(10, 0), clock) == UnderWay(0, 0)
    assert proc.looks == [""]


def test_a_request_that_goes_on_is_a_timeout_even_where_websockets_have_more_time() -> None:
    clock = build.FakeClock()
    begun = clock.monotonic()
    with pytest.raises(TimedOut) as raised:
        wait_idle(Tables(row(HERE, LB, "01")), [host_view([8069])], Patience(10, 60), clock)
    assert 10 <= clock.monotonic() - begun < 12
    assert raised.value.code == "timeout.requests"
    assert str(raised.value).startswith("1 connection to the ports 8069 to end (from 10.213.3.3)")


def test_many_peers_are_not_all_named() -> None:
    rows = "".join(row(HERE, f"{number:02X}03D50A:D61C", "01") for number in range(20, 30))
    with pytest.raises(TimedOut, match=r"10 connections .*\(from 10.213.3.20, .*10.213.3.24, others\)"):
        wait_idle(Tables(rows), [host_view([8069])], Patience(1, 0), build.FakeClock())


def test_websockets_have_their_own_timeout_and_do_not_fail() -> None:
    clock = build.FakeClock()
    begun = clock.monotonic()
    views = [View(1, frozenset([8069]), frozenset([8072]))]
    proc = Tables(row("0B03D50A:1F88", LB, "01"))
    assert wait_idle(proc, views, Patience(10, 30), clock) == UnderWay(0, 1)
    assert 30 <= clock.monotonic() - begun < 32
    begun = clock.monotonic()
    assert wait_idle(proc, views, Patience(10, 0), clock).websockets == 1
    assert clock.monotonic() == begun
