# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The boot ID of the machine, and the seconds since boot."""

from __future__ import annotations

import pathlib
import time

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._system import boot


def test_boot_id_is_the_same_at_every_call() -> None:
    assert boot.boot_id() == boot.boot_id()
    # Eight, four, four, four and twelve hexadecimal digits.
    assert [len(part) for part in boot.boot_id().split("-")] in ([8, 4, 4, 4, 12], [0])


def test_boot_id_is_stripped_and_empty_where_the_kernel_has_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "boot_id"
    monkeypatch.setattr(boot, "_BOOT_ID", str(path))
    assert boot.boot_id() == ""
    path.write_text("0b3a6f0e-5b5c-4a0e-9d35-1f6f0a3a1f52\n")
    assert boot.boot_id() == "0b3a6f0e-5b5c-4a0e-9d35-1f6f0a3a1f52"


def test_uptime_never_runs_backwards_and_counts_at_least_what_monotonic_counts() -> None:
    before = time.monotonic()
    first = boot.uptime()
    assert before <= first <= boot.uptime()
