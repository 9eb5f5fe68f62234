# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test which process keeps a server from listening on its ports, with sockets that are open here."""

from __future__ import annotations

import dataclasses
import os
import socket
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._facts import ports
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.ports import (
    conflicts,
    holder_of,
    listeners,
    places_of,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc

from .. import build


@pytest.mark.parametrize(
    ("mine", "there", "meet"),
    [
        ("0.0.0.0", "127.0.0.1", True),
        ("127.0.0.1", "0.0.0.0", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.2", False),
        ("::", "127.0.0.1", True),
        ("127.0.0.1", "::", True),
        ("::1", "::", True),
        ("::1", "127.0.0.1", False),
        ("::1", "0.0.0.0", False),
        ("::ffff:127.0.0.1", "127.0.0.1", True),
        ("fe80::1%eth0", "fe80::1", True),
        ("a-name-that-nobody-knows", "10.0.0.1", True),
    ],
)
def test_addresses_that_exclude_each_other(mine: str, there: str, *, meet: bool) -> None:
    ends = [(7, there, 80), (8, there, 81)]
    assert conflicts(mine, 80, ends, ()) == (ends[:1] if meet else [])
    assert conflicts(mine, 80, ends, {7}) == []


def test_a_listening_socket_and_its_process_are_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port, inode = one.getsockname()[1], os.fstat(one.fileno()).st_ino
        assert (inode, "127.0.0.1", port) in listeners(Proc(), os.getpid())
        assert holder_of(Proc(), {inode}).startswith(f"pid {os.getpid()} (")
    assert holder_of(Proc(), {inode}) == "another process"


def test_places_are_those_of_the_options(monkeypatch: pytest.MonkeyPatch) -> None:
    options: t.Any = build.options(http_port=8069, gevent_port=8072)
    # An addon listens at 9000.
    heard = (("0.0.0.0", 8069), ("127.0.0.1", 9000))
    instance = dataclasses.replace(build.instance(build.threaded(os.getpid())), listening=heard)
    assert places_of(Proc(), instance, options) == [("http_port", "0.0.0.0", 8069)]
    monkeypatch.setattr(ports, "differs", lambda *_arguments: True)
    assert places_of(Proc(), instance, options) == []
