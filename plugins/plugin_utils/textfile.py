# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Write the facts of a fleet in the text format of Prometheus, for the textfile collector of node_exporter. Pure.

The format is that of https://prometheus.io/docs/instrumenting/exposition_formats, "Text-based format".
"""

from __future__ import annotations

import datetime
import typing as t

Record = t.Mapping[str, t.Any]
#: Values by their labels.
Samples = list[tuple[dict[str, str], float]]

_PREFIX = "fleetops_odoo_"


def textfile(records: t.Mapping[str, Record], locks: t.Mapping[str, t.Any], now: float) -> str:
    """Return all metrics as the text of a file.

    :param records: as :func:`fleet.report` takes them.
    :param locks: the result of ``roll_lock`` of each host; empty where a host did not answer.
    :param now: seconds since the epoch.
    """
    up: Samples = []
    servers: Samples = []
    drained: Samples = []
    by_server: dict[str, Samples] = {"info": [], "workers": [], "running": [], "stale": [], "loaded": []}
    for host, record in records.items():
        here = {"host": host}
        up.append((here, "failure" not in record))
        if "failure" in record:
            continue
        servers.append((here, len(record["servers"])))
        result = locks.get(host) or {}
        if "lock" in result:
            locked = (result["lock"] or {}).get("kind") == "drain"
            drained.append((here, locked or bool(record.get("drained"))))
        for one in record["servers"]:
            _add(by_server, {**here, "server": str(one["unit"] or f"pid {one['pid']}")}, one)
    return "".join(
        [
            _metric("up", "1 if the host answered the last fleet_info.", up),
            _metric("servers", "Odoo servers that run on the host.", servers),
            _metric("drained", "1 if a drain has the lock of the host, or has ended a server of it.", drained),
            _metric("server_info", "Version, mode and supervisor of a server.", by_server["info"]),
            _metric(
                "server_running", "1 if the server runs, 0 while it boots, reloads or drains.", by_server["running"]
            ),
            _metric("server_stale", "1 if the disk has newer code or configuration.", by_server["stale"]),
            _metric("server_workers", "Processes of a server by role.", by_server["workers"]),
            _metric(
                "server_loaded_timestamp_seconds",
                "Earliest time at which the server loaded its code, such as at its last reload.",
                by_server["loaded"],
            ),
            _metric("last_run_timestamp_seconds", "Time of the last fleet_info.", [({}, now)]),
        ]
    )


def _add(found: dict[str, Samples], labels: dict[str, str], server: Record) -> None:
    told = {name: str(server[name] or "") for name in ("version", "mode", "supervisor")}
    found["info"].append(({**labels, **told}, 1))
    found["running"].append((labels, server["state"] == "running"))
    # Without a comparison with the disk it is not known.
    if server["stale"] is not None:
        found["stale"].append((labels, server["stale"]))
    found["workers"] += [({**labels, "role": role}, number) for role, number in server["workers"].items()]
    if server.get("loaded"):
        loaded = datetime.datetime.fromisoformat(server["loaded"].replace("Z", "+00:00")).timestamp()
        found["loaded"].append((labels, loaded))


def _metric(name: str, meaning: str, samples: Samples) -> str:
    """Return a metric with its HELP and TYPE; nothing without a sample."""
    if not samples:
        return ""
    lines = [f"# HELP {_PREFIX}{name} {meaning}", f"# TYPE {_PREFIX}{name} gauge"]
    for labels, value in samples:
        told = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        lines.append(f"{_PREFIX}{name}{{{told}}} {_number(value)}" if told else f"{_PREFIX}{name} {_number(value)}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    """Return the value of a label with backslash, quote and line feed escaped."""
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    number = float(value)
    return str(int(number)) if number.is_integer() else f"{number:.3f}"
