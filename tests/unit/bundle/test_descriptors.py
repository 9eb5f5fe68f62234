# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the counts of open files, pipes and sockets of processes."""

from __future__ import annotations

import os

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._bundle.descriptors import (
    kind_of,
    listening_ports,
    open_files,
    peer_kind,
    sockets,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Gone, Proc

#: As the kernel of a host of the lab wrote it.
TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1F85 00000000:0000 0A 00000000:00000000 00:00000000 00000000   104        0 7054800 1 0000 100 0 0 10 0
   1: 0B06D50A:1F85 0306D50A:D2F8 06 00000000:00000000 03:00000F3C 00000000     0        0 0 3 0000000000000000
   2: 0B06D50A:1F85 0306D50A:D2FA 06 00000000:00000000 03:00000F3C 00000000     0        0 0 3 0000000000000000
   3: 0B06D50A:A0C2 0206D50A:1538 01 00000000:00000000 02:00001111 00000000   104        0 7054801 2 0000 20 4 30 10 -1
   4: 0100007F:0016 0100007F:A0C2 01 00000000:00000000 02:00001111 00000000     0        0 99 2 0000 20 4 30 10 -1
garbage
"""


def test_sockets_are_counted() -> None:
    lines = TCP.splitlines()
    assert listening_ports(lines) == {8069}
    found = sockets(lines, {7054800, 7054801}, {8069})
    assert found == [
        {"owner": "nobody", "state": "time_wait", "direction": "in", "port": 8069, "peer": "private", "count": 2},
        {"owner": "server", "state": "listen", "direction": "in", "port": 8069, "peer": "none", "count": 1},
        {"owner": "server", "state": "established", "direction": "out", "port": 5432, "peer": "private", "count": 1},
        {"owner": "other", "state": "established", "direction": "out", "port": 41154, "peer": "loopback", "count": 1},
    ]


@pytest.mark.parametrize(
    ("address", "kind"),
    [("127.0.0.1", "loopback"), ("::1", "loopback"), ("::ffff:127.0.0.1", "loopback"), ("8.8.8.8", "public")]
    + [("192.168.1.1", "private"), ("fe80::1", "private"), ("x", "unknown")],
)
def test_peers(address: str, kind: str) -> None:
    assert peer_kind(address) == kind


def test_open_files_are_counted_and_the_list_has_an_end() -> None:
    targets = ["socket:[1]", "pipe:[2]", "/x", "/x", "/y (deleted)", "/dev/null", "anon_inode:[eventpoll]", "/memfd:a"]
    found = open_files(targets + [f"/many/{n}" for n in range(200)])
    assert found["open"] == 208
    assert found["kinds"] == {
        "anonymous": 1,
        "deleted": 1,
        "device": 1,
        "file": 202,
        "memory": 1,
        "pipe": 1,
        "socket": 1,
    }
    assert found["files"][0] == {"path": "/x", "count": 2}
    assert len(found["files"]) == 100
    assert found["more_files"] == 103
    assert kind_of("/dev/shm/x") == "memory"


def test_descriptors_of_a_process_are_read() -> None:
    with open(__file__, encoding="utf-8") as file:
        assert file.name in list(Proc().descriptors(os.getpid(), 1000))
    assert len(list(Proc().descriptors(os.getpid(), 2))) <= 2
    assert len(list(Proc().lines(os.getpid(), "status", 3))) == 3
    with pytest.raises(Gone):
        list(Proc().descriptors(2**22 + 1, 1))
    with pytest.raises(Gone):
        list(Proc().lines(2**22 + 1, "status", 1))
