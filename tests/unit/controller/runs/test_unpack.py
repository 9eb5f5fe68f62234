# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Unpacking a bundle of a host: names, checksum, sizes, and what is written."""

from __future__ import annotations

import base64
import hashlib
import io
import pathlib
import tarfile

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused
from ansible_collections.fleetops.odoo.plugins.plugin_utils._runs.unpack import unpack


def packed_of(*members: tarfile.TarInfo, data: bytes = b"x") -> tuple[str, str]:
    """Make an archive as an attacker might make it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for member in members:
            member.size = len(data) if member.isreg() else 0
            archive.addfile(member, io.BytesIO(data))
    packed = buffer.getvalue()
    return base64.b64encode(packed).decode(), hashlib.sha256(packed).hexdigest()


def link(name: str) -> tarfile.TarInfo:
    """A link in an archive."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return member


@pytest.mark.parametrize(
    "member",
    [tarfile.TarInfo(name) for name in ("../x", "/etc/x", "a/../b", "a/b/c", ".hidden", "a//b", "")] + [link("a")],
)
def test_an_archive_with_a_name_or_a_link_that_leads_elsewhere_is_refused(
    member: tarfile.TarInfo, tmp_path: pathlib.Path
) -> None:
    with pytest.raises(Refused) as caught:
        unpack(*packed_of(member), str(tmp_path / "to"))
    assert caught.value.code == "bundle.strange_file"
    assert list(tmp_path.iterdir()) == []


def test_a_changed_too_large_or_broken_bundle_is_refused(tmp_path: pathlib.Path) -> None:
    content, digest = packed_of(tarfile.TarInfo("a"))
    nothing = base64.b64encode(b"abc").decode()
    for code, given in (
        ("bundle.checksum", (content, "0" * 64)),
        ("bundle.not_base64", ("?", digest)),
        ("bundle.too_large", packed_of(tarfile.TarInfo("a"), data=b"\0" * (17 << 20))),
        ("bundle.not_unpacked", (nothing, hashlib.sha256(b"abc").hexdigest())),
    ):
        with pytest.raises(Refused) as caught:
            unpack(*given, str(tmp_path))
        assert caught.value.code == code
    unpack(content, digest, str(tmp_path))
    assert (tmp_path / "a").read_text() == "x"
