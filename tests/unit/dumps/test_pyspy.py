# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stacks that py-spy prints, as threads of a dump."""

from __future__ import annotations

import json
import os
import pathlib

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps import pyspy
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.pyspy import find_py_spy, parse_py_spy, read_stacks
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.stack import Frame
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.process import Process, parse_stat
from hypothesis import given
from hypothesis import strategies as st

from .. import build
from .dumped import py_spy_output


def test_captured_py_spy_output_becomes_threads_with_the_outermost_frame_first() -> None:
    stacks = parse_py_spy(py_spy_output())
    assert [stack.name.split(" (")[0] for stack in stacks] == ["Worker WorkerHTTP", "MainThread"]
    main = stacks[1]
    assert (main.frames[0].function, main.frames[-1].function) == ("<module>", "_wait_for_tstate_lock")
    assert main.frames[0].file == "/usr/bin/odoo"
    assert (main.work, main.url, main.seconds) == (None, None, None)


@given(st.one_of(st.text(), st.recursive(st.none() | st.text(), st.lists).map(json.dumps)))
def test_malformed_py_spy_output_is_ignored(text: str) -> None:
    assert parse_py_spy(text) == ()


#: One thread, as py-spy prints it.
ONE = (
    '[{"thread_name": null, "os_thread_id": 7, "thread_id": 9, "frames": [{"filename": "a", "line": 2, "name": "f"}]}]'
)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("[]", []),
        (ONE, ["thread (7)"]),
        (ONE.replace("null", '"MainThread"').replace('"os_thread_id": 7', '"os_thread_id": null'), ["MainThread (9)"]),
        # Without its thread ID, its frames or its line a thread is nothing that py-spy prints.
        (ONE.replace('"thread_id": 9, ', "").replace("7", "null"), []),
        (ONE.replace('"frames"', '"other"'), []),
        (ONE.replace('"line": 2', '"line": "x"'), []),
        (ONE.replace("[{", "{", 1), []),
    ],
)
def test_a_thread_is_named_by_its_name_and_id(text: str, names: list[str]) -> None:
    stacks = parse_py_spy(text)
    assert [stack.name for stack in stacks] == names
    assert all(stack.frames == (Frame("a", 2, "f"),) for stack in stacks)


@pytest.mark.parametrize("roots", [[], ["/usr/local/bin/py-spy"], ["/usr/bin/py-spy", "/usr/local/bin/py-spy"]])
def test_find_py_spy_returns_the_first_that_root_owns(monkeypatch: pytest.MonkeyPatch, roots: list[str]) -> None:
    monkeypatch.setattr(pyspy, "is_roots", lambda path: path in roots)
    assert find_py_spy() == (roots[0] if roots else None)


@pytest.fixture
def program(tmp_path: pathlib.Path) -> str:
    """A py-spy that prints what it was captured to print, and writes down its arguments."""
    (tmp_path / "out.json").write_text(py_spy_output())
    path = tmp_path / "py-spy"
    path.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\ncat {tmp_path}/out.json\n')
    path.chmod(0o755)
    return str(path)


def alive() -> Process:
    """Return the process of the test as an earlier look has seen it."""
    return build.process(os.getpid(), start=parse_stat(Proc().text(os.getpid(), "stat")).start)


def test_read_stacks_returns_output_and_threads_of_a_living_process(program: str, tmp_path: pathlib.Path) -> None:
    raw, stacks = read_stacks(Proc(), program, alive())
    assert (raw, stacks) == (py_spy_output(), parse_py_spy(py_spy_output()))
    assert (tmp_path / "asked").read_text() == f"dump --json --pid {os.getpid()}\n"


def test_read_stacks_does_not_read_another_process_of_the_same_pid(program: str, tmp_path: pathlib.Path) -> None:
    assert read_stacks(Proc(), program, build.process(os.getpid(), start=1)) == ("", ())
    assert not (tmp_path / "asked").exists()


def test_read_stacks_has_no_threads_when_py_spy_cannot_be_run() -> None:
    assert read_stacks(Proc(), "/nonexistent/py-spy", alive()) == ("", ())
