# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Sizes of batches, from what people write to what is safe for the keyword ``serial``. Pure.

Ansible takes an empty list, "0", "-1" and "150%" for "all hosts at once", with exit code 0, and ends with a traceback
on "1,50%" (seen on ansible-core 2.16 to 2.21). None of them passes here.
"""

from __future__ import annotations

import json
import re
import typing as t

from ...module_utils._messages import option as _option
from ...module_utils._system.errors import Refused


def parse_batches(value: t.Any, option: str = "batches") -> list[str]:
    """Return the sizes of the batches, each a number of hosts or a percentage; the last one repeats.

    :param option: the name of the value, for messages.
    :raises Refused: it says something else.
    """
    sizes = [_size(one) for one in _listed(value)]
    if not sizes or None in sizes:
        raise Refused(_option.BAD_BATCHES(option=option, value=value))
    return [size for size in sizes if size]


def _listed(value: t.Any) -> list[t.Any]:
    if not isinstance(value, str):
        return list(value) if isinstance(value, (list, tuple)) else [value]
    text = value.strip()
    if text.startswith("["):
        try:
            return list(json.loads(text))
        except (ValueError, RecursionError):
            text = text.strip("[]").replace("'", "")
    return [part for part in re.split(r"\s*,\s*|\s+", text) if part] if text else []


def _size(one: t.Any) -> str | None:
    """Return one size as text; None where it is not one."""
    text = str(one).strip() if isinstance(one, (int, str)) and not isinstance(one, bool) else ""
    found = re.fullmatch(r"0*([1-9]\d*)(%?)", text)
    if not found or (found.group(2) and int(found.group(1)) > 100):
        return None
    return found.group(1) + found.group(2)
