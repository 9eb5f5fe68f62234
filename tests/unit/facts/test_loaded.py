# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test when a server loaded its code: records, the locks of servers, and the best evidence."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.loaded import Loaded, ServerRecords, Trace, loaded
from hypothesis import given
from hypothesis import strategies as st

from .. import build

MASTER = build.process(100)


@pytest.fixture
def store(tmp_path: pathlib.Path) -> ServerRecords:
    """An open directory."""
    made = ServerRecords(str(tmp_path / "state"))
    made.open()
    return made


def test_one_lock_at_a_time(store: ServerRecords) -> None:
    first = store.try_lock(MASTER)
    assert first is not None
    assert store.try_lock(MASTER) is None
    other = store.try_lock(build.process(200))
    assert other is not None
    os.close(first)
    again = store.try_lock(MASTER)
    assert again is not None
    os.close(again)
    os.close(other)


def test_a_link_is_not_accepted_as_a_lock(store: ServerRecords, tmp_path: pathlib.Path) -> None:
    os.symlink(tmp_path / "victim", f"{store.path}/100-{MASTER.start}.lock")
    with pytest.raises(OSError, match="symbolic links"):
        store.try_lock(MASTER)
    assert not (tmp_path / "victim").exists()


def test_a_lock_that_is_held_is_not_forgotten(store: ServerRecords) -> None:
    # In the moment of its exec a master shows no arguments, so a look by a call for another server does not find it.
    held = store.try_lock(MASTER)
    assert held is not None
    store.forget_others(lambda _pid, _start: True)
    second = store.try_lock(MASTER)
    os.close(held)
    assert second is None


def test_what_is_remembered_is_recalled_for_this_exec_only(store: ServerRecords) -> None:
    assert store.recall(MASTER) is None
    store.remember(MASTER, 10.5, 11.25)
    assert store.recall(MASTER) == Loaded(10.5, 11.25, "marker")
    assert store.recall(dataclasses.replace(MASTER, fingerprint=1)) is None
    assert store.recall(dataclasses.replace(MASTER, fingerprint=None)) is None
    assert store.recall(dataclasses.replace(MASTER, start=1)) is None
    store.remember(MASTER, 20.0, 21.0)
    assert store.recall(MASTER) == Loaded(20.0, 21.0, "marker")
    assert os.listdir(store.path) == [f"100-{MASTER.start}.json"]


def test_a_later_exec_has_loaded_nothing_before_the_record_of_an_earlier_one(store: ServerRecords) -> None:
    later = dataclasses.replace(MASTER, fingerprint=1)
    assert store.recall_earlier(later) is None
    store.remember(MASTER, 80.0, 81.0)
    assert store.recall_earlier(later) == 80.0
    assert store.recall_earlier(MASTER) is None
    assert store.recall_earlier(dataclasses.replace(MASTER, fingerprint=None)) is None
    assert store.recall_earlier(dataclasses.replace(later, start=1)) is None


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", "{}", '{"fingerprint": 7000}', '{"fingerprint": 7000, "not_before": "x"}', "\xff"],
)
def test_a_broken_marker_is_ignored(store: ServerRecords, content: str) -> None:
    pathlib.Path(store.path, f"100-{MASTER.start}.json").write_text(content, encoding="latin-1")
    assert store.recall(MASTER) is None


def test_a_marker_that_cannot_be_written_leaves_nothing(store: ServerRecords, monkeypatch: pytest.MonkeyPatch) -> None:
    store.remember(MASTER, 1.0, 2.0)

    def fail(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(json, "dump", fail)
    with pytest.raises(OSError, match="No space"):
        store.remember(MASTER, 3.0, 4.0)
    assert os.listdir(store.path) == [f"100-{MASTER.start}.json"]
    assert store.recall(MASTER) == Loaded(1.0, 2.0, "marker")


def test_the_half_file_of_a_killed_call_is_replaced(store: ServerRecords) -> None:
    pathlib.Path(store.path, f"100-{MASTER.start}.json.{os.getpid()}").write_text("half of it, and longer " * 9)
    store.remember(MASTER, 1.0, 2.0)
    assert os.listdir(store.path) == [f"100-{MASTER.start}.json"]
    assert store.recall(MASTER) == Loaded(1.0, 2.0, "marker")


def test_what_is_gone_is_forgotten(store: ServerRecords) -> None:
    other = build.process(200)
    for process in (MASTER, other):
        store.remember(process, 1.0, 2.0)
        os.close(store.try_lock(process) or 0)
    store.forget_others(lambda pid, start: (pid, start) == (MASTER.pid, MASTER.start))
    assert sorted(os.listdir(store.path)) == [f"100-{MASTER.start}.json", f"100-{MASTER.start}.lock"]
    ServerRecords("/nonexistent").forget_others(lambda _pid, _start: False)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a directory away")
def test_a_marker_in_the_directory_of_another_user_is_not_believed(store: ServerRecords) -> None:
    store.remember(MASTER, 1e12, 1e12)
    os.chown(store.path, 65534, 65534)
    assert store.recall(MASTER) is None


def test_the_best_evidence() -> None:
    marker = Loaded(5.0, 6.0, "marker")
    assert loaded(1.0, marker, 3.0, 9.0) is marker
    assert loaded(1.0, None, None, 9.0) == Loaded(1.0, 9.0, "process")
    assert loaded(1.0, None, 100.0, 200.0) == Loaded(70.0, 100.0, "log")
    assert loaded(90.0, None, 100.0, 200.0) == Loaded(90.0, 100.0, "log")
    assert loaded(1.0, None, 100.0, 200.0, earlier=80.0) == Loaded(80.0, 100.0, "log")
    assert loaded(1.0, None, 100.0, 200.0, earlier=60.0) == Loaded(70.0, 100.0, "log")
    # Our record is of a clock that was set since.
    assert loaded(1.0, None, 100.0, 200.0, earlier=101.0) == Loaded(70.0, 100.0, "log")
    # A line that an earlier process with this pid has written.
    assert loaded(50.0, None, 49.0, 200.0) == Loaded(50.0, 200.0, "process")


@given(st.floats(0, 1e9), st.none() | st.floats(0, 1e9), st.floats(0, 1e3))
def test_the_bounds_are_in_order(started: float, logged: float | None, age: float) -> None:
    load = loaded(started, None, logged, started + age)
    assert load.not_before <= load.not_after
    assert started <= load.not_before or load.clock_moved


def test_a_log_line_from_the_future_is_ignored() -> None:
    assert loaded(50.0, None, 1e9, 200.0).not_before <= 200.0


def test_a_log_that_is_older_than_the_start_tells_of_a_clock_that_was_set() -> None:
    found = loaded(1000.0, None, 400.0, 2000.0)
    assert (found.not_before, found.not_after, found.evidence, found.clock_moved) == (370.0, 400.0, "log", True)
    assert loaded(1000.0, None, 998.0, 2000.0) == Loaded(1000.0, 2000.0, "process")
    assert not loaded(1000.0, None, 1001.0, 2000.0).clock_moved


def test_a_clock_that_was_set_back_makes_the_earliest_line_count() -> None:
    assert loaded(50.0, None, 100.0, 200.0, earliest=60.0) == Loaded(30.0, 100.0, "log", clock_moved=True)
    # Lines of several processes are not in order to the second.
    assert loaded(50.0, None, 100.0, 200.0, earliest=98.0) == Loaded(70.0, 100.0, "log")


def test_a_record_holds_what_the_server_was_loaded_from(store: ServerRecords) -> None:
    store.remember(MASTER, 1.0, 2.0, Trace({"/a": "/b"}, ("/addons",), {"/addons": "c0ffee"}, 3.0))
    found = store.recall(MASTER)
    assert found == Loaded(1.0, 2.0, "marker", {"/a": "/b"}, ("/addons",), state={"/addons": "c0ffee"}, seen_at=3.0)
