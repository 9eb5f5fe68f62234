# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folder of one roll."""

from __future__ import annotations

import json
import os
import pathlib
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.plugin_utils._runs.roll_folder import PAGE, begin, write

from ...conftest import CAPTURES

NAME = "20261130T180618Z"


def report(name: str) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", json.loads((CAPTURES / "rolls" / f"{name}.json").read_text(encoding="utf-8")))


def test_only_the_owner_reads_what_is_written(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "reports" / NAME
    write(str(folder), report("failed"))
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {
        "report.json": 0o600,
        "report.html": 0o600,
        "remaining": 0o600,
    }
    assert json.loads((folder / "report.json").read_text(encoding="utf-8")) == report("failed")
    assert (folder / "remaining").read_text(encoding="utf-8").split() == report("failed")["remaining"]


def test_a_roll_that_has_done_all_leaves_no_hosts_for_limit(tmp_path: pathlib.Path) -> None:
    write(str(tmp_path / NAME), report("done"))
    assert sorted(path.name for path in (tmp_path / NAME).iterdir()) == ["report.html", "report.json"]


def test_the_page_lists_the_rolls_before_it(tmp_path: pathlib.Path) -> None:
    write(str(tmp_path / "20261130T180125Z"), report("done"))
    write(str(tmp_path / NAME), report("failed"))
    assert "../20261130T180125Z/report.html" in (tmp_path / NAME / PAGE).read_text(encoding="utf-8")


def test_the_folder_is_there_from_the_begin_of_the_roll(tmp_path: pathlib.Path) -> None:
    begin(str(tmp_path / NAME))
    begin(str(tmp_path / NAME))
    assert list((tmp_path / NAME).iterdir()) == []


def test_a_file_that_cannot_be_written_leaves_nothing_half_written(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_old: str, _new: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write(str(tmp_path / NAME), report("done"))
    assert list((tmp_path / NAME).iterdir()) == []
