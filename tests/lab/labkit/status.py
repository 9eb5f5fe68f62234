# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of `lab status`."""

from __future__ import annotations

from . import machine, ways
from .fleet import Host, Server
from .health import http_status, listens
from .paths import Lab
from .state import State

_COLUMNS = ("host", "address", "odoo", "mode", "boot", "state", "health", "master")


def rows(lab: Lab, current: State) -> list[dict[str, str]]:
    """One row for each host; a dash where a column does not apply."""
    found = []
    for name in current.names():
        host = current.host(name)
        found += [_row(lab, current, name, host, server) for server in host.servers] if host else []
        found += [] if host else [_row(lab, current, name)]
    return found


def table(content: list[dict[str, str]]) -> str:
    """Rows as aligned text."""
    lines = [{column: column for column in _COLUMNS}, *content]
    widths = {column: max(len(line[column]) for line in lines) for column in _COLUMNS}
    return "\n".join("  ".join(line[column].ljust(widths[column]) for column in _COLUMNS).rstrip() for line in lines)


def _row(lab: Lab, current: State, name: str, host: Host | None = None, server: Server | None = None) -> dict[str, str]:
    address = current.address(name)
    row = {**dict.fromkeys(_COLUMNS, "-"), "host": name, "address": address, "boot": "off"}
    if host and server:
        row.update(host=host.label(server), odoo=host.version, mode=server.mode)
        if host.start != "package":
            row["odoo"] += f" {host.start}"
    if machine.init_pid(lab, name) is None:
        return row
    row["boot"] = machine.inside(lab, name, ["systemctl", "is-system-running"], check=False).stdout.strip() or "?"
    if host and server:
        row["state"] = ways.state(lab, host, server)
        row["master"] = str(ways.masters(lab, name).get(server.config, "-"))
        row["health"] = str(http_status(address, server.port, host.health_path) or "no answer")
    else:
        row["state"] = ways.unit_state(lab, name, {"db": "postgresql@15-main", "lb": "haproxy"}[name])
        row["health"] = "listens" if listens(address, {"db": 5432, "lb": 80}[name]) else "no answer"
    return row
