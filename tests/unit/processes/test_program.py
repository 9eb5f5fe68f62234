# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs that are Python interpreters, and programs that are not."""

from __future__ import annotations

import glob
import os
import pathlib
import shutil
import subprocess
import sys

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Gone, Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.program import is_python

INTERPRETERS = sorted(
    {
        os.path.realpath(path)
        for pattern in ("/usr/bin/python3", "~/.pyenv/versions/*/bin/python3", sys.executable)
        for path in glob.glob(os.path.expanduser(pattern))
    }
)


def judge(path: str | pathlib.Path) -> bool:
    """Open a file and ask."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return is_python(descriptor)
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("path", INTERPRETERS)
def test_every_interpreter_of_this_machine_is_python(path: str) -> None:
    assert judge(path)


@pytest.mark.parametrize("name", ["sh", "cat", "sleep", "su", "mount"])
def test_programs_of_the_system_are_not_python(name: str) -> None:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    assert not judge(path)


def test_the_name_of_a_program_says_nothing(tmp_path: pathlib.Path) -> None:
    shutil.copy("/bin/sleep", tmp_path / "python3")
    shutil.copy(os.path.realpath(sys.executable), tmp_path / "sleep")
    assert not judge(tmp_path / "python3")
    assert judge(tmp_path / "sleep")


def test_a_marker_on_the_border_of_two_chunks_is_found(tmp_path: pathlib.Path) -> None:
    for before in range((1 << 20) - 20, (1 << 20) + 4):
        (tmp_path / "one").write_bytes(b"\x7fELF" + bytes(before - 4) + b"\0Py_BytesMain\0" + bytes(99))
        assert judge(tmp_path / "one"), before


@pytest.mark.parametrize("content", [b"", b"#!/usr/bin/python3\n\0Py_BytesMain\0", b"\x7fELF", b"\x7fELF Py_Main"])
def test_other_files_are_not_python(tmp_path: pathlib.Path, content: bytes) -> None:
    (tmp_path / "one").write_bytes(content)
    assert not judge(tmp_path / "one")


def test_a_running_interpreter_is_known_after_its_file_was_removed(tmp_path: pathlib.Path) -> None:
    shutil.copy("/bin/cat", tmp_path / "python3")
    with subprocess.Popen(["/usr/bin/python3", "-"], executable=tmp_path / "python3", stdin=subprocess.PIPE) as cat:
        # Before its exec the child is a copy of this process.
        while os.readlink(f"/proc/{cat.pid}/exe") != str(tmp_path / "python3"):
            pass
        (tmp_path / "python3").unlink()
        assert Proc().runs_python(cat.pid) is False
        cat.kill()
    assert Proc().runs_python(os.getpid())
    with pytest.raises(Gone):
        Proc().runs_python(4_194_304)
