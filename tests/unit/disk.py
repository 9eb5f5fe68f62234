# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a server, below a folder of the test."""

from __future__ import annotations

import pathlib


class Disk:
    """A server's files below a folder that stands for its root."""

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root

    def put(self, *names: str) -> None:
        """Write files."""
        for name in names:
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x")
