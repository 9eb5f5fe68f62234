# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build cache statistics of hosts for tests."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.statistics import (
    CacheRow,
    CacheUsage,
    parse_statistics,
)

from ..conftest import CAPTURES


def process(*rows: CacheRow, role: str = "http", usage: t.Sequence[CacheUsage] = ()) -> dict[str, t.Any]:
    return {"role": role, "caches": [dict(vars(row)) for row in rows], "usage": [dict(vars(one)) for one in usage]}


def part(host: str, *processes: dict[str, t.Any], version: str = "19.0", mode: str = "prefork") -> dict[str, t.Any]:
    result = {"version": version, "before": {"mode": mode}, "statistics": list(processes), "missing": []}
    return {"host": host, "results": [result]}


def row(method: str = "f", **values: t.Any) -> CacheRow:
    return CacheRow("p", "m", method, **{"cache": "default", **values})


def captured(name: str) -> list[dict[str, t.Any]]:
    found = parse_statistics((CAPTURES / "caches" / f"{name}.log").read_text().splitlines())
    return [{"role": "http", **one.told()} for one in found]
