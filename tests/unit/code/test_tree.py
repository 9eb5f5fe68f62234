# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Walks over the code of a server: which files count, what a folder has lost, and what the code is known again by."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import time

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._code import tree as _tree
from ansible_collections.fleetops.odoo.plugins.module_utils._code.tree import CodeTree

from ..disk import Disk


@pytest.fixture
def disk(tmp_path: pathlib.Path) -> Disk:
    """An empty disk."""
    made = Disk(tmp_path)
    (tmp_path / "odoo").mkdir()
    return made


def test_a_shared_tree_is_walked_once_for_all(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    disk.put("odoo/a.py")
    tree = CodeTree()
    first = tree.files(str(disk.root), "/odoo", None, 0)
    monkeypatch.setattr(os, "scandir", None)
    assert tree.files(str(disk.root), "/odoo", None, 0) == first


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a mount namespace")
def test_the_same_path_in_two_containers_is_two_trees() -> None:
    # /proc/PID/root of a process with its own mounts reads "/", with any file system there.
    with subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", "mount -t tmpfs none /mnt && echo > /mnt/only.py && echo ready && read x"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        assert child.stdout.readline() == b"ready\n"
        tree = CodeTree()
        ours = tree.files("/proc/self/root", "/mnt", None, 0)
        theirs = tree.files(f"/proc/{child.pid}/root", "/mnt", None, 0)
        child.stdin.close()
    assert [path for _time, path in theirs.files] == ["/mnt/only.py"]
    assert "/mnt/only.py" not in [path for _time, path in ours.files]


def test_translations_count_from_16_on(disk: Disk) -> None:
    disk.put("odoo/m/i18n/fr.po", "odoo/m/i18n/m.pot")
    root = str(disk.root)
    found = {version: CodeTree().files(root, "/odoo", None, 0, version).files for version in (None, 15, 16, 19)}
    assert {version: [path for _time, path in files if path[-1] != "/"] for version, files in found.items()} == {
        None: [],
        15: [],
        16: ["/odoo/m/i18n/fr.po"],
        19: ["/odoo/m/i18n/fr.po"],
    }


def backdate(disk: Disk, *names: str) -> float:
    """Wait until what is done next has a later time than all that is there; returns a moment in between."""
    time.sleep(0.05)
    moment = max((disk.root / name).stat().st_ctime for name in names)
    return moment + 0.025


def changed_since(disk: Disk, moment: float) -> list[str]:
    """Return the code that has changed since."""
    return [path for at, path in CodeTree(moment).files(str(disk.root), "/odoo", None, 0).files if at > moment]


def test_a_folder_that_has_lost_code_counts(disk: Disk) -> None:
    disk.put("odoo/m/a.py", "odoo/m/b.py", "odoo/n/c.py")
    moment = backdate(disk, "odoo/m", "odoo/n", "odoo/n/c.py")
    assert changed_since(disk, moment) == []
    (disk.root / "odoo/m/b.py").unlink()
    assert changed_since(disk, moment) == ["/odoo/m/"]
    shutil.rmtree(disk.root / "odoo/n")
    assert set(changed_since(disk, moment)) == {"/odoo/", "/odoo/m/"}


def test_a_folder_that_was_renamed_counts(disk: Disk) -> None:
    disk.put("odoo/m/a.py", "odoo/keep/a.py", "staged/new/a.py")
    moment = backdate(disk, "odoo", "staged/new/a.py")
    (disk.root / "staged/new").rename(disk.root / "odoo/new")
    assert changed_since(disk, moment) == ["/odoo/", "/odoo/new/"]


def test_what_python_compiles_does_not_count(disk: Disk) -> None:
    disk.put("odoo/m/a.py")
    moment = backdate(disk, "odoo/m/a.py")
    disk.put("odoo/m/__pycache__/a.cpython-311.pyc")
    assert changed_since(disk, moment) == []


def test_a_folder_counts_although_its_modification_time_is_set_back(disk: Disk) -> None:
    # As rsync leaves it behind a removal.
    disk.put("odoo/m/a.py", "odoo/m/b.py")
    moment = backdate(disk, "odoo/m", "odoo/m/a.py")
    (disk.root / "odoo/m/b.py").unlink()
    os.utime(disk.root / "odoo/m", (0, 0))
    assert changed_since(disk, moment) == ["/odoo/m/"]


def test_a_text_that_changed_later_does_not_hide_a_removal(disk: Disk) -> None:
    disk.put("odoo/m/a.py", "odoo/m/b.py", "odoo/m/README.md")
    moment = backdate(disk, "odoo/m", "odoo/m/README.md")
    (disk.root / "odoo/m/b.py").unlink()
    time.sleep(0.03)
    disk.put("odoo/m/README.md")
    assert changed_since(disk, moment) == ["/odoo/m/"]


def test_a_link_behind_a_link_counts(disk: Disk) -> None:
    disk.put("releases/1/shop/a.py", "releases/2/shop/a.py")
    (disk.root / "current").symlink_to("/releases/1")
    (disk.root / "odoo/shop").symlink_to("/current/shop")
    moment = backdate(disk, "odoo", "releases/2/shop/a.py")
    before = digest(disk)
    (disk.root / "next").symlink_to("/releases/2")
    (disk.root / "next").rename(disk.root / "current")
    assert "/odoo/shop/" in changed_since(disk, moment)
    assert digest(disk) != before


def digest(disk: Disk) -> str:
    """Return what the code is known by."""
    return CodeTree().files(str(disk.root), "/odoo", None, 0).digest


def test_other_files_beside_the_code_do_not_change_its_digest(disk: Disk) -> None:
    disk.put("odoo/m/a.py", "odoo/m/b.py")
    before = digest(disk)
    disk.put("odoo/m/README.md", "odoo/m/__pycache__/a.cpython-311.pyc", "odoo/m/.b.py.swp")
    (disk.root / "odoo/m").chmod(0o700)
    assert digest(disk) == before
    (disk.root / "odoo/m/b.py").unlink()
    less = digest(disk)
    assert less != before
    disk.put("odoo/m/b.py")
    assert digest(disk) not in (before, less)


def test_a_folder_in_the_place_of_another_one_is_not_the_same_code(disk: Disk) -> None:
    # Both were made in one step of the kernel's clock.
    disk.put("odoo/m/a.py", "other/m/a.py")
    before = digest(disk)
    (disk.root / "odoo").rename(disk.root / "old")
    (disk.root / "other").rename(disk.root / "odoo")
    assert digest(disk) != before


def test_a_walk_that_does_not_come_to_its_end_gives_no_digest(disk: Disk) -> None:
    disk.put("odoo/a.py")
    tree = CodeTree(seconds=-1.0)
    found = tree.files(str(disk.root), "/odoo", None, 0)
    assert (found.digest, found.incomplete) == ("", ("/odoo",))


def test_libraries_are_modules_and_packages_without_what_is_walked_as_code(disk: Disk) -> None:
    good = ["one.py", "pack/__init__.py", "pack/fast.so"]
    bad = ["pack/data.xml", "folder/x.py", "odoo/release.py", "odoo/__init__.py", "pack/.x/y.py"]
    disk.put(*(f"lib/{name}" for name in good + bad))
    found = CodeTree().libraries(str(disk.root), "/lib", ("/lib/odoo", None), 0)
    assert sorted(path for _time, path in found.files) == sorted(f"/lib/{name}" for name in good)
    # All of a folder of pip is on the path, parts of packages without a file of their own too.
    disk.put("v/site-packages/parts/x.py")
    found = CodeTree().libraries(str(disk.root), "/v/site-packages", (), 0)
    assert "/v/site-packages/parts/x.py" in [path for _time, path in found.files]


def test_a_folder_of_addons_that_is_the_data_directory_is_walked_without_files_and_sessions(disk: Disk) -> None:
    disk.put("odoo/m/a.py", "odoo/filestore/x.py", "odoo/sessions/x.py")
    found = CodeTree().files(str(disk.root), "/odoo", "/odoo", 0)
    assert [path for _time, path in found.files if path.endswith(".py")] == ["/odoo/m/a.py"]


def test_servers_that_share_a_folder_share_its_walk_unless_they_leave_out_different_parts(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk.put("odoo/m/a.py", "odoo/one/b.py", "odoo/two/c.py", "data/x.py")
    root, tree = str(disk.root), CodeTree()
    found = [tree.files(root, "/odoo", excluded, 0).digest for excluded in ("/odoo/one", "/odoo/two", None)]
    assert len(set(found)) == 3
    assert found == [
        CodeTree().files(root, "/odoo", excluded, 0).digest for excluded in ("/odoo/one", "/odoo/two", None)
    ]
    monkeypatch.setattr(os, "scandir", None)
    assert tree.files(root, "/odoo", "/data", 0).digest == found[2]


def test_a_folder_with_too_many_entries_counts_as_not_read(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    disk.put("odoo/a.py", "odoo/b.py", "odoo/c/d.py", "odoo/c/e.py")
    monkeypatch.setattr(_tree, "FOLDER_ENTRIES", 4)
    assert CodeTree().files(str(disk.root), "/odoo", None, 0).incomplete == ()
    monkeypatch.setattr(_tree, "WALK_ENTRIES", 4)
    found = CodeTree().files(str(disk.root), "/odoo", None, 0)
    assert (found.digest, found.incomplete) == ("", ("/odoo",))
    monkeypatch.setattr(_tree, "WALK_ENTRIES", 100)
    monkeypatch.setattr(_tree, "FOLDER_ENTRIES", 3)
    found = CodeTree().files(str(disk.root), "/odoo", None, 0)
    assert (found.digest, found.incomplete) == ("", ("/odoo",))


def test_walks_of_one_user_do_not_use_up_the_time_of_another(disk: Disk) -> None:
    disk.put("odoo/a.py", "other/b.py")
    tree = CodeTree(seconds=1.0)
    tree.files(str(disk.root), "/odoo", None, 1000)
    tree._spent[1000] = 2.0
    assert tree.files(str(disk.root), "/other", None, 1000).incomplete == ("/other",)
    assert tree.files(str(disk.root), "/other", None, 1001).incomplete == ()
