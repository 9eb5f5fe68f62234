# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""A bundle that came from a host, written down. Nothing in it is trusted: a host may be somebody else's by now."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import os
import re
import tarfile
import typing as t
import zlib

from ...module_utils._messages import bundle as _codes
from ...module_utils._system.errors import Refused

#: Bytes of all files of a bundle, whatever it is packed to, and how many there may be.
_MOST, _MOST_FILES = 16 << 20, 2000
#: A file in a folder or in none. A name that begins with a dot is none of ours.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,80}(/[A-Za-z0-9_][A-Za-z0-9_.-]{0,80})?")


def unpack(content: str, sha256: str, folder: str) -> list[str]:
    """Write the files of a bundle to a folder, which is made; returns their names.

    :param content: the archive as base64.
    :raises Refused: it was changed on its way, or has what no bundle has.
    :raises OSError: it cannot be written.
    """
    try:
        packed = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise Refused(_codes.NOT_BASE64()) from exc
    if hashlib.sha256(packed).hexdigest() != sha256:
        raise Refused(_codes.CHECKSUM())
    files = dict(_files(packed))
    os.makedirs(folder, mode=0o700, exist_ok=True)
    for name, data in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
    return list(files)


def _files(packed: bytes) -> t.Iterator[tuple[str, bytes]]:
    room = _MOST
    try:
        with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
            for number, member in enumerate(archive):
                if not member.isreg() or not _NAME.fullmatch(member.name):
                    raise Refused(_codes.STRANGE_FILE(name=member.name[:80]))
                if number >= _MOST_FILES or not 0 <= member.size <= room:
                    raise Refused(_codes.TOO_LARGE())
                room -= member.size
                yield member.name, t.cast("t.IO[bytes]", archive.extractfile(member)).read()
    except (tarfile.TarError, zlib.error, EOFError, OSError) as exc:
        raise Refused(_codes.NOT_UNPACKED(error=exc)) from exc
