# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ports are asked for before a HUP: with sockets that are open here, and with answers that a trial may give."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import subprocess
import sys
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._rehearsal.places import (
    check_places,
    parse_places,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused

from .. import build
from ..build import failing
from .rehearsed import Server, server

__all__ = ["server"]


@contextlib.contextmanager
def listening(address: str = "127.0.0.1") -> t.Iterator[tuple[int, int]]:
    """Open a port while the block runs; yield its number and the inode of its socket."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as one:
        one.bind((address, 0))
        one.listen(1)
        yield one.getsockname()[1], os.fstat(one.fileno()).st_ino


def answer(*places: tuple[t.Any, ...], **configured: t.Any) -> bytes:
    """Return the answer of a trial."""
    return json.dumps({"stage": "done", "configured": configured, "places": places}).encode()


@pytest.mark.parametrize("said", [b"", b"[]", b"{", b'{"configured": 3}', b'{"configured": {"workers": "x"}}'])
def test_an_answer_that_is_not_of_that_form_tells_nothing(said: bytes) -> None:
    assert parse_places(said) == ({}, [])


def test_where_a_name_leads_is_told() -> None:
    said = answer(("http_port", "10.0.0.7", 8069, 0, ""), http_interface="odoo.example.com", workers=3)
    assert parse_places(said)[0] == {"http_interface": "10.0.0.7", "workers": 3}


@pytest.fixture(name="idle")
def _idle() -> t.Iterator[int]:
    """Pid of a process without sockets and without children."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process.pid
        process.communicate(b"\n")


def test_a_port_of_another_process_is_refused_with_its_holder(idle: int) -> None:
    with listening() as (port, _inode):
        master = build.instance(build.threaded(idle, sockets=frozenset()))
        said = answer(("gevent_port", "0.0.0.0", port, errno.EADDRINUSE, "in use"))
        with failing("rehearsal.port_taken", Refused) as caught:
            check_places(Proc(), master, said)
    assert caught.value.problem.values["option"] == "gevent_port"
    assert str(caught.value.problem.values["holder"]).startswith(f"pid {os.getpid()} (")
    assert f"127.0.0.1:{port}" in str(caught.value)
    assert not caught.value.restart_helps


def test_a_port_that_the_server_has_itself_is_free_for_it() -> None:
    with listening() as (port, inode):
        master = build.instance(build.threaded(os.getpid(), sockets=frozenset([inode])))
        assert check_places(Proc(), master, answer(("http_port", "0.0.0.0", port, errno.EADDRINUSE, ""), workers=1))


LISTEN = "import socket; one = socket.create_server(('127.0.0.1', 0)); print(one.getsockname()[1], flush=True); input()"


def test_a_port_of_a_child_that_began_after_the_look_is_the_servers_own() -> None:
    master = build.instance(build.threaded(os.getpid(), sockets=frozenset()))
    command = [sys.executable, "-c", LISTEN]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        port = int(t.cast("t.IO[str]", child.stdout).readline())
        try:
            assert check_places(
                Proc(), master, answer(("gevent_port", "0.0.0.0", port, errno.EADDRINUSE, ""), workers=1)
            )
        finally:
            child.communicate("\n")


def test_an_accepted_connection_does_not_count_as_another_process() -> None:
    # Seen on Odoo 19 behind HAProxy: the look had not known the connection yet.
    with listening("127.0.0.1") as (port, inode):
        said = answer(("http_port", "0.0.0.0", port, errno.EADDRINUSE, ""), workers=1)
        master = build.instance(build.threaded(os.getpid(), sockets=frozenset([inode])))
        with socket.create_connection(("127.0.0.1", port)):
            assert check_places(Proc(), master, said)


def test_two_equal_ports_are_refused() -> None:
    master = build.instance(build.threaded(os.getpid()))
    places = [("http_port", "0.0.0.0", 80, 0, ""), ("gevent_port", "0.0.0.0", 80, 0, "")]
    with failing("rehearsal.same_port", Refused):
        check_places(Proc(), master, answer(*places))


def test_an_address_of_another_host_and_a_forbidden_port_are_refused() -> None:
    master = build.instance(build.threaded(os.getpid()))
    for number in (errno.EADDRNOTAVAIL, errno.EACCES, -2):
        with failing("rehearsal.cannot_listen", Refused) as caught:
            check_places(Proc(), master, answer(("http_port", "10.9.9.9", 80, number, "No way")))
        assert "10.9.9.9:80 (http_port): No way" in str(caught.value)
    may = build.instance(build.threaded(os.getpid(), capabilities=1 << 10))
    check_places(Proc(), may, answer(("http_port", "10.9.9.9", 80, errno.EACCES, "No way")))


def test_the_trial_itself_opens_and_closes_the_ports(server: Server) -> None:
    server.start()
    with listening("127.0.0.1") as (port, _inode):
        server.write("odoo.conf", f"[options]\nworkers = 2\nhttp_enable = 1\nhttp_port = 0\ngevent_port = {port}\n")
        assert server.rehearse().startswith("rehearsal.port_taken: ")
        assert "gevent_port" in server.rehearse()
        assert "rehearsal.port_taken" in str(server.rehearse_restart())
        server.write("odoo.conf", f"[options]\nworkers = 0\nhttp_enable = 1\nhttp_port = 0\ngevent_port = {port}\n")
        assert server.rehearse() == ""
        server.write("odoo.conf", f"[options]\nworkers = 0\nhttp_enable =\nhttp_port = {port}\n")
        assert server.rehearse() == ""
    server.write("odoo.conf", f"[options]\nworkers = 2\nhttp_enable = 1\nhttp_port = 0\ngevent_port = {port}\n")
    assert server.rehearse() == ""
    server.write("odoo.conf", "[options]\nworkers = 0\nhttp_enable = 1\nhttp_port = 0\nhttp_interface = 192.0.2.1\n")
    assert server.rehearse().startswith("rehearsal.cannot_listen: ")
    server.write("odoo.conf", "[options]\nworkers = 0\nhttp_enable = 1\nhttp_port = 70000\n")
    assert server.rehearse().startswith("rehearsal.cannot_listen: ")
