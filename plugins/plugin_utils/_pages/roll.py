# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The report of a roll as one page of HTML that needs no network. Pure but for the page's own templates.

It shows what ``report.json`` holds, and nothing else, so what is hidden there is hidden here.
"""

from __future__ import annotations

import typing as t
from collections import Counter

from .render import render
from .roll_history import DONE

#: Rows of each table, and hosts that a card names.
_ROWS, _NAMED = 2000, 8

_Part = t.Mapping[str, t.Any]

#: The colour of an outcome. "not touched" comes last, and what went wrong before it.
_COLOURS = {
    "reloaded": "good",
    "restarted": "good",
    "would reload": "good",
    "would restart": "good",
    "up to date": "good",
    "skipped": "quiet",
    "failed": "bad",
    "unreachable": "bad",
    "not touched": "warm",
}
_BALANCERS = {"haproxy": "HAProxy", "nginx": "nginx", "firewall": "the firewall of each host", "tasks": "your tasks"}

#: The steps in words, in the order in which a host goes through them.
STEPS = {
    "preflight": "preflight",
    "look": "look",
    "out": "leaves the load balancer",
    "reload": "reload",
    "in": "returns to the load balancer",
    "watch": "watch",
    "end": "end",
}
#: The steps of a failure that are not steps of a turn.
_BEFORE = {
    "lock": "lock of the host",
    "rehearsal": "start-up check",
    "balancer": "question to the load balancer",
    "back": "return to the load balancer, which an earlier roll left",
}
#: Steps with the colour of another one.
_LOOKS = {"preflight": "look", "end": "look"}
#: The same gaps without a load balancer: only tasks of the user stand there.
_OWN_TASKS = {"out": "your tasks before the reload", "in": "your tasks after the reload"}
#: The least width of a step, as a part of the whole roll, so that it can be seen in a long one.
_LEAST = 1 / 250


def page(report: _Part, earlier: t.Sequence[_Part] = (), folder: str = "") -> str:
    """Return the page of a report of :func:`.._roll.report.report`.

    :param earlier: rows of :func:`.roll_history.earlier`.
    :param folder: the folder of the roll, for commands that name it.
    """
    ordered = _ordered(report)
    planned = {host: number for number, batch in enumerate(report["planned"], 1) for host in batch}
    begun = {host: batch for batch in report["batches"] for host in batch["hosts"]}
    reasons = {one["reason"] for one in ordered if _COLOURS.get(one["outcome"]) == "good"}
    reason = reasons.pop() if len(reasons) == 1 and len(ordered) > 1 else ""
    hosts = [_host(report, one, planned.get(one["host"]), begun.get(one["host"]), reason) for one in ordered]
    counts = Counter(one["outcome"] for one in report["hosts"])
    return render(
        "roll.html.j2",
        ["cards.css", "roll.css"],
        [],
        report=report,
        folder=folder,
        kinds=[(name, _COLOURS[name], counts[name]) for name in _COLOURS if counts[name] or name == "failed"],
        outcomes=[name for name in _COLOURS if counts[name]],
        cards=_cards(report),
        out=report["stats"]["out_of_balancer"],
        hosts=hosts,
        asked=any(one["under_way"] is not None for one in hosts),
        servers=[row for one in ordered for row in _servers(one)],
        key=_key(hosts),
        reason=reason,
        earlier=earlier,
        balancer=_BALANCERS.get(report["balancer"], ""),
        done=sum(one["outcome"] in DONE for one in report["hosts"]),
        rows=_ROWS,
        named=_NAMED,
        span=span,
        moment=moment,
    )


def span(seconds: float) -> str:
    """Return a duration as people say it.

    >>> [span(one) for one in (0.04, 5, 59.96, 75, 7384)]
    ['0.0 s', '5.0 s', '1 min', '1 min 15 s', '2 h 3 min']
    """
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min" + (f" {whole % 60} s" if whole % 60 else "")
    return f"{whole // 3600} h" + (f" {whole % 3600 // 60} min" if whole % 3600 // 60 else "")


def moment(text: str | None) -> str:
    """Return a time of a report, to the second.

    >>> moment("2026-11-30T17:42:36.113Z")
    '2026-11-30 17:42:36 UTC'
    >>> moment(None)
    ''
    """
    return f"{text[:10]} {text[11:19]} UTC" if text else ""


def _ordered(report: _Part) -> list[_Part]:
    """Return the hosts in the order of the plan, and then those that are not in it."""
    place = {host: number for number, host in enumerate(host for batch in report["planned"] for host in batch)}
    return sorted(report["hosts"], key=lambda one: place.get(one["host"], len(place)))


def _words(report: _Part, step: str) -> str:
    """Return a step in words."""
    own = _OWN_TASKS if report["balancer"] == "none" else {}
    return {**STEPS, **_BEFORE, **own}.get(step, step)


def _key(hosts: t.Sequence[_Part]) -> list[tuple[str, str]]:
    """Return the colours of the bars, each with the steps that have it."""
    found: dict[str, list[str]] = {}
    words = {part["step"]: part["words"] for one in hosts for part in one["steps"]}
    for step in STEPS:
        if step in words:
            found.setdefault(_LOOKS.get(step, step), []).append(words[step])
    return [(colour, ", ".join(steps)) for colour, steps in found.items()]


def _host(report: _Part, one: _Part, batch: int | None, begun: _Part | None, told: str) -> dict[str, t.Any]:
    """Return the row of a host: its steps as pieces of a bar, and its notes.

    :param batch: number of its batch in the plan.
    :param begun: its batch, if that has begun.
    :param told: a reason that is told already.
    """
    return {
        **one,
        "colour": _COLOURS.get(one["outcome"], "bad"),
        "batch": batch,
        "begun": begun is not None,
        "steps": _steps(report, one, (begun or {}).get("ended") or report["seconds"]),
        "turn": _turn(one),
        "notes": _notes(one, told),
    }


def _turn(one: _Part) -> float | None:
    """Return the seconds of the turn of a host; None where it had none, or where its end is not known."""
    own = [part for part in one["steps"] if part["step"] != "preflight"]
    return own[-1]["ended"] - own[0]["began"] if own and own[-1]["ended"] is not None else None


def _steps(report: _Part, one: _Part, last: float) -> list[dict[str, t.Any]]:
    """Return the steps of a host with their places in a bar that is 1 wide.

    :param last: when a step without an end ended at the latest, in seconds since the begin of the roll.
    """
    whole = max(report["seconds"], 0.1)
    bad = _COLOURS.get(one["outcome"], "bad") == "bad"
    found = []
    for part in one["steps"]:
        ended = part["ended"] if part["ended"] is not None else max(last, part["began"])
        failed = bad and part is one["steps"][-1]
        found.append(
            {
                "step": part["step"],
                "words": _words(report, part["step"]),
                "failed": failed,
                "open": part["ended"] is None,
                "seconds": ended - part["began"],
                "x": round(min(part["began"] / whole, 1 - _LEAST), 5),
                "width": round(max((ended - part["began"]) / whole, _LEAST), 5),
            }
        )
    return found


def _notes(one: _Part, told: str) -> list[str]:
    """Return what the reader should know of a host beside its outcome. The reason of a failure stands in its card."""
    reason = one["reason"] if one["reason"] != told and _COLOURS.get(one["outcome"], "bad") != "bad" else ""
    out = one["balancer"] if (one["balancer"] or {}).get("state") == "out" else None
    left_out = "out of the load balancer" + (f": {out['because']}" if out and out["because"] != one["reason"] else "")
    lock = f"its lock stays until it expires: {one['lock']['reason']}" if one["lock"] else ""
    warnings = [warning["message"] for server in one["results"] for warning in server.get("warnings") or []]
    return [note for note in (reason, left_out if out else "", one["taken"], lock, *warnings) if note]


def _cards(report: _Part) -> list[dict[str, t.Any]]:
    """Return what went wrong: hosts with the same failure in one card, most hosts first."""
    found: dict[tuple[str, ...], dict[str, t.Any]] = {}
    for one in report["hosts"]:
        if _COLOURS.get(one["outcome"], "bad") != "bad":
            continue
        step = one["step"] or ""
        # Beside its first line a reason may have the end of a log, in which each host has its own times.
        reason, _end, more = one["reason"].partition("\n")
        key = (one["outcome"], step, one["code"] or "", reason)
        card = found.setdefault(
            key,
            {
                **dict(zip(("outcome", "step", "code", "reason"), key, strict=True)),
                "words": _words(report, step),
                "more": more,
                "hosts": [],
            },
        )
        card["hosts"].append({"host": one["host"], "evidence": _evidence(one), "said": _said(one)})
    return sorted(found.values(), key=lambda card: -len(card["hosts"]))


def _evidence(one: _Part) -> str:
    """Return the path of the evidence of a host, from the folder of the roll; empty where there is none."""
    path = f"{one['host']}/evidence.txt"
    return path if str(one.get("evidence") or "").endswith("/" + path) else ""


def _said(one: _Part) -> str:
    """Return why there is no evidence, if the role tried to keep it."""
    return "" if _evidence(one) else str(one.get("evidence") or "")


def _servers(one: _Part) -> list[dict[str, t.Any]]:
    """Return a row for each server of a host: it before and after, and what was done to it."""
    seen = [
        {
            "host": one["host"],
            "pid": result.get("pid"),
            "before": _generation(result.get("before")),
            "after": _generation(result.get("after")),
            "unknown": "not known",
            "steps": result.get("steps") or [],
        }
        for result in one["results"]
    ]
    if seen:
        return seen
    # The host had no turn, so only the result of the preflight is known.
    unknown = "as before" if one["outcome"] in ("up to date", "skipped") else "not reloaded"
    return [
        {
            "host": one["host"],
            "pid": None,
            "before": [f"Odoo {version} {mode}".strip()] if version else [],
            "after": [],
            "unknown": unknown,
            "steps": [],
        }
        for mode, version in one["servers"]
    ]


def _generation(summary: _Part | None) -> list[str]:
    """Return a server as lines: its version and mode, when it loaded its code, and its http workers."""
    if not summary:
        return []
    workers = [str(child["pid"]) for child in summary.get("children") or [] if child["role"] == "http"]
    loaded = (summary.get("loaded") or {}).get("not_after")
    lines = [f"Odoo {summary.get('version') or 'of an unknown version'} {summary.get('mode') or ''}".strip()]
    lines += [f"code of {moment(loaded)}"] if loaded else []
    lines += ["workers " + ", ".join(workers)] if workers else []
    return lines
