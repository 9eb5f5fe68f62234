# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration of nginx in tests/unit/captures, with one file as an editor of another system would leave it.

Git and ansible-test want line feeds and UTF-8, so the file is converted when it is used.
"""

from __future__ import annotations

import atexit
import functools
import pathlib
import shutil
import tempfile

CAPTURES = pathlib.Path(__file__).parents[1] / "captures/nginx"
DOS = "conf.d/20-dos.conf"


@functools.lru_cache(maxsize=None)
def folder() -> pathlib.Path:
    """Return a copy of the files, which is removed when Python ends."""
    made = pathlib.Path(tempfile.mkdtemp(prefix="fleetops-nginx-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    copy = made / "nginx"
    shutil.copytree(CAPTURES, copy)
    lines = (copy / DOS).read_text(encoding="utf-8").splitlines()
    (copy / DOS).write_bytes("\r\n".join(lines).encode("latin-1"))
    return copy
