# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Decide whether other Odoo commands on a host stop a roll or a drain. The controller uses it too."""

from __future__ import annotations

import typing as t

#: Kinds of other Odoo commands that are refused, by the option ``one_off``; None stands for all.
REFUSED: t.Dict[str, t.Optional[t.Tuple[str, ...]]] = {"auto": ("update",), "refuse": None, "warn": (), "ignore": ()}


def is_refused(kind: str, option: str) -> bool:
    """Return whether an Odoo command of this kind is refused with this value of the option ``one_off``. Pure."""
    kinds = REFUSED[option]
    return kinds is None or kind in kinds
