# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.
"""The statistics that roles pass to a workflow with set_stats, and the lines of their summaries. Pure."""

from __future__ import annotations

import typing as t

from ..module_utils._messages import roll as _codes
from ..module_utils._messages.code import Problem
from ..module_utils._messages.host import UNREACHABLE as _UNREACHABLE
from ..module_utils._system.redact import redact_text

DONE, FAILED, UNREACHABLE = "done", "failed", "unreachable"

Record = t.Mapping[str, t.Any]


def of_run(variables: Record, name: str, run: str, key: str = "run") -> Record:
    """Return what a task of this run has registered or noted; empty where there is nothing.

    An earlier play of the same ``ansible-playbook`` leaves its own results behind.

    :param key: under which a result has the name of its run.
    """
    found = variables.get(name)
    return found if isinstance(found, t.Mapping) and found.get(key) == run else {}


def stats(
    outcome: str, hosts: t.Sequence[t.Mapping[str, t.Any]], remaining: t.Sequence[str], **own: t.Any
) -> dict[str, t.Any]:
    """Return the statistics of every role, and those of this role only.

    :param hosts: each with ``host``, ``outcome`` and ``code``, which is None without a failure.
    :param remaining: unfinished hosts.
    """
    by_outcome: dict[str, list[str]] = {}
    for one in hosts:
        by_outcome.setdefault(str(one["outcome"]).replace(" ", "_"), []).append(one["host"])
    codes = {one["host"]: one["code"] for one in hosts if one.get("code")}
    return {"outcome": outcome, "hosts": by_outcome, "remaining": list(remaining), "codes": codes, **own}


def outcomes(
    records: t.Mapping[str, Record], own: t.Mapping[str, t.Any] | None = None, *, ok: bool = True
) -> dict[str, t.Any]:
    """Return ``stats`` and ``lines`` of a role in which each host has one turn.

    :param records: what each host told of itself: ``ok`` where it is done, ``failure`` (``code``, ``reason``,
        ``unreachable``) where it failed, and ``line``. One with neither has left the play.
    :param own: what only this role hands on.
    :param ok: whether the role has done what does not belong to a host.
    """
    told = [_outcome(host, record) for host, record in records.items()]
    remaining = [one["host"] for one in told if one["outcome"] != DONE]
    outcome = DONE if ok and not remaining else FAILED
    return {
        "stats": stats(outcome, told, remaining, **(own or {})),
        "lines": {one["host"]: one["line"] for one in told},
    }


def records_of(results: t.Mapping[str, Record], line: t.Callable[[Record], str]) -> dict[str, Record]:
    """Return the records of hosts from the results of the one module that a role runs on each of them.

    :param results: by host; an empty one is that of a host that has left the play.
    :param line: describes the result of a module that has succeeded.
    """
    return {
        host: {} if not result else {"failure": failure_of(result)} if _is_bad(result) else _done(line(result))
        for host, result in results.items()
    }


def _is_bad(result: Record) -> bool:
    # The roles set failed_when to false, because Ansible prints the whole result of a failed task. Then the code still
    # tells a failure, and a module that crashed has no results.
    return bool(result.get("failed") or result.get("unreachable") or result.get("code") or "results" not in result)


def _done(line: str) -> Record:
    return {"ok": True, "line": line}


def _outcome(host: str, record: Record) -> dict[str, t.Any]:
    if record.get("ok"):
        return {"host": host, "outcome": DONE, "code": None, "line": record.get("line", "")}
    left = _codes.LEFT_PLAY()
    failure = record.get("failure") or {"code": left.code, "reason": left.text}
    return {
        "host": host,
        "outcome": UNREACHABLE if failure.get("unreachable") else FAILED,
        "code": failure["code"],
        "line": f"{record.get('line') or 'FAILED: ' + failure['reason']} [{failure['code']}]",
    }


def failure_of(result: Record) -> dict[str, t.Any]:
    """Return ``code``, ``reason`` and ``unreachable`` of the result of a module of this collection that failed."""
    unreachable = bool(result.get("unreachable")) or result.get("code") == _UNREACHABLE.name
    return {
        "code": str(result.get("code") or (_UNREACHABLE if unreachable else _codes.TASK_FAILED).name),
        "reason": first_line(redact_text(str(result.get("msg") or "")).strip()) or _codes.NO_MESSAGE().text,
        "unreachable": unreachable,
    }


def not_asked(where: str, answer: t.Mapping[str, t.Any]) -> Problem:
    """Return why a load balancer did not tell its servers.

    :param answer: the failed result of the module that asked it.
    """
    error = (str(answer.get("msg") or "").strip() or "no answer").splitlines()[0].rstrip(".")
    gone = answer.get("unreachable") or answer.get("code") == _UNREACHABLE.name
    return (_codes.BALANCER_UNREACHABLE if gone else _codes.BALANCER_NOT_ASKED)(balancer=where, error=error)


def counted(number: int, what: str) -> str:
    """Return a number with its noun."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def aligned(table: t.Sequence[t.Sequence[str]]) -> list[str]:
    """Return the rows of a table as lines. All rows have the same number of cells."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]


def first_line(text: str) -> str:
    """Return the first line of a text; empty where it has none."""
    return (text.splitlines() or [""])[0]
