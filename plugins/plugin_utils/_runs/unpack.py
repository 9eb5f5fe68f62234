# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Write the bundle of a host to the controller. Nothing in it is trusted: an attacker may own the host."""

from __future__ import annotations

import base64
import binascii
import hashlib
import itertools
import os
import re
import tarfile
import typing as t
import zlib

from ...module_utils._messages import bundle as _codes
from ...module_utils._system.errors import Refused

#: Bytes of a bundle as it travels, and of all its files. A host packs 4 MB at most.
_MOST_PACKED, _MOST = 8 << 20, 8 << 20
_MOST_FILES = 2000
_BLOCK = tarfile.BLOCKSIZE
#: Bytes of the whole archive: each file has a header and is filled up to a block, and there are empty ones at its end.
_MOST_UNPACKED = _MOST + 2 * _BLOCK * _MOST_FILES + tarfile.RECORDSIZE
#: A file in a folder or at the top. A name that begins with a dot does not belong to a bundle.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,80}(/[A-Za-z0-9_][A-Za-z0-9_.-]{0,80})?")


def unpack(content: t.Any, sha256: t.Any, folder: str) -> list[str]:
    """Write the files of a bundle to a folder, which is made; returns their names.

    :param content: the archive as base64.
    :raises Refused: it was changed on its way, or has what no bundle has.
    :raises OSError: it cannot be written.
    """
    if not isinstance(content, str):
        raise Refused(_codes.NOT_BASE64())
    if len(content) > _MOST_PACKED // 3 * 4:
        raise Refused(_codes.TOO_LARGE())
    try:
        packed = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise Refused(_codes.NOT_BASE64()) from exc
    if hashlib.sha256(packed).hexdigest() != sha256:
        raise Refused(_codes.CHECKSUM())
    files = dict(_files(_unzipped(packed)))
    os.makedirs(folder, mode=0o700, exist_ok=True)
    for name, data in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
    return list(files)


def _unzipped(packed: bytes) -> bytes:
    """Return an archive unpacked, which is bounded before anything reads it."""
    reader = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        found = reader.decompress(packed, _MOST_UNPACKED)
    except zlib.error as exc:
        raise Refused(_codes.NOT_UNPACKED(error=exc)) from exc
    if reader.unconsumed_tail:
        raise Refused(_codes.TOO_LARGE())
    if not reader.eof or reader.unused_data:
        raise Refused(_codes.NOT_UNPACKED(error="there are bytes after its end, or its end is missing"))
    return found


def _files(archive: bytes) -> t.Iterator[tuple[str, memoryview]]:
    """Yield names and contents. Each header is read by itself, so none that describes others takes memory."""
    room, place, content = _MOST, 0, memoryview(archive)
    for number in itertools.count():
        header = archive[place : place + _BLOCK]
        if not header.strip(b"\0"):
            return
        try:
            member = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        except tarfile.TarError as exc:
            raise Refused(_codes.NOT_UNPACKED(error=exc)) from exc
        if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or not _NAME.fullmatch(member.name):
            raise Refused(_codes.STRANGE_FILE(name=member.name[:80]))
        if number >= _MOST_FILES or not 0 <= member.size <= room:
            raise Refused(_codes.TOO_LARGE())
        begin, room = place + _BLOCK, room - member.size
        if begin + member.size > len(archive):
            raise Refused(_codes.NOT_UNPACKED(error="its last file is incomplete"))
        yield member.name, content[begin : begin + member.size]
        place = begin + -(-member.size // _BLOCK) * _BLOCK
