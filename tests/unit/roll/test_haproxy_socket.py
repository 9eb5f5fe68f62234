# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the addresses of stats sockets. tests/integration/test_haproxy_info.py asks a real HAProxy over each kind."""

from __future__ import annotations

import socket

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._roll.haproxy import NoAnswer, server_states
from ansible_collections.fleetops.odoo.plugins.module_utils._roll.haproxy_socket import address_of, connect
from hypothesis import given
from hypothesis import strategies as st

FILE, IPV4, IPV6 = socket.AF_UNIX, socket.AF_INET, socket.AF_INET6


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("/run/haproxy/admin.sock", (FILE, "/run/haproxy/admin.sock")),
        ("unix@/run/a:1", (FILE, "/run/a:1")),
        ("/run/a:80", (FILE, "/run/a:80")),
        ("run/a", (FILE, "run/a")),
        ("abns@lab", (FILE, b"\0lab" + b"\0" * 104)),
        ("abnsz@lab", (FILE, b"\0lab")),
        ("ipv4@127.0.0.1:9999", (IPV4, ("127.0.0.1", 9999))),
        ("ipv4@*:9999", (IPV4, ("127.0.0.1", 9999))),
        ("ipv6@:::9999", (IPV6, ("::1", 9999))),
        ("ipv6@[::1]:9999", (IPV6, ("::1", 9999))),
        ("tcp@lb:9999", (IPV4, ("lb", 9999))),
        ("0.0.0.0:9999", (IPV4, ("127.0.0.1", 9999))),
        (":9999", (IPV4, ("127.0.0.1", 9999))),
        ("::1:9999", (IPV6, ("::1", 9999))),
    ],
)
def test_addresses(name: str, expected: object) -> None:
    assert address_of(name) == expected


@pytest.mark.parametrize("name", ["abns@fleetops-test", "abnsz@fleetops-test"])
def test_an_abstract_name_is_connected_to(name: str) -> None:
    family, address = address_of(name)
    with socket.socket(family) as server:
        server.bind(address)
        server.listen()
        with connect(name, 5):
            pass


def test_a_port_without_haproxy_has_a_code() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        name = "127.0.0.1:%d" % free.getsockname()[1]
        with pytest.raises(NoAnswer) as caught:
            server_states(name)
    assert caught.value.code == "roll.balancer_not_running"


@given(st.text())
def test_any_text_is_an_address(name: str) -> None:
    assert address_of(name)[0] in (FILE, IPV4, IPV6)
