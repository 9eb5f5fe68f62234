# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the settings of a process besides its command."""

from __future__ import annotations

import json
import os
import pathlib
import resource
import subprocess
import sys
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._drain.process_settings import (
    parse_limits,
    read_settings,
    surroundings_apart,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc

from .. import build


def test_what_a_process_has_is_read_and_what_is_of_it_alone_is_left_out() -> None:
    with subprocess.Popen(
        ["/bin/sleep", "60"], env={"A": "b", "INVOCATION_ID": "x", "ODOO_READY_SIGHUP_PID": "7"}
    ) as sleeper:
        # Popen returns in the middle of the exec, when the kernel may not have put the environment there yet.
        environ = pathlib.Path(f"/proc/{sleeper.pid}/environ")
        while not environ.read_bytes():
            pass
        found = read_settings(Proc(), build.process(sleeper.pid, nice=0))
        sleeper.kill()
    assert found["environment"] == {"A": "b"}
    assert (found["nice"], found["umask"], found["affinity"]) == (0, _umask(), sorted(os.sched_getaffinity(0)))
    assert tuple(found["limits"]["RLIMIT_NOFILE"]) == resource.getrlimit(resource.RLIMIT_NOFILE)
    json.dumps(found)


@pytest.mark.parametrize(
    ("words", "apart"),
    [
        ([], []),
        (["unshare", "-m"], ["mounts"]),
        (["unshare", "-n"], ["network"]),
        (["unshare", "-mpf", "--kill-child"], ["mounts", "PIDs"]),
        (["unshare", "-U"], ["users"]),
        (["chroot", "/proc/self/root/tmp/.."], []),
    ],
)
def test_what_a_process_has_of_its_own_is_recorded(words: list[str], apart: list[str]) -> None:
    if os.getuid() != 0 and words:
        pytest.skip("only root makes namespaces everywhere")
    code = "import os, time; print(os.readlink('/proc/self'), flush=True); time.sleep(60)"
    with subprocess.Popen([*words, sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as started:
        try:
            pid = int(t.cast("t.IO[str]", started.stdout).readline())
            assert read_settings(Proc(), build.process(pid))["apart"] == apart
        finally:
            started.kill()


def test_a_root_directory_of_its_own_is_recorded(tmp_path: pathlib.Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7/root").symlink_to(tmp_path)
    assert surroundings_apart(Proc(str(tmp_path)), build.process(7)) == ["root directory"]
    (tmp_path / "7/root").unlink()
    (tmp_path / "7/root").symlink_to("/")
    assert surroundings_apart(Proc(str(tmp_path)), build.process(7)) == []


def _umask() -> int:
    before = os.umask(0o22)
    os.umask(before)
    return before


def test_limits_as_the_kernel_writes_them() -> None:
    text = (
        "Limit                     Soft Limit           Hard Limit           Units     \n"
        "Max cpu time              unlimited            unlimited            seconds   \n"
        "Max open files            1024                 3000                 files     \n"
        "Max nice priority         0                    0                    \n"
        "Max something new         1                    2                    things    \n"
    )
    assert parse_limits(text) == {"RLIMIT_CPU": [-1, -1], "RLIMIT_NOFILE": [1024, 3000], "RLIMIT_NICE": [0, 0]}
