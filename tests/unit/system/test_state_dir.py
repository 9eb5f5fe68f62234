# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the directory of locks and notes: its owner, locks, files, and old notes."""

from __future__ import annotations

import os
import pathlib

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._system.state_dir import StateDirectory, _first_own


@pytest.fixture
def store(tmp_path: pathlib.Path) -> StateDirectory:
    """An open directory."""
    made = StateDirectory(str(tmp_path / "state"))
    made.open()
    return made


@pytest.mark.parametrize("taken", ["file", "link", "writable", "others"])
def test_a_place_of_another_user_is_skipped_for_the_next(taken: str, tmp_path: pathlib.Path) -> None:
    first, second, uid = tmp_path / "first", tmp_path / "second", os.geteuid()
    places = [str(first), str(second)]
    assert _first_own(places, uid) == str(first)
    if taken == "file":
        first.touch()
    elif taken == "link":
        first.symlink_to(second)
    else:
        first.mkdir()
        first.chmod(0o777 if taken == "writable" else 0o755)
    assert _first_own(places, uid + (taken == "others")) == str(second)
    if taken != "others":
        second.mkdir(mode=0o711)
        assert _first_own(places, uid) == str(second)
        # With no place left it is the first, which is refused by its name.
        second.chmod(0o722)
        assert _first_own(places, uid) == str(first)


def test_open_makes_a_directory_that_only_its_user_can_write(store: StateDirectory) -> None:
    assert os.stat(store.path).st_mode & 0o777 == 0o711
    store.open()
    assert store.path != StateDirectory().path


@pytest.mark.parametrize("mode", [0o770, 0o702, 0o777])
def test_open_refuses_a_directory_that_other_users_can_write(tmp_path: pathlib.Path, mode: int) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x").chmod(mode)
    with pytest.raises(PermissionError, match="only uid"):
        StateDirectory(str(tmp_path / "x")).open()


def test_open_refuses_a_link_and_a_file(tmp_path: pathlib.Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "file").touch(mode=0o600)
    for name in ("link", "file"):
        with pytest.raises(PermissionError):
            StateDirectory(str(tmp_path / name)).open()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a directory away")
def test_open_refuses_the_directory_of_another_user(tmp_path: pathlib.Path) -> None:
    (tmp_path / "x").mkdir(mode=0o700)
    os.chown(tmp_path / "x", 65534, 65534)
    with pytest.raises(PermissionError):
        StateDirectory(str(tmp_path / "x")).open()


def test_lock_of_a_name_is_held_until_its_descriptor_is_closed(store: StateDirectory) -> None:
    first = store.lock("a", wait=False)
    with pytest.raises(BlockingIOError):
        store.lock("a", wait=False)
    os.close(store.lock("b", wait=False))
    os.close(first)
    os.close(store.lock("a", wait=True))


def test_a_lock_that_is_taken_leaves_no_descriptor(store: StateDirectory) -> None:
    held = store.lock("a", wait=False)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(BlockingIOError):
        store.lock("a", wait=False)
    assert len(os.listdir("/proc/self/fd")) == before
    os.close(held)


def test_write_replaces_the_file_and_sets_its_mode(store: StateDirectory) -> None:
    store.write("a.json", {"x": 1})
    assert os.stat(f"{store.path}/a.json").st_mode & 0o777 == 0o600
    store.write("a.json", {"x": [2]}, 0o644)
    assert store.read("a.json") == {"x": [2]}
    assert os.stat(f"{store.path}/a.json").st_mode & 0o777 == 0o644
    assert os.listdir(store.path) == ["a.json"]


def test_write_does_not_follow_a_link_in_place_of_the_file(store: StateDirectory, tmp_path: pathlib.Path) -> None:
    (tmp_path / "victim").write_text("as it was")
    os.symlink(tmp_path / "victim", f"{store.path}/a.json")
    store.write("a.json", {})
    assert (tmp_path / "victim").read_text() == "as it was"
    assert store.read("a.json") == {}


def test_read_of_a_missing_or_broken_file_raises(store: StateDirectory) -> None:
    with pytest.raises(FileNotFoundError):
        store.read("a.json")
    pathlib.Path(store.path, "a.json").write_text("{")
    with pytest.raises(ValueError, match="Expecting"):
        store.read("a.json")


def test_read_from_a_directory_that_other_users_can_write_raises(store: StateDirectory) -> None:
    store.write("a.json", {})
    os.chmod(store.path, 0o777)
    with pytest.raises(PermissionError, match="only uid"):
        store.read("a.json")


def test_forget_others_removes_files_of_ended_processes_only(store: StateDirectory) -> None:
    names = ["1-10.json", "1-10.workers.json", "2-20.lock", "roll.json", "x-1.json", "3-.json"]
    for name in names:
        pathlib.Path(store.path, name).touch()
    store.forget_others(lambda pid, start: (pid, start) == (2, 20))
    assert sorted(os.listdir(store.path)) == sorted(names[2:])


def test_forget_others_goes_on_after_an_entry_that_cannot_be_removed(store: StateDirectory) -> None:
    pathlib.Path(store.path, "1-10.json").mkdir()
    pathlib.Path(store.path, "2-20.json").touch()
    store.forget_others(lambda _pid, _start: False)
    assert os.listdir(store.path) == ["1-10.json"]
    StateDirectory("/nonexistent").forget_others(lambda _pid, _start: False)


def test_the_directory_of_root_is_the_same_for_every_user() -> None:
    assert StateDirectory.of_root().path == "/run/fleetops-odoo"
    assert (StateDirectory().path == "/run/fleetops-odoo") == (os.geteuid() == 0)
