# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Show which servers run where: one line for each server of a fleet, the groups of a host, and a summary. Pure."""

from __future__ import annotations

import re
import typing as t

from ..module_utils._drain.brief import sentence
from .outcomes import aligned, counted, first_line, outcomes

Server = dict[str, t.Any]
#: What a host has told (``servers``, ``groups``, ``drained``, ``unseen``, ``one_off``, ``at``), or ``failure`` with
#: ``code`` and ``reason``.
Record = t.Mapping[str, t.Any]

COLUMNS = ("host", "unit", "version", "mode", "workers", "databases", "state", "needs", "supervisor", "log")


def facts(seen: t.Mapping[str, t.Any], at: str) -> dict[str, t.Any]:
    """Return the facts of a host: few enough for a fact cache, and no command line.

    :param seen: the result of the module ``master_info``.
    :param at: the time of the look, in ISO 8601.
    """
    servers = [_server(master) for master in seen["masters"]]
    return {
        "at": at,
        "servers": servers,
        "groups": groups(servers),
        "drained": list(seen.get("drained") or []),
        "unseen": list(seen.get("unseen") or []),
        "one_off": [{"pid": one["pid"], "kind": one.get("kind", "run")} for one in seen.get("one_off") or []],
    }


def _server(master: t.Mapping[str, t.Any]) -> Server:
    supervisor, log = master["supervisor"], master["log"]
    return {
        "identity": master["identity"],
        "pid": master["pid"],
        "unit": supervisor.get("unit"),
        "version": master["version"],
        "mode": master["mode"],
        "workers": dict(master["workers"]),
        "kinds": sorted({child["kind"] for child in master["children"] if child["kind"]}),
        "databases": list(master["databases"]),
        "config_error": master.get("config_error"),
        "state": master["state"],
        "loaded": (master.get("loaded") or {}).get("not_before"),
        "stale": master.get("stale"),
        "needs": master.get("needs"),
        "stale_reasons": list(master.get("stale_reasons") or []),
        "differences": list(master.get("differences") or []),
        "supervisor": supervisor["kind"],
        "log": log.get("path") or log["kind"],
        "hidden": bool(master.get("hidden")),
    }


def groups(servers: t.Sequence[Server]) -> list[str]:
    """Return names of groups for a host, by its servers."""
    if not servers:
        return ["odoo_none"]
    names: set[str] = set()
    # Without a comparison with the disk it is not known.
    if any(one["stale"] is not None for one in servers):
        names = {"odoo_stale" if any(one["stale"] for one in servers) else "odoo_fresh"}
    for one in servers:
        names |= {f"odoo_{one['mode']}"}
        names |= {f"odoo_{one['version']}"} if one["version"] else set()
        names |= {f"odoo_db_{name}" for name in one["databases"]}
        names |= {"odoo_needs_restart"} if one["needs"] == "restart" else set()
    return sorted({re.sub(r"[^A-Za-z0-9_]", "_", name) for name in names})


def report(records: t.Mapping[str, Record], at: str) -> dict[str, t.Any]:
    """``lines`` for people, ``stats`` for a workflow, and the moment ``at``."""
    stats = _stats(records)
    return {"at": at, "lines": _lines(records, stats), "stats": {"at": at, **stats}}


def _stats(records: t.Mapping[str, Record]) -> dict[str, t.Any]:
    servers = [(host, one) for host, record in records.items() for one in record.get("servers") or []]

    def having(key: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for host, one in servers:
            hosts = found.setdefault(str(one[key] or "unknown"), [])
            if host not in hosts:
                hosts.append(host)
        return found

    def hosts(test: t.Callable[[Server], t.Any]) -> list[str]:
        return list(dict.fromkeys(host for host, one in servers if test(one)))

    own = {
        "servers": len(servers),
        "stale": hosts(lambda one: one["stale"]),
        "needs_restart": hosts(lambda one: one["needs"] == "restart"),
        "not_running": hosts(lambda one: one["state"] != "running"),
        "drained": [host for host, record in records.items() if record.get("drained")],
        "without_odoo": [host for host, record in records.items() if record.get("servers") == []],
        "by_version": having("version"),
        "by_mode": having("mode"),
    }
    answered = {host: {**record, "ok": "failure" not in record} for host, record in records.items()}
    return t.cast("dict[str, t.Any]", outcomes(answered, own)["stats"])


def _lines(records: t.Mapping[str, Record], stats: t.Mapping[str, t.Any]) -> list[str]:
    rows = []
    for host, record in records.items():
        rows += [_row(host, one) for one in record.get("servers") or []]
        rows += [_command_row(host, one) for one in record.get("one_off") or []]
    table = [COLUMNS, *rows] if rows else []
    lines = aligned(table)
    for host, record in records.items():
        if "failure" in record:
            lines.append(f"{host}: NO ANSWER: {first_line(record['failure']['reason'])} [{record['failure']['code']}]")
        elif not record["servers"]:
            lines.append(f"{host}: no Odoo server runs")
        lines += [f"{host}: {sentence(one)}" for one in record.get("drained") or []]
        lines += [f"{host}: {one['reason']} [{one['code']}]" for one in record.get("unseen") or []]
        lines += [
            f"{host}: {_name(one)} is stale: {first_line('; '.join(one['stale_reasons']))}"
            for one in record.get("servers") or []
            if one["stale"] and one["stale_reasons"]
        ]
    total = f"{counted(stats['servers'], 'server')} on {counted(len(records), 'host')}"
    return [*lines, f"{total}, {len(stats['stale'])} with stale code, {len(stats['remaining'])} without an answer"]


def _command_row(host: str, one: t.Mapping[str, t.Any]) -> tuple[str, ...]:
    """Return the row of an Odoo command that is not a server."""
    told = {"host": host, "unit": f"pid {one['pid']}", "mode": one["kind"], "state": "running"}
    return tuple(told.get(column, "-") for column in COLUMNS)


def _row(host: str, one: Server) -> tuple[str, ...]:
    workers = "+".join(f"{number} {role}" for role, number in one["workers"].items() if number)
    # The others come last.
    workers += f" ({', '.join(one['kinds'])})" if one["kinds"] else ""
    return (
        host,
        _name(one),
        str(one["version"] or "?"),
        one["mode"],
        workers or "-",
        ",".join(one["databases"]) or ("?" if one.get("config_error") else "all"),
        one["state"] + (" (hidden)" if one["hidden"] else ""),
        "?" if one["stale"] is None else str(one["needs"]),
        one["supervisor"],
        one["log"],
    )


def _name(one: Server) -> str:
    return str(one["unit"] or f"pid {one['pid']}")
