# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option ``health``: what could fail after a signal is refused before it."""

from __future__ import annotations

import http.client
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._module.health_option import health_of
from ansible_collections.fleetops.odoo.plugins.module_utils._server.health import HealthCheck
from hypothesis import given
from hypothesis import strategies as st


class Failed(Exception):
    pass


class Module:
    def fail_json(self, **result: t.Any) -> t.NoReturn:
        raise Failed(result["code"], result["msg"])


def checked(**health: t.Any) -> HealthCheck | None:
    return health_of(t.cast("t.Any", Module()), health)


def test_what_can_be_used_is() -> None:
    assert checked() == HealthCheck()
    assert checked(enabled=False, timeout=float("nan")) is None
    assert checked(path="/up?x=1", port=8069, address="::1", host="shop.example.com:443", status=[200, 204]) == (
        HealthCheck("/up?x=1", 8069, "::1", "shop.example.com:443", (200, 204))
    )


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("timeout", float("nan"), "option.not_finite"),
        ("timeout", float("inf"), "option.not_finite"),
        ("timeout", 0.0, "option.not_positive"),
        ("timeout", -1.0, "option.not_positive"),
        ("port", 0, "option.out_of_range"),
        ("port", 65536, "option.out_of_range"),
        ("path", "up", "option.not_a_url_path"),
        ("path", "", "option.not_a_url_path"),
        ("path", "/a b", "option.not_a_url_path"),
        ("path", "/a\n", "option.not_a_url_path"),
        ("path", "/\N{LATIN SMALL LETTER A WITH DIAERESIS}", "option.not_a_url_path"),
        ("host", "a\r\nX: y", "option.not_a_host"),
        ("host", "a\n", "option.not_a_host"),
        ("host", "", "option.not_a_host"),
        ("address", "a b", "option.not_a_host"),
        ("status", [], "option.no_status"),
        ("status", [200, 0], "option.out_of_range"),
        ("status", [600], "option.out_of_range"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(name: str, value: t.Any, code: str) -> None:
    with pytest.raises(Failed) as failed:
        checked(**{name: value})
    assert failed.value.args[0] == code
    assert f"health.{name}" in failed.value.args[1]


class Sink:
    def sendall(self, data: bytes) -> None:
        pass


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_request_can_be_written_with_what_passes(path: str, host: str) -> None:
    try:
        check = checked(path="/" + path, host=host)
    except Failed:
        return
    assert check is not None
    connection = http.client.HTTPConnection("127.0.0.1")
    connection.sock = t.cast("t.Any", Sink())
    connection.request("GET", t.cast("str", check.path), headers={"Host": check.host})
