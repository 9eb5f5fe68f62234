# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folder of the reports on the controller has no room."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import typing as t

import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet


@pytest.fixture
def small(tmp_path: pathlib.Path) -> t.Iterator[pathlib.Path]:
    """A folder on a file system of 48 KiB."""
    folder = tmp_path / "reports"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48k", "none", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize(("least", "code"), [(500, "bundle.no_room"), (0, "bundle.not_complete")])
def test_a_report_folder_without_room_ends_in_a_sentence(
    fleet: Fleet, small: pathlib.Path, least: int, code: str
) -> None:
    given = {"hosts": "many", "report_dir": str(small), "samples": 1, "min_free": least}
    values = json.dumps({f"diagnostics_{key}": value for key, value in given.items()})
    done = fleet.playbook("diagnostics", "-e", values)
    assert done.returncode == 2
    assert f"[{code}]" in done.stdout, done.stdout
    assert "Traceback" not in done.stdout
    # With the usual limit nothing is begun, and no server is asked.
    if least:
        assert list(small.iterdir()) == []
    # What looks like a whole run is not there, and the last message names what is left.
    assert not list(small.glob("*.tar.gz*"))
    for left in small.iterdir():
        assert f"files of this run stay in {left}" in re.sub(r"\s+", " ", done.stdout)
        assert not (left / "manifest.json").exists()
