# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Cache statistics of many processes put together, the most costly caches first. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..module_utils._messages.dump import NOT_STATISTICS
from ..module_utils._processes.classify import Mode, Role
from ..module_utils._processes.release import major
from ..module_utils._system.errors import Refused

SCHEMA = 1

#: From what part of its size on a cache counts as full: what comes next drives something out.
_FULL = 0.9
#: What fits into the one cache of a database before Odoo 17, where that was seen (14.0).
_ONE_CACHE = {14: 8192}

_SUMS = ("entries", "hits", "misses", "errors", "processes")
_SUMS_IF_TOLD = ("memory", "seconds")

Row = t.Mapping[str, t.Any]
_Key = tuple[t.Any, ...]


@dataclass
class _Merged:
    """One cache, over all processes that have it."""

    sums: dict[str, t.Any] = field(default_factory=lambda: dict.fromkeys(_SUMS, 0) | dict.fromkeys(_SUMS_IF_TOLD))
    hosts: set[str] = field(default_factory=set)
    fill: float | None = None

    def add(self, row: Row, hosts: t.Iterable[str], processes: int, fill: float | None) -> None:
        """Add the row of a process, or of several that were merged before."""
        values = {**row, "processes": processes}
        for name in _SUMS:
            self.sums[name] += values.get(name) or 0
        for name in _SUMS_IF_TOLD:
            if values.get(name) is not None:
                self.sums[name] = (self.sums[name] or 0) + values[name]
        self.hosts.update(hosts)
        if fill is not None:
            self.fill = max(fill, self.fill or 0.0)

    def told(self) -> dict[str, t.Any]:
        """Return its part of the row of a report."""
        made, found = self.sums["misses"] + self.sums["errors"], self.sums["hits"]
        lookups = made + found
        full = self.fill is not None and self.fill >= _FULL
        cost = made * made / lookups if lookups else 0.0
        return {
            **self.sums,
            "seconds": None if self.sums["seconds"] is None else round(self.sums["seconds"], 3),
            "lookups": lookups,
            "ratio": round(100.0 * found / lookups, 1) if lookups else 0.0,
            "hosts": sorted(self.hosts),
            "fill": None if self.fill is None else round(self.fill, 3),
            "full": full,
            "cost": round(cost * (2 if full else 1), 1),
        }


def merge(parts: t.Sequence[t.Mapping[str, t.Any]], top: int = 15) -> dict[str, t.Any]:
    """Return the report of what hosts have told.

    :param parts: of each host its ``host`` and the ``results`` of the module; or reports that this has made.
    :param top: caches in ``lines`` and ``worst``.
    :raises Refused: a part is neither.
    """
    merged: dict[_Key, _Merged] = {}
    hosts: set[str] = set()
    silent: list[dict[str, t.Any]] = []
    servers = processes = 0
    for part in parts:
        if "caches" in part:
            servers, processes = servers + part["servers"], processes + part["processes"]
            hosts.update(part["hosts"])
            silent += [dict(one) for one in part["silent"]]
            for row in part["caches"]:
                _at(merged, row["version"], row).add(row, row["hosts"], row["processes"], row["fill"])
        elif "host" in part and isinstance(part.get("results"), (list, tuple)):
            hosts.add(part["host"])
            for result in part["results"]:
                servers += 1
                processes += _add_server(merged, part["host"], result)
                silent += [{"host": part["host"], **one} for one in result["missing"]]
        else:
            raise Refused(NOT_STATISTICS(error=f"an entry has the keys {', '.join(map(str, part))}"))
    caches = [{**dict(zip(_KEYS, key, strict=True)), **one.told()} for key, one in merged.items()]
    caches.sort(key=lambda one: (-one["cost"], -one["misses"], str([one[name] for name in _KEYS])))
    report = {
        "schema": SCHEMA,
        "hosts": sorted(hosts),
        "servers": servers,
        "processes": processes,
        "caches": caches,
        "silent": silent,
    }
    return {**report, "worst": [sentence(one) for one in caches[:top]], "lines": lines(report, top)}


_KEYS = ("version", "database", "cache", "model", "method")


def _at(merged: dict[_Key, _Merged], version: str | None, row: Row) -> _Merged:
    return merged.setdefault((version, *(row[name] for name in _KEYS[1:])), _Merged())


def _add_server(merged: dict[_Key, _Merged], host: str, result: t.Mapping[str, t.Any]) -> int:
    """Add the processes of a server. Returns how many of them count."""
    mode = (result.get("before") or {}).get("mode")
    # The master of a prefork server answers no request; its caches are those from the start of its workers.
    counting = [one for one in result["statistics"] if not (one["role"] == Role.MASTER and mode == Mode.PREFORK)]
    for one in counting:
        fills = _fills(result.get("version"), one)
        for row in one["caches"]:
            fill = fills.get((row["database"], row["cache"]))
            _at(merged, result.get("version"), row).add(row, [host], 1, fill)
    return len(counting)


def _fills(version: str | None, process: t.Mapping[str, t.Any]) -> dict[tuple[t.Any, t.Any], float]:
    """Return how full the caches of a process are, from 0 to 1, by database and cache."""
    fills = {(u["database"], u["cache"]): u["entries"] / u["size"] for u in process["usage"] if u["size"]}
    size = _ONE_CACHE.get(major(version) or 0)
    if size:
        for row in process["caches"]:
            key = (row["database"], row["cache"])
            fills[key] = fills.get(key, 0.0) + row["entries"] / size
    return fills


def name_of(one: Row) -> str:
    """Return the name of a cache for people."""
    return ".".join(filter(None, (one["model"], one["method"])))


def sentence(one: Row) -> str:
    """Return the sentence about a cache."""
    full = f", its cache {one['cache'] or 'of the database'} is full" if one["full"] else ""
    processes = f"{one['processes']} {'processes' if one['processes'] > 1 else 'process'}"
    return (
        f"{name_of(one)} of {one['database'] or 'no database'} (Odoo {one['version'] or '?'}): {one['misses']} of "
        f"{one['lookups']} lookups missed in {processes}{full}"
    )


def lines(report: t.Mapping[str, t.Any], top: int) -> list[str]:
    """Return the report as a table for a terminal."""
    caches = report["caches"]
    head = (
        f"caches of {report['processes']} processes of {report['servers']} servers on {len(report['hosts'])} hosts, "
        "the most costly first"
    )
    if not caches:
        return [f"{head}: no cache has an entry"]
    shown = caches[:top]
    # Columns without a value are left out: terminals are narrow.
    columns = [[title, *map(cell, shown)] for title, cell in _COLUMNS]
    table = list(zip(*[column for column in columns if any(column[1:])], strict=True))
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    found = [head, ""]
    for first, *numbers, name in table:
        cells = [cell.rjust(width) for cell, width in zip(numbers, widths[1:], strict=False)]
        # A line that begins with a space would be put into quotes.
        found.append("  ".join([first.ljust(widths[0]), *cells, name]))
    return found + ([f"... and {len(caches) - top} more"] if len(caches) > top else [])


_COLUMNS: t.Sequence[tuple[str, t.Callable[[Row], str]]] = (
    ("cost", lambda one: f"{one['cost']:.1f}"),
    ("misses", lambda one: str(one["misses"])),
    ("hit %", lambda one: f"{one['ratio']:.1f}"),
    ("full %", lambda one: "" if one["fill"] is None else f"{100 * one['fill']:.0f}"),
    ("memory", lambda one: size_of(one["memory"])),
    ("procs", lambda one: str(one["processes"])),
    ("cache", lambda one: f"{name_of(one)} ({one['database'] or 'no database'} {one['version'] or '?'})"),
)


def size_of(number: int | None) -> str:
    """Return bytes in a readable unit."""
    if number is None:
        return ""
    return f"{number / 1048576:.1f} MB" if number >= 1048576 else f"{number / 1024:.0f} kB"
