# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packed and encoded logs are opened as text, and the files of a rotation are put in order."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import pathlib
import subprocess
import tarfile
import zipfile

import pytest
from ansible_collections.fleetops.odoo.plugins.filter.explain_logs import explain_logs
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis.unpack import opened, rotation, spooled

from ...conftest import CAPTURES

LOG = (CAPTURES / "dumps" / "19-prefork.log").read_text()


def read(path: pathlib.Path) -> str:
    with opened(str(path)) as log:
        return log.read()


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_packed_log_in_any_encoding_is_read(tmp_path: pathlib.Path, pack: object, encoding: str) -> None:
    data = LOG.encode(encoding)
    (tmp_path / "a").write_bytes(data)
    assert read(tmp_path / "a") == LOG
    (tmp_path / "b").write_bytes(pack(data))  # type: ignore[operator]
    assert read(tmp_path / "b") == LOG


@pytest.mark.parametrize("program", ["zstd", "lz4"])
def test_a_log_that_a_program_unpacks_is_read(
    tmp_path: pathlib.Path, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = subprocess.run([program, "-q", "-c"], input=LOG.encode(), stdout=subprocess.PIPE, check=True).stdout
    (tmp_path / "a").write_bytes(packed)
    assert read(tmp_path / "a") == LOG
    (tmp_path / "a").write_bytes(packed[: len(packed) // 2])
    assert explain_logs(str(tmp_path / "a"))["code"] == "dump.unreadable"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert explain_logs(str(tmp_path / "a"))["code"] == "dump.packed"


def test_archives_and_binary_files_are_refused(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a.log").write_text(LOG)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(tmp_path / "a.log")
    with tarfile.open(tmp_path / "a.tar", "w") as plain, tarfile.open(tmp_path / "a.tgz", "w:gz") as packed:
        plain.add(tmp_path / "a.log", "a.log")
        packed.add(tmp_path / "a.log", "a.log")
    assert {explain_logs(str(tmp_path / name))["code"] for name in ("a.zip", "a.tar", "a.tgz")} == {"dump.archive"}
    (tmp_path / "b").write_bytes(bytes(range(256)) * 8)
    with pytest.raises(Refused) as caught:
        read(tmp_path / "b")
    assert caught.value.code == "dump.not_text"


def test_a_log_with_a_hole_is_a_text(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a.log").write_bytes(bytes(5000) + b"\n" + LOG.encode())
    assert explain_logs(str(tmp_path / "a.log"))["dumps"] == 5


@pytest.mark.parametrize(
    ("paths", "groups"),
    [
        (["o.log", "o.log.1", "o.log.10.gz", "o.log.2.gz"], [["o.log.10.gz", "o.log.2.gz", "o.log.1", "o.log"]]),
        (["o.log", "o.log-20261124", "o.log-20261123.xz"], [["o.log-20261123.xz", "o.log-20261124", "o.log"]]),
        (["o-20261124.log", "o.log"], [["o-20261124.log", "o.log"]]),
        (["a/o.log", "b/o.log.1"], [["a/o.log"], ["b/o.log.1"]]),
        (["h1.log", "h2.log", "1", "2"], [["h1.log"], ["h2.log"], ["1"], ["2"]]),
        (["erp.1", "erp.2"], [["erp.1"], ["erp.2"]]),
    ],
)
def test_the_files_of_a_rotation_are_one_log_oldest_first(paths: list[str], groups: list[list[str]]) -> None:
    assert rotation(paths) == groups


def test_a_dump_that_a_rotation_has_cut_is_whole_again(tmp_path: pathlib.Path) -> None:
    at = LOG.index("File: ", LOG.index(" 41 INFO"))
    (tmp_path / "odoo.log.1.gz").write_bytes(gzip.compress(LOG[:at].encode()))
    (tmp_path / "odoo.log").write_text(LOG[at:])
    report = explain_logs([str(tmp_path / "odoo.log"), str(tmp_path / "odoo.log.1.gz")])
    assert (report["hosts"], report["dumps"], report["unread"]) == (["odoo.log"], 5, [])


def test_a_pipe_is_read_once_and_kept_for_the_page(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible.constants.DEFAULT_LOCAL_TMP", str(tmp_path))
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as file:
        file.write(LOG)
    copy = spooled(f"/proc/self/fd/{reader}")
    os.close(reader)
    assert read(pathlib.Path(copy)) == LOG
    assert pathlib.Path(copy).stat().st_mode & 0o777 == 0o600
    assert spooled(str(tmp_path)) == str(tmp_path)
