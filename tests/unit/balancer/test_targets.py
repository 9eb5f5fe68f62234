# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test which ports lead to a server."""

from __future__ import annotations

import dataclasses
import json

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._balancer import targets
from ansible_collections.fleetops.odoo.plugins.module_utils._balancer.connections import View
from ansible_collections.fleetops.odoo.plugins.module_utils._balancer.targets import (
    loopback_only,
    parse_published,
    targets_of,
    view_of,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.container import Container
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import look
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused

from .. import build
from ..conftest import captured

#: Of podman 4.3 and docker 20.10: a port that is not published is null.
PUBLISHED = (
    '{"8069/tcp":[{"HostIp":"0.0.0.0","HostPort":"18069"},{"HostIp":"::","HostPort":"18069"}],'
    '"8071/tcp":null,"8072/tcp":[{"HostIp":"","HostPort":"18072"}]}\n'
)


def test_a_prefork_server_has_its_websockets_apart() -> None:
    view = view_of(build.instance(build.prefork()), build.options(http_port=8069, gevent_port=8072))
    assert view == View(100, frozenset([8069]), frozenset([8072]))


def test_a_threaded_server_has_its_websockets_on_its_http_port() -> None:
    view = view_of(build.instance(build.threaded()), build.options(http_port=8069, gevent_port=8072))
    assert view == View(100, frozenset([8069]))


def test_the_port_that_the_server_will_have_after_its_reload_counts_too() -> None:
    view = view_of(build.instance(build.prefork()), build.options(http_port=8169, gevent_port=8172))
    assert view == View(100, frozenset([8069, 8169]), frozenset([8172]) | view.websockets)


def test_a_server_without_http_has_no_ports() -> None:
    assert not view_of(build.instance(build.prefork()), build.options(http_enable=False)).requests


def test_loopback() -> None:
    server = build.instance(build.prefork())
    assert loopback_only(server) == ""
    assert loopback_only(dataclasses.replace(server, listening=(("127.0.0.1", 8069),))) == "127.0.0.1"
    assert loopback_only(dataclasses.replace(server, listening=(("::1", 8069),))) == "::1"
    both = (("127.0.0.1", 8069), ("192.0.2.1", 8069))
    assert loopback_only(dataclasses.replace(server, listening=both)) == ""
    assert loopback_only(dataclasses.replace(server, listening=None)) == ""


@pytest.mark.parametrize(
    ("text", "ports", "found"),
    [
        (PUBLISHED, [8069], {("0.0.0.0", 18069), ("::", 18069)}),
        (PUBLISHED, [8072], {("", 18072)}),
        (PUBLISHED, [8071, 9000], set()),
        ("{}", [8069], set()),
        ("null", [8069], set()),
        ("Error: no such container", [8069], set()),
        ('{"8069/tcp": [{"HostPort": "x"}]}', [8069], set()),
    ],
)
def test_published_ports(text: str, ports: list[int], found: set[tuple[str, int]]) -> None:
    assert parse_published(text, ports) == found


@pytest.mark.parametrize(
    ("addresses", "outcome"),
    [
        (["0.0.0.0", "::"], (18069, 18072)),
        ([""], (18069, 18072)),
        (["127.0.0.1", "192.0.2.1"], (18069, 18072)),
        (["127.0.0.1"], "gate.loopback"),
        (["127.0.0.1", "::1"], "gate.loopback"),
        ([], "gate.other_network"),
    ],
)
def test_ports_that_a_container_publishes(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str], outcome: tuple[int, ...] | str
) -> None:
    told = {f"{port}/tcp": [{"HostIp": ip, "HostPort": f"1{port}"} for ip in addresses] for port in (8069, 8072)}
    monkeypatch.setattr(targets, "differs", lambda *_arguments: True)
    monkeypatch.setattr(targets, "provable_container", lambda _master: Container("docker", "c0ffee", 1))
    monkeypatch.setattr(targets, "container_program", lambda _runtime: "/usr/bin/docker")
    monkeypatch.setattr(targets, "run", lambda *_arguments: (0, json.dumps(told), ""))
    proc = captured("19-prefork", "running")
    seen = look(proc)
    identities = [one.identity for one in seen.instances]
    if isinstance(outcome, str):
        with build.failing(outcome, Refused):
            targets_of(proc, seen, identities, [])
    else:
        found = targets_of(proc, seen, identities, [])
        assert (found.ports, found.published) == (outcome, True)


def test_ports_of_a_captured_server() -> None:
    proc = captured("19-prefork", "running")
    seen = look(proc)
    identities = [one.identity for one in seen.instances]
    found = targets_of(proc, seen, identities, [])
    assert found.ports == (8069, 8072)
    assert [view.pid for view in found.views] == [seen.instances[0].master.pid]
    assert (found.published, found.chosen) == (False, True)


def test_a_configured_port_at_which_another_process_listens_is_not_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    proc = captured("19-prefork", "running")
    seen = look(proc)
    (server,) = seen.instances
    # Its odoo.conf names the port of sshd, that of a database on loopback, and a free one.
    heard = [(1, "0.0.0.0", 22), (2, "127.0.0.1", 5432), (3, "::", 8169)]
    monkeypatch.setattr(targets, "listeners", lambda *_arguments: heard)
    for http_port, gevent_port, ports in (
        (22, 8072, (8069, 8072)),
        (8069, 8169, (8069, 8072)),
        (5432, 8072, (5432, 8069, 8072)),
        (8070, 8073, (8069, 8070, 8072, 8073)),
    ):
        options = dataclasses.replace(seen.options[server.identity], http_port=http_port, gevent_port=gevent_port)
        found = targets_of(proc, dataclasses.replace(seen, options={server.identity: options}), [server.identity], [])
        assert found.ports == ports
        assert found.views[0].requests | found.views[0].websockets == set(ports)
    # Another process has the same port on another address.
    heard.append((4, "192.0.2.7", 8069))
    with build.failing("gate.shared_port", Refused):
        targets_of(proc, seen, [server.identity], [])
    assert targets_of(proc, seen, [server.identity], [8069]).ports == (8069,)
    # The sockets of the server are not to be seen.
    hidden = dataclasses.replace(server, master=dataclasses.replace(server.master, sockets=None))
    assert targets_of(proc, dataclasses.replace(seen, instances=(hidden,)), [server.identity], []).ports == (8069, 8072)


def test_ports_that_are_given_take_the_place_of_the_servers_own() -> None:
    proc = captured("19-prefork", "running")
    seen = look(proc)
    found = targets_of(proc, seen, [one.identity for one in seen.instances], [443, 8069])
    assert found.ports == (443, 8069)
    assert [view.requests for view in found.views] == [{8069}, {443}]
    # Nothing runs: what the ports lead to may be a container.
    none = targets_of(proc, seen, [], [443])
    assert (none.ports, none.published, none.chosen) == ((443,), True, False)


def test_no_server_has_no_ports() -> None:
    proc = captured("19-prefork", "running")
    assert targets_of(proc, look(proc), [], []).ports == ()


def test_a_server_on_loopback_alone_is_refused() -> None:
    proc = captured("19-prefork", "running")
    seen = look(proc)
    (server,) = seen.instances
    local = dataclasses.replace(server, listening=(("127.0.0.1", 8069),))
    seen = dataclasses.replace(seen, instances=(local,))
    with build.failing("gate.loopback", Refused):
        targets_of(proc, seen, [server.identity], [])
    assert targets_of(proc, seen, [server.identity], [443]).ports == (443,)
