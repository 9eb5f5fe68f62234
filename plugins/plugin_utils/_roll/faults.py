# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""What a balancer says of a host's servers, and what a failed task says of itself. Pure."""

from __future__ import annotations

import typing as t

from ...module_utils._system.redact import redact_text

#: How the role words the failure of a host that cannot be reached; Ansible itself only ignores it.
UNREACHABLE = "unreachable: "


def balancer_faults(
    seen: t.Sequence[t.Mapping[str, t.Any]], backends: t.Collection[str], servers: t.Sequence[str]
) -> list[str]:
    """Why a host must not be rolled, as clauses: what the balancers lack, or have out already.

    :param seen: what ``haproxy_info`` returned, by balancer, as a loop registers it (``item`` is the balancer).
    :param backends: names of backends; none stands for every backend that has such a server.
    :param servers: names under which the balancers know the host.
    """
    faults: list[str] = []
    for where, told in _answers(seen, faults):
        known = [s for s in told if s["server"] in servers and (not backends or s["backend"] in backends)]
        wanted = [(b, s) for b in backends for s in servers] if backends else [(None, s) for s in servers]
        for backend, server in wanted:
            if not any(k["server"] == server and backend in (None, k["backend"]) for k in known):
                faults.append(f"balancer {where} has no server {backend + '/' if backend else ''}{server}")
        for k in known:
            name = f"{k['backend']}/{k['server']}"
            if k["admin"] != "ready":
                faults.append(
                    f"{name} is out of balancer {where} already ({k['admin']}), and no roll says that it did it"
                )
            elif not _is_up(k):
                faults.append(f"balancer {where} says that {name} is {k['status']}")
    return faults


def drain_faults(
    seen: t.Sequence[t.Mapping[str, t.Any]], backends: t.Collection[str], leaving: t.Collection[str], least: int
) -> list[str]:
    """Why servers must not be drained, as clauses: a balancer does not answer or does not know them, or too few stay.

    :param leaving: names of the servers that leave.
    :param least: how many healthy servers must stay in each backend that one of them leaves.
    """
    faults: list[str] = []
    for where, told in _answers(seen, faults):
        known = [s for s in told if not backends or s["backend"] in backends]
        unknown = sorted(set(leaving) - {s["server"] for s in known})
        if unknown:
            faults.append(f"balancer {where} has no server {', '.join(unknown)}")
        staying = [s for s in known if s["server"] not in leaving and s["admin"] == "ready" and _is_up(s)]
        for backend in sorted({s["backend"] for s in known if s["server"] in leaving}):
            stay = sum(1 for s in staying if s["backend"] == backend)
            if stay < least:
                faults.append(
                    f"{backend} of balancer {where} would have {stay} healthy servers left, and {least} must stay"
                )
    return faults


def _answers(
    seen: t.Sequence[t.Mapping[str, t.Any]], faults: list[str]
) -> t.Iterator[tuple[str, list[dict[str, t.Any]]]]:
    """The balancers that answered, each with its servers. Those that did not are added to the faults."""
    for one in seen:
        where = str(one.get("item", "the balancer"))
        if one.get("unreachable") or one.get("failed") or "servers" not in one:
            why = str(one.get("msg") or "").strip() or "no answer"
            faults.append(f"balancer {where} cannot be asked: {why.splitlines()[0]}")
        else:
            yield where, one["servers"]


def _is_up(server: t.Mapping[str, t.Any]) -> bool:
    return str(server["status"]).startswith(("UP", "no check"))


def failure(result: t.Mapping[str, t.Any], step: str) -> dict[str, t.Any]:
    """What is kept of a task that failed: the step, the reason, and whether the host could not be reached.

    Of a loop, the first item that failed tells.
    """
    items = [one for one in result.get("results") or [] if isinstance(one, dict) and "item" in one]
    bad = next((one for one in items if one.get("failed") or one.get("unreachable")), result)
    told = (str(bad.get(name) or "").strip() for name in ("msg", "stderr", "reason"))
    reason = next(filter(None, told), "it failed without a word")
    return {
        "step": step,
        # A task of the user's own may have said anything, and this goes into a file.
        "reason": redact_text(reason.removeprefix(UNREACHABLE)),
        "unreachable": reason.startswith(UNREACHABLE) or bool(bad.get("unreachable") and bad is result),
    }
