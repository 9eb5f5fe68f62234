# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Staleness: which files count, and what they make a server need."""

from __future__ import annotations

import contextlib
import itertools
import os
import pathlib
import shutil
import subprocess
import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.differences import Need
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.loaded import Loaded
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.staleness import (
    CodeTree,
    Sources,
    Staleness,
    find_staleness,
    judge,
)

LOAD = Loaded(100.0, 200.0, "process")


@pytest.mark.parametrize(
    ("changed", "restart", "incomplete", "needs", "words"),
    [
        ([], [], [], Need.NONE, []),
        ([(300.0, "/a.py")], [], [], Need.RELOAD, ["1 file changed since it was loaded"]),
        ([(150.0, "/a.py")], [], [], Need.RELOAD, ["may or may not have been loaded", "evidence: process"]),
        (
            [(150.0, "/a"), (300.0, "/b"), (301.0, "/c")],
            [],
            [],
            Need.RELOAD,
            ["2 files changed since", "1 file changed when"],
        ),
        ([], [(300.0, "/unit")], [], Need.RESTART, ["/unit"]),
        ([(300.0, "/a.py")], [(300.0, "/unit")], [], Need.RESTART, ["/unit", "1 file changed"]),
        ([], [], ["/addons"], Need.RELOAD, ["/addons could not be read to the end"]),
    ],
)
def test_judgements(
    changed: list[tuple[float, str]],
    restart: list[tuple[float, str]],
    incomplete: list[str],
    needs: str,
    words: list[str],
) -> None:
    found = judge(LOAD, changed, restart, incomplete, need_daemon_reload=False)
    assert found.needs == needs
    assert found.stale == (needs != Need.NONE)
    assert found.count == len(changed) + len(restart)
    assert all(word in "; ".join(found.reasons) for word in words)
    assert bool(found.reasons) == found.stale


def test_a_unit_that_systemd_has_not_read_again_needs_a_restart() -> None:
    assert judge(LOAD, [], [], [], need_daemon_reload=True).needs == Need.RESTART


def test_ten_files_are_named() -> None:
    found = judge(LOAD, [(300.0 + n, f"/{n}.py") for n in range(25)], [], [], need_daemon_reload=False)
    assert (len(found.files), found.count) == (10, 25)


class Disk:
    """A server's files below a folder that stands for its root."""

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root

    def put(self, *names: str) -> None:
        """Write files."""
        for name in names:
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x")

    def stale(
        self,
        not_before: float = 0.0,
        *,
        code: tuple[str, ...] = ("/odoo",),
        excluded: str | None = None,
        tree: CodeTree | None = None,
    ) -> Staleness:
        """Staleness of a server of this code, loaded at that time."""
        sources = Sources(lambda: contextlib.nullcontext(str(self.root)), "/odoo.conf", code, ("/unit",), excluded)
        load = Loaded(not_before, not_before, "marker")
        return find_staleness(sources, load, not_before, tree or CodeTree(), need_daemon_reload=False)


@pytest.fixture
def disk(tmp_path: pathlib.Path) -> Disk:
    """An empty disk."""
    made = Disk(tmp_path)
    (tmp_path / "odoo").mkdir()
    return made


def test_what_counts_as_code(disk: Disk) -> None:
    good = ["a.py", "m/__manifest__.py", "m/views/x.xml", "m/data/x.csv", "m/static/x.js", "m/static/x.scss"]
    bad = ["a.pyc", "m/__pycache__/a.py", ".git/a.py", "m/x.po", "m/README.md", "m/node_modules/x.js", "m/x.py.swp"]
    good += ["m/only.pyc", "m/fast.cpython-311-x86_64-linux-gnu.so"]
    disk.put(*(f"odoo/{name}" for name in good + bad))
    assert sorted(disk.stale().files) == sorted(f"/odoo/{name}" for name in good)


def test_code_that_is_older_than_the_load_is_fresh(disk: Disk) -> None:
    disk.put("odoo/a.py", "odoo.conf")
    now = (disk.root / "odoo.conf").stat().st_ctime
    assert disk.stale(now).needs == Need.NONE
    assert disk.stale(now - 1).files == ("/odoo.conf", "/odoo/a.py") or disk.stale(now - 1).count == 2


def test_an_old_modification_time_does_not_hide_a_change(disk: Disk) -> None:
    disk.put("odoo/a.py")
    before = (disk.root / "odoo/a.py").stat().st_ctime - 1
    os.utime(disk.root / "odoo/a.py", (0, 0))
    assert disk.stale(before).count == 1


def test_the_unit_needs_a_restart(disk: Disk) -> None:
    disk.put("unit", "odoo/a.py")
    assert disk.stale().needs == Need.RESTART
    assert disk.stale().files[0] == "/unit"


def test_loops_of_links_end(disk: Disk) -> None:
    disk.put("odoo/a.py", "other/b.py")
    (disk.root / "odoo/self").symlink_to(".")
    (disk.root / "odoo/up").symlink_to("..")
    (disk.root / "odoo/broken.py").symlink_to("nothing")
    assert {"/odoo/a.py", "/odoo/up/other/b.py"} <= set(disk.stale().files)


def test_a_link_that_leads_elsewhere_since_counts(disk: Disk) -> None:
    disk.put("v1/a.py", "v2/a.py")
    before = (disk.root / "v2/a.py").stat().st_ctime
    (disk.root / "odoo/m.py").symlink_to("/v1/a.py")
    changed = os.lstat(disk.root / "odoo/m.py").st_ctime
    assert disk.stale(min(before, changed - 0.001)).count >= 1
    assert disk.stale(changed).count == 0


def test_links_lead_to_where_they_do_for_the_server(disk: Disk) -> None:
    disk.put("src/a/m.py", "src/b/m.py")
    for name in ("a", "b"):
        (disk.root / "odoo" / name).symlink_to(f"/src/{name}")
    (disk.root / "odoo/host").symlink_to("/usr/lib/python3")
    assert set(disk.stale().files) == {"/odoo/a/m.py", "/odoo/b/m.py"}
    (disk.root / "all").symlink_to("/src")
    assert set(disk.stale(code=("/all",)).files) == {"/all/a/m.py", "/all/b/m.py"}


def test_the_data_directory_is_left_out(disk: Disk) -> None:
    disk.put("odoo/a.py", "odoo/data/b.py")
    assert disk.stale(excluded="/odoo/data").files == ("/odoo/a.py",)


def test_what_is_roots_on_a_volume_is_left_out(disk: Disk) -> None:
    disk.put("odoo/a.py", "odoo/lost+found/b.py")
    assert disk.stale().files == ("/odoo/a.py",)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_cannot_be_read_makes_it_stale(disk: Disk) -> None:
    (disk.root / "odoo/secret").mkdir(mode=0)
    assert disk.stale(1e12).needs == Need.RELOAD


def test_a_shared_tree_is_walked_once_for_all(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    disk.put("odoo/a.py")
    tree = CodeTree()
    first = tree.files(str(disk.root), "/odoo", None, 0)
    monkeypatch.setattr(os, "scandir", None)
    assert tree.files(str(disk.root), "/odoo", None, 0) == first


def test_what_cannot_be_read_makes_each_of_those_that_share_it_stale(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = CodeTree()

    def refuse(path: str) -> t.NoReturn:
        raise PermissionError(path)

    monkeypatch.setattr(os, "scandir", refuse)
    reasons = [disk.stale(1e12, tree=tree).reasons for _server in range(2)]
    assert reasons == [("/odoo could not be read to the end",)] * 2


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
    assert [path for _time, path in theirs[0]] == ["/mnt/only.py"]
    assert "/mnt/only.py" not in [path for _time, path in ours[0]]


def test_the_walks_together_have_an_end(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    # A user that writes odoo.conf can name any number of folders, each with a link to the whole disk.
    clock = itertools.count()
    monkeypatch.setattr("time.monotonic", lambda: float(next(clock)))
    disk.put(*(f"addons{n}/{m}/a.py" for n in range(20) for m in range(40)))
    disk.stale(code=tuple(f"/addons{n}" for n in range(20)))
    assert next(clock) < 200


def test_translations_count_from_16_on(disk: Disk) -> None:
    disk.put("odoo/m/i18n/fr.po", "odoo/m/i18n/m.pot")
    root = str(disk.root)
    found = {
        version: CodeTree(time.time() + 60).files(root, "/odoo", None, 0, version)[0] for version in (None, 15, 16, 19)
    }
    assert {version: [path for _time, path in files] for version, files in found.items()} == {
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
    return [path for at, path in CodeTree(moment).files(str(disk.root), "/odoo", None, 0)[0] if at > moment]


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
    assert changed_since(disk, moment) == ["/odoo/"]


def test_what_python_compiles_does_not_count(disk: Disk) -> None:
    disk.put("odoo/m/a.py")
    moment = backdate(disk, "odoo/m/a.py")
    disk.put("odoo/m/__pycache__/a.cpython-311.pyc")
    assert changed_since(disk, moment) == []


def test_a_switched_link_makes_it_stale_with_both_of_its_ends(disk: Disk) -> None:
    disk.put("releases/1/a.py", "releases/2/a.py")
    (disk.root / "current").symlink_to("releases/1")
    sources = Sources(lambda: contextlib.nullcontext(str(disk.root)), None, ("/current",), (), ways=("/current",))
    late = time.time() + 60
    load = Loaded(late, late, "marker", {"/current": "/releases/2"})
    found = find_staleness(sources, load, late, CodeTree(late), need_daemon_reload=False)
    assert (found.needs, found.files, found.count) == (Need.RELOAD, ("/current",), 1)
    assert found.reasons == ("/current leads to releases/1 now and to releases/2 when it was loaded",)
    back = Loaded(late, late, "marker", {"/current": "/releases/1"})
    assert not find_staleness(sources, back, late, CodeTree(late), need_daemon_reload=False).stale
