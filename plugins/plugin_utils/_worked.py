# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules workers and recycle_workers did to a host, in one line. Pure."""

from __future__ import annotations

import itertools
import typing as t


def workers_line(result: t.Mapping[str, t.Any], check: bool) -> str:  # noqa: FBT001
    """What became of the workers of a host.

    :param result: what the module ``workers`` or ``recycle_workers`` returned.
    :param check: whether nothing was done, and it would be.
    """
    return "; ".join(_one(one, check=check) for one in result.get("results") or []) or "no Odoo server runs"


def _one(one: t.Mapping[str, t.Any], *, check: bool) -> str:
    if not one["signals"]:
        return str(one["reason"])
    signals = _counted(one["signals"])
    how = f"{signals} would be sent" if check else f"{signals}; {one['seconds']:.1f} s"
    return f"{one['reason']} ({how})"


def _counted(signals: t.Sequence[str]) -> str:
    """``TTIN, TTIN, INT`` as ``2 TTIN, INT``."""
    groups = [(name, len(list(group))) for name, group in itertools.groupby(signals)]
    return ", ".join(name if number == 1 else f"{number} {name}" for name, number in groups)
