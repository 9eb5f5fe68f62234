# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""What knows AnsibleModule, with the files _module_*: parameters in, the pipeline, results out."""

from __future__ import annotations

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.common.respawn import has_respawned, respawn_module

from .._facts.gather import survey
from .._facts.known_secrets import Secrets, hidden_in
from .._facts.loaded import ServerRecords
from .._facts.match import BadMatch, choose
from .._facts.results import (
    RESTARTED,
    SIGNALLED,
    Result,
    StepsResult,
    masters,
    one_off,
    printable,
)
from .._processes.look import Look, Unseen, look
from .._processes.proc import Proc
from .._server.host import Host
from .._system.clock import Clock
from .._system.files import is_roots
from .._system.psutil import psutil

#: Options of every module that works on chosen masters.
CHOICE_SPEC: t.Dict[str, t.Any] = {
    "match": {"type": "dict", "default": {}},
    "select": {"type": "str"},
}

#: The same, and those of every module that signals them.
ACTION_SPEC: t.Dict[str, t.Any] = {
    **CHOICE_SPEC,
    "allow_none": {"type": "bool", "default": False},
    "force": {"type": "bool", "default": False},
}

#: Interpreters that root owns and that a distribution's python3-psutil serves.
_SYSTEM_INTERPRETERS = ("/usr/bin/python3", "/usr/libexec/platform-python")

#: Signals that leave a process as it is.
_HARMLESS = frozenset(["QUIT", "USR1", "USR2"])

#: Lines of a log that may be asked for: a result must stay readable, and its sender small.
_MOST_LINES = 10_000


def start(spec: t.Dict[str, t.Any], **keywords: t.Any) -> AnsibleModule:
    """Make the module, under an interpreter that has psutil."""
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True, **keywords)
    if psutil is None:
        _find_psutil(module)
    if module.params.get("select"):
        # The action plugin of the same name turns it into identities before the module is run.
        module.fail_json(msg="select: it is worked out on the controller, and this module was not called through it")
    return module


def timeout_of(module: AnsibleModule) -> float:
    """The option ``timeout``, in seconds; a bad one ends the module."""
    seconds = float(module.params["timeout"])
    if not 0 < seconds < float("inf"):
        module.fail_json(msg="timeout: %s is no time to wait; right is a number of seconds above 0" % seconds)
    return seconds


def lines_of(module: AnsibleModule) -> int:
    """The option ``lines``, of a log; a bad one ends the module."""
    lines = int(module.params["lines"])
    if not 0 <= lines <= _MOST_LINES:
        module.fail_json(msg="lines: %d; right is a number from 0 to %d" % (lines, _MOST_LINES))
    return lines


def seconds_of(module: AnsibleModule, name: str) -> float:
    """An option that is a span of time, in seconds; a bad one ends the module."""
    seconds = float(module.params[name])
    if not 0 <= seconds < float("inf"):
        module.fail_json(msg="%s: %s is no span of time; right is a number of seconds from 0 on" % (name, seconds))
    return seconds


def master_info(module: AnsibleModule) -> None:
    """What the module ``master_info`` does."""
    host = find_host()
    seen = look(host.proc)
    found = chosen_by(
        module, _masters(host, seen, staleness=module.params["staleness"], details=module.params["details"])
    )
    module.exit_json(changed=False, masters=found, one_off=one_off(seen), unseen=told_unseen(host, seen))


def find_host() -> Host:
    """The machine that the module runs on."""
    return Host(Proc(), Clock(), ServerRecords())


def choose_masters(module: AnsibleModule, host: Host) -> t.Tuple[Look, t.List[str]]:
    """A look, and the identities of the masters in it that ``match`` chooses; that there is none may end the module."""
    seen, identities = matching(module, host)
    if not identities and not module.params["allow_none"]:
        others = ["%d (%s)" % (i.master.pid, _name(seen, i.identity)) for i in seen.instances]
        # To a user who sees little, an empty host and one with servers look the same.
        said = [
            "no Odoo master was found%s."
            % (" that matches %s" % module.params["match"] if module.params["match"] else ""),
            "There are others, with pid %s." % ", ".join(others) if others else "There is none on this host.",
            *(one.reason for one in unseen(host, seen)),
        ]
        module.fail_json(msg=printable(" ".join(said)), results=[])
    return seen, identities


def matching(module: AnsibleModule, host: Host) -> t.Tuple[Look, t.List[str]]:
    """A look, and the identities of the masters in it that ``match`` chooses."""
    seen = look(host.proc)
    chosen = chosen_by(module, _masters(host, seen, staleness=False, details=False))
    return seen, [str(master["identity"]) for master in chosen]


def _masters(host: Host, seen: Look, *, staleness: bool, details: bool) -> t.List[t.Dict[str, t.Any]]:
    facts = survey(host.proc, seen, host.store, staleness=staleness)
    sizes: t.Dict[int, int] = {}
    if details:
        for instance in seen.instances:
            for process, _role in instance.everybody:
                size = host.proc.pss(process.pid)
                if size is not None:
                    sizes[process.pid] = size
    return masters(seen, facts, host.clock.time(), sizes)


def told_unseen(host: Host, seen: Look) -> t.List[t.Dict[str, t.Any]]:
    """Return what a look did not see as modules return it."""
    return [{**one.told(), "reason": printable(one.reason)} for one in unseen(host, seen)]


def unseen(host: Host, seen: Look) -> t.List[Unseen]:
    """List what the kernel did not show, and the processes that the look left out."""
    limits = []
    if os.geteuid() != 0 and host.proc.hides_others():
        reason = "Processes of other users are hidden (hidepid on %s). Run as root to see them." % host.proc.root
        limits.append(Unseen("unseen.hidepid", reason))
    if seen.hidden:
        # The root of a container lacks the capability to look into other users' processes.
        whom = "root" if os.geteuid() else "the server's own user, or as root of the host"
        reason = "Sockets, working directory and generation of %d processes are not shown to this user. Run as %s."
        limits.append(Unseen("unseen.hidden", reason % (len(seen.hidden), whom)))
    return [*limits, *seen.unseen]


def _name(seen: Look, identity: str) -> str:
    """How a master is named to a person: by its configuration file, else by its port."""
    options = seen.options[identity]
    return options.config_file or "port %d" % options.http_port


def chosen_by(module: AnsibleModule, found: t.Sequence[t.Dict[str, t.Any]]) -> t.List[t.Mapping[str, t.Any]]:
    """Those of what was found that ``match`` chooses; a bad one ends the module."""
    try:
        return choose(found, module.params["match"])
    except BadMatch as exc:
        return t.cast(t.List[t.Mapping[str, t.Any]], module.fail_json(msg=str(exc)))


def told(module: AnsibleModule, results: t.Sequence[Result], secrets: Secrets) -> t.Dict[str, t.Any]:
    """Results as a module returns them, with ``changed``, and ``diff`` where it is asked for.

    :param secrets: that the servers had at the first look: of one that has died since nobody can read them any more.
    """
    found: t.Dict[str, t.Any] = {
        # A dump or statistics in the log change nothing.
        "changed": any(
            r.did == RESTARTED or (r.did == SIGNALLED and not _HARMLESS.issuperset(r.signals)) for r in results
        ),
        "results": [hidden_in(secrets, result.told()) for result in results],
    }
    if module._diff:  # noqa: SLF001  # there is no other way to ask
        found["diff"] = [
            {"before_header": r.identity, "after_header": r.identity, "before": r.before or {}, "after": r.after or {}}
            for r in results
            if r.after is not None
        ]
    return found


def warn(module: AnsibleModule, results: t.Sequence[StepsResult], secrets: Secrets) -> None:
    """Have the caller warned of what is in the results."""
    for one in results:
        for warning in one.warnings:
            module.warn(t.cast(str, printable("pid %d: %s" % (one.pid, secrets.hide(warning)))))


def _find_psutil(module: AnsibleModule) -> None:
    """Go on under an interpreter that has psutil, or say how to get it."""
    if not has_respawned():
        for path in _SYSTEM_INTERPRETERS:
            # Not an interpreter that a service's user could have put there.
            if is_roots(path) and module.run_command([path, "-I", "-c", "import psutil"])[0] == 0:
                respawn_module(path)
    module.fail_json(
        msg=missing_required_lib("psutil")
        + " On Debian and Ubuntu it is the package python3-psutil; it is also on PyPI under the name psutil."
    )
