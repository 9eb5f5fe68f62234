# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Make the record of a host in a drain, or on the way back, from the registered results of its tasks. Pure.

Only results of the same run count: an earlier play of the same ``ansible-playbook`` leaves its own behind.
"""

from __future__ import annotations

import typing as t

from .._roll.lines import drain_line
from ..outcomes import of_run

Variables = t.Mapping[str, t.Any]
Record = dict[str, t.Any]

#: Names of the variables in which the role registers the results of its steps: the first one (``begin`` or ``start``)
#: and the last one (``drain`` or ``end``), with the load balancer between them.
FIRST, LAST = "graceful_drain_first", "graceful_drain_last"
#: What the role notes of a host that failed.
NOTED = "graceful_drain_host"

DRAIN, UNDRAIN = "drain", "undrain"
DONE = "done"


def record(variables: Variables, run: str, action: str, *, check: bool) -> Record:
    """Return the record of a host as the filter ``outcomes`` takes it, with ``step``.

    :param variables: those of the host; only the names above are read.
    :param run: name of the run.
    :param action: ``drain`` or ``undrain``.
    :param check: whether nothing was done, and it would be.
    """
    step = step_of(variables, run, action)
    noted = of_run(variables, NOTED, run)
    if noted:
        return {**noted, "line": _failed_line(noted, of_run(variables, FIRST, run), action)}
    if step != DONE:
        # The host has left the play.
        return {"step": step}
    done = of_run(variables, LAST if action == DRAIN else FIRST, run)
    return {"step": step, "ok": True, "line": _foreseen(variables, run, action, check=check) + drain_line(done, check)}


def step_of(variables: Variables, run: str, action: str) -> str:
    """Return the step in which a host is, or in which it has failed.

    :returns: ``lock``, ``look``, ``out``, ``drain`` or ``done``; on the way back ``lock``, ``start``, ``in`` or
        ``done``.
    """
    first, last = of_run(variables, FIRST, run), of_run(variables, LAST, run)
    if not first:
        return "lock"
    if first.get("failed"):
        return str(first.get("stage") or "lock")
    if not last:
        return "out" if action == DRAIN else "in"
    if last.get("failed"):
        return DRAIN if action == DRAIN else "in"
    return DONE


def _foreseen(variables: Variables, run: str, action: str, *, check: bool) -> str:
    """Return what a check run says of the load balancer of a host whose servers run."""
    first = of_run(variables, FIRST, run)
    before = [one.get("before") or {} for one in first.get("results") or []]
    runs = any(one and one.get("state") != "draining" for one in before)
    leaves = check and action == DRAIN and runs and first.get("balancer") != "none"
    return "would leave its load balancer; " if leaves else ""


def _failed_line(noted: Variables, first: Variables, action: str) -> str:
    if action == UNDRAIN:
        return f"NOT BACK ({noted['step']}): {noted['failure']['reason']}"
    stays = noted.get("stays") if first.get("balancer") != "none" else None
    parts = (
        f"NOT DRAINED ({noted['step']}): {noted['failure']['reason']}",
        "it is in service as before" if noted.get("serves") else "",
        "it was out of its load balancer before" if first.get("was_out") else "",
        f"it stays out of its load balancer: {stays}" if stays else "",
    )
    return "; ".join(filter(None, parts))
