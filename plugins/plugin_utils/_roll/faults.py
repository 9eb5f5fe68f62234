# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Check what balancers report of the servers of a host, and sum up a task that failed. Pure."""

from __future__ import annotations

import collections
import re
import typing as t

from ...module_utils._balancer.nginx_tree import names
from ...module_utils._messages import roll as _codes
from ...module_utils._messages.code import Problem
from ...module_utils._messages.host import UNREACHABLE
from ...module_utils._roll.haproxy import find_servers, followers, is_up, name_of, some_of, takes_requests, why_out
from ...module_utils._system.redact import redact_text
from ..outcomes import not_asked
from ..problems import listed, split_code

#: A code, and not what a foreign module calls code.
_CODE = re.compile(r"[a-z]+\.[a-z0-9_]+")


def balancer_faults(
    seen: t.Sequence[t.Mapping[str, t.Any]], backends: t.Collection[str], servers: t.Sequence[str]
) -> list[Problem]:
    """Return why a host must not be rolled: what the balancers lack, or have out already.

    :param seen: what ``haproxy_info`` returned, by balancer, as a loop registers it (``item`` is the balancer).
    :param backends: names of backends; none stands for every backend that has such a server.
    :param servers: names under which the balancers know the host.
    """
    faults: list[Problem] = []
    for where, told in _answers(seen, faults):
        found, lacking = find_servers(told, servers, backends)
        for name in lacking:
            problem = _codes.BALANCER_UNKNOWN_SERVER(balancer=where, server=name, servers=some_of(map(name_of, told)))
            faults.append(problem)
        for one in found:
            if why_out(one):
                faults.append(_codes.BALANCER_OUT_ALREADY(server=name_of(one), balancer=where, state=why_out(one)))
            elif not is_up(one):
                faults.append(_codes.BALANCER_DOWN(balancer=where, server=name_of(one), status=one["status"]))
            others = some_of(map(name_of, _of_other_hosts(told, one)))
            if _of_other_hosts(told, one):
                faults.append(_codes.BALANCER_TRACKED(balancer=where, server=name_of(one), others=others))
    return faults


def _of_other_hosts(told: t.Sequence[dict[str, t.Any]], server: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    """Return the servers of other hosts that leave with this one, because they track it.

    A host may have other names in other backends, but it has one address there.
    """
    mine = server.get("address")
    return [one for one in followers(told, [server]) if mine and one.get("address") not in (mine, None)]


def nginx_faults(
    seen: t.Sequence[t.Mapping[str, t.Any]], upstreams: t.Collection[str], servers: t.Sequence[str]
) -> list[Problem]:
    """Return why a host must not be rolled: what nginx lacks, or has marked as down already.

    :param seen: what ``nginx_info`` returned, by balancer, as a loop registers it.
    :param upstreams: names of the upstreams that hold the host.
    :param servers: its addresses, with a port or for all of its ports.
    """
    faults: list[Problem] = []
    for where, told in _answers(seen, faults):
        shown = some_of(f"{one['upstream']}/{one['server']}" for one in told)
        for upstream in upstreams:
            known = [one for one in told if one["upstream"] == upstream and names(one["server"]).intersection(servers)]
            if not known:
                name = f"{upstream}/{', '.join(servers)}"
                faults.append(_codes.BALANCER_UNKNOWN_SERVER(balancer=where, server=name, servers=shown))
            for one in known:
                if one["state"] != "up":
                    name = f"{upstream}/{one['server']}"
                    faults.append(_codes.BALANCER_OUT_ALREADY(server=name, balancer=where, state=one["state"]))
    return faults


def faults_of(
    records: t.Mapping[str, t.Mapping[str, t.Any]],
    seen: t.Mapping[str, t.Sequence[t.Mapping[str, t.Any]]],
    *,
    check: bool,
) -> dict[str, dict[str, t.Any]]:
    """Return the failures of hosts that their balancers do not have in service, by host.

    :param records: of the hosts that passed the look; ``behind`` says how balancers know them.
    :param seen: what the modules ``haproxy_info`` and ``nginx_info`` returned, by kind of balancer.
    :param check: a check run has not put back what an earlier roll left out, so that does not count.
    """
    found = {}
    for host, record in records.items():
        behind = record.get("behind") or {}
        kind = behind.get("kind")
        # A host that is left out may be out of its balancer.
        if not record.get("ready") or record.get("skipped") or kind not in ("haproxy", "nginx"):
            continue
        if check and record.get("was_out"):
            continue
        find = balancer_faults if kind == "haproxy" else nginx_faults
        # Without an answer nothing is known, and that is not all well.
        faults = find(seen.get(kind) or [{}], behind.get("backends") or [], behind.get("servers") or [])
        if faults:
            told = " ".join(one["message"] for one in listed(faults))
            found[host] = {"step": "balancer", "code": faults[0].code, "reason": told, "unreachable": False}
    return found


def shared_faults(records: t.Mapping[str, t.Mapping[str, t.Any]]) -> dict[str, dict[str, t.Any]]:
    """Return the failures of names that stand for the same server, by name.

    The turn of one of them would reload a server that the load balancer sends requests to under the other name.

    :param records: of the hosts that passed the look.
    """
    names_of: dict[tuple[str, str], list[str]] = collections.defaultdict(list)
    for host, record in records.items():
        kind = (record.get("behind") or {}).get("kind", "none")
        if record.get("ready") and record.get("place") and kind != "none":
            for master in record.get("masters") or []:
                names_of[record["place"], master].append(host)
    found = {}
    for together in filter(lambda one: len(one) > 1, names_of.values()):
        problem = _codes.SAME_SERVER(hosts=", ".join(together))
        told = {"step": "look", "code": problem.code, "reason": problem.message, "unreachable": False}
        found.update(dict.fromkeys(together, told))
    return found


def drain_faults(
    records: t.Mapping[str, t.Mapping[str, t.Any]],
    seen: t.Mapping[str, t.Sequence[t.Mapping[str, t.Any]]],
    least: int,
) -> list[Problem]:
    """Return why hosts must not be drained: a balancer does not answer or does not know them, or too few stay.

    :param records: of the hosts that leave, how balancers know them (``kind``, ``ask``, ``servers``, ``backends``).
    :param seen: what ``haproxy_info`` and ``nginx_info`` returned, by kind, as loops over ``ask`` with the loop
        variable ``balancer_ask`` register it.
    :param least: how many servers must stay in each backend that one of the hosts leaves.
    """
    faults: list[Problem] = []
    for kind, find in (("haproxy", _leaving_haproxy), ("nginx", _leaving_nginx)):
        for answer in seen.get(kind) or []:
            place = answer["balancer_ask"]
            behind = [one for one in records.values() if one.get("kind") == kind and place in one["ask"]]
            for where, told in _answers([answer], faults) if behind else ():
                leaving, staying, unknown = find(told, behind)
                if unknown:
                    shown = some_of(map(_shown, told))
                    name = ", ".join(unknown)
                    faults.append(_codes.BALANCER_UNKNOWN_SERVER(balancer=where, server=name, servers=shown))
                for backend in sorted({_backend(one) for one in leaving}):
                    stay = sum(1 for one in staying if _backend(one) == backend)
                    if stay < least:
                        faults.append(_codes.TOO_FEW_LEFT(backend=backend, balancer=where, left=stay, least=least))
    return faults


_Server = dict[str, t.Any]
_Leaving = tuple[list[_Server], list[_Server], list[str]]


def _leaving_haproxy(told: t.Sequence[_Server], records: t.Sequence[t.Mapping[str, t.Any]]) -> _Leaving:
    """Return the servers that leave, those that take requests afterwards, and the names that are unknown."""
    leaving: list[_Server] = []
    unknown: list[str] = []
    for record in records:
        found, lacking = find_servers(told, record["servers"], record["backends"])
        leaving += found
        unknown += lacking
    gone = [*leaving, *followers(told, leaving)]
    return leaving, [one for one in told if takes_requests(one) and one not in gone], sorted(set(unknown))


def _leaving_nginx(told: t.Sequence[_Server], records: t.Sequence[t.Mapping[str, t.Any]]) -> _Leaving:
    """Return the same for nginx. Which servers are healthy nginx does not tell."""
    leaving: list[_Server] = []
    unknown: list[str] = []
    for record in records:
        for upstream in [*record["backends"], *(record.get("websockets") or [])]:
            found = [one for one in told if one["upstream"] == upstream]
            found = [one for one in found if names(one["server"]).intersection(record["servers"])]
            leaving += found
            unknown += [] if found else [f"{upstream}/{', '.join(record['servers'])}"]
    staying = [one for one in told if one["state"] == "up" and not one.get("backup") and one not in leaving]
    return leaving, staying, sorted(set(unknown))


def _backend(server: _Server) -> str:
    return str(server.get("backend") or server.get("upstream"))


def _shown(server: _Server) -> str:
    return f"{_backend(server)}/{server['server']}"


def _answers(
    seen: t.Sequence[t.Mapping[str, t.Any]], faults: list[Problem]
) -> t.Iterator[tuple[str, list[dict[str, t.Any]]]]:
    """Return the balancers that answered, each with its servers, and add those that did not to the faults."""
    for one in seen:
        place = (one.get("balancer_ask") or {}).get("host") or one.get("balancer_host") or one.get("item")
        where = str(place or "the balancer")
        if one.get("unreachable") or one.get("failed") or "servers" not in one:
            faults.append(not_asked(where, one))
        else:
            yield where, one["servers"]


def failure(result: t.Mapping[str, t.Any], step: str) -> dict[str, t.Any]:
    """Return what is kept of a task that failed: the step, code and reason, and whether the host is unreachable.

    Of a loop, the first item that failed tells. A task of a role has its code at the end of its message.
    """
    # In the result of a loop each item says what its loop variable is called; results of modules do not.
    items = [one for one in result.get("results") or [] if isinstance(one, dict) and "ansible_loop_var" in one]
    bad = next((one for one in items if one.get("failed") or one.get("unreachable")), result)
    told = (str(bad.get(name) or "").strip() for name in ("msg", "stderr", "reason"))
    text, code = split_code(next(filter(None, told), ""))
    if not text:
        text, code = _codes.NO_MESSAGE().text, _codes.NO_MESSAGE.name
    given = bad.get("code")
    if isinstance(given, str) and _CODE.fullmatch(given):
        code = given
    gone = bool(bad.get("unreachable") and bad is result)
    return {
        "step": step,
        "code": code or (UNREACHABLE.name if gone else _codes.TASK_FAILED.name),
        # A task of the user's own may have said anything, and this goes into a file.
        "reason": redact_text(text),
        "unreachable": gone or code == UNREACHABLE.name,
    }
