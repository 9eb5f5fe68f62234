# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The common parts of tests of bundles: a secret that must not be in one, its limit, and its files."""

from __future__ import annotations

import io
import tarfile
import typing as t

SECRET = "Q7zX9w+hunter"
#: Bytes that a bundle of the tests may have.
ROOMY = 4 << 20


def opened(packed: bytes) -> dict[str, str]:
    """Return the files of an archive by their names."""
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
        return {m.name: t.cast("t.IO[bytes]", archive.extractfile(m)).read().decode() for m in archive}
