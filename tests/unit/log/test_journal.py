# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test which journal is read, and the message without one."""

from __future__ import annotations

import os
import pathlib

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._log.journal import command, unreadable

BASE = ["/bin/journalctl", "--quiet", "--no-pager"]


def folders(tmp_path: pathlib.Path, *files: str) -> list[str]:
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    return [str(tmp_path / "run"), str(tmp_path / "var")]


def test_journals_of_namespaces_are_read_where_there_are_some(tmp_path: pathlib.Path) -> None:
    there = folders(tmp_path, "var/c0ffee/system.journal")
    assert command("/bin/journalctl", "--follow", folders=there) == [*BASE, "--follow"]
    there = folders(tmp_path, "run/c0ffee.erp/system.journal")
    assert command("/bin/journalctl", "--follow", folders=there) == [*BASE, "--namespace=*", "--follow"]


def test_a_host_without_a_journal_is_told(tmp_path: pathlib.Path) -> None:
    why = unreadable(1000, folders(tmp_path))
    assert why is not None
    assert why.code == "dump.no_journal"
    assert unreadable(1000, folders(tmp_path, "var/c0ffee/system.journal")) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="takes another user")
def test_a_journal_that_another_user_may_read_is_told(tmp_path: pathlib.Path) -> None:
    there = folders(tmp_path, "var/c0ffee/system.journal", "var/c0ffee/user-1000.journal")
    (tmp_path / "var/c0ffee/system.journal").chmod(0o600)
    (tmp_path / "var/c0ffee/user-1000.journal").chmod(0o644)
    for one in (tmp_path, *tmp_path.parents[:-2]):
        one.chmod(one.stat().st_mode | 0o055)
    os.seteuid(65534)
    try:
        why, own = unreadable(110, there), unreadable(1000, there)
    finally:
        os.seteuid(0)
    assert why is not None
    assert (why.code, own) == ("dump.journal_rights", None)
