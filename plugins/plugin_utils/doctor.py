# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Judge a new fleet: one line for each check, ``ok``, ``warning`` or ``fault`` with its remedy. Pure."""

from __future__ import annotations

import datetime
import json
import typing as t

from ..module_utils._messages import host as _codes
from ..module_utils._messages import rehearsal, roll
from ..module_utils._messages.code import Problem
from ..module_utils._roll.haproxy import some_of
from .outcomes import aligned, counted, failure_of, first_line, outcomes

OK, WARNING, FAULT = "ok", "warning", "fault"
CONTROLLER = "controller"

Result = t.Mapping[str, t.Any]

#: The oldest Python of modules, and the newest ansible-core that was tested.
_LEAST_PYTHON = (3, 8)
_NEWEST_CORE = (2, 21)
#: Since this version a HUP of a prefork server loses no request, and two generations run side by side for a moment.
_SIDE_BY_SIDE = 19
#: Seconds by which a clock may differ. It is not known when within the task the host read its clock.
_CLOCK = 2.0
#: Start-up checks that only a HUP fails: by default a roll restarts such a server through its supervisor.
_ONLY_HUP = frozenset(
    one.name for one in (rehearsal.NO_INTERPRETER, rehearsal.STARTED_AS_PACKAGE, rehearsal.VIRTUALENV_LOST)
)
_CAN_RESTART = ("systemd", "systemd-user", "supervisord")


class Line(t.NamedTuple):
    """The result of one check."""

    host: str
    verdict: str
    check: str
    text: str
    code: str = ""


def examine(
    records: t.Mapping[str, Result], balancers: Result, controller: Result, wrong: t.Sequence[Result] = ()
) -> dict[str, t.Any]:
    """Return ``checks``, ``lines`` for people, ``stats`` for a workflow, and the hosts with a fault.

    ``lines`` has what is not ok, and one line for all that is ok on a host; ``details`` has a line for each check.

    :param records: of each host the results ``seen`` of ``master_info``, ``facts`` of ``setup`` and ``rehearsed`` of
        ``reload`` in check mode, the kind of its ``balancer``, and ``began`` and ``ended``, the seconds since the epoch
        between which the controller waited for the facts.
    :param balancers: what :func:`balancers.report` returns.
    :param controller: ``collection`` and ``core`` (versions), ``python``, and whether it has ``jmespath``.
    :param wrong: problems of the variables of the load balancers, with ``code`` and ``message``.
    """
    checks = [*_controller(controller), *(_line(CONTROLLER, FAULT, "variables", one) for one in wrong)]
    checks += _others(balancers)
    for host, record in records.items():
        checks += _host(host, record, balancers)
    faulty = [name for name in (CONTROLLER, *records) if _count(checks, name, FAULT)]
    return {
        "checks": [one._asdict() for one in checks],
        "lines": _lines(checks, _short(checks, [CONTROLLER, *records]), list(records), faulty),
        "details": _lines(checks, checks, list(records), faulty),
        "stats": _stats(checks, records, faulty),
        "faulty": faulty,
    }


def _line(host: str, verdict: str, check: str, problem: Problem | Result) -> Line:
    if isinstance(problem, Problem):
        return Line(host, verdict, check, problem.message, problem.code)
    return Line(host, verdict, check, str(problem["message"]), str(problem["code"]))


def _controller(controller: Result) -> t.Iterator[Line]:
    told = "fleetops.odoo {collection}, ansible-core {core}, Python {python}".format(**controller)
    if _numbers(controller["core"])[:2] > _NEWEST_CORE:
        newest = ".".join(map(str, _NEWEST_CORE))
        problem = _codes.NEWER_CORE(version=controller["core"], newest=newest)
        yield _line(CONTROLLER, WARNING, "versions", problem)
    else:
        yield Line(CONTROLLER, OK, "versions", told)
    if not controller["jmespath"]:
        yield _line(CONTROLLER, WARNING, "select", _codes.NO_JMESPATH())


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _others(balancers: Result) -> t.Iterator[Line]:
    """Return servers that do not belong to a host of the play, in backends that have such hosts."""
    rows = [row for several in balancers["rows"].values() for row in several]
    for where, names in balancers["servers"].items():
        ours = {row["server"] for row in rows if row["balancer"] == where and row["state"] != "unknown"}
        groups = {name.partition("/")[0] for name in ours}
        others = {name for name in names if name not in ours and name.partition("/")[0] in groups}
        if others:
            problem = roll.BALANCER_OTHER_SERVERS(balancer=where, servers=some_of(others))
            yield _line(CONTROLLER, WARNING, "balancer", problem)


def _host(host: str, record: Result, balancers: Result) -> t.Iterator[Line]:
    seen = record.get("seen") or {}
    if seen.get("unreachable") or not seen:
        yield _line(host, FAULT, "reachable", _codes.UNREACHABLE(error=failure_of(seen)["reason"]))
        return
    yield Line(host, OK, "reachable", "the controller reaches the host")
    if seen.get("code") == _codes.NO_PRIVILEGES.name:
        yield _failed(host, "become", seen)
        return
    yield from _facts(host, record)
    if "masters" not in seen:
        check = "psutil" if seen.get("code") == _codes.NO_PSUTIL.name else "modules"
        yield _failed(host, check, seen)
        return
    yield Line(host, OK, "psutil", "modules run and find psutil")
    yield from (
        _line(host, WARNING, "visible", {"code": one["code"], "message": one["reason"]}) for one in seen["unseen"]
    )
    if not seen["masters"]:
        yield _line(host, FAULT, "servers", _codes.NO_SERVER())
    for master in seen["masters"]:
        yield from _server(host, record, master)
    yield from _balancer(host, record, balancers)


def _failed(host: str, check: str, result: Result) -> Line:
    failure = failure_of(result)
    return Line(host, FAULT, check, failure["reason"], failure["code"])


def _facts(host: str, record: Result) -> t.Iterator[Line]:
    facts = record.get("facts") or {}
    if not facts:
        yield _failed(host, "facts", {})
        return
    user = str(facts["ansible_user_id"])
    if int(facts["ansible_effective_user_id"]):
        yield _line(host, WARNING, "become", _codes.NOT_ROOT(user=user))
    else:
        yield Line(host, OK, "become", "tasks run as root")
    python, number = facts["ansible_python"], tuple(facts["ansible_python"]["version_info"][:2])
    version = ".".join(map(str, python["version_info"][:3]))
    if number < _LEAST_PYTHON:
        least = ".".join(map(str, _LEAST_PYTHON))
        yield _line(host, FAULT, "python", _codes.OLD_PYTHON(version=version, path=python["executable"], least=least))
    else:
        yield Line(host, OK, "python", f"{python['executable']}, {version}")
    yield _clock(host, facts["ansible_date_time"]["iso8601_micro"], float(record["began"]), float(record["ended"]))


def _clock(host: str, iso: str, began: float, ended: float) -> Line:
    """Compare the clock of the host with the time in which the controller waited for it."""
    theirs = datetime.datetime.fromisoformat(iso.replace("Z", "+00:00")).timestamp()
    off = theirs - ended if theirs > ended else theirs - began if theirs < began else 0.0
    if abs(off) > _CLOCK:
        direction = "ahead of" if off > 0 else "behind"
        return _line(host, WARNING, "clock", _codes.CLOCK_DIFFERS(seconds=abs(off), direction=direction))
    return Line(host, OK, "clock", "the clock agrees with the clock of the controller")


def _server(host: str, record: Result, master: Result) -> t.Iterator[Line]:
    supervisor, log = master["supervisor"], master["log"]
    name = str(supervisor.get("unit") or f"pid {master['pid']}")
    yield Line(host, OK, "servers", f"{name}: Odoo {master['version'] or '?'}, {master['mode']}, {_databases(master)}")
    if log["kind"] in ("none", "terminal"):
        yield _line(host, WARNING, "log", _codes.NO_LOG(server=name, kind=log["kind"]))
    elif not log["shows_dumps"]:
        level = (master.get("options") or {}).get("log_level") or "not info"
        yield _line(host, WARNING, "log", _codes.LOG_HIDES_DUMPS(server=name, level=level))
    else:
        yield Line(host, OK, "log", f"{name}: {log.get('path') or log['kind']} shows stack dumps")
    yield _supervised(host, name, supervisor)
    yield from _reload(host, name, record, master)
    yield _lossless(host, name, record, master)


def _databases(master: Result) -> str:
    names = list(master["databases"])
    if not names:
        return "unknown databases" if master.get("config_error") else "all databases"
    return f"database{'' if len(names) == 1 else 's'} {', '.join(names)}"


def _supervised(host: str, name: str, supervisor: Result) -> Line:
    kind, mode = supervisor["kind"], supervisor.get("kill_mode")
    if kind == "none":
        return _line(host, WARNING, "supervisor", _codes.NO_SUPERVISOR(server=name))
    if kind.startswith("systemd") and mode not in (None, "mixed", "process"):
        return _line(host, WARNING, "supervisor", _codes.KILL_MODE(server=name, mode=mode))
    return Line(host, OK, "supervisor", f"{name}: {kind}{f', KillMode={mode}' if mode else ''}")


def _reload(host: str, name: str, record: Result, master: Result) -> t.Iterator[Line]:
    """Return health, start-up check and room, as far as the rehearsal of a reload came."""
    rehearsed = record.get("rehearsed") or {}
    results = [one for one in rehearsed.get("results") or [] if one["identity"] == master["identity"]]
    if not results:
        yield _failed(host, "reload", rehearsed)
        return
    (result,) = results
    health, code = (result.get("before") or {}).get("health"), result.get("code")
    if health == "ok":
        yield Line(host, OK, "health", f"{name} answers its health check")
    elif health:
        yield _line(host, FAULT, "health", _codes.NOT_HEALTHY(server=name, answer=health))
    little = rehearsal.LITTLE_ROOM.name
    two = "two generations" if _side_by_side(master) else "a new generation"
    if result["did"] == "not_reached":
        yield _line(host, WARNING, "reload", _codes.NOT_CHECKED(what="a reload", server=name))
    elif code and code != little:
        can_restart = code in _ONLY_HUP and master["supervisor"]["kind"] in _CAN_RESTART
        verdict = WARNING if can_restart else FAULT
        yield Line(host, verdict, "reload", first_line(str(result["reason"])), str(code))
        yield _line(host, WARNING, "room", _codes.NOT_CHECKED(what=f"the room for {two}", server=name))
    elif code == little:
        yield Line(host, FAULT, "room", first_line(str(result["reason"])), str(code))
    else:
        yield Line(host, OK, "reload", f"{name} would survive a HUP")
        yield Line(host, OK, "room", f"{name} has room for {two}")
    for one in result.get("warnings") or []:
        yield _line(host, WARNING, "reload", one)


def _side_by_side(master: Result) -> bool:
    return (
        master["mode"] == "prefork"
        and (_numbers(str(master["version"] or "").removeprefix("saas~")) or (0,))[0] >= _SIDE_BY_SIDE
    )


def _lossless(host: str, name: str, record: Result, master: Result) -> Line:
    kind = str(record.get("balancer") or "none")
    if kind != "none":
        return Line(host, OK, "requests", f"{name} leaves its load balancer ({kind}) before a reload")
    if _side_by_side(master):
        return Line(
            host, OK, "requests", f"{name} loses no request at a reload; a drain or a restart needs a load balancer"
        )
    problem = _codes.LOSES_REQUESTS(server=name, version=master["version"] or "?", mode=master["mode"])
    return _line(host, WARNING, "requests", problem)


def _balancer(host: str, record: Result, balancers: Result) -> t.Iterator[Line]:
    failure = balancers["failures"].get(host)
    if failure:
        yield Line(host, FAULT, "balancer", str(failure["reason"]), str(failure["code"]))
    lock = (record.get("lock") or {}).get("lock")
    if lock and not lock["expired"]:
        problem = _codes.LOCKED(kind=lock["kind"], id=lock["id"], owner=lock["owner"])
        yield _line(host, WARNING, "lock", problem)
    for row in balancers["rows"].get(host) or []:
        where, name, detail = row["balancer"], row["server"], row["detail"] or row["state"]
        if row["state"] == "in":
            yield Line(host, OK, "balancer", f"{where} has {name} in service")
        elif row["state"] == "down":
            yield _line(host, FAULT, "balancer", roll.BALANCER_DOWN(balancer=where, server=name, status=detail))
        elif row["state"] == "out" and not lock:
            problem = roll.BALANCER_OUT_ALREADY(balancer=where, server=name, state=detail)
            yield _line(host, WARNING, "balancer", problem)
        elif row["state"] == "unknown" and where != "-":
            known = some_of(balancers["servers"].get(where) or [])
            problem = roll.BALANCER_UNKNOWN_SERVER(balancer=where, server=name, servers=known)
            yield _line(host, FAULT, "balancer", problem)


def _count(checks: t.Sequence[Line], host: str, verdict: str) -> int:
    return sum(1 for one in checks if (one.host, one.verdict) == (host, verdict))


def _short(checks: t.Sequence[Line], names: t.Sequence[str]) -> list[Line]:
    """Return the checks with one line for those that are ok on a host. It shows the servers."""
    found: list[Line] = []
    for name in names:
        own = [one for one in checks if one.host == name]
        good = [one for one in own if one.verdict == OK]
        shown = [one.text for one in good if one.check in ("versions", "servers")]
        found += [Line(name, OK, counted(len(good), "check"), "; ".join(shown))] if len(good) > 1 else good
        found += [one for one in own if one.verdict != OK]
    return found


def _lines(
    checks: t.Sequence[Line], shown: t.Sequence[Line], hosts: t.Sequence[str], faulty: t.Sequence[str]
) -> list[str]:
    lines = aligned([(*one[:3], one.text + (f" [{one.code}]" if one.code else "")) for one in shown])
    warnings = sum(1 for one in checks if one.verdict == WARNING)
    faults = sum(1 for one in checks if one.verdict == FAULT)
    where = f" on {', '.join(faulty)}" if faulty else ""
    told = ", ".join([counted(len(checks), "check"), counted(warnings, "warning"), counted(faults, "fault")])
    return [*lines, f"{counted(len(hosts), 'host')}: {told}{where}"]


def _stats(checks: t.Sequence[Line], records: t.Mapping[str, Result], faulty: t.Sequence[str]) -> dict[str, t.Any]:
    first = {one.host: one for one in reversed(checks) if one.verdict == FAULT}
    told: dict[str, dict[str, t.Any]] = {}
    for host in records:
        fault = first.get(host)
        unreachable = fault is not None and fault.check == "reachable"
        told[host] = (
            {"failure": {"code": fault.code, "reason": fault.text, "unreachable": unreachable}}
            if fault
            else {"ok": True}
        )
    own = {
        "faults": {name: _count(checks, name, FAULT) for name in faulty},
        "warnings": {name: number for name in (CONTROLLER, *records) if (number := _count(checks, name, WARNING))},
    }
    return t.cast("dict[str, t.Any]", outcomes(told, own, ok=CONTROLLER not in faulty)["stats"])


#: Seconds that the roles wait by default: balancer_drain_timeout, rolling_restart_timeout, graceful_drain_http_timeout,
#: graceful_drain_cron_timeout and graceful_drain_timeout.
_DRAIN, _ROLL, _HTTP, _CRON, _ALL = 120, 300, 150, 900, 960


def propose(records: t.Mapping[str, Result], balancers: Result, options: Result) -> str:
    """Return a proposal for a file of group_vars, with a comment for each variable.

    :param records: as :func:`examine` takes them.
    :param balancers: as :func:`examine` takes them.
    :param options: the variables of the role balancer that the user has set, by name.
    """
    masters = [one for record in records.values() for one in (record.get("seen") or {}).get("masters") or []]
    parts = ["---", "# Proposed by fleetops.odoo.doctor for the Odoo hosts. Read it before you use it."]
    if any(int((one.get("facts") or {}).get("ansible_effective_user_id") or 0) for one in records.values()):
        parts += ["", "# The tasks did not run as root (docs/security.md says what needs it).", "ansible_become: true"]
    parts += ["", *_proposed_balancer(records, balancers, options)]
    counts = {len((one.get("seen") or {}).get("masters") or []) for one in records.values()}
    if len(counts) == 1 and counts != {0}:
        parts += [
            "",
            "# Servers on each host. A roll refuses a host with another number.",
            f"rolling_restart_masters: {max(counts)}",
        ]
    return "\n".join([*parts, *_proposed_times(masters)]) + "\n"


def _proposed_balancer(records: t.Mapping[str, Result], balancers: Result, options: Result) -> list[str]:
    kind = options.get("balancer") or "none"
    if kind == "none":
        return [
            "# No load balancer is set. Behind one no reload loses a request (docs/load_balancers.md):",
            "# balancer: haproxy",
            "# balancer_haproxy_hosts: [lb1]",
            "# balancer_haproxy_backends: [odoo]",
        ]
    told = dict(options)
    # Another host may have another kind of load balancer.
    same = [host for host, record in records.items() if record.get("balancer") == kind]
    rows = [row for host in same for row in balancers["rows"].get(host) or [] if row["state"] != "unknown"]
    groups = sorted({row["server"].partition("/")[0] for row in rows})
    if kind == "haproxy" and groups:
        told["balancer_haproxy_backends"] = groups
    if kind == "nginx":
        told["balancer_nginx_servers"] = ["{{ ansible_host }}"]
    return ["# How a host leaves its load balancer.", *(f"{name}: {_yaml(value)}" for name, value in told.items())]


def _yaml(value: t.Any) -> str:
    # JSON is YAML, and quotes what must be quoted.
    return value if isinstance(value, str) and value.isalnum() and value.isascii() else json.dumps(value)


def _proposed_times(masters: t.Sequence[Result]) -> list[str]:
    """Return time limits where those of a server are longer than what the roles wait by default."""
    limits = [one.get("options") or {} for one in masters]
    request = max((int(one.get("limit_time_real") or 0) for one in limits), default=0)
    # -1 stands for limit_time_real.
    cron = max((int(one.get("limit_time_real_cron") or 0) for one in limits), default=0)
    told = []
    if request > _DRAIN:
        told += [
            "",
            f"# A request may take {request} s (limit_time_real).",
            f"balancer_drain_timeout: {request}",
            f"rolling_restart_timeout: {max(_ROLL, request + 180)}",
            f"graceful_drain_http_timeout: {max(_HTTP, request + 30)}",
        ]
    if cron > _CRON:
        told += ["", f"# A cron job may take {cron} s (limit_time_real_cron).", f"graceful_drain_cron_timeout: {cron}"]
    longest = max(request + 30, cron)
    return [*told, f"graceful_drain_timeout: {longest + 60}"] if longest + 60 > _ALL else told
