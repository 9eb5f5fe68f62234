# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""tell: looks turned into what modules return."""

from __future__ import annotations

import datetime
import os
import pwd
import re
import typing as t
from dataclasses import dataclass, field

from .._config.arguments import parse_arguments
from .._config.cmdline import parse_command
from .._messages.code import Problem
from .._processes.classify import Child, Instance, Role
from .._processes.container import find_container
from .._processes.look import Look
from .._processes.options import Options
from .._processes.process import Process, caught_names, on_odoo_sh
from .._system.redact import redact_argv
from .._system.word import Word, visible
from .gather import Facts
from .loaded import Loaded

_OPTION_NAMES = (
    "http_interface",
    "http_port",
    "gevent_port",
    "workers",
    "max_cron_threads",
    "logfile",
    "syslog",
    "log_level",
    "limit_time_real",
    "limit_time_real_cron",
    "data_dir",
)


#: Signals that leave a process as it is.
_HARMLESS = frozenset(["QUIT", "USR1", "USR2"])


class Outcome(Word):
    """The outcome of an operation on a server, or its prediction in check mode."""

    NOTHING = "nothing"
    SIGNALLED = "signalled"
    RESTARTED = "restarted"
    STARTED = "started"
    WRITTEN = "written"
    REFUSED = "refused"
    #: an earlier server was refused or failed, so this one was not begun
    NOT_REACHED = "not_reached"


@dataclass
class Result:
    """The result of an operation on one server. ``before`` and ``after`` are summaries of :func:`summary`."""

    identity: str
    pid: int
    did: Outcome
    reason: str
    #: stable name of why it was refused, failed or not begun; None where it was not
    code: t.Optional[str] = None
    signals: t.List[str] = field(default_factory=list)
    before: t.Optional[t.Dict[str, t.Any]] = None
    after: t.Optional[t.Dict[str, t.Any]] = None
    seconds: float = 0.0
    warnings: t.List[Problem] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """True if something changed, or would change in check mode. Dumps or statistics in the log do not count."""
        if self.did == Outcome.SIGNALLED:
            return not _HARMLESS.issuperset(self.signals)
        return self.did in (Outcome.RESTARTED, Outcome.STARTED, Outcome.WRITTEN)

    def told(self) -> t.Dict[str, t.Any]:
        """Return the result as a module returns it."""
        return {
            "identity": self.identity,
            "pid": self.pid,
            "did": str(self.did),
            "code": self.code,
            "reason": printable(self.reason),
            "signals": list(self.signals),
            "before": self.before,
            "after": self.after,
            "seconds": round(self.seconds, 2),
            "warnings": [{"code": one.code, "message": printable(str(one))} for one in self.warnings],
        }


@dataclass
class AskedResult(Result):
    """The result of a server whose processes were asked to write something.

    ``asked`` is the number of signals by (pid, identity, role).
    """

    log_source: t.Optional[str] = None
    asked: t.Dict[t.Tuple[int, str, Role], int] = field(default_factory=dict)
    missing: t.List[t.Dict[str, t.Any]] = field(default_factory=list)

    def told(self) -> t.Dict[str, t.Any]:
        """Return the result as a module returns it."""
        return {
            **super().told(),
            "log_source": printable(self.log_source),
            "asked": [
                {"pid": pid, "identity": identity, "role": role, "signals": number}
                for (pid, identity, role), number in self.asked.items()
            ],
            "missing": self.missing,
        }

    def count(self, process: Process, role: Role, signals: int) -> None:
        """Keep in mind who got how many signals."""
        key = (process.pid, process.identity, role)
        self.asked[key] = self.asked.get(key, 0) + signals


@dataclass
class StepsResult(Result):
    """``steps`` is what was done, and when."""

    steps: t.List[t.Dict[str, t.Any]] = field(default_factory=list)

    def step(self, seconds: float, what: str) -> None:
        """Put down what was done, as a clause, this long after the begin."""
        self.steps.append({"seconds": round(seconds, 2), "what": what})

    def told(self) -> t.Dict[str, t.Any]:
        """Return the result as a module returns it."""
        return {
            **super().told(),
            "steps": [{**step, "what": printable(step["what"])} for step in self.steps],
        }


@dataclass
class BusyResult(StepsResult):
    """``busy`` is what the processes at work did at the last look."""

    busy: t.List[t.Dict[str, t.Any]] = field(default_factory=list)

    def told(self) -> t.Dict[str, t.Any]:
        """Return the result as a module returns it."""
        return {**super().told(), "busy": self.busy}


@dataclass
class ReloadResult(StepsResult):
    """``successor`` is the identity of the master that has taken its place, ``log`` what a failed server wrote."""

    successor: t.Optional[str] = None
    log: t.List[str] = field(default_factory=list)

    def told(self) -> t.Dict[str, t.Any]:
        """Return the result as a module returns it."""
        return {**super().told(), "successor": self.successor, "log": [printable(line) for line in self.log]}


def iso(seconds: float) -> str:
    """Return seconds since the epoch as ISO 8601 in UTC, to the millisecond."""
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def masters(
    look: Look, facts: t.Mapping[str, Facts], now: float, sizes: t.Mapping[int, int]
) -> t.List[t.Dict[str, t.Any]]:
    """Return every master of a look, as ``master_info`` returns them.

    :param now: seconds since the epoch.
    :param sizes: proportional set size of processes in bytes, by pid, if it was requested.
    """
    return [_master(instance, look, facts[instance.identity], now, sizes) for instance in look.instances]


def _master(instance: Instance, look: Look, facts: Facts, now: float, sizes: t.Mapping[int, int]) -> t.Dict[str, t.Any]:
    master = instance.master
    options = look.options[instance.identity]
    release = look.releases[instance.identity]
    container = find_container(master)
    told: t.Dict[str, t.Any] = {
        "pid": master.pid,
        "identity": instance.identity,
        "started": iso(facts.started),
        "uptime": round(now - facts.started, 1),
        "user": user_name(master.uid),
        "cmdline": [printable(word) for word in redact_argv(master.argv)],
        "executable": printable(master.executable),
        "cwd": printable(master.cwd),
        "mode": instance.mode or mode_configured(options),
        "state": instance.state,
        "version": release.version,
        "config_file": printable(options.config_file),
        "config_error": printable(options.config_error),
        "databases": [printable(name) for name in options.databases],
        "options": {name: _plain(getattr(options, name)) for name in _OPTION_NAMES},
        "differences": [{name: _plain(value) for name, value in one.told().items()} for one in facts.differences],
        "listening": [{"address": address, "port": port} for address, port in instance.ports],
        "workers": counts(instance),
        "children": [_child(child, sizes) for child in instance.children],
        "caught": caught_names(master.caught),
        "supervisor": {
            "kind": facts.supervisor.kind,
            "unit": printable(facts.supervisor.unit),
            "restart": facts.unit.restart if facts.unit else None,
            "kill_mode": facts.unit.kill_mode if facts.unit else None,
        },
        "container": container and {"runtime": container.runtime, "id": printable(container.id), "pid": container.pid},
        "log": {"kind": facts.log.kind, "path": printable(facts.log.path), "shows_dumps": facts.log.shows_dumps},
        "loaded": told_load(facts.load),
        "platform": "odoo.sh" if on_odoo_sh(master) else None,
        "hidden": master.pid in look.hidden,
        **_used(master, sizes),
    }
    if facts.staleness is not None:
        told.update(
            stale=facts.staleness.stale,
            needs=facts.staleness.needs,
            stale_reasons=list(facts.staleness.reasons),
            stale_files=[printable(path) for path in facts.staleness.files],
            stale_count=facts.staleness.count,
        )
    return told


def choices(look: Look, units: t.Mapping[str, t.Optional[str]]) -> t.List[t.Dict[str, t.Any]]:
    """Return those properties of every master of a look by which ``match`` chooses; the look shows them all.

    :param units: what starts it again, by identity.
    """
    return [
        {
            "pid": instance.master.pid,
            "identity": instance.identity,
            "user": user_name(instance.master.uid),
            "mode": instance.mode or mode_configured(look.options[instance.identity]),
            "version": look.releases[instance.identity].version,
            "config_file": printable(look.options[instance.identity].config_file),
            "databases": [printable(name) for name in look.options[instance.identity].databases],
            "options": {"http_port": look.options[instance.identity].http_port},
            "supervisor": {"unit": printable(units[instance.identity])},
        }
        for instance in look.instances
    ]


def one_off(look: Look) -> t.List[t.Dict[str, t.Any]]:
    """Return the Odoo commands that are not servers, as ``master_info`` returns them."""
    return [
        {
            "pid": process.pid,
            "identity": process.identity,
            "user": user_name(process.uid),
            "cmdline": [printable(word) for word in redact_argv(process.argv)],
            "kind": kind_of(process.argv),
        }
        for process in look.one_off
    ]


def kind_of(argv: t.Sequence[str]) -> str:
    """Return the kind of an Odoo command that is not a server: ``update``, its subcommand, or ``run``. Pure."""
    command = parse_command(argv)
    args = list(command.args) if command else []
    given = parse_arguments(args)
    # Odoo lets this option stand before its subcommand.
    if len(args) > 1 and args[0].startswith("--addons-path=") and not args[1].startswith("-"):
        del args[0]
    if given.get("init") or given.get("update") or given.get("reinit") or args[:1] == ["module"]:
        return "update"
    word = args[0] if args and not args[0].startswith("-") else ""
    # Any user can write any text there.
    return word if re.match(r"[a-z_]{1,20}$", word) and word != "server" else "run"


def summary(instance: Instance, version: t.Optional[str], load: Loaded) -> t.Dict[str, t.Any]:
    """Return the properties of a server that an operation can change."""
    return {
        "state": instance.state,
        "mode": instance.mode,
        "version": version,
        "workers": counts(instance),
        "children": [_child(child, {}) for child in instance.children],
        "loaded": told_load(load),
    }


def counts(instance: Instance) -> t.Dict[str, int]:
    """Return the number of processes of each kind of worker, of all generations."""
    return {role: len(instance.having(role)) for role in (Role.HTTP, Role.CRON, Role.GEVENT, Role.OTHER)}


def mode_configured(options: Options) -> str:
    """Return the mode that a server will have after its boot."""
    return "prefork" if options.workers > 0 else "threaded"


def told_load(load: Loaded) -> t.Dict[str, t.Any]:
    """Bounds of the load and their evidence, as modules return them."""
    return {"not_before": iso(load.not_before), "not_after": iso(load.not_after), "evidence": load.evidence}


def user_name(uid: int) -> str:
    """Name of a user, or the number where the host knows no name for it (a container's user)."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def printable(text: t.Optional[str]) -> t.Optional[str]:
    """``text`` that JSON can carry and a terminal can show: other bytes and control characters become escapes.

    Any user can write the commands of a terminal into the arguments of a process, a path or a log.
    """
    return (
        None if text is None else visible(text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"))
    )


def _plain(value: t.Any) -> t.Any:
    return printable(value) if isinstance(value, str) else value


def _child(child: Child, sizes: t.Mapping[int, int]) -> t.Dict[str, t.Any]:
    return {
        "pid": child.process.pid,
        "identity": child.process.identity,
        "role": child.role,
        "kind": child.kind,
        "generation": child.generation,
        **_used(child.process, sizes),
    }


def _used(process: Process, sizes: t.Mapping[int, int]) -> t.Dict[str, t.Any]:
    used: t.Dict[str, t.Any] = {
        "rss": process.rss_pages * os.sysconf("SC_PAGE_SIZE"),
        "cpu_seconds": round(process.cpu_ticks / os.sysconf("SC_CLK_TCK"), 2),
    }
    if process.pid in sizes:
        used["pss"] = sizes[process.pid]
    return used
