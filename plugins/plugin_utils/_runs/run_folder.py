# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The folder of one run on the controller: where it may be, its manifest, its archive, and runs that are too many."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import re
import shutil
import stat
import tarfile
import typing as t
from dataclasses import dataclass

from ...module_utils._bundle.archive import MANIFEST, SCHEMA, left_in
from ...module_utils._facts.known_secrets import Secrets
from ...module_utils._messages import bundle as _codes
from ...module_utils._messages import option
from ...module_utils._system.errors import Refused
from ...module_utils._system.redact import leak

#: The mark of our manifest.
KIND = "fleetops.odoo.diagnostics"
_RUN = re.compile(r"\d{8}T\d{6}Z(?:-\d+)?")
_LARGEST_MANIFEST = 64 << 20
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Packed:
    """A run that is complete. ``unsafe`` are files that showed a secret and were removed, with its kind."""

    archive: str
    size: int
    sha256: str
    unsafe: dict[str, str]


def begin(path: str, stamp: str, least_free: int) -> str:
    """Return the name of a new run. Creates nothing yet.

    :param path: folder of all runs, which may not exist yet.
    :param stamp: the time, as ``20261124T174507Z``.
    :param least_free: bytes that must be free.
    :raises Refused: there is not enough room, or the folder cannot be written to.
    """
    if not os.path.isabs(path):
        raise Refused(option.NOT_A_PATH(option="report_dir", value=path))
    there = path
    while not os.path.lexists(there):
        there = os.path.dirname(there)
    if not os.path.isdir(there) or not os.access(there, os.W_OK | os.X_OK):
        raise Refused(option.NOT_WRITABLE(option="report_dir", path=there, error="it is not a writable directory"))
    status = os.statvfs(there)
    free = status.f_bavail * status.f_frsize
    if free < least_free:
        raise Refused(_codes.NO_ROOM(folder=there, free=free >> 20, wanted=least_free >> 20))
    run, number = stamp, 1
    while any(os.path.lexists(os.path.join(path, run + end)) for end in ("", ".tar.gz")):
        number += 1
        run = f"{stamp}-{number}"
    return run


def pack(folder: str, about: t.Mapping[str, t.Any], moment: int) -> Packed:
    """Look through the files of a run, write its manifest, and pack it all into an archive beside its folder.

    :param about: what the manifest says beside its files.
    :param moment: of the run in seconds since the epoch; the same run makes the same archive.
    :raises OSError: it cannot be read or written.
    """
    unsafe = {}
    files = []
    for name in _names(folder):
        if name == MANIFEST:
            continue
        path = os.path.join(folder, name)
        with open(path, "rb") as file:
            data = file.read()
        found = _left(name, data)
        if found:
            os.unlink(path)
            unsafe[name] = found
            continue
        files.append({"path": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()})
    manifest = {
        "schema": SCHEMA,
        "kind": KIND,
        "run": os.path.basename(folder),
        **about,
        "files": files,
        "removed": [{"path": name, "reason": f"it showed {what}"} for name, what in unsafe.items()],
    }
    try:
        _write(os.path.join(folder, MANIFEST), (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode())
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(folder, MANIFEST))
        raise
    archive = folder + ".tar.gz"
    _archive(folder, archive, moment)
    digest, size = hashlib.sha256(), 0
    with open(archive, "rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return Packed(archive, size, digest.hexdigest(), unsafe)


def retire(path: str, keep: int, current: str) -> list[str]:
    """Remove the oldest runs, so that ``keep`` of them stay, this one included; return their names. 0 keeps all.

    Only what has our manifest for this very name is a run of ours. Links are neither followed nor removed.
    """
    if keep <= 0:
        return []
    runs = sorted((name for name in os.listdir(path) if _is_run(path, name)), key=_age)
    gone = []
    for name in runs[: max(0, len(runs) - keep)]:
        if name == current:
            continue
        shutil.rmtree(os.path.join(path, name))
        archive = os.path.join(path, name + ".tar.gz")
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISREG(os.lstat(archive).st_mode):
                os.unlink(archive)
        gone.append(name)
    return gone


def _age(name: str) -> tuple[str, int]:
    stamp, _dash, number = name.partition("-")
    return stamp, int(number or 1)


def _is_run(path: str, name: str) -> bool:
    folder = os.path.join(path, name)
    if not _RUN.fullmatch(name) or not stat.S_ISDIR(os.lstat(folder).st_mode):
        return False
    try:
        descriptor = os.open(os.path.join(folder, MANIFEST), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            manifest = json.loads(file.read(_LARGEST_MANIFEST))
        return bool(manifest["kind"] == KIND and manifest["run"] == name)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _left(name: str, data: bytes) -> str | None:
    """Return the secret that a file still shows. The parts of the report were checked before they were joined."""
    if "/" in name or name.endswith(".log"):
        return left_in(name, data, Secrets())
    return leak(data.decode("utf-8", "replace"), sure=True)


def _names(folder: str) -> t.Iterator[str]:
    """Return the plain files below a folder, in order."""
    for where, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(where, name)
            if stat.S_ISREG(os.lstat(path).st_mode):
                yield os.path.relpath(path, folder)


def _write(path: str, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def _archive(folder: str, archive: str, moment: int) -> None:
    run, half = os.path.basename(folder), archive + ".part"
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with (
            os.fdopen(descriptor, "wb") as file,
            gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=moment) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
        ):
            for name in _names(folder):
                path = os.path.join(folder, name)
                member = tarfile.TarInfo(f"{run}/{name}")
                member.size, member.mode, member.mtime = os.lstat(path).st_size, 0o600, moment
                with open(path, "rb") as content:
                    tar.addfile(member, content)
        os.replace(half, archive)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(half)
        raise
