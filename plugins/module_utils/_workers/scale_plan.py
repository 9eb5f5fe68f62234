# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Plan the signals for a number of http workers, and choose the workers that end. Pure."""

from __future__ import annotations

import typing as t

from .._processes.classify import Child


def foreseen(there: int, count: int, *, prove: bool) -> t.List[str]:
    """Return the signals that lead from one number of workers to another, if the master keeps up the first. Pure."""
    if there < count:
        return ["TTIN"] * (count - there)
    more = there - count
    return ["TTIN", *["TTOU"] * (more + 1), *["INT"] * (more + 1)] if more or prove else []


def pick(there: t.Sequence[Child], busy: t.Container[int], number: int, *, wait_busy: bool) -> t.List[Child]:
    """Return workers to end: idle ones, the youngest first, and after them busy ones, where that is allowed. Pure.

    :param busy: pids.
    """
    young = sorted(there, key=lambda c: (-c.process.start, -c.process.pid))
    idle = [child for child in young if child.process.pid not in busy]
    rest = [child for child in young if child.process.pid in busy] if wait_busy else []
    return (idle + rest)[:number]
