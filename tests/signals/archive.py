# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Put a capture of a version into the archive of the unit tests.

``tests/lab/lab ssh p 'python3 -' < tests/signals/capture.py | python -m tests.signals.archive 15-prefork``
"""

from __future__ import annotations

import io
import pathlib
import re
import sys
import tarfile
import typing as t

ARCHIVE = pathlib.Path(__file__).resolve().parents[1] / "unit/captures/versions.tar.xz"


def files_of(archive: tarfile.TarFile) -> dict[str, bytes]:
    """Return the content of each file."""
    return {item.name: t.cast("t.IO[bytes]", archive.extractfile(item)).read() for item in archive}


def renamed(kind: str, name: str) -> str:
    """Return the name that a file of a capture has in the archive, such as 15-prefork-running/proc/1/stat."""
    found = re.fullmatch(r"proc/([^/]+)/(proc/.*)", name)
    return f"{kind}-{found[1]}/{found[2]}" if found else f"{kind}/{name}"


def without_source(text: bytes) -> bytes:
    """Return dumps without the lines of Odoo's source."""
    return re.sub(rb'(?m)^(File: ".*", line \d+, in .*\n)  .*$', rb"\1  (source)", text)


def added(known: t.Mapping[str, bytes], kind: str, capture: t.Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files of the archive with a capture in place of an earlier one of the same kind."""
    kept = {name: text for name, text in known.items() if not name.startswith((f"{kind}-", f"{kind}/"))}
    new = {renamed(kind, name): without_source(text) if name == "dumps.log" else text for name, text in capture.items()}
    return {**kept, **new}


def write(files: t.Mapping[str, bytes], place: pathlib.Path) -> None:
    """Write an archive that is the same for the same files."""
    with tarfile.open(place, "w:xz") as archive:
        for name in sorted(files, key=lambda name: name.split("/")[0]):
            item = tarfile.TarInfo(name)
            item.size = len(files[name])
            archive.addfile(item, io.BytesIO(files[name]))


def main(kind: str) -> None:
    """Read a capture on stdin, and rewrite the archive."""
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as archive:
        capture = files_of(archive)
    with tarfile.open(ARCHIVE) as archive:
        known = files_of(archive)
    write(added(known, kind, capture), ARCHIVE)


if __name__ == "__main__":
    main(sys.argv[1])
