# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Staleness: which files count, and what they make a server need."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import pathlib
import shutil
import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._code.tree import CodeTree
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.differences import Need
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.loaded import Loaded
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.staleness import (
    Sources,
    Staleness,
    find_staleness,
    judge,
    state_of,
)

from ..disk import Disk

LOAD = Loaded(100.0, 200.0, "process")


@pytest.mark.parametrize(
    ("changed", "restart", "incomplete", "needs", "words"),
    [
        ([], [], [], Need.NONE, []),
        ([(300.0, "/a.py")], [], [], Need.RELOAD, ["1 file changed since it was loaded"]),
        ([(150.0, "/a.py")], [], [], Need.RELOAD, ["may not be loaded", "evidence: process"]),
        (
            [(150.0, "/a"), (300.0, "/b"), (301.0, "/c")],
            [],
            [],
            Need.RELOAD,
            ["2 files changed since", "1 file changed at about"],
        ),
        ([], [(300.0, "/unit")], [], Need.RESTART, ["/unit"]),
        ([(300.0, "/a.py")], [(300.0, "/unit")], [], Need.RESTART, ["/unit", "1 file changed"]),
        ([], [], ["/addons"], Need.RELOAD, ["/addons could not be read completely"]),
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
    assert found.hup_helps == bool(changed or incomplete)


def test_a_unit_that_systemd_has_not_read_again_needs_a_restart() -> None:
    assert judge(LOAD, [], [], [], need_daemon_reload=True).needs == Need.RESTART


def test_ten_files_are_named() -> None:
    found = judge(LOAD, [(300.0 + n, f"/{n}.py") for n in range(25)], [], [], need_daemon_reload=False)
    assert (len(found.files), found.count) == (10, 25)


class Code(Disk):
    """Code of which one server has a load."""

    def stale(
        self,
        not_before: float = 0.0,
        *,
        code: tuple[str, ...] = ("/odoo",),
        excluded: str | None = None,
        tree: CodeTree | None = None,
    ) -> Staleness:
        """Staleness of a server of this code, loaded at that time."""
        sources = Sources(lambda: contextlib.nullcontext(str(self.root)), ("/odoo.conf",), code, ("/unit",), excluded)
        load = Loaded(not_before, not_before, "marker")
        return find_staleness(sources, load, not_before, tree or CodeTree(), need_daemon_reload=False)


@pytest.fixture
def disk(tmp_path: pathlib.Path) -> Code:
    """An empty disk."""
    made = Code(tmp_path)
    (tmp_path / "odoo").mkdir()
    return made


def test_what_counts_as_code(disk: Code) -> None:
    good = ["a.py", "m/__manifest__.py", "m/views/x.xml", "m/data/x.csv", "m/static/x.js", "m/static/x.scss"]
    bad = ["a.pyc", "m/__pycache__/a.py", ".git/a.py", "m/x.po", "m/README.md", "m/node_modules/x.js", "m/x.py.swp"]
    good += ["m/only.pyc", "m/fast.cpython-311-x86_64-linux-gnu.so"]
    disk.put(*(f"odoo/{name}" for name in good + bad))
    assert sorted(disk.stale().files) == sorted(f"/odoo/{name}" for name in good)


def test_code_that_is_older_than_the_load_is_fresh(disk: Code) -> None:
    disk.put("odoo/a.py", "odoo.conf")
    now = (disk.root / "odoo.conf").stat().st_ctime
    assert disk.stale(now).needs == Need.NONE
    assert disk.stale(now - 1).files == ("/odoo.conf", "/odoo/a.py") or disk.stale(now - 1).count == 2


def test_an_old_modification_time_does_not_hide_a_change(disk: Code) -> None:
    disk.put("odoo/a.py")
    before = (disk.root / "odoo/a.py").stat().st_ctime - 1
    os.utime(disk.root / "odoo/a.py", (0, 0))
    assert disk.stale(before).count == 1


def test_the_unit_needs_a_restart(disk: Code) -> None:
    disk.put("unit", "odoo/a.py")
    assert disk.stale().needs == Need.RESTART
    assert disk.stale().files[0] == "/unit"


def test_loops_of_links_end(disk: Code) -> None:
    disk.put("odoo/a.py", "other/b.py")
    (disk.root / "odoo/self").symlink_to(".")
    (disk.root / "odoo/up").symlink_to("..")
    (disk.root / "odoo/broken.py").symlink_to("nothing")
    assert {"/odoo/a.py", "/odoo/up/other/b.py"} <= set(disk.stale().files)


def test_a_link_that_leads_elsewhere_since_counts(disk: Code) -> None:
    disk.put("v1/a.py", "v2/a.py")
    before = (disk.root / "v2/a.py").stat().st_ctime
    (disk.root / "odoo/m.py").symlink_to("/v1/a.py")
    changed = os.lstat(disk.root / "odoo/m.py").st_ctime
    assert disk.stale(min(before, changed - 0.001)).count >= 1
    assert disk.stale(changed).count == 0


def test_links_lead_to_where_they_do_for_the_server(disk: Code) -> None:
    disk.put("src/a/m.py", "src/b/m.py")
    for name in ("a", "b"):
        (disk.root / "odoo" / name).symlink_to(f"/src/{name}")
    (disk.root / "odoo/host").symlink_to("/usr/lib/python3")
    assert set(disk.stale().files) == {"/odoo/a/m.py", "/odoo/b/m.py"}
    (disk.root / "all").symlink_to("/src")
    assert set(disk.stale(code=("/all",)).files) == {"/all/a/m.py", "/all/b/m.py"}


def test_the_data_directory_is_left_out(disk: Code) -> None:
    disk.put("odoo/a.py", "odoo/data/b.py")
    assert disk.stale(excluded="/odoo/data").files == ("/odoo/a.py",)


def test_what_is_roots_on_a_volume_is_left_out(disk: Code) -> None:
    disk.put("odoo/a.py", "odoo/lost+found/b.py")
    assert disk.stale().files == ("/odoo/a.py",)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_cannot_be_read_makes_it_stale(disk: Code) -> None:
    (disk.root / "odoo/secret").mkdir(mode=0)
    assert disk.stale(1e12).needs == Need.RELOAD


def test_what_cannot_be_read_makes_each_of_those_that_share_it_stale(
    disk: Code, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = CodeTree()

    def refuse(path: str) -> t.NoReturn:
        raise PermissionError(path)

    monkeypatch.setattr(os, "scandir", refuse)
    reasons = [disk.stale(1e12, tree=tree).reasons for _server in range(2)]
    assert reasons == [("/odoo could not be read completely",)] * 2


def test_the_walks_together_have_an_end(disk: Code, monkeypatch: pytest.MonkeyPatch) -> None:
    # A user that writes odoo.conf can name any number of folders, each with a link to the whole disk.
    clock = itertools.count()
    monkeypatch.setattr("time.monotonic", lambda: float(next(clock)))
    disk.put(*(f"addons{n}/{m}/a.py" for n in range(20) for m in range(40)))
    disk.stale(code=tuple(f"/addons{n}" for n in range(20)))
    assert next(clock) < 200


def test_a_switched_link_makes_it_stale_with_both_of_its_ends(disk: Code) -> None:
    disk.put("releases/1/a.py", "releases/2/a.py")
    (disk.root / "current").symlink_to("releases/1")
    sources = Sources(lambda: contextlib.nullcontext(str(disk.root)), (), ("/current",), (), ways=("/current",))
    late = time.time() + 60
    load = Loaded(late, late, "marker", {"/current": "/releases/2"})
    found = find_staleness(sources, load, late, CodeTree(late), need_daemon_reload=False)
    assert (found.needs, found.files, found.count) == (Need.RELOAD, ("/current",), 1)
    assert found.reasons == ("/current leads to releases/1 now and to releases/2 when it was loaded",)
    back = Loaded(late, late, "marker", {"/current": "/releases/1"})
    assert not find_staleness(sources, back, late, CodeTree(late), need_daemon_reload=False).stale


class Recorded(Code):
    """Code whose load was recorded when it was as the test began."""

    def sources(self, **more: t.Any) -> Sources:
        """Return what the server loads from."""
        values: dict[str, t.Any] = {"config_files": ("/odoo.conf",), "code": ("/odoo",), "restart_files": (), **more}
        return Sources(lambda: contextlib.nullcontext(str(self.root)), **values)

    def record(self, **more: t.Any) -> Loaded:
        """Record the present state as that of a load."""
        time.sleep(0.02)
        moment = time.time()
        known = state_of(self.sources(**more), CodeTree(moment), str(self.root)).known
        return Loaded(moment, moment, "marker", state=known, seen_at=time.time())

    def since(self, load: Loaded, **more: t.Any) -> Staleness:
        """Compare it with a recorded load."""
        tree = CodeTree(load.not_before)
        return find_staleness(self.sources(**more), load, load.not_before, tree, need_daemon_reload=False)


@pytest.fixture
def recorded(tmp_path: pathlib.Path) -> Recorded:
    """Code and a configuration."""
    made = Recorded(tmp_path)
    made.put("odoo.conf", "odoo/m/a.py", "odoo/m/b.py", "other/m/a.py", "other/m/b.py", "lib/one.py")
    return made


def test_code_that_is_as_it_was_recorded_is_fresh_with_every_time(recorded: Recorded) -> None:
    load = recorded.record()
    assert not recorded.since(load).stale
    recorded.put("odoo/m/README.md", "odoo/m/__pycache__/a.pyc")
    shutil.rmtree(recorded.root / "odoo/m/__pycache__")
    assert not recorded.since(load).stale
    # The clock was ahead when the files were made, and was set back.
    behind = dataclasses.replace(load, not_before=0.0, not_after=0.0, seen_at=0.0)
    assert not recorded.since(behind).stale
    # What changed while the server loaded may not be loaded be loaded.
    assert recorded.since(dataclasses.replace(load, not_before=0.0)).needs == Need.RELOAD


def test_a_folder_in_the_place_of_another_one_makes_it_stale(recorded: Recorded) -> None:
    load = recorded.record()
    (recorded.root / "odoo").rename(recorded.root / "old")
    (recorded.root / "other").rename(recorded.root / "odoo")
    found = recorded.since(dataclasses.replace(load, not_before=time.time() + 60))
    assert (found.needs, found.files) == (Need.RELOAD, ("/odoo/",))
    assert found.reasons == ("the files of /odoo/ are not the files that the server has loaded",)


def test_a_change_after_the_clock_was_set_back_makes_it_stale(recorded: Recorded) -> None:
    load = recorded.record()
    recorded.put("odoo/m/a.py")
    assert recorded.since(dataclasses.replace(load, not_before=time.time() + 60)).files == ("/odoo/",)
    os.utime(recorded.root / "odoo.conf")
    found = recorded.since(dataclasses.replace(load, not_before=time.time() + 60))
    assert found.files == ("/odoo.conf", "/odoo/")


def test_folders_and_configurations_that_come_or_go_make_it_stale(recorded: Recorded) -> None:
    load = recorded.record()
    late = dataclasses.replace(load, not_before=time.time() + 60)
    assert recorded.since(late, code=("/odoo", "/other")).files == ("/other/",)
    assert recorded.since(late, code=()).files == ("/odoo",)
    assert recorded.since(late, config_files=()).files == ("/odoo.conf",)


def test_a_library_makes_it_stale_and_is_not_compiled(recorded: Recorded) -> None:
    load = recorded.record(libraries=("/lib",))
    assert not recorded.since(load, libraries=("/lib",)).stale
    time.sleep(0.02)
    recorded.put("lib/one.py", "odoo/m/a.py")
    found = recorded.since(load, libraries=("/lib",))
    assert set(found.files) == {"/lib/one.py", "/odoo/m/a.py"}
    assert found.python == ("/odoo/m/a.py",)


def test_a_server_that_was_left_behind_in_its_folder_needs_a_restart(recorded: Recorded) -> None:
    (recorded.root / "current").symlink_to("other")
    load = recorded.record()
    found = recorded.since(load, cwd="/odoo/m", starts_in=("/current/m",))
    assert (found.needs, found.files) == (Need.RESTART, ("/current/m",))


def test_folders_that_the_log_does_not_name_make_it_stale_and_others_are_told(recorded: Recorded) -> None:
    load = recorded.record()
    assert not recorded.since(load, gone=("/gone",)).stale
    found = recorded.since(load, appeared=("/new",), gone=("/gone",))
    assert (found.needs, found.files) == (Need.RELOAD, ("/new/",))
    assert found.reasons == (
        "the files of /new/ are not the files that the server has loaded",
        "/gone was a folder of addons at the load, and is not one any more",
    )
