# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The folder of one roll on the controller: its report for programs and for people, and the hosts that remain.

One task writes it all. A task for each file would take a quarter of a second each, at the end of every roll.
"""

from __future__ import annotations

import contextlib
import json
import os
import typing as t

from .._pages.roll import page
from .._pages.roll_history import earlier

PAGE = "report.html"


def begin(folder: str) -> None:
    """Make the folder, readable by its owner only. One that is there stays as it is.

    :raises OSError: it cannot be made.
    """
    os.makedirs(folder, mode=0o700, exist_ok=True)


def write(folder: str, report: t.Mapping[str, t.Any]) -> None:
    """Write ``report.json``, ``report.html`` and, where hosts remain, ``remaining`` for ``--limit``.

    The page comes last: it is what the summary names.

    :param report: as the filter ``roll_report`` returns it.
    :raises OSError: the folder or a file cannot be written.
    """
    begin(folder)
    _put(os.path.join(folder, "report.json"), json.dumps(report, indent=4, sort_keys=True) + "\n")
    if report["remaining"]:
        _put(os.path.join(folder, "remaining"), "\n".join(report["remaining"]) + "\n")
    _put(os.path.join(folder, PAGE), page(report, earlier(folder), folder))


def _put(path: str, text: str) -> None:
    """Write a file in one step, so that no reader sees half of it."""
    new = f"{path}.{os.getpid()}"
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(new, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(new)
        raise
