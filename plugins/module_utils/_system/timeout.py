# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Waiting no longer than so long for what may never answer, such as a file system over the network."""

from __future__ import annotations

import threading
import typing as t

_T = t.TypeVar("_T")


class TooSlow(Exception):
    """Raised if a call does not return in time."""


def within(seconds: float, function: t.Callable[[], _T]) -> _T:
    """Return the result of a function that may never return.

    :raises TooSlow: the function takes longer. It continues and ends with this process.
    """
    found: t.List[_T] = []
    failed: t.List[Exception] = []

    def run() -> None:
        try:
            found.append(function())
        except Exception as exc:  # it is raised again by the one who waits
            failed.append(exc)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if failed:
        raise failed[0]
    if not found:
        raise TooSlow("no answer within %g s" % seconds)
    return found[0]
