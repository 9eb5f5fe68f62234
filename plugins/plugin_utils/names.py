# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Read a list of names from a variable, and write one into a sentence. Pure."""

from __future__ import annotations

import typing as t

#: What a template of ansible-core before 2.19 makes of a variable without a value.
_NOTHING = ("None", "null")


def names(given: t.Any) -> list[str]:
    """Return the names of a list or of a text with commas, without blanks around them.

    A survey and ``-e`` pass lists on as texts, which the argument specs accept as lists and loops do not.

    :param given: a text or a list, also of lists; None and empty texts have no name.
    """
    if isinstance(given, (list, tuple)):
        return [name for one in given for name in names(one)]
    if given is None or given in _NOTHING:
        return []
    return [name for name in (part.strip() for part in str(given).split(",")) if name]


def some_of(every: t.Sequence[str], most: int) -> str:
    """Return the first names for a sentence, and how many more there are.

    >>> some_of(["h1", "h2", "h3"], 2)
    'h1, h2 and 1 more'
    """
    return ", ".join(every[:most]) + (f" and {len(every) - most} more" if len(every) > most else "")
