# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Show which hosts are in their load balancers, which are out, by which owner and since when. Pure."""

from __future__ import annotations

import datetime
import typing as t

from ..module_utils._balancer.nginx_tree import names
from ..module_utils._drain.brief import sentence
from ..module_utils._roll.haproxy import READY, find_servers, is_up, name_of, shown_admin, why_out
from .outcomes import aligned, counted, failure_of, not_asked, outcomes

Record = t.Mapping[str, t.Any]
Answer = t.Mapping[str, t.Any]

COLUMNS = ("host", "balancer", "server", "state", "sessions", "by", "since")
IN, OUT, DOWN, UNKNOWN = "in", "out", "down", "unknown"


class Row(t.NamedTuple):
    """One server of a host in one load balancer; ``since`` is in ISO 8601, and empty texts are unknown."""

    balancer: str
    server: str
    state: str
    detail: str = ""
    sessions: str = ""
    by: str = ""
    since: str = ""


def report(records: t.Mapping[str, Record], seen: t.Mapping[str, t.Sequence[Answer]], now: float) -> dict[str, t.Any]:
    """Return ``lines`` for people, ``stats`` for a workflow, ``rows`` and ``failures`` by host, and ``servers``.

    ``servers`` has the names of all servers of each load balancer that answered.

    :param records: of each host how balancers know it (``kind``, ``ask``, ``backends``, ``servers``), and the results
        ``lock`` of ``roll_lock`` and ``gate`` of ``gate_info``.
    :param seen: results of ``haproxy_info`` and ``nginx_info`` for each load balancer, by kind, as loops register them.
    :param now: seconds since the epoch.
    """
    rows: dict[str, list[Row]] = {}
    told: dict[str, dict[str, t.Any]] = {}
    for host, record in records.items():
        found = list(_rows(host, record, seen, now))
        # The lock of another owner makes roll_lock fail, and that is an answer.
        faults = [failure_of(record.get("lock") or {})] if "lock" not in (record.get("lock") or {}) else []
        faults += [one for one in found if not isinstance(one, Row)]
        rows[host] = [one for one in found if isinstance(one, Row)]
        told[host] = {"failure": faults[0]} if faults else {"ok": True}
    return {
        "rows": {host: [one._asdict() for one in several] for host, several in rows.items()},
        "failures": {host: one["failure"] for host, one in told.items() if "failure" in one},
        "servers": _servers(seen),
        "lines": _lines(rows, records, told, now),
        "stats": outcomes(told, _own(rows, records))["stats"],
    }


def _rows(
    host: str, record: Record, seen: t.Mapping[str, t.Sequence[Answer]], now: float
) -> t.Iterator[Row | dict[str, t.Any]]:
    """Return the rows of a host, and a failure in place of each answer that is missing."""
    kind = str(record.get("kind") or "none")
    lock = _lock(record)
    ours, since = (str(lock.get("owner") or "?"), _ago(lock["age"], now)) if lock and lock.get("out") else ("", "")
    drained = _drained(record)
    if kind == "firewall":
        gate = record.get("gate") or {}
        yield from _gate_rows(gate, since) if "closed" in gate else [failure_of(gate)]
        return
    if kind not in ("haproxy", "nginx"):
        yield Row("-", host, UNKNOWN, f"balancer: {kind}", by=ours, since=since)
        return
    for answer in seen.get(kind) or []:
        place = answer["balancer_ask"]
        if place not in record["ask"]:
            continue
        where = str(place["host"])
        if "servers" not in answer:
            yield _not_asked(where, answer)
            continue
        found, lacking = _find(answer["servers"], record, kind)
        for one in found:
            row = (_haproxy_row if kind == "haproxy" else _nginx_row)(where, one, ours, since)
            if row.state == DOWN and drained:
                row = row._replace(by=str(drained[0]["by"] or "?"), since=str(drained[0]["at"]))
            yield row
        for name in lacking:
            yield Row(where, name, UNKNOWN, "not in this load balancer")


def _servers(seen: t.Mapping[str, t.Sequence[Answer]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for answer in [one for several in seen.values() for one in several if "servers" in one]:
        names = [f"{one.get('backend') or one.get('upstream')}/{one['server']}" for one in answer["servers"]]
        found.setdefault(str(answer["balancer_ask"]["host"]), []).extend(names)
    return found


def _not_asked(where: str, answer: Answer) -> dict[str, t.Any]:
    problem = not_asked(where, answer)
    # The host itself may well be reachable.
    return {"code": problem.code, "reason": str(problem), "unreachable": False}


def _find(every: t.Sequence[dict[str, t.Any]], record: Record, kind: str) -> tuple[list[dict[str, t.Any]], list[str]]:
    """Return the servers that are the host, and the names that the load balancer does not have.

    A backend or upstream without the host is among these, as in the preflight of a roll.
    """
    wanted, groups = record["servers"] or ["-"], record.get("backends") or []
    if kind == "haproxy":
        return find_servers(every, wanted, groups)
    found = [one for one in every if names(one["server"]).intersection(wanted)]
    found = [one for one in found if not groups or one["upstream"] in groups]
    told, there = ", ".join(wanted), {one["upstream"] for one in found}
    if groups:
        return found, [f"{group}/{told}" for group in groups if group not in there]
    return found, [] if found else [told]


def _haproxy_row(where: str, server: Answer, ours: str, since: str) -> Row:
    name, sessions = name_of(server), str(server.get("sessions", ""))
    if server["admin"] != READY:
        return Row(where, name, OUT, shown_admin(server), sessions, ours or "not by fleetops.odoo", since)
    if not is_up(server):
        return Row(where, name, DOWN, f"{server['status']} {server.get('check') or ''}".strip(), sessions)
    if why_out(server):
        return Row(where, name, OUT, why_out(server), sessions)
    return Row(where, name, IN, "backup" if server.get("backup") else "", sessions)


def _nginx_row(where: str, server: Answer, ours: str, since: str) -> Row:
    name = f"{server['upstream']}/{server['server']}"
    if server["state"] == "up":
        return Row(where, name, IN, "backup" if server.get("backup") else "")
    mark = server.get("marked") or {}
    return Row(
        where,
        name,
        OUT,
        by=str(mark.get("owner") or ours or "not by fleetops.odoo"),
        since=str(mark.get("since") or since),
    )


def _gate_rows(gate: Answer, since: str) -> t.Iterator[Row]:
    for one in gate.get("closed") or []:
        detail = f"opens in {one['expires']:.0f} s"
        yield Row("firewall", f"port {one['port']}", OUT, detail, by=str(one.get("owner") or "?"), since=since)
    if not gate.get("closed"):
        yield Row("firewall", "all ports", IN)


def _lock(record: Record) -> Answer | None:
    return (record.get("lock") or {}).get("lock")


def _drained(record: Record) -> t.Sequence[Answer]:
    """Return the servers of a host that a drain has ended and no undrain has brought back."""
    return (record.get("lock") or {}).get("drained") or []


def _ago(seconds: float, now: float) -> str:
    return datetime.datetime.fromtimestamp(now - seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _own(rows: t.Mapping[str, t.Sequence[Row]], records: t.Mapping[str, Record]) -> dict[str, t.Any]:
    states = {host: {row.state for row in several} for host, several in rows.items()}

    def only(state: str) -> list[str]:
        return [host for host, found in states.items() if found == {state}]

    return {
        "in": only(IN),
        "out": only(OUT),
        "down": only(DOWN),
        "partly": [host for host, found in states.items() if IN in found and len(found) > 1],
        "drained": [host for host, record in records.items() if _drained(record)],
        "locked": [host for host, record in records.items() if (lock := _lock(record)) and not lock["expired"]],
    }


def _lines(
    rows: t.Mapping[str, t.Sequence[Row]],
    records: t.Mapping[str, Record],
    told: t.Mapping[str, t.Mapping[str, t.Any]],
    now: float,
) -> list[str]:
    table = [COLUMNS]
    for host, several in rows.items():
        table += [
            (
                host,
                row.balancer,
                row.server,
                f"{row.state} ({row.detail})" if row.detail else row.state,
                row.sessions or "-",
                row.by or "-",
                row.since or "-",
            )
            for row in several
        ]
    lines = aligned(table)
    lines += [
        f"{host}: NO ANSWER: {one['failure']['reason']} [{one['failure']['code']}]"
        for host, one in told.items()
        if "failure" in one
    ]
    for host, record in records.items():
        lock = _lock(record)
        lines += [f"{host}: {_locked(lock, now)}"] if lock else []
        lines += [f"{host}: {sentence(one)}" for one in _drained(record)]
    found = [row.state for several in rows.values() for row in several]
    total = ", ".join(f"{found.count(state)} {state}" for state in (IN, OUT, DOWN, UNKNOWN) if found.count(state))
    return [*lines, f"{counted(len(rows), 'host')}; servers: {total or 'none'}"]


def _locked(lock: Answer, now: float) -> str:
    """Return the line of a lock."""
    what = f"locked by the {lock['kind']} {lock['id']} of {lock.get('owner') or '?'} since {_ago(lock['age'], now)}"
    reason = f" ({lock['reason']})" if lock.get("reason") else ""
    return f"{what}{reason}{', expired' if lock['expired'] else ''}"
