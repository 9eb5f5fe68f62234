# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""psutil, if this interpreter has it. ``_module.start`` makes sure of that before anything is called that needs it."""

from __future__ import annotations

import typing as t

try:
    import psutil as _psutil
except ImportError:
    _psutil = None  # type: ignore[assignment,unused-ignore]

psutil: t.Any = _psutil
