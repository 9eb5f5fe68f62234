# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dumps that were captured of real servers, most of them with a cause that was planted."""

from __future__ import annotations

import functools
import tarfile
import typing as t

from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.parse import parse_dumps
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.stack import Dump

from ..conftest import CAPTURES


def lines(kind: str) -> list[str]:
    """The log of a server with a request of 10 s and, but for Odoo 14 threaded, a cron job under way."""
    return (CAPTURES / "dumps" / f"{kind}.log").read_text().splitlines()


@functools.lru_cache(maxsize=None)
def captures() -> dict[str, str]:
    """The files of captures/dumps.tar.xz by their names."""
    with tarfile.open(CAPTURES / "dumps.tar.xz") as archive:
        return {
            member.name: t.cast("t.IO[bytes]", archive.extractfile(member)).read().decode("utf-8")
            for member in archive
            if member.isfile() and not member.name.endswith(".gz")
        }


def captured(name: str) -> list[Dump]:
    """The dumps in one file of captures/dumps.tar.xz."""
    return parse_dumps(captures()[name].split("\n"))


def quit_files(kind: str, what: str) -> list[str]:
    """Return the files of a kind for a cause; those of prefork servers have ``http`` in their names."""
    return [f for f in sorted(captures()) if f.startswith(kind + "/dumps/quit") and f"busy-{what}" in f]


def py_spy_output() -> str:
    """Of an idle http worker of Odoo 19.0."""
    return (CAPTURES / "py-spy-0.4.1.json").read_text()
