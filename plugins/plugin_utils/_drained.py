# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""What the module drain did to a host, in one line. Pure."""

from __future__ import annotations

import typing as t


def drain_line(result: t.Mapping[str, t.Any], check: bool) -> str:  # noqa: FBT001
    """What became of the servers of a host.

    :param result: what the module ``drain`` returned.
    :param check: whether nothing was done, and it would be.
    """
    return "; ".join(_one(one, check=check) for one in result.get("results") or []) or "no Odoo server runs"


def _one(one: t.Mapping[str, t.Any], *, check: bool) -> str:
    hold = one.get("hold") or {}
    held = f"; {hold['unit']} (Restart={hold['policy']}) is held" if hold.get("drop_in") else ""
    if one["did"] == "signalled":
        sent = f"{', '.join(one['signals'])} to {one['pid']}"
        return f"would be drained ({_steps(one)})" if check else f"drained in {one['seconds']:.1f} s ({sent}){held}"
    if one["did"] == "started":
        return f"would be started ({_steps(one)})" if check else f"back after {one['seconds']:.1f} s"
    return str(one["reason"])


def _steps(one: t.Mapping[str, t.Any]) -> str:
    return ", ".join(step["what"] for step in one["steps"])
