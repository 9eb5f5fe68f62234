# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Describe in one line what a module did to the servers of a host. Pure."""

from __future__ import annotations

import itertools
import typing as t

_One = t.Mapping[str, t.Any]


def drain_line(result: t.Mapping[str, t.Any], check: bool) -> str:  # noqa: FBT001
    """Return what became of the servers of a host.

    :param result: what the module ``drain`` returned.
    :param check: whether nothing was done, and it would be.
    """
    return _line(result, lambda one: _drained(one, check=check))


def workers_line(result: t.Mapping[str, t.Any], check: bool) -> str:  # noqa: FBT001
    """Return what became of the workers of a host.

    :param result: what the module ``workers`` or ``recycle_workers`` returned.
    :param check: as of :func:`drain_line`.
    """
    return _line(result, lambda one: _worked(one, check=check))


def _line(result: t.Mapping[str, t.Any], tell: t.Callable[[_One], str]) -> str:
    return "; ".join(map(tell, result.get("results") or [])) or "no Odoo server runs"


def _drained(one: _One, *, check: bool) -> str:
    hold = one.get("hold") or {}
    held = f"; {hold['unit']} (Restart={hold['policy']}) is held" if hold.get("drop_in") else ""
    if one["did"] == "signalled":
        sent = f"{', '.join(one['signals'])} to {one['pid']}"
        return f"would be drained ({_steps(one)})" if check else f"drained in {one['seconds']:.1f} s ({sent}){held}"
    if one["did"] == "started":
        return f"would be started ({_steps(one)})" if check else f"back after {one['seconds']:.1f} s"
    return str(one["reason"])


def _steps(one: _One) -> str:
    return ", ".join(step["what"] for step in one["steps"])


def _worked(one: _One, *, check: bool) -> str:
    if not one["signals"]:
        return str(one["reason"])
    signals = _counted(one["signals"])
    how = f"{signals} would be sent" if check else f"{signals}; {one['seconds']:.1f} s"
    return f"{one['reason']} ({how})"


def _counted(signals: t.Sequence[str]) -> str:
    """``TTIN, TTIN, INT`` as ``2 TTIN, INT``."""
    groups = [(name, len(list(group))) for name, group in itertools.groupby(signals)]
    return ", ".join(name if number == 1 else f"{number} {name}" for name, number in groups)
