# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""choose: which of the masters that were found are meant. Pure."""

from __future__ import annotations

import typing as t

from .._messages import option
from .._system.errors import Refused

#: Keys of ``match`` and where their value stands in what master_info returns.
KEYS = ("identity", "pid", "user", "unit", "config_file", "database", "http_port", "version", "mode")


def choose(masters: t.Sequence[t.Mapping[str, t.Any]], match: t.Mapping[str, t.Any]) -> t.List[t.Mapping[str, t.Any]]:
    """Return the masters for which every key of ``match`` matches; a list of values matches if one of them does.

    :raises Refused: an unknown key, or a value that is neither a scalar nor a list of scalars.
    """
    wanted: t.Dict[str, t.Set[str]] = {}
    for key, value in match.items():
        if key not in KEYS:
            raise Refused(option.UNKNOWN_MATCH_KEY(key=key, keys=", ".join(KEYS)))
        values = value if isinstance(value, (list, tuple)) else [value]
        if not values or any(isinstance(one, (dict, list, tuple)) or one is None for one in values):
            raise Refused(option.BAD_MATCH_VALUE(key=key, value=value))
        wanted[key] = {str(one) for one in values}
    return [master for master in masters if all(wanted[key] & _values(master, key) for key in wanted)]


def _values(master: t.Mapping[str, t.Any], key: str) -> t.Set[str]:
    if key == "database":
        return set(master["databases"])
    found = {"unit": master["supervisor"].get("unit"), "http_port": master["options"].get("http_port")}
    value = found[key] if key in found else master[key]
    return set() if value is None else {str(value)}
