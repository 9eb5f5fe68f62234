# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Is there room for a new generation?"""

from __future__ import annotations

import os
import pathlib
import threading
import types

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._rehearsal import room as _room
from ansible_collections.fleetops.odoo.plugins.module_utils._rehearsal.room import Room, read_room, shortages

from .. import build

MIB = 1 << 20
PAGES = 100 * MIB // os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize(
    ("room", "said"),
    [
        (Room(None, 0), []),
        (Room(100, 100), []),
        (Room(2 * MIB, 2 * MIB - 1), ["needs about 2 MiB of memory, and 1 MiB are free, swap included"]),
        (Room(2 * MIB + 1, MIB), ["needs about 3 MiB"]),
        (Room(None, 0, (("its log", "/l", 16 * MIB),)), []),
        (
            Room(None, 0, (("its log", "/l", 16 * MIB - MIB // 2),)),
            ["of its log /l has 15.5 MiB free, and a start needs"],
        ),
        (Room(1, 0, (("its log", "/l", 0), ("x", "/x", 0))), ["of memory", "its log /l has 0.0 MiB", "x /x"]),
    ],
)
def test_what_is_short(room: Room, said: list[str]) -> None:
    found = shortages(room)
    assert len(found) == len(said)
    assert all(part in whole for part, whole in zip(said, found))


class Sizes(Proc):
    """Processes whose PSS is known, and counted when it is read."""

    def __init__(self, root: str, pss: int | None) -> None:
        super().__init__(root)
        self.size = pss
        self.asked = 0

    def pss(self, _pid: int) -> int | None:
        self.asked += 1
        return self.size


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> types.SimpleNamespace:
    """The resources of the machine, in bytes."""
    values = types.SimpleNamespace(available=0, swap=0)
    fake = types.SimpleNamespace(
        virtual_memory=lambda: types.SimpleNamespace(available=values.available),
        swap_memory=lambda: types.SimpleNamespace(free=values.swap),
    )
    monkeypatch.setattr(_room, "psutil", fake)
    return values


SERVER = build.instance(build.prefork(100, rss_pages=PAGES))
MASTER_ALONE = 100 * MIB


def read(proc: Proc, version: str | None = "19.0", *, restart: bool = False) -> Room:
    """Read the room for a prefork server whose master has 100 MiB, and its children nothing."""
    return read_room(proc, SERVER, version, {"its log": None}, "/", restart=restart)


def test_what_is_resident_is_enough_of_an_answer_where_it_fits(
    tmp_path: pathlib.Path, free: types.SimpleNamespace
) -> None:
    proc = Sizes(str(tmp_path), 10 * MIB)
    free.available, free.swap = 60 * MIB, 40 * MIB
    room = read(proc)
    assert (room.needed, room.free, proc.asked) == (MASTER_ALONE, 100 * MIB, 0)
    assert shortages(room) == []


def test_where_it_does_not_fit_shared_memory_counts_once(tmp_path: pathlib.Path, free: types.SimpleNamespace) -> None:
    proc = Sizes(str(tmp_path), 10 * MIB)
    free.available = 99 * MIB
    room = read(proc)
    assert (room.needed, proc.asked) == (50 * MIB, 5)
    unseen = Sizes(str(tmp_path), None)
    assert read(unseen).needed == MASTER_ALONE


@pytest.mark.parametrize(("version", "restart"), [("18.0", False), (None, False), ("19.0", True)])
def test_one_generation_at_a_time_needs_no_room(
    tmp_path: pathlib.Path,
    free: types.SimpleNamespace,
    version: str | None,
    restart: bool,  # noqa: FBT001
) -> None:
    free.available = 0
    assert read(Sizes(str(tmp_path), 1), version, restart=restart).needed is None


def test_a_threaded_server_has_one_generation(tmp_path: pathlib.Path, free: types.SimpleNamespace) -> None:
    free.available = 0
    threaded = build.instance(build.threaded(100, rss_pages=PAGES))
    assert read_room(Sizes(str(tmp_path), 1), threaded, "19.0", {}, "/", restart=False).needed is None


def test_disks_are_those_of_the_server(tmp_path: pathlib.Path, free: types.SimpleNamespace) -> None:
    free.available = MASTER_ALONE
    (tmp_path / "100/root/var").mkdir(parents=True)
    paths = {"its log": "/var/log/not/there/yet.log", "its data directory": None}
    room = read_room(Sizes(str(tmp_path), 1), SERVER, "19.0", paths, str(tmp_path), restart=False)
    assert [(what, path) for what, path, _free in room.disks] == [
        ("its log", "/var/log/not/there/yet.log"),
        ("the notes of this collection in", str(tmp_path)),
    ]
    status = os.statvfs(tmp_path)
    assert all(abs(found - status.f_bavail * status.f_frsize) < 100 * MIB for _what, _path, found in room.disks)


def test_a_filesystem_that_does_not_answer_is_not_waited_for(
    tmp_path: pathlib.Path, free: types.SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    free.available = MASTER_ALONE
    (tmp_path / "100/root/filestore").mkdir(parents=True)
    over, really = threading.Event(), os.statvfs

    def dead(path: str) -> os.statvfs_result:
        if str(path).endswith("/filestore"):
            over.wait()
        return really(path)

    monkeypatch.setattr(os, "statvfs", dead)
    monkeypatch.setattr(_room, "_PATIENCE", 0.05)
    paths = {"its data directory": "/filestore", "its log": "/odoo.log"}
    room = read_room(Sizes(str(tmp_path), 1), SERVER, "19.0", paths, str(tmp_path), restart=False)
    over.set()
    assert [what for what, _path, _free in room.disks] == ["its log", "the notes of this collection in"]
    assert shortages(room) == ["the filesystem of its data directory /filestore does not answer"]


@pytest.mark.parametrize(
    ("more", "sizes", "limit", "free", "said"),
    [
        (2, [100 * MIB, 50 * MIB], 0, 200 * MIB, None),
        (2, [100 * MIB, 50 * MIB], 0, 200 * MIB - 1, "2 more http workers of up to 100 MiB each need 200 MiB of"),
        (2, [100 * MIB], 60 * MIB, 120 * MIB, None),
        (2, [100 * MIB], 60 * MIB, 119 * MIB, "of up to 60 MiB each need 120 MiB of memory, and 119 MiB are free"),
        (1, [], 0, 0, None),
    ],
)
def test_room_for_workers(more: int, sizes: list[int], limit: int, free: int, said: str | None) -> None:
    found = _room.worker_shortage(more, sizes, limit, free)
    assert found is None if said is None else said in str(found)
