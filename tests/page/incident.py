# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports for the tests of the page, composed of captures of real servers."""

from __future__ import annotations

import pathlib
import tarfile
import typing as t

from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.statistics import parse_statistics
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis.analyse import analyse, silent_of
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis.logs import read_logs
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis.sessions import Backend
from ansible_collections.fleetops.odoo.plugins.plugin_utils._pages.caches import page as caches_page
from ansible_collections.fleetops.odoo.plugins.plugin_utils._pages.dumps import page
from ansible_collections.fleetops.odoo.plugins.plugin_utils.caches import merge

CAPTURES = pathlib.Path(__file__).resolve().parents[1] / "unit" / "captures"

#: Of each host of the incident, the cause that was planted and the server it was captured from.
HOSTS = {
    "shop1": ("all-busy", "p19"),
    "shop2": ("lock-two-hosts", "p14"),
    "shop3": ("lock-two-hosts", "p19"),
    "jobs1": ("cron", "p19"),
    "shop4": ("foreign", "p19"),
}
SILENT = {"shop5": "unreachable: connection timed out", "shop3": [{"pid": 44, "reason": "no dump within 10 s"}]}


def planted(cause: str, server: str) -> str:
    """A log of three samples with a planted cause."""
    with tarfile.open(CAPTURES / "planted.tar.xz") as archive:
        return t.cast("t.IO[bytes]", archive.extractfile(f"{cause}/{server}.log")).read().decode()


def incident(folder: pathlib.Path) -> list[dict[str, str]]:
    """Logs of five hosts with trouble of their own, written into a directory."""
    for host, what in HOSTS.items():
        (folder / f"{host}.log").write_text(planted(*what))
    (folder / "shop6.log").write_text(idle())
    return [{"path": str(folder / f"{host}.log"), "host": host} for host in [*HOSTS, "shop6"]]


def idle() -> str:
    """Dumps of a server that has nothing to do."""
    names = [f"19-prefork/dumps/quit-{what}.log" for what in ("master", "http-idle", "gevent")]
    with tarfile.open(CAPTURES / "dumps.tar.xz") as archive:
        return "".join(t.cast("t.IO[bytes]", archive.extractfile(name)).read().decode() for name in names)


def backends() -> list[Backend]:
    """A request on one host that waits for another on a second one, which waits for a session that does nothing."""
    update = "UPDATE res_partner SET credit_limit = 1000 WHERE id IN (42)"
    return [
        Backend(5101, "shop2", 32, state="active", blocked_by=(5102,), query=update, seconds=41.2),
        Backend(5102, "shop3", 41, state="active", blocked_by=(5103,), query="SELECT 1 FOR UPDATE", seconds=55.0),
        Backend(5103, application="psql", state="idle in transaction", query="DELETE FROM sale_order", seconds=300.0),
        Backend(5104, "shop2", 34, state="active", blocked_by=(5102,), query=update, seconds=12.0),
    ]


def page_of(files: list[dict[str, str]], *, rows: bool = False) -> str:
    """The page of these logs, with rows of PostgreSQL or without."""
    sources = read_logs(files)
    report = analyse(sources, backends() if rows else ())
    report["silent"] = silent_of(SILENT)
    return page(report, sources, {"shop1": "shop1.log"})


def caches_page_of(*hosts: str) -> str:
    """The page of the statistics that workers of these hosts wrote, and of a process that did not."""
    lines = (CAPTURES / "caches" / "19-prefork-usr2.log").read_text().splitlines()
    found = [{"role": "http", **one.told()} for one in parse_statistics(lines)]
    result = {"version": "19.0", "before": {"mode": "prefork"}, "statistics": found}
    result["missing"] = [{"pid": 44, "role": "gevent", "reason": "USR1 would kill it"}]
    return caches_page(merge([{"host": host, "results": [result]} for host in hosts]))
