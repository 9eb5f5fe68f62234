# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the differences between running and configured, with captured and made servers."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.differences import (
    Hup,
    Need,
    compare,
    hup_obstacle,
    plain_address,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.staleness import Staleness, with_configuration
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Instance, State, find_instances
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import Look

from .. import build

AS_RUN = {"workers": 2, "max_cron_threads": 1}


def prefork(places: t.Mapping[int, tuple[str, int]] | None = None, **fields: t.Any) -> Instance:
    """A prefork server at rest."""
    places = build.PORTS if places is None else places
    (found,) = find_instances(build.prefork(**fields), places, 100_000).instances
    return found


def cron_alone(**fields: t.Any) -> Instance:
    """A prefork server that was started without HTTP."""
    processes = [one for one in build.prefork(workers=0, sockets=frozenset()) if "gevent" not in one.argv]
    (found,) = find_instances(processes, {}, 100_000, [100]).instances
    return dataclasses.replace(found, **fields)


def told(instance: Instance, version: str = "19.0", **fields: t.Any) -> list[tuple[t.Any, ...]]:
    """Option, what runs, what is configured, and what a HUP does about it."""
    found = compare(instance, build.options(**{**AS_RUN, **fields}), version)
    return [(one.option, one.running, one.configured, str(one.hup)) for one in found]


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("19-prefork", {"workers": 2, "max_cron_threads": 1}),
        ("14-prefork", {"workers": 2, "max_cron_threads": 1}),
        ("14-threaded", {}),
    ],
)
def test_captured_servers_at_rest_run_with_what_is_configured(
    see: t.Callable[[str, str], Look], kind: str, options: dict[str, int]
) -> None:
    seen = see(kind, "running")
    for version in ("14.0", "19.0", None):
        assert compare(seen.instances[0], build.options(**options), version) == ()


@pytest.mark.parametrize(
    ("fields", "on_19", "on_18"),
    [
        ({"http_port": 8169}, [("http_port", 8069, 8169, "ignores")], "applies"),
        ({"http_interface": "127.0.0.1"}, [("http_interface", "0.0.0.0", "127.0.0.1", "ignores")], "applies"),
        ({"http_interface": "::"}, [("http_interface", "0.0.0.0", "::", "ignores")], "applies"),
        ({"http_interface": "localhost"}, [("http_interface", "0.0.0.0", "127.0.0.1", "ignores")], "applies"),
        ({"gevent_port": 8172}, [("gevent_port", 8072, 8172, "applies")], "applies"),
        ({"http_enable": False}, [("http_enable", True, False, "ignores")], "applies"),
        ({"workers": 0}, [("workers", 2, 0, "ends")], "applies"),
        ({"workers": 4}, [("workers", 2, 4, "applies")], "applies"),
        ({"max_cron_threads": 0}, [("max_cron_threads", 1, 0, "applies")], "applies"),
    ],
)
def test_what_a_hup_does_about_a_change_of_a_prefork_server(
    fields: dict[str, t.Any], on_19: list[tuple[t.Any, ...]], on_18: str
) -> None:
    assert told(prefork(), "19.0", **fields) == on_19
    assert told(prefork(), "18.0", **fields) == [(*one[:3], on_18) for one in on_19]


def test_an_unknown_version_counts_as_one_that_hands_its_socket_over() -> None:
    (found,) = compare(prefork(), build.options(**AS_RUN, http_port=1), None)
    assert (found.hup, found.needs) == (Hup.IGNORES, Need.RESTART)


def test_port_and_address_are_two_differences() -> None:
    assert told(prefork(), http_port=80, http_interface="10.0.0.1") == [
        ("http_port", 8069, 80, "ignores"),
        ("http_interface", "0.0.0.0", "10.0.0.1", "ignores"),
    ]


def test_gevent_on_another_address_alone_is_told() -> None:
    places = {build.SOCKET: ("127.0.0.1", 8069), build.EVENTED: ("0.0.0.0", 8072)}
    assert told(prefork(places), http_interface="127.0.0.1") == [("http_interface", "0.0.0.0", "127.0.0.1", "ignores")]


@pytest.mark.parametrize(
    "fields",
    [
        {"http_interface": "0"},
        {"http_interface": "0.0.0.0"},
        {"http_port": 0},
        {"gevent_port": 0},
        {"http_interface": "odoo.example.com"},
        {"http_port": 1, "config_error": "odoo.conf cannot be read"},
    ],
)
def test_equal_and_unknown_values_are_not_differences(fields: dict[str, t.Any]) -> None:
    assert told(prefork(), **fields) == []


def test_a_port_that_an_addon_opened_in_the_master_is_not_a_difference() -> None:
    extra = 4713
    server = prefork({**build.PORTS, extra: ("0.0.0.0", 9100)}, sockets=frozenset([build.SOCKET, extra]))
    assert told(server) == []


def test_a_socket_of_systemd_may_be_anywhere() -> None:
    server = prefork(marks={"LISTEN_FDS": "1", "LISTEN_PID": "100"})
    assert told(server, http_port=80, http_interface="10.0.0.1", gevent_port=8072) == [
        ("http_interface", "0.0.0.0", "10.0.0.1", "ignores")
    ]
    # Inherited from the parent: meant for another process.
    assert told(prefork(marks={"LISTEN_FDS": "1", "LISTEN_PID": "99"}), http_port=80) != []


def test_the_number_of_workers_needs_something_only_where_the_configuration_has_changed() -> None:
    options = build.options(workers=3, max_cron_threads=2)
    calm = compare(prefork(), options, "19.0")
    assert [(one.option, one.needs) for one in calm] == [("workers", Need.NONE), ("max_cron_threads", Need.NONE)]
    stale = compare(prefork(), options, "19.0", stale=True)
    assert [(one.option, one.needs) for one in stale] == [("workers", Need.RELOAD), ("max_cron_threads", Need.RELOAD)]
    scaled = compare(prefork(), options, "19.0", stale=True, scaled=2)
    assert [(one.option, one.needs) for one in scaled] == [("workers", Need.NONE), ("max_cron_threads", Need.RELOAD)]


def test_a_threaded_server_applies_all_but_the_end_of_a_limit_by_a_hup() -> None:
    server = build.instance(build.threaded())
    changed: dict[str, t.Any] = {"http_port": 1, "http_interface": "127.0.0.2", "workers": 3, "gevent_port": 9}
    assert told(server, **changed) == [
        ("workers", 0, 3, "applies"),
        ("http_port", 8069, 1, "applies"),
        ("http_interface", "0.0.0.0", "127.0.0.2", "applies"),
    ]
    (limit,) = compare(server, build.options(limit_memory_hard=0), "14.0", limit=1 << 30)
    assert (limit.option, limit.running, limit.configured, limit.needs) == (
        "limit_memory_hard",
        1 << 30,
        0,
        Need.RESTART,
    )


def test_a_server_for_cron_alone_is_ended_by_a_hup_of_odoo_19() -> None:
    assert told(cron_alone(), http_enable=False) == []
    obstacle = hup_obstacle(cron_alone(), "19.0")
    assert obstacle is not None
    assert obstacle.code == "refused.no_socket_to_hand_over"
    assert hup_obstacle(cron_alone(), "18.0") is None
    assert hup_obstacle(prefork(), "19.0") is None
    assert told(cron_alone()) == [("http_enable", False, True, "ends")]


def test_a_server_that_does_not_run_or_hides_its_sockets_is_not_compared() -> None:
    for state in (State.BOOTING, State.RELOADING, State.DRAINING):
        assert told(dataclasses.replace(prefork(), state=state), http_port=1) == []
    assert told(dataclasses.replace(prefork(), listening=None, evented=()), http_port=1) == []


@pytest.mark.parametrize(
    ("stale", "fields", "needs"),
    [
        (Staleness(), {}, Need.NONE),
        (Staleness(), {"http_port": 1}, Need.RESTART),
        (Staleness(), {"gevent_port": 1}, Need.RELOAD),
        (Staleness(), {"workers": 3}, Need.NONE),
        (Staleness(Need.RESTART, ("its unit",)), {"gevent_port": 1}, Need.RESTART),
    ],
)
def test_what_is_not_applied_makes_a_server_stale(stale: Staleness, fields: dict[str, int], needs: Need) -> None:
    differences = compare(prefork(), build.options(**{**AS_RUN, **fields}), "19.0")
    found = with_configuration(stale, differences, None)
    assert (found.needs, found.stale, bool(found.reasons)) == (needs, needs != Need.NONE, needs != Need.NONE)


def test_stale_code_needs_a_restart_where_a_hup_would_end_the_server() -> None:
    obstacle = hup_obstacle(cron_alone(), "19.0")
    assert with_configuration(Staleness(), (), obstacle).needs == Need.NONE
    found = with_configuration(Staleness(Need.RELOAD, ("1 file changed",)), (), obstacle)
    assert found.needs == Need.RESTART
    assert "http_enable" in found.reasons[-1]


@pytest.mark.parametrize(
    ("interface", "address"),
    [
        ("", "0.0.0.0"),
        ("127.1", "127.0.0.1"),
        ("0:0:0:0:0:0:0:1", "::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("1.2.3.4.5", None),
        ("unix:///run/odoo.sock", None),
    ],
)
def test_addresses_as_the_kernel_writes_them(interface: str, address: str | None) -> None:
    assert plain_address(interface) == address
