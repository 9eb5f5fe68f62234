# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folder of a run, and where its archive goes."""

from __future__ import annotations

import errno
import json
import os
import pathlib
import tarfile

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused
from ansible_collections.fleetops.odoo.plugins.plugin_utils._runs import run_folder
from ansible_collections.fleetops.odoo.plugins.plugin_utils._runs.run_folder import begin, pack, retire

RUN = "20261124T174507Z"


def written(path: pathlib.Path, name: str = RUN) -> pathlib.Path:
    """A run with something in it."""
    folder = path / name
    (folder / "h1").mkdir(parents=True)
    (folder / "h1.log").write_text("a dump\n")
    (folder / "h1" / "odoo.conf").write_text("workers = 4\n")
    (folder / "report.json").write_text('{"at": "if token:", "line": 3}')
    return folder


def test_a_run_is_packed_with_a_manifest(tmp_path: pathlib.Path) -> None:
    folder = written(tmp_path)
    done = pack(str(folder), {"hosts": {"h1": {}}}, 1_795_542_307)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["schema"], manifest["kind"], manifest["run"]) == (1, "fleetops.odoo.diagnostics", RUN)
    assert [file["path"] for file in manifest["files"]] == ["h1.log", "report.json", "h1/odoo.conf"]
    assert manifest["files"][0]["bytes"] == 7
    assert len(manifest["files"][0]["sha256"]) == 64
    archive = tmp_path / f"{RUN}.tar.gz"
    assert (done.archive, done.size) == (str(archive), archive.stat().st_size)
    assert archive.stat().st_mode & 0o777 == 0o600
    with tarfile.open(archive) as tar:
        assert {(m.name, m.mode, m.uid, m.mtime) for m in tar} == {
            (f"{RUN}/{name}", 0o600, 0, 1_795_542_307)
            for name in ("h1.log", "report.json", "manifest.json", "h1/odoo.conf")
        }
    assert pack(str(folder), {"hosts": {"h1": {}}}, 1_795_542_307).sha256 == done.sha256


def test_a_run_without_room_for_its_manifest_has_no_manifest(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = written(tmp_path)

    def write(path: str, _data: bytes) -> None:
        pathlib.Path(path).touch()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

    monkeypatch.setattr(run_folder, "_write", write)
    with pytest.raises(OSError, match="No space left"):
        pack(str(folder), {}, 0)
    assert not (folder / "manifest.json").exists()
    assert [path.name for path in tmp_path.iterdir()] == [RUN]


@pytest.mark.parametrize("name", ["h1.log", "h1/log.txt", "h1/dumps.json"])
def test_a_file_that_shows_a_secret_is_removed_and_named(tmp_path: pathlib.Path, name: str) -> None:
    folder = written(tmp_path)
    text = "db_password = Q7zX9w"
    (folder / name).write_text(json.dumps([text]) if name.endswith("json") else text)
    done = pack(str(folder), {}, 0)
    assert done.unsafe == {name: "a value behind the name of a secret"}
    assert not (folder / name).exists()
    with tarfile.open(done.archive) as tar:
        assert f"{RUN}/{name}" not in tar.getnames()
        assert f"{RUN}/h1/odoo.conf" in tar.getnames()


def test_links_are_not_packed(tmp_path: pathlib.Path) -> None:
    folder = written(tmp_path)
    (folder / "h2").symlink_to("/etc")
    (folder / "x").symlink_to("/etc/passwd")
    with tarfile.open(pack(str(folder), {}, 0).archive) as tar:
        assert len(tar.getnames()) == 4


def test_the_oldest_runs_go_and_nothing_else(tmp_path: pathlib.Path) -> None:
    names = [f"2026112{day}T000000Z" for day in range(6)]
    for name in names:
        pack(str(written(tmp_path, name)), {}, 0)
    aside = tmp_path / "aside"
    pack(str(written(aside, "20260101T000000Z")), {}, 0)
    (tmp_path / "20260101T000000Z").symlink_to(aside / "20260101T000000Z")
    written(tmp_path, "20260102T000000Z")
    foreign = written(tmp_path, "20260103T000000Z")
    (foreign / "manifest.json").write_text('{"kind": "another", "run": "20260103T000000Z"}')
    copied = written(tmp_path, "20260104T000000Z")
    (copied / "manifest.json").write_text((tmp_path / names[0] / "manifest.json").read_text())
    (tmp_path / names[1] / "manifest.json").unlink()
    assert retire(str(tmp_path), 0, names[-1]) == []
    assert retire(str(tmp_path), 2, names[-1]) == [names[0], names[2], names[3]]
    left = {path.name for path in tmp_path.iterdir() if path.is_dir()}
    assert left == {names[1], names[4], names[5], "aside", *(f"2026010{n}T000000Z" for n in (1, 2, 3, 4))}
    assert not (tmp_path / f"{names[0]}.tar.gz").exists()
    assert (tmp_path / f"{names[1]}.tar.gz").exists()
    assert (aside / "20260101T000000Z" / "h1.log").exists()


def test_this_run_always_stays(tmp_path: pathlib.Path) -> None:
    pack(str(written(tmp_path, "20261123T000000Z")), {}, 0)
    pack(str(written(tmp_path, "20261124T000000Z")), {}, 0)
    assert retire(str(tmp_path), 1, "20261123T000000Z") == []
    assert (tmp_path / "20261123T000000Z").exists()


def test_a_run_begins_where_there_is_room(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "not" / "there"
    assert begin(str(path), RUN, 1) == RUN
    assert not path.parent.exists()
    (path / RUN).mkdir(parents=True)
    assert begin(str(path), RUN, 1) == f"{RUN}-2"
    (path / f"{RUN}-2.tar.gz").touch()
    assert begin(str(path), RUN, 1) == f"{RUN}-3"
    (tmp_path / "file").touch()
    for given, least, code in (
        (str(path), 1 << 50, "bundle.no_room"),
        ("here", 1, "option.not_a_path"),
        (str(tmp_path / "file" / "x"), 1, "option.not_writable"),
    ):
        with pytest.raises(Refused) as caught:
            begin(given, RUN, least)
        assert caught.value.code == code
