# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""Sizes of batches, from what people write to what is safe for the keyword ``serial``. Pure.

Ansible takes an empty list, "0", "-1" and "150%" for "all hosts at once", with exit code 0, and ends with a traceback
on "1,50%" (seen on ansible-core 2.16 to 2.21). None of them passes here.
"""

from __future__ import annotations

import json
import re
import typing as t

_RIGHT = (
    "right are a number of hosts (2), a part of them (25%), or a list of those in the order of the batches (1,25%,50%)"
)


class BadBatches(Exception):
    """A value that does not say how large the batches are; the message says what would be right."""


def parse_batches(value: t.Any) -> list[str]:
    """Sizes of the batches, each a number of hosts or a percentage; the last one repeats until all hosts are done.

    :raises BadBatches: naming the value and what would be right.
    """
    sizes = [_size(one, value) for one in _listed(value)]
    if not sizes:
        raise BadBatches(f"batches: {value!r} names no size; {_RIGHT}")
    return sizes


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


def _size(one: t.Any, whole: t.Any) -> str:
    text = str(one).strip() if isinstance(one, (int, str)) and not isinstance(one, bool) else ""
    found = re.fullmatch(r"0*([1-9]\d*)(%?)", text)
    if not found or (found.group(2) and int(found.group(1)) > 100):
        raise BadBatches(f"batches: {one!r} in {whole!r} is no size of a batch; {_RIGHT}")
    return found.group(1) + found.group(2)
