# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls of the kernel, made by a process of its own where there is no way back."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._system import libc
from ansible_collections.fleetops.odoo.plugins.module_utils._system.libc import (
    effective_capabilities,
    end_with_parent,
    enter_held,
    forbid_new_privileges,
    ptrace,
    set_effective_capabilities,
    set_filesystem_ids,
)


def test_forbid_new_privileges_sets_no_new_privs_for_executed_programs() -> None:
    # In a process of its own, because there is no way back.
    shown = subprocess.run(
        [sys.executable, "-c", "print([l for l in open('/proc/self/status') if 'NoNewPrivs' in l])"],
        preexec_fn=forbid_new_privileges,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert shown.strip() == r"['NoNewPrivs:\t1\n']"


def test_forbid_new_privileges_raises_when_prctl_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libc, "_PR_SET_NO_NEW_PRIVS", -1)
    with pytest.raises(OSError, match="prctl") as caught:
        forbid_new_privileges()
    assert caught.value.errno == errno.EINVAL


def test_enter_held_names_what_it_was_given() -> None:
    with open(os.devnull) as file, pytest.raises(OSError, match="Invalid argument") as caught:
        enter_held(file.fileno(), "their network")
    assert (caught.value.errno, caught.value.filename) == (errno.EINVAL, "their network")


def test_end_with_parent_sends_the_signal_when_the_parent_ends() -> None:
    # The child waits for its signal; its parent ends when the child is ready.
    program = """
import os, signal, sys
ready, begun = os.pipe()
if os.fork():
    os.read(ready, 1)
    os._exit(0)
signal.signal(signal.SIGTERM, lambda *_: (os.write(1, b"ended"), os._exit(0)))
libc.end_with_parent(signal.SIGTERM)
os.write(begun, b".")
signal.pause()
"""
    begin = f"import sys; sys.path[:0] = {sys.path!r}\nfrom {libc.__name__.rpartition('.')[0]} import libc\n"
    done = subprocess.run([sys.executable, "-c", begin + program], capture_output=True, timeout=60, check=False)
    assert done.stdout == b"ended", done.stderr


def test_end_with_parent_refuses_what_is_no_signal() -> None:
    with pytest.raises(OSError, match="prctl"):
        end_with_parent(signal.NSIG + 1000)


def test_ptrace_of_a_thread_that_has_ended_raises_its_number() -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    with pytest.raises(ProcessLookupError) as caught:
        ptrace(0x4206, ended.pid)
    assert (caught.value.errno, caught.value.filename) == (errno.ESRCH, "ptrace")


def test_capabilities_beyond_the_permitted_ones_are_not_taken() -> None:
    before = effective_capabilities()
    set_effective_capabilities(0xFFFFFFFFFFFFFFFF)
    try:
        assert effective_capabilities() & before == before
    finally:
        set_effective_capabilities(before)
    assert effective_capabilities() == before


def test_filesystem_ids_of_another_user_are_refused_to_a_user() -> None:
    # In a process of its own, because the user gets no way back.
    program = "import os; os.geteuid() or (os.setgid(65534), os.setuid(65534))\n"
    program += "try: libc.set_filesystem_ids(0, 0)\nexcept PermissionError as exc: print(exc)"
    begin = f"import sys; sys.path[:0] = {sys.path!r}\nfrom {libc.__name__.rpartition('.')[0]} import libc\n"
    done = subprocess.run(
        [sys.executable, "-c", begin + program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "the rights of uid 0 cannot be taken\n", done.stderr
    set_filesystem_ids(os.geteuid(), os.getegid())
