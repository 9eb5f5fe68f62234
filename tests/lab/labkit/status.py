# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of `lab status`."""

from __future__ import annotations

from . import balancer, machine
from .health import http_status, listens
from .paths import Lab
from .state import State

_COLUMNS = ("host", "address", "odoo", "mode", "boot", "unit", "health", "master")


def rows(lab: Lab, current: State) -> list[dict[str, str]]:
    """One row for each host; a dash where a column does not apply."""
    return [_row(lab, current, name) for name in current.names()]


def table(content: list[dict[str, str]]) -> str:
    """Rows as aligned text."""
    lines = [{column: column for column in _COLUMNS}, *content]
    widths = {column: max(len(line[column]) for line in lines) for column in _COLUMNS}
    return "\n".join("  ".join(line[column].ljust(widths[column]) for column in _COLUMNS).rstrip() for line in lines)


def _row(lab: Lab, current: State, name: str) -> dict[str, str]:
    host = current.host(name)
    address = current.address(name)
    unit = "odoo" if host else {"db": "postgresql@15-main", "lb": "haproxy"}[name]
    row = {**dict.fromkeys(_COLUMNS, "-"), "host": name, "address": address, "boot": "off"}
    if host:
        row.update(odoo=host.version, mode=host.mode)
        if host.start != "package":
            row["odoo"] += f" {host.start}"
    if machine.init_pid(lab, name) is None:
        return row
    row["boot"] = machine.inside(lab, name, ["systemctl", "is-system-running"], check=False).stdout.strip() or "?"
    show = ["systemctl", "show", unit, "--property=ActiveState,SubState,MainPID"]
    shown = machine.inside(lab, name, show, check=False)
    facts = dict(line.partition("=")[::2] for line in shown.stdout.splitlines())
    row["unit"] = f"{facts.get('ActiveState', '?')} ({facts.get('SubState', '?')})"
    row["master"] = facts.get("MainPID", "?") if facts.get("MainPID") != "0" else "-"
    if host:
        row["health"] = str(http_status(address, balancer.http_port(host), host.health_path) or "no answer")
    else:
        row["health"] = "listens" if listens(address, {"db": 5432, "lb": 80}[name]) else "no answer"
    return row
