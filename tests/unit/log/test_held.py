# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test reading on in a file: lines that are cut anywhere, and long ones."""

from __future__ import annotations

import os
import pathlib

from ansible_collections.fleetops.odoo.plugins.module_utils._log import held
from ansible_collections.fleetops.odoo.plugins.module_utils._log.held import Held, Lines


def test_a_dump_in_one_long_line_is_kept_whole(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "odoo.log"
    path.write_bytes(b"")
    one = Held(os.open(path, os.O_RDONLY), 0)
    path.write_bytes(b"x" * 300_000 + b"\n")
    assert [len(line) for line in one.read()] == [300_001]
    os.close(one.descriptor)


def test_what_is_longer_than_the_bound_is_dropped() -> None:
    lines = Lines(5)
    assert lines.feed(b"abcdefgh") == []
    assert lines.feed(b"ijk\nlm\n") == [b"abcde\n", b"lm\n"]
    assert held.LONGEST >= 1 << 20
