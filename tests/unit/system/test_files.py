# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test files of other users, read by root."""

from __future__ import annotations

import os
import pathlib
import pty
import subprocess
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._system.files import end_of, is_roots, reached, read_regular


def test_a_file_and_its_beginning(tmp_path: pathlib.Path) -> None:
    (tmp_path / "x").write_bytes(b"0123456789")
    assert read_regular(str(tmp_path / "x"), 100) == b"0123456789"
    assert read_regular(str(tmp_path / "x"), 4) == b"0123"


def test_a_path_that_is_not_a_file_is_refused_at_once(tmp_path: pathlib.Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to(tmp_path / "fifo")
    for name in ("fifo", "link", "", "nothing"):
        with pytest.raises(OSError):  # noqa: PT011
            read_regular(str(tmp_path / name), 10)
    with pytest.raises(OSError, match="not a regular file"):
        read_regular("/dev/null", 10)


def test_a_device_is_not_even_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    # A new pts is opened for reading only after a process opens it by its path.
    master, slave = pty.openpty()
    path = os.ttyname(slave)
    os.close(slave)
    opened: list[str] = []
    really = os.open

    def spy(name: str, flags: int, *arguments: int) -> int:
        if name == path and not flags & os.O_PATH:
            opened.append(name)
        return really(name, flags, *arguments)

    monkeypatch.setattr(os, "open", spy)
    try:
        with pytest.raises(OSError):  # noqa: PT011
            read_regular(path, 10)
    finally:
        os.close(master)
    assert opened == []


@pytest.mark.skipif(not os.access("/proc/kmsg", os.R_OK), reason="only root may read the kernel's messages")
def test_a_file_of_proc_is_not_read() -> None:
    assert read_regular("/proc/kmsg", 10) == b""


def test_no_descriptor_is_left_behind(tmp_path: pathlib.Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    before = len(os.listdir("/proc/self/fd"))
    for name in ("fifo", "", "nothing"):
        with pytest.raises(OSError):  # noqa: PT011
            read_regular(str(tmp_path / name), 10)
    assert len(os.listdir("/proc/self/fd")) <= before + 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
def test_a_file_of_another_proc_is_not_read() -> None:
    # A container has its own /proc, and any user can make one in a user namespace.
    with subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", "mount -t proc none /mnt && echo ready && read x"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert t.cast("t.IO[bytes]", child.stdout).readline() == b"ready\n"
        try:
            content: bytes | None = read_regular(f"/proc/{child.pid}/root/mnt/kmsg", 10)
        except OSError:
            content = b""
        finally:
            t.cast("t.IO[bytes]", child.stdin).close()
    assert content == b""


def test_links_lead_to_where_they_do_below_another_root(tmp_path: pathlib.Path) -> None:
    root = str(tmp_path)
    (tmp_path / "a/b").mkdir(parents=True)
    for name, target in {
        "far": "/a",
        "near": "a/b",
        "out": "../../../../a",
        "round": "/round",
        "twice": "/far/b",
    }.items():
        (tmp_path / name).symlink_to(target)
    for path, real in {
        "/a/b": "/a/b",
        "/far/b/x": "/a/b/x",
        "/near/../b": "/a/b",
        "/out": "/a",
        "/twice": "/a/b",
        "/nothing/x": "/nothing/x",
        "/round/x": "/round/x",
    }.items():
        assert reached(path, root) == root + real
    # Without another root the kernel does it.
    assert reached("/usr/../x", "") == "/usr/../x"


def test_what_is_roots() -> None:
    assert is_roots("/usr/bin/env")
    # A link of Debian's, from folder to folder.
    assert is_roots("/bin/sh")
    assert not is_roots("/usr/bin/nothing")
    assert not is_roots("usr/bin/env")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make what is root's")
def test_a_path_that_another_user_could_change_is_not_roots(tmp_path: pathlib.Path) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    for folder in (theirs, ours):
        folder.mkdir()
        (folder / "x").touch(0o755)
    assert is_roots(str(ours / "x"))
    assert is_roots(str(ours))
    (ours / "link").symlink_to("../ours/./x")
    (ours / "far").symlink_to(ours / "link")
    (ours / "round").symlink_to("round")
    assert is_roots(str(ours / "far"))
    assert not is_roots(str(ours / "round"))

    # Root's file in a folder in which another user may put another one.
    os.chown(theirs, 65534, 65534)
    assert not is_roots(str(theirs / "x"))
    (ours / "through").symlink_to(theirs / "x")
    assert not is_roots(str(ours / "through"))
    (theirs / "back").symlink_to(ours / "x")
    assert not is_roots(str(theirs / "back"))
    assert not is_roots(f"{theirs}/../ours/x")
    os.chown(theirs, 0, 0)
    theirs.chmod(0o775)
    assert not is_roots(str(theirs / "x"))
    # As /tmp is.
    theirs.chmod(0o1777)
    assert is_roots(str(theirs / "x"))
    (theirs / "link").symlink_to(ours / "x")
    os.lchown(theirs / "link", 65534, 65534)
    assert not is_roots(str(theirs / "link"))

    (ours / "x").chmod(0o757)
    assert not is_roots(str(ours / "x"))
    (ours / "x").chmod(0o755)
    os.chown(ours / "x", 65534, 0)
    assert not is_roots(str(ours / "x"))


@pytest.mark.parametrize(("limit", "end"), [(3, b"jkl"), (12, b"abcdefghijkl"), (99, b"abcdefghijkl")])
def test_the_end_of_a_file_has_at_most_so_many_bytes(tmp_path: pathlib.Path, limit: int, end: bytes) -> None:
    file = tmp_path / "log"
    file.write_bytes(b"abcdefghijkl")
    assert end_of(str(file), limit) == end
    with pytest.raises(OSError, match="not a regular file"):
        end_of(str(tmp_path), limit)
