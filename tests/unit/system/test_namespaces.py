# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Entering another process's namespaces."""

from __future__ import annotations

import contextlib
import errno
import os
import pathlib

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._system import namespaces
from ansible_collections.fleetops.odoo.plugins.module_utils._system.namespaces import (
    MOUNTS,
    NETWORK,
    differs,
    enter,
    network_of,
)


def test_another_inode_of_the_namespace_differs_and_an_unreadable_one_does_not(tmp_path: pathlib.Path) -> None:
    assert differs("/proc", os.getpid(), MOUNTS) is False
    other = tmp_path / "7" / "ns"
    other.mkdir(parents=True)
    (other / MOUNTS).touch()
    assert differs(str(tmp_path), 7, MOUNTS) is True
    # A namespace that we must not see is not a reason to enter it.
    assert differs(str(tmp_path), 8, MOUNTS) is False


def test_enter_a_plain_file_raises_and_leaves_no_descriptor(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "file"
    path.touch()
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match="Invalid argument") as caught:
        enter(str(path))
    assert (caught.value.errno, caught.value.filename) == (errno.EINVAL, str(path))
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("fails", [False, True])
def test_network_of_returns_to_our_network_also_after_an_error(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: pathlib.Path,
    fails: bool,  # noqa: FBT001
) -> None:
    entered: list[str] = []
    theirs = tmp_path / "472" / "ns" / NETWORK
    theirs.parent.mkdir(parents=True)
    theirs.touch()

    def note(path: str) -> None:
        entered.append(os.readlink(path) if path.startswith("/proc/self/fd/") else path)

    monkeypatch.setattr(namespaces, "enter", note)
    home = os.readlink("/proc/self/ns/net")
    with contextlib.suppress(ConnectionError), network_of(str(tmp_path), 472):
        assert entered == [str(theirs)]
        if fails:
            raise ConnectionError
    assert entered == [str(theirs), home]


def test_network_of_a_process_in_our_network_enters_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespaces, "enter", pytest.fail)
    with network_of("/proc", os.getpid()):
        pass
