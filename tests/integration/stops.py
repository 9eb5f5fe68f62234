# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Count how often servers got a signal to end, from their logs, on several hosts at the same moment."""

from __future__ import annotations

import concurrent.futures
import typing as t

from .conftest import Fleet

LOG = "/var/log/odoo/odoo-server.log"
#: What a server writes when it gets its INT.
STOPS = r"Stopping gracefully|Stopping workers gracefully|Initiating shutdown"


def each(fleet: Fleet, hosts: t.Iterable[str], command: str) -> dict[str, str]:
    """Return the output of a shell command on several hosts, run at the same moment."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        futures = {host: pool.submit(fleet.run, host, "sh", "-c", command) for host in hosts}
    return {host: future.result() for host, future in futures.items()}


def counts(fleet: Fleet, hosts: t.Iterable[str], *patterns: str) -> dict[str, list[int]]:
    """Return how many lines of the log match each of the patterns."""
    said = each(fleet, hosts, "; ".join(f"grep -cE '{pattern}' {LOG}" for pattern in patterns) + "; true")
    return {host: [int(word) for word in text.split()] for host, text in said.items()}


class Stops:
    """Count the ends of servers since the creation of this object."""

    def __init__(self, fleet: Fleet, hosts: t.Iterable[str]) -> None:
        self._fleet, self._hosts = fleet, list(hosts)
        self._before = self._count()

    def _count(self) -> dict[str, list[int]]:
        return counts(self._fleet, self._hosts, STOPS, "[Ff]orced shutdown|Stopping forcefully")

    def since(self) -> dict[str, tuple[int, int]]:
        """Return the graceful and the forced ends, by host."""
        now = self._count()
        return {host: (now[host][0] - before[0], now[host][1] - before[1]) for host, before in self._before.items()}
