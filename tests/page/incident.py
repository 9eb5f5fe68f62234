# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports for the tests of the page, composed of captures of real servers."""

from __future__ import annotations

import json
import pathlib
import tarfile
import typing as t

from ansible_collections.fleetops.odoo.plugins.filter.roll_page import roll_page
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


def roll(name: str) -> dict[str, t.Any]:
    """The report of a real roll over three hosts: done, failed, check, or after_interruption."""
    return t.cast("dict[str, t.Any]", json.loads((CAPTURES / "rolls" / f"{name}.json").read_text()))


def large_roll(count: int = 200, size: int = 10) -> dict[str, t.Any]:
    """The report of a roll over many hosts, of which two failed, composed of the turns of three real hosts."""
    report, real = roll("done"), roll("done")["hosts"]
    names = [f"odoo-{number:03d}.shop.example.com" for number in range(count)]
    planned = [names[first : first + size] for first in range(0, count, size)]
    hosts = [{**real[number % 3], "host": name} for number, name in enumerate(names)]
    for number, one in enumerate(hosts):
        began = 20.0 + 40.0 * (number // size) - one["steps"][1]["began"]
        one["steps"] = [
            one["steps"][0],
            *({**part, **{end: part[end] + began for end in ("began", "ended")}} for part in one["steps"][1:]),
        ]
    for one in hosts[57:59]:
        why = "The reload of pid 33 failed: the server ended after HUP"
        one.update(outcome="failed", code="failed.ended", reason=why, step="reload", steps=one["steps"][:4])
    for one in hosts[120:]:
        one.update(outcome="not touched", reason="", steps=one["steps"][:1], results=[], under_way=None)
    begun = [
        {"number": number, "hosts": batch, "began": 40.0 * number - 20, "ended": 40.0 * number + 20}
        for number, batch in enumerate(planned[:12], 1)
    ]
    report.update(hosts=hosts, planned=planned, batches=begun, seconds=500.0, outcome="stopped", ok=False)
    report["remaining"] = [one["host"] for one in hosts if one["outcome"] != "reloaded"]
    report["stopped"] = {"why": "failures", "code": "roll.hosts_lost", "reason": "2 hosts failed, and the budget is 1"}
    return report


def roll_page_of(report: t.Mapping[str, t.Any], folder: pathlib.Path) -> str:
    """The page of a roll, with the earlier ones in a folder: one that succeeded, one that failed, one interrupted."""
    for name, earlier in {"20261130T180125Z": "done", "20261130T180335Z": "failed", "20261130T180517Z": ""}.items():
        (folder / name).mkdir(exist_ok=True, parents=True)
        if earlier:
            (folder / name / "report.json").write_text(json.dumps(roll(earlier)))
            (folder / name / "report.html").write_text("")
    return roll_page(report, folder=str(folder / "20261130T180618Z"))


def caches_page_of(*hosts: str, log: str = "19-prefork-usr2") -> str:
    """The page of the statistics that workers of these hosts wrote, and of a process that did not."""
    lines = (CAPTURES / "caches" / f"{log}.log").read_text().splitlines()
    found = [{"role": "http", **one.told()} for one in parse_statistics(lines)]
    result = {"version": "19.0", "before": {"mode": "prefork"}, "statistics": found}
    result["missing"] = [{"pid": 44, "role": "gevent", "reason": "USR1 would kill it"}]
    return caches_page(merge([{"host": host, "results": [result]} for host in hosts]))
