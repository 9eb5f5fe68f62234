# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test which Python a process runs."""

from __future__ import annotations

import subprocess
import sys

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.python import (
    may_end_of_quit,
    named,
    parse_maps,
    python_of,
)

MAP = "7f5c9a400000-7f5c9a42b000 r-xp 00000000 08:01 1311 "


@pytest.mark.parametrize(
    ("files", "version"),
    [
        # Debian 12, pyenv, uv, a free-threaded build, Alpine, nixpkgs, a debug build, after an upgrade.
        (["/usr/bin/python3.11", "/usr/lib/python3/dist-packages/_cffi.cpython-311-x86_64-linux-gnu.so"], (3, 11)),
        (["/root/.pyenv/versions/3.10.13/lib/python3.10/lib-dynload/_json.cpython-310-x86_64-linux-gnu.so"], (3, 10)),
        (["/opt/venv/bin/odoo-python", "/opt/x/psycopg2/_psycopg.cpython-312-aarch64-linux-gnu.so"], (3, 12)),
        (["/usr/lib/x86_64-linux-gnu/libpython3.13t.so.1.0"], (3, 13)),
        (["/usr/lib/python3.9/x.cpython-39-x86_64-linux-musl.so"], (3, 9)),
        (["/nix/store/abc-python3-3.11.9/lib/libpython3.11.so.1.0"], (3, 11)),
        (["/usr/lib/libpython3.10d.so.1.0"], (3, 10)),
        (["/opt/a/_json.cpython-311-x86_64-linux-gnu.so (deleted)"], (3, 11)),
        # Nothing but the interpreter and modules for any version.
        (["/usr/bin/python3.12", "/opt/x/_rust.abi3.so"], (3, 12)),
        (["/usr/local/bin/python3.11 (deleted)"], (3, 11)),
        # A name that says something else than what is loaded.
        (["/usr/bin/python3.12", "/opt/x/_json.cpython-311-x86_64-linux-gnu.so"], (3, 11)),
        # Not known: two of them, another Python, nothing at all.
        (["/a/x.cpython-311-x86_64-linux-gnu.so", "/a/y.cpython-312-x86_64-linux-gnu.so"], None),
        (["/usr/lib/pypy3.9/lib-dynload/x.pypy39-pp73-x86_64-linux-gnu.so"], None),
        (["/usr/bin/odoo-static"], None),
        ([], None),
    ],
)
def test_the_python_of_a_process_is_told_by_what_it_has_mapped(
    files: list[str], version: tuple[int, int] | None
) -> None:
    assert parse_maps("".join(f"{MAP}{file}\n" for file in files) + MAP + "[stack]\n") == version


def test_the_python_of_this_very_process() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", "import _ctypes, sys; print(1, flush=True); sys.stdin.read()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with child:
        assert child.stdout is not None
        child.stdout.readline()
        assert python_of(Proc(), child.pid) == sys.version_info[:2]


@pytest.mark.parametrize(
    ("version", "told"), [(None, "yes"), ((3, 9), "no"), ((3, 10), "yes"), ((3, 11), "yes"), ((3, 12), "no")]
)
def test_which_pythons_may_end_of_a_quit(version: tuple[int, int] | None, told: str) -> None:
    assert may_end_of_quit(version) is (told == "yes")


def test_a_python_that_is_not_known_is_named_so() -> None:
    assert (named(None), named((3, 11))) == ("a Python of unknown version", "Python 3.11")
