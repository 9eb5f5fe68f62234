# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Captured logs that several folders read."""

from __future__ import annotations

import os
import pathlib
import tarfile

import pytest
from ansible_collections.fleetops.odoo.plugins.action import roll_turn
from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll import locking

from ..conftest import CAPTURES


@pytest.fixture(autouse=True)
def _play_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parent of pytest stands for ansible-playbook."""
    for module in (locking, roll_turn):
        monkeypatch.setattr(module, "playbook", os.getppid)


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Three samples of Odoo 19 prefork, 19 threaded and 14 prefork, as far as the cause was planted there."""
    folder = tmp_path_factory.mktemp("planted")
    with tarfile.open(CAPTURES / "planted.tar.xz") as archive:
        # Python 3.12 warns where nothing is said; Debian's 3.11 does not know it yet. The archive is our own.
        if hasattr(tarfile, "data_filter"):
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(folder)
    return folder
