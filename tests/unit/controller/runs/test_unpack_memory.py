# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Memory of the controller while it unpacks a bundle that a hostile host has made, measured in a process of its own."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import pathlib
import subprocess
import sys
import tarfile
import typing as t
import zlib

import pytest

#: Bytes that the controller may take for a bundle, the interpreter and its imports included.
MOST = 200 << 20

#: What the action plugin and the role do with a bundle. The last line is its code, and the most memory in kB.
CHILD = """
import hashlib, os, sys
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused
from ansible_collections.fleetops.odoo.plugins.plugin_utils._runs.run_folder import pack
from ansible_collections.fleetops.odoo.plugins.plugin_utils._runs.unpack import unpack
content, digest, folder = sys.stdin.read(), sys.argv[1], sys.argv[2]
try:
    unpack(content, digest, os.path.join(folder, "run", "host"))
    del content
    pack(os.path.join(folder, "run"), {}, 0)
    code = "unpacked"
except Refused as exc:
    code = exc.problem.code
# getrusage would tell the most that the parent had when it forked.
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(code, peak)
"""


def zipped(archive: bytes) -> bytes:
    return gzip.compress(archive, 1)


def header(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    member = tarfile.TarInfo(name)
    member.size, member.type = size, kind
    return member.tobuf(tarfile.USTAR_FORMAT)


def archive(name: str, data: bytes) -> bytes:
    return header(name, len(data)) + data + b"\0" * (-len(data) % 512 + 1024)


def bomb() -> bytes:
    """Return a quarter of a gigabyte of nothing."""
    packer = zlib.compressobj(9, wbits=31)
    chunk = b"\0" * (1 << 20)
    parts = [packer.compress(header("a", 1 << 20))]
    parts += [packer.compress(chunk) for _number in range(256)]
    return b"".join([*parts, packer.flush()])


def many() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as made:
        for number in range(2000):
            member = tarfile.TarInfo(f"a/{number}.json")
            member.size = 400
            made.addfile(member, io.BytesIO(b"[" * 400))
    return zipped(buffer.getvalue())


BUNDLES: dict[str, tuple[t.Callable[[], bytes], str]] = {
    "a quarter of a gigabyte of zeros": (bomb, "bundle.too_large"),
    "a PAX header of 64 MB": (
        lambda: zipped(header("p", 64 << 20, tarfile.XHDTYPE) + b"9 a=bcd\n" * (8 << 20)),
        "bundle.too_large",
    ),
    "a global PAX header of many records": (
        lambda: zipped(header("p", 6 << 20, tarfile.XGLTYPE) + b"6 a=b\n" * (1 << 20)),
        "bundle.strange_file",
    ),
    "a long GNU name": (
        lambda: zipped(header("p", 7 << 20, tarfile.GNUTYPE_LONGNAME) + b"a" * (7 << 20)),
        "bundle.strange_file",
    ),
    "a sparse file": (lambda: zipped(header("p", 1 << 20, tarfile.GNUTYPE_SPARSE)), "bundle.strange_file"),
    "text of four bytes a character": (
        lambda: zipped(archive("a/x.log", "\U0001f600".encode() * (2 << 20))),
        "unpacked",
    ),
    "JSON of empty lists": (lambda: zipped(archive("a/x.json", b"[" + b"[]," * (5 << 19) + b"0]")), "unpacked"),
    "JSON of empty lists below the limit": (
        lambda: zipped(archive("a/x.json", b"[" + b"{}," * 300000 + b"0]")),
        "unpacked",
    ),
    "deep JSON": (lambda: zipped(archive("a/x.json", b"[" * (1 << 20))), "unpacked"),
    "two thousand files": (many, "unpacked"),
    "what does not compress": (lambda: zipped(archive("a/x.bin", hashlib.shake_256(b"x").digest(7 << 20))), "unpacked"),
}


@pytest.mark.parametrize("name", BUNDLES)
def test_no_bundle_takes_much_memory_of_the_controller(name: str, tmp_path: pathlib.Path) -> None:
    make, code = BUNDLES[name]
    packed = make()
    assert len(packed) <= 8 << 20
    found = subprocess.run(
        [sys.executable, "-c", CHILD, hashlib.sha256(packed).hexdigest(), str(tmp_path)],
        input=base64.b64encode(packed),
        capture_output=True,
        check=True,
        timeout=120,
    )
    said, most = found.stdout.decode().split()
    assert said == code
    assert int(most) << 10 < MOST
