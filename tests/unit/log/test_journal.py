# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test which journal is read, and the message without one."""

from __future__ import annotations

import os
import pathlib

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._log.journal import command, is_stored, unreadable

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


def proc(tmp_path: pathlib.Path, *daemons: tuple[str, str]) -> str:
    """Make a folder as /proc, with a journald for each PID namespace and the file that it has open."""
    (tmp_path / "proc/self/ns").mkdir(parents=True)
    (tmp_path / "proc/self/ns/pid").symlink_to("pid:[1]")
    for number, (namespace, opened) in enumerate((("pid:[1]", "/dev/null"), *daemons), 100):
        folder = tmp_path / f"proc/{number}"
        (folder / "fd").mkdir(parents=True)
        (folder / "ns").mkdir()
        (folder / "ns/pid").symlink_to(namespace)
        (folder / "fd/3").symlink_to(opened)
        (folder / "comm").write_text("systemd-journal\n" if number > 100 else "bash\n")
    return str(tmp_path / "proc")


@pytest.mark.parametrize(
    ("daemons", "stored"),
    [
        # Without a journald that is visible nothing is known.
        ((), True),
        ((("pid:[1]", "/var/log/journal/c0ffee/system.journal"),), True),
        ((("pid:[1]", "/run/systemd/journal/socket"),), False),
        ((("pid:[1]", "/dev/kmsg"), ("pid:[1]", "/run/log/journal/c0ffee.erp/system.journal")), True),
        # That of a container of a whole system.
        ((("pid:[1]", "/dev/kmsg"), ("pid:[2]", "/var/log/journal/c0ffee/system.journal")), False),
    ],
)
def test_a_journald_stores_entries_if_it_has_a_journal_open(
    tmp_path: pathlib.Path, daemons: tuple[tuple[str, str], ...], *, stored: bool
) -> None:
    assert is_stored(proc(tmp_path, *daemons)) is stored


@pytest.mark.skipif(os.geteuid() != 0, reason="takes another user")
def test_a_journal_that_another_user_may_read_is_told(tmp_path: pathlib.Path) -> None:
    there = folders(tmp_path, "var/c0ffee/system.journal", "var/c0ffee/user-1000.journal")
    (tmp_path / "var/c0ffee/system.journal").chmod(0o600)
    (tmp_path / "var/c0ffee/user-1000.journal").chmod(0o644)
    for one in (tmp_path, *list(tmp_path.parents)[:-2]):
        one.chmod(one.stat().st_mode | 0o055)
    os.seteuid(65534)
    try:
        why, own = unreadable(110, there), unreadable(1000, there)
    finally:
        os.seteuid(0)
    assert why is not None
    assert (why.code, own) == ("dump.journal_rights", None)
