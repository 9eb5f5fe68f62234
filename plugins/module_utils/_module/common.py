# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The common parts of modules: parameters, the choice of servers, results. It uses AnsibleModule."""

from __future__ import annotations

import dataclasses
import os
import sys
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.respawn import has_respawned, respawn_module

from .._facts.gather import survey
from .._facts.loaded import ServerRecords
from .._facts.match import choose
from .._facts.results import choices, masters, printable, user_name
from .._facts.users import choose_users
from .._facts.worker_classes import classes_in_log
from .._messages import option
from .._messages.code import Problem
from .._messages.host import CLOCK_MOVED, HIDDEN_PROCESSES, HIDDEN_SOCKETS, NO_MASTER, NO_PSUTIL, NOT_LOOKED_AT
from .._processes.look import Look, shortened
from .._processes.proc import Proc
from .._server.host import Host
from .._system.clock import Clock
from .._system.errors import Refused
from .._system.files import is_roots
from .._system.psutil import psutil
from .apart import go_apart
from .numbers import bad_span, bad_timeout

#: Options of every module that works on chosen masters.
CHOICE_SPEC: t.Dict[str, t.Any] = {
    "match": {"type": "dict", "default": {}},
    "select": {"type": "str"},
    "users": {"type": "list", "elements": "str", "default": []},
}

#: The same, and those of every module that signals them.
ACTION_SPEC: t.Dict[str, t.Any] = {
    **CHOICE_SPEC,
    "allow_none": {"type": "bool", "default": False},
    "force": {"type": "bool", "default": False},
}

#: Interpreters that root owns and that a distribution's python3-psutil serves.
_SYSTEM_INTERPRETERS = ("/usr/bin/python3", "/usr/libexec/platform-python")

#: Lines of a log that may be asked for: a result must stay readable, and its sender small.
_MOST_LINES = 10_000


_M = t.TypeVar("_M", bound=AnsibleModule)


def start(spec: t.Dict[str, t.Any], **keywords: t.Any) -> AnsibleModule:
    """Make the module, under an interpreter that has psutil."""
    return start_as(AnsibleModule, spec, **keywords)


def start_as(kind: t.Type[_M], spec: t.Dict[str, t.Any], **keywords: t.Any) -> _M:
    """Make a module of a class of its own, under an interpreter that has psutil."""
    module: _M = kind(argument_spec=spec, supports_check_mode=True, **keywords)
    if psutil is None:
        _find_psutil(module)
    go_apart()
    if module.params.get("select"):
        # The action plugin of the same name turns it into identities before the module is run.
        fail(module, option.NOT_CALLED_BY_ACTION(option="select", module=module._name))  # noqa: SLF001
    return module


def fail(module: AnsibleModule, problem: Problem, **result: t.Any) -> t.NoReturn:
    """End the module with a problem: its sentence, its remedy and its code."""
    module.fail_json(msg=printable(problem.message), code=problem.code, **result)
    raise AssertionError  # fail_json has left the process


def timeout_of(module: AnsibleModule, name: str = "timeout") -> float:
    """Return an option that is a time limit, in seconds; a bad one ends the module."""
    return _right(module, float(module.params[name]), bad_timeout(name, float(module.params[name])))


def lines_of(module: AnsibleModule) -> int:
    """Return the option ``lines``, of a log; a bad one ends the module."""
    return number_of(module, "lines", 0, _MOST_LINES)


def number_of(module: AnsibleModule, name: str, least: int, most: t.Optional[int] = None) -> int:
    """Return an option that is a number within bounds; a bad one ends the module."""
    number = int(module.params[name])
    if number < least or (most is not None and number > most):
        fail(
            module,
            option.OUT_OF_RANGE(option=name, least=least, most="any number" if most is None else most, value=number),
        )
    return number


def seconds_of(module: AnsibleModule, name: str) -> float:
    """Return an option that is a span of time to wait, in seconds; a bad one ends the module."""
    return _right(module, float(module.params[name]), bad_span(name, float(module.params[name])))


def age_of(module: AnsibleModule, name: str) -> t.Optional[float]:
    """Return an option that is an age, in seconds, or None; a bad one ends the module."""
    seconds = module.params[name]
    return None if seconds is None else _right(module, seconds, bad_span(name, seconds, float("inf")))


def _right(module: AnsibleModule, seconds: float, problem: t.Optional[Problem]) -> float:
    if problem:
        fail(module, problem)
    return seconds


def healthy_time_of(module: AnsibleModule, timeout: float) -> float:
    """Return the option ``min_healthy_time``, in seconds; one that does not fit into the timeout ends the module."""
    seconds = seconds_of(module, "min_healthy_time")
    if seconds >= timeout:
        fail(module, option.TOO_LONG(option="min_healthy_time", other="timeout", limit=timeout, value=seconds))
    return seconds


def find_host(**ports: t.Any) -> Host:
    """Return the machine that the module runs on, with the ports that the operation needs."""
    return Host(Proc(classes_in_log=classes_in_log()), Clock(), ServerRecords(), **ports)


def choose_masters(module: AnsibleModule, host: Host) -> t.Tuple[Look, t.List[str]]:
    """Look, and return the identities of the masters that ``match`` chooses.

    An empty choice ends the module, unless it has the option ``allow_none`` and this is set.
    """
    seen, identities = matching(module, host)
    if not identities and not module.params.get("allow_none"):
        others = ["%d (%s)" % (i.master.pid, _name(seen, i.identity)) for i in seen.instances]
        match = told_match(module)
        # To a user who sees little, an empty host and one with servers look the same.
        limits = [*unseen(host, seen), *seen.left_out]
        problem = NO_MASTER(
            matching=match,
            others="; others run with pid %s" % ", ".join(others) if others else ", and none runs on this host",
            limits="".join("; " + one.text for one in limits),
        )
        fail(module, problem, results=[], unseen=told_unseen(limits))
    return seen, identities


def told_match(module: AnsibleModule) -> str:
    """Return what the options choose, as a clause that follows "server"; empty where they choose all."""
    wanted = {**module.params["match"], **({"users": users} if (users := module.params.get("users")) else {})}
    return " that matches %s" % wanted if wanted else ""


def matching(module: AnsibleModule, host: Host) -> t.Tuple[Look, t.List[str]]:
    """Look, and return the identities of the masters that ``match`` chooses."""
    seen = host.look()
    # Logs and code of servers are not read here: any user can start thousands with large logs.
    units = {one.identity: host.supervisor_of(one.master).unit for one in seen.instances}
    chosen = chosen_by(module, choices(seen, units))
    identities = [str(master["identity"]) for master in chosen]
    # Any user can start what looks like a server. What is not root only reaches its own.
    if os.geteuid() != 0 or module.params.get("users") or "user" in module.params["match"]:
        return seen, identities
    try:
        found = choose_users(host.proc, [one for one in seen.instances if one.identity in identities])
    except Refused as exc:
        fail(module, exc.problem, results=[])
    kept = [identity for identity in identities if identity in found.identities]
    return dataclasses.replace(seen, left_out=found.left_out), kept


def told_left_out(module: AnsibleModule, seen: Look) -> t.List[t.Dict[str, t.Any]]:
    """Return the servers that are left out because of their users, and warn of them."""
    for one in seen.left_out:
        module.warn(t.cast("str", printable(str(one))))
    return told_unseen(seen.left_out)


def all_masters(
    host: Host,
    seen: Look,
    *,
    staleness: bool,
    details: bool,
    warn: t.Optional[t.Callable[[Problem], object]] = None,
) -> t.List[t.Dict[str, t.Any]]:
    """Return every master of a look, as ``master_info`` does.

    :param warn: called with what the user should know of a server.
    """
    facts = survey(host.proc, seen, host.store, staleness=staleness)
    for instance in seen.instances:
        if facts[instance.identity].load.clock_moved and warn is not None:
            warn(CLOCK_MOVED(pid=instance.master.pid))
    if warn is not None:
        late = [i for i in seen.instances if facts[i.identity].late]
        for problem in shortened([NOT_LOOKED_AT(pid=i.master.pid, user=user_name(i.master.uid)) for i in late]):
            warn(problem)
    sizes: t.Dict[int, int] = {}
    if details:
        for instance in seen.instances:
            for process, _role in instance.everybody:
                size = host.proc.pss(process.pid)
                if size is not None:
                    sizes[process.pid] = size
    return masters(seen, facts, host.clock.time(), sizes)


def unseen(host: Host, seen: Look) -> t.List[Problem]:
    """Return what the kernel did not show us, and the processes that the look left out."""
    limits = []
    if os.geteuid() != 0 and host.proc.hides_others():
        limits.append(HIDDEN_PROCESSES(path=host.proc.root))
    if seen.hidden:
        # The root of a container lacks the capability to look into other users' processes.
        user = "root" if os.geteuid() else "the user of the server, or as root of the host"
        limits.append(HIDDEN_SOCKETS(count=len(seen.hidden), user=user))
    return [*limits, *seen.unseen]


def told_unseen(limits: t.Sequence[Problem]) -> t.List[t.Dict[str, t.Any]]:
    """Return what was not seen as modules do: code, pid where it is about one process, and reason."""
    return [{"code": one.code, "pid": one.values.get("pid"), "reason": printable(str(one))} for one in limits]


def _name(seen: Look, identity: str) -> str:
    """Return how a master is named to a person: by its configuration file, else by its port."""
    options = seen.options[identity]
    return options.config_file or "port %d" % options.http_port


def chosen_by(module: AnsibleModule, found: t.Sequence[t.Dict[str, t.Any]]) -> t.List[t.Mapping[str, t.Any]]:
    """Return those of what was found that ``match`` and ``users`` choose; a bad one ends the module."""
    try:
        chosen = choose(found, module.params["match"])
    except Refused as exc:
        fail(module, exc.problem)
    users = module.params.get("users")
    return [one for one in chosen if one["user"] in users] if users else chosen


def _find_psutil(module: AnsibleModule) -> None:
    """Execute the module with an interpreter that has psutil, or fail with the remedy."""
    if not has_respawned():
        for path in _SYSTEM_INTERPRETERS:
            # Not an interpreter that a service's user could have put there.
            if is_roots(path) and module.run_command([path, "-I", "-c", "import psutil"])[0] == 0:
                respawn_module(path)
    fail(module, NO_PSUTIL(python=sys.executable or "this Python"))
