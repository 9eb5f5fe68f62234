# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files are looked at with the rights of the server that names them, and ours come back."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import subprocess
import tempfile
import threading
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.process import Process, parse_stat, parse_status
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.read import _process
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.rights import (
    Rights,
    borrowed,
    exists,
    files_of,
    is_folder,
    is_program,
    open_folder,
    read_file,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._system import libc
from ansible_collections.fleetops.odoo.plugins.module_utils._system.timeout import within

pytestmark = [pytest.mark.borrows, pytest.mark.skipif(os.geteuid() != 0, reason="only root takes rights of others")]

USER, GROUP, EXTRA = 54321, 54322, 54323
NOBODY = Rights(USER, GROUP, (GROUP, EXTRA), 0)


def ours() -> list[str]:
    """Return the rights of this thread from the kernel."""
    lines = pathlib.Path("/proc/thread-self/status").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith(("Uid", "Gid", "Groups", "Cap"))]


@pytest.fixture
def place() -> t.Iterator[pathlib.Path]:
    """A folder that everybody can reach, with files of root, of a user, of a group and of everybody."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        for what, owner, group, mode in (
            ("root", 0, 0, 0o600),
            ("user", USER, 0, 0o600),
            ("group", 0, EXTRA, 0o640),
            ("all", 0, 0, 0o644),
        ):
            (folder / what).write_text(what)
            os.chown(folder / what, owner, group)
            (folder / what).chmod(mode)
        (folder / "private").mkdir(mode=0o700)
        (folder / "private/all").write_text("all")
        (folder / "link").symlink_to(folder / "root")
        yield folder


@pytest.fixture
def server() -> t.Iterator[Process]:
    """A process of the user."""

    def become() -> None:
        os.setgroups([GROUP, EXTRA])
        os.setgid(GROUP)
        os.setuid(USER)

    with subprocess.Popen(["/bin/sleep", "60"], cwd="/", preexec_fn=become) as child:  # noqa: PLW1509
        while os.readlink(f"/proc/{child.pid}/exe") != os.path.realpath("/bin/sleep"):
            pass
        yield record(child.pid)
        child.kill()


def record(pid: int) -> Process:
    """A process as a look sees it."""
    proc = Proc()
    return _process(
        proc, pid, ("x",), parse_stat(proc.text(pid, "stat")), parse_status(proc.text(pid, "status")), set()
    )


@pytest.mark.parametrize(
    ("name", "readable"),
    [("root", False), ("user", True), ("group", True), ("all", True), ("private/all", False), ("link", False)],
)
def test_a_file_is_read_if_the_server_may_read_it(
    place: pathlib.Path, server: Process, name: str, *, readable: bool
) -> None:
    with contextlib.nullcontext() if readable else pytest.raises(PermissionError):
        assert read_file(Proc(), server, str(place / name), 10) == (place / name).read_bytes()


def test_what_the_server_does_not_find_is_not_there(place: pathlib.Path, server: Process) -> None:
    proc = Proc()
    assert exists(proc, server, str(place / "root"))
    assert not exists(proc, server, str(place / "private/all"))
    assert not exists(proc, server, "/a\0b")
    assert is_folder(proc, server, str(place))
    assert not is_folder(proc, server, str(place / "all"))
    assert is_program(proc, server, "/bin/sh")
    assert not is_program(proc, server, str(place / "all"))
    with pytest.raises(PermissionError):
        open_folder(proc, server, str(place / "private/x"))


def test_our_rights_come_back(place: pathlib.Path, server: Process) -> None:
    before = ours()
    with files_of(Proc(), server):
        within_block = ours()
        with pytest.raises(PermissionError):
            (place / "root").read_text(encoding="utf-8")
    assert ours() == before
    assert within_block != before
    assert "Groups:\t54322 54323 " in within_block
    with pytest.raises(KeyError), files_of(Proc(), server):
        raise KeyError
    assert ours() == before
    assert (place / "root").read_text(encoding="utf-8") == "root"


def test_a_thread_takes_rights_for_itself_only(place: pathlib.Path) -> None:
    inside, go_on = threading.Event(), threading.Event()
    told: list[bool] = []

    def look() -> None:
        with borrowed(NOBODY):
            inside.set()
            go_on.wait(10)
            told.append(os.access(place / "private", os.F_OK))

    thread = threading.Thread(target=look)
    before = ours()
    thread.start()
    assert inside.wait(10)
    assert ours() == before
    assert (place / "root").read_text(encoding="utf-8") == "root"
    go_on.set()
    thread.join()
    assert told == [True]
    assert os.getgroups() == sorted(os.getgroups())


def test_a_thread_of_within_takes_the_rights_too(place: pathlib.Path, server: Process) -> None:
    with pytest.raises(PermissionError):
        within(10, lambda: read_file(Proc(), server, str(place / "root"), 10))
    assert within(10, lambda: read_file(Proc(), server, str(place / "user"), 10)) == b"user"


def test_a_block_within_a_block_of_the_same_server(server: Process) -> None:
    with files_of(Proc(), server) as outer, files_of(Proc(), server) as inner:
        assert inner == outer


def test_a_process_that_has_ended_has_no_files(server: Process) -> None:
    # Its pid belongs to another process by now.
    earlier = dataclasses.replace(server, start=server.start - 1)
    with pytest.raises(ProcessLookupError), files_of(Proc(), earlier):
        pytest.fail("it was entered")


def test_capabilities_are_those_that_the_server_has(place: pathlib.Path) -> None:
    override = 1 << 1
    with borrowed(Rights(USER, GROUP, (), override)):
        assert (place / "root").read_text(encoding="utf-8") == "root"
    with borrowed(NOBODY), pytest.raises(PermissionError):
        (place / "root").read_text(encoding="utf-8")


def test_on_an_unknown_machine_the_function_of_libc_sets_the_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libc, "_SETGROUPS", {})
    before = os.getgroups()
    with borrowed(NOBODY):
        assert os.getgroups() == [GROUP, EXTRA]
    assert os.getgroups() == before


def test_a_magic_link_leads_to_nothing_that_the_server_may_not_read(place: pathlib.Path, server: Process) -> None:
    held = os.open(place / "root", os.O_RDONLY)
    try:
        for path in (
            f"/proc/{os.getpid()}/fd/{held}",
            f"/proc/self/fd/{held}",
            f"/proc/{os.getpid()}/root{place}/root",
        ):
            with pytest.raises(OSError, match=r"."):
                read_file(Proc(), server, path, 10)
    finally:
        os.close(held)


def test_root_that_may_not_look_through_a_root_reads_from_its_own(
    place: pathlib.Path, server: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.open

    def refuse(path: str, *arguments: t.Any, **keywords: t.Any) -> int:
        if path == f"/proc/{server.pid}/root":
            raise PermissionError
        return opened(path, *arguments, **keywords)

    monkeypatch.setattr(os, "open", refuse)
    assert read_file(Proc(), server, str(place / "user"), 10) == b"user"
    with pytest.raises(PermissionError):
        read_file(Proc(), server, str(place / "root"), 10)
    with pytest.raises(PermissionError):
        read_file(Proc(), dataclasses.replace(server, namespace_pids=(server.pid, 5)), str(place / "all"), 10)
