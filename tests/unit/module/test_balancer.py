# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of the modules of gates."""

from __future__ import annotations

import types
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._balancer.connections import UnderWay
from ansible_collections.fleetops.odoo.plugins.module_utils._module import balancer


class Failed(Exception):
    pass


def module(**params: t.Any) -> t.Any:
    """A module with these parameters."""

    def fail_json(**result: t.Any) -> t.NoReturn:
        raise Failed(result["code"])

    return types.SimpleNamespace(params=params, fail_json=fail_json)


def test_networks_are_in_one_order_and_none_is_within_another() -> None:
    texts = ["2001:db8::1", " 192.0.2.7", "192.0.2.9/24", "198.51.100.1"]
    found = balancer.networks_of(module(allow=texts), "allow")
    assert list(map(str, found)) == ["192.0.2.0/24", "198.51.100.1/32", "2001:db8::1/128"]


@pytest.mark.parametrize("text", ["lb1", "", "192.0.2.256", "192.0.2.0/33", "1"])
def test_a_text_that_is_not_a_network_is_refused(text: str) -> None:
    with pytest.raises(Failed, match=r"option\.not_a_network"):
        balancer.networks_of(module(allow=["192.0.2.1", text]), "allow")


def test_ports() -> None:
    assert balancer.ports_of(module(ports=[443, 80, 443])) == (80, 443)
    for port in (0, 65536, -1):
        with pytest.raises(Failed, match=r"option\.out_of_range"):
            balancer.ports_of(module(ports=[80, port]))


def test_told() -> None:
    assert balancer.told_under_way(UnderWay(2, 1, ("a",))) == {"requests": 2, "websockets": 1, "peers": ["a"]}
