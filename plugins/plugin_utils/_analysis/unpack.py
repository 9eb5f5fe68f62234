# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Log files opened as text, however they were packed and encoded, and the files of one rotation."""

from __future__ import annotations

import bz2
import codecs
import contextlib
import email
import gzip
import io
import lzma
import os
import re
import shutil
import stat
import subprocess
import typing as t

from ...module_utils._messages import dump as _codes
from ...module_utils._system.errors import Refused

#: How packed files begin.
_OPENERS: dict[bytes, t.Callable[..., t.Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
    b"]\x00\x00": lzma.open,
}
_PROGRAMS = {b"\x28\xb5\x2f\xfd": "zstd", b"\x04\x22\x4d\x18": "lz4"}
_ARCHIVES = {b"PK\x03\x04": "zip", b"7z\xbc\xaf": "7z", b"Rar!": "rar"}
#: How a mail begins, and what its header has.
_HEADER = re.compile(rb"[A-Za-z][A-Za-z-]{1,40}: [^\r\n]")
_ENCODED = re.compile(rb"(?im)^(?:MIME-Version|Content-Transfer-Encoding|Content-Type: multipart/):? ?")
#: Byte order marks, the longer ones first.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: Bytes that tell how a text is encoded, and how long the reading of what a packed file holds is in one go.
_LOOKED_AT, _BUFFER = 1024, 1 << 16
#: What logrotate puts behind the name of a log, or before its extension.
_ROTATED = re.compile(
    r"(?P<base>.+?)(?:[.-](?P<date>\d{8,14}|\d{4}-\d\d-\d\d(?:[T_-][\d:-]{2,8})?)(?P<extension>\.log)?)?"
    r"(?:\.(?P<number>\d{1,4}))?(?P<packed>\.(?:gz|xz|bz2|zst|lz4|lzma))?$"
)


@contextlib.contextmanager
def opened(path: str) -> t.Iterator[t.TextIO]:
    """Open a log as text. Bytes that are not in its encoding are shown as escapes.

    :raises Refused: the file is an archive, cannot be decompressed, or is not text.
    :raises OSError, EOFError, lzma.LZMAError, zlib.error: it cannot be read.
    """
    with open(path, "rb") as file:
        begin = file.read(265)
    archive = next((kind for mark, kind in _ARCHIVES.items() if begin.startswith(mark)), None)
    if archive or begin[257:262] == b"ustar":
        raise Refused(_codes.ARCHIVE(path=path, kind=archive or "tar"))
    with contextlib.ExitStack() as stack:
        yield io.StringIO(_text_of_mail(path)) if _is_mail(path, begin) else _text_of_log(path, begin, stack)


def _text_of_log(path: str, begin: bytes, stack: contextlib.ExitStack) -> io.TextIOWrapper:
    """Return a log as text, decompressed. What has to be closed afterwards is put onto the stack."""
    program = next((name for mark, name in _PROGRAMS.items() if begin.startswith(mark)), None)
    raw = stack.enter_context(_unpacking(path, program) if program else _reading(path, begin))
    buffered = io.BufferedReader(raw, _BUFFER) if isinstance(raw, io.RawIOBase) else raw
    first = buffered.peek(_LOOKED_AT)[:_LOOKED_AT]
    if first[257:262] == b"ustar":
        raise Refused(_codes.ARCHIVE(path=path, kind="tar"))
    encoding = _encoding(first)
    if encoding is None:
        raise Refused(_codes.NOT_TEXT(path=path))
    return io.TextIOWrapper(buffered, encoding, "backslashreplace", newline="\n")


def _is_mail(path: str, begin: bytes) -> bool:
    """Return whether a file is a mail, as a program for mails saves it."""
    if not _HEADER.match(begin):
        return False
    with open(path, "rb") as file:
        head = re.split(rb"\r?\n\r?\n", file.read(_BUFFER), maxsplit=1)[0]
    return _ENCODED.search(head) is not None


def _text_of_mail(path: str) -> str:
    with open(path, "rb") as file:
        mail = email.message_from_binary_file(file)
    parts = [part for part in mail.walk() if part.get_content_maintype() != "multipart"]
    plain = [part for part in parts if part.get_content_type() != "text/html"]
    found = []
    for part in plain or parts:
        raw = t.cast("bytes | None", part.get_payload(decode=True)) or b""
        encoding = _encoding(raw[:_LOOKED_AT])
        if encoding:
            found.append(raw.decode(encoding, "backslashreplace"))
    return "\n".join(found)


def spooled(path: str) -> str:
    """Return the path of what may be read again and again: of a pipe, that of a copy, which Ansible removes at its end.

    :raises Refused: it cannot be read.
    """
    try:
        status = os.stat(path)
        if not stat.S_ISFIFO(status.st_mode):
            return path
        copy = os.path.join(_temporary(), f"fleetops-{status.st_dev}-{status.st_ino}")
        if not os.path.exists(copy):
            with open(path, "rb") as pipe, open(copy, "xb", opener=_private) as file:
                shutil.copyfileobj(pipe, file)
    except OSError as exc:
        raise Refused(_codes.UNREADABLE(path=path, error=exc.strerror)) from exc
    return copy


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _temporary() -> str:
    from ansible import constants  # noqa: PLC0415 - the rest is used without Ansible, too

    return str(constants.DEFAULT_LOCAL_TMP)


def rotation(paths: t.Sequence[str]) -> list[list[str]]:
    """Return these paths, those of one rotated log together, the oldest first: odoo.log.2.gz, odoo.log.1, odoo.log."""
    groups: dict[t.Any, list[tuple[t.Any, str]]] = {}
    for path in dict.fromkeys(paths):
        folder, name = os.path.split(path)
        found = t.cast("re.Match[str]", _ROTATED.match(name)).groupdict()
        base = found["base"] + (found["extension"] or "")
        number, date = found["number"], found["date"]
        # Of files named 1, 2 or erp.1 nothing tells that they are of one log.
        of_a_log = date or (number and (found["packed"] or base.endswith(".log")))
        if not of_a_log or not re.search(r"[A-Za-z]", base):
            base = name.removesuffix(found["packed"]) if found["packed"] and not number else name
        age = (date is None and number is None, date or "", -int(number or 0))
        groups.setdefault((folder, base), []).append((age, path))
    return [[path for _age, path in sorted(group)] for group in groups.values()]


@contextlib.contextmanager
def _reading(path: str, begin: bytes) -> t.Iterator[t.Any]:
    opener = next((one for mark, one in _OPENERS.items() if begin.startswith(mark)), open)
    with opener(path, "rb") as raw:
        yield raw


@contextlib.contextmanager
def _unpacking(path: str, name: str) -> t.Iterator[t.Any]:
    program = shutil.which(name)
    if program is None:
        raise Refused(_codes.PACKED(path=path, program=name))
    command = [program, "-d", "-c", "-q", "--", path] if name == "zstd" else [program, "-d", "-c", "-q", path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL) as running:
        yield running.stdout
        # A broken file shows only when it is read to its end.
        said = t.cast("t.IO[bytes]", running.stderr).read(500).decode("utf-8", "replace").strip()
        if running.wait():
            raise OSError(0, said.replace("\n", " ") or f"{name} failed")


def _encoding(first: bytes) -> str | None:
    for mark, name in _MARKS:
        if first.startswith(mark):
            return name
    zeros = first.count(0)
    if zeros == 0:
        return "utf-8"
    # UTF-16 without a mark: every other byte of what is mostly ASCII is zero.
    for offset, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        if zeros > len(first) // 3 and first[offset::2].count(0) > 0.9 * zeros:
            return name
    # A log may have a hole where it was emptied (copytruncate).
    return None if 0 < zeros < len(first) and _is_binary(first) else "utf-8"


def _is_binary(first: bytes) -> bool:
    odd = sum(1 for byte in first if byte < 9 or 13 < byte < 27)
    return odd - first.count(0) > len(first) // 20
