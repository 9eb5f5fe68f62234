# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Before a HUP or a restart: would the server find its interpreter, its packages, a sane odoo.conf and its database?

Odoo executes ``basename(sys.executable)``, so after a HUP the new Python looks itself up in PATH. Under a unit that
starts a virtualenv by its full path, that is the system's Python, which lacks Odoo's packages: the HUP kills the server
(seen on 15.0, 17.0, 18.0 and 19.0). A supervisor starts it by its full path again. The rehearsal does what the HUP or
the supervisor would do, as the service's own user, with its environment, working directory, mounts and network, up to
the point where a server would start; it writes nothing.

Odoo asks PostgreSQL for the databases of its odoo.conf first of all. Where it cannot, the new server ends with
status 1, and there is no old one that would go on (seen on 14.0 and 19.0, prefork and threaded). Without a database in
its odoo.conf it starts, and answers with errors. An odoo.conf with a wrong password would do that to one host after
the other.
"""

from __future__ import annotations

import json
import os
import typing as t
from dataclasses import dataclass, field

from .._config.cmdline import Command
from .._messages import refused
from .._messages import rehearsal as codes
from .._messages.code import Problem
from .._processes.classify import Instance
from .._processes.proc import Gone, Proc
from .._processes.process import DELETED, Process, parse_environ
from .._processes.release import major
from .._processes.rights import exists, is_folder, is_program
from .._system.errors import Refused
from .._system.redact import redact_text
from .interpreter import (
    find_interpreter,
    is_plain_python,
    path_remedy,
    path_trap,
    runs,
)
from .places import check_places
from .trial import Start, try_out

#: Up to this version of Odoo a master was seen to start workers without a database.
_LAST_SEEN_TO_SURVIVE = 18


@dataclass(frozen=True)
class Restart:
    """A restart by a supervisor.

    :ivar cwd: the working directory that the supervisor gives it; None: that of the running process.
    :ivar unit_changed: what the supervisor will start may be something else than what runs.
    :ivar database: connect to its databases, too.
    """

    cwd: t.Optional[str] = None
    unit_changed: bool = False
    database: bool = True


@dataclass(frozen=True)
class Rehearsed:
    """A successful start-up check: what it did not check, as noun phrases, and which rules force has lifted.

    :ivar configured: options from Odoo's own parser, by their present names; empty if it was not asked.
    """

    left_out: t.Tuple[str, ...] = ()
    overridden: t.Tuple[Problem, ...] = ()
    configured: t.Mapping[str, t.Any] = field(default_factory=dict)


def rehearse(
    proc: Proc,
    instance: Instance,
    config_file: t.Optional[str],
    unit: t.Optional[str],
    changed: t.Sequence[str] = (),
    *,
    force: bool = False,
    imports: bool = False,
) -> Rehearsed:
    """Go through what a HUP would make this server do, without a signal.

    :param changed: Python files that have changed since the load, manifests included: each must compile.
    :param config_file: path of its odoo.conf, in whose lines a fault is looked for.
    :param unit: systemd unit of the server, named in the remedy.
    :param force: go on though it would be without its database, as long as it would survive that.
    :param imports: import the addons that the changed files belong to.
    :raises Refused: with the reason and the remedy.
    """
    master, command = instance.master, instance.command
    environ = _environment(proc, master)
    executable = find_interpreter(proc, master, command, environ, master.cwd)
    if executable is None:
        raise Refused(codes.NO_INTERPRETER(name=command.interpreter), restart_helps=True)
    if command.package or (command.script or "").endswith("/__main__.py"):
        # Seen on 19.0: it executes odoo/__main__.py by its path, which then does not belong to its package.
        raise Refused(codes.STARTED_AS_PACKAGE(), restart_helps=True)
    _check_files(proc, master, command, executable)
    trap = path_trap(executable, environ, unit, lambda path: exists(proc, master, path))
    if trap:
        raise Refused(trap, restart_helps=True)
    if master.uid == 0:
        # Its code would run as root, and root may not own it: the checks above are all that we do.
        return Rehearsed()
    cwd = master.cwd or "/"
    start = Start(executable, os.path.basename(executable), "/" if cwd.endswith(DELETED) else cwd, environ)
    script = command.script and os.path.join(cwd, command.script)
    answer, said = try_out(proc, master, _task(instance, script, config_file, changed, imports=imports), start)
    overridden = explain(answer, redact_text(said), executable, environ, unit, force=force)
    return Rehearsed((), overridden, check_places(proc, instance, answer))


def rehearse_restart(
    proc: Proc,
    instance: Instance,
    config_file: t.Optional[str],
    changed: t.Sequence[str],
    restart: Restart,
    *,
    force: bool = False,
    imports: bool = False,
) -> Rehearsed:
    """Go through what a start by the supervisor would do, as far as the running process tells it.

    The interpreter is executed by its full path, as a supervisor does: neither the PATH nor ``-m`` matter then, and an
    interpreter that has been replaced is the new one.

    :param config_file: and ``changed``: as for :func:`rehearse`.
    :param force: as for :func:`rehearse`, and ``imports``.
    :raises Refused: with the reason.
    """
    master, command = instance.master, instance.command
    environ = _environment(proc, master)
    home = restart.cwd or master.working_directory
    executable = find_interpreter(proc, master, command, environ, home)
    script = command.script and os.path.join(home, command.script)
    lost = _lost(proc, master, home, executable or command.interpreter, script)
    if lost or executable is None:
        what, path = lost or ("its interpreter", command.interpreter)
        if restart.unit_changed:
            return Rehearsed(("anything, because %s %s does not exist and the unit has changed" % (what, path),))
        raise Refused(codes.RESTART_LOST(what=what, path=path))
    if not runs(proc, master, executable) and not is_plain_python(proc, master):
        raise Refused(codes.OTHER_INTERPRETER(path=executable))
    left_out = ("the changes in its unit",) if restart.unit_changed else ()
    if master.uid == 0:
        return Rehearsed((*left_out, "its code, because it runs as root"))
    start = Start(executable, executable, home, environ)
    database = "start" if restart.database else None
    task = _task(instance, script, config_file, changed, database=database, imports=imports)
    answer, said = try_out(proc, master, task, start)
    overridden = explain(answer, redact_text(said), executable, environ, None, restart=True, force=force)
    return Rehearsed(left_out, overridden, check_places(proc, instance, answer))


def rehearse_spawn(
    proc: Proc, instance: Instance, config_file: t.Optional[str], version: t.Optional[str]
) -> t.Optional[Problem]:
    """Before a master is made to start a worker, ask whether it would get at its databases.

    Newer masters ask every database that they have loaded before they start one, and the whole server ends where one
    does not answer (seen on 19.0 with TTIN and with a worker that had ended, not on 14.0 to 18.0).

    :returns: why that is not known; None: it would.
    :raises Refused: it would not.
    """
    master, command = instance.master, instance.command
    if (major(version) or _LAST_SEEN_TO_SURVIVE + 1) <= _LAST_SEEN_TO_SURVIVE or master.uid == 0:
        return None
    try:
        environ = _environment(proc, master)
        home = master.working_directory
        executable = find_interpreter(proc, master, command, environ, home)
        if executable is None or not runs(proc, master, executable):
            return codes.DATABASES_UNKNOWN(why="the interpreter of the server does not exist any more")
        script = command.script and os.path.join(home, command.script)
        task = _task(instance, script, config_file, (), modules=("sql_db",), database="spawn")
        answer, _said = try_out(proc, master, task, Start(executable, executable, home, environ))
    except Refused as exc:
        return codes.DATABASES_UNKNOWN(why=exc.problem.text)
    told = _read_answer(answer)
    if told is None or told.stage not in ("database", "done"):
        return codes.DATABASES_UNKNOWN(why="the code or the configuration on the disk is broken")
    if told.stage == "database":
        raise Refused(codes.SPAWN_WITHOUT_DATABASE(error=told.error))
    return None


def _environment(proc: Proc, master: Process) -> t.Dict[str, str]:
    try:
        environ = parse_environ(proc.read(master.pid, "environ"))
        # The pid may have passed to a stranger by now, and this would be the stranger's environment.
        same = proc.lives(master.pid, master.start)
    except Gone:
        same = False
    except PermissionError:
        raise Refused(codes.ENVIRONMENT_HIDDEN(pid=master.pid)) from None
    if not same:
        raise Refused(refused.PROCESS_ENDED(pid=master.pid))
    return environ


def _task(
    instance: Instance,
    script: t.Optional[str],
    config_file: t.Optional[str],
    changed: t.Sequence[str],
    *,
    modules: t.Sequence[str] = ("service.server", "http", "sql_db"),
    database: t.Optional[str] = "start",
    imports: bool = False,
) -> t.Dict[str, t.Any]:
    command = instance.command
    return {
        "ports": database == "start" or database is None,
        "activated": instance.activated,
        "script": script,
        "package": command.package,
        "modules": list(modules),
        "args": server_arguments(command.args),
        "config_file": config_file,
        "changed": list(changed),
        "database": database,
        "imports": imports,
    }


def _lost(
    proc: Proc, master: Process, home: str, executable: str, script: t.Optional[str]
) -> t.Optional[t.Tuple[str, str]]:
    """Return what a start needs and what does not exist: a noun and a path."""
    # The directory that the server is in is entered as it is.
    if home != master.cwd and not is_folder(proc, master, home):
        return "its working directory", home
    if not is_program(proc, master, executable):
        return "its interpreter", executable
    if script and not exists(proc, master, script):
        return "its script", script
    return None


def _check_files(proc: Proc, master: Process, command: Command, executable: str) -> None:
    if (master.executable or "").endswith(DELETED):
        path = t.cast(str, master.executable)[: -len(DELETED)]
        raise Refused(codes.INTERPRETER_REPLACED(path=path), restart_helps=True)
    if not exists(proc, master, executable):
        raise Refused(codes.INTERPRETER_GONE(path=executable), restart_helps=True)
    # argv is what its starter chose to write there. Only the program that really runs may be run in its name.
    if not runs(proc, master, executable):
        raise Refused(codes.OTHER_INTERPRETER(path=executable), restart_helps=True)
    relative = not (command.script or "").startswith("/")
    if relative and (master.cwd or "").endswith(DELETED):
        path = t.cast(str, master.cwd)[: -len(DELETED)]
        raise Refused(codes.DIRECTORY_GONE(path=path), restart_helps=True)
    if command.script and not exists(proc, master, os.path.join(master.cwd or "/", command.script)):
        raise Refused(codes.SCRIPT_GONE(path=command.script), restart_helps=True)


#: What may stand before the options of a server.
_SUBCOMMANDS = ("gevent", "server")


def server_arguments(args: t.Sequence[str]) -> t.List[str]:
    """Return the arguments for Odoo's own parser; never --save, which would write odoo.conf. Pure."""
    words = list(args)
    at = 1 if len(words) > 1 and words[0].startswith("--addons-path=") and words[1] in _SUBCOMMANDS else 0
    if words[at : at + 1] and words[at] in _SUBCOMMANDS:
        del words[at]
    kept = []
    for word in words:
        if len(word) >= len("--sa") and "--save".startswith(word):
            continue
        # -s takes no value, so others may follow in the same word: -sc odoo.conf.
        if word.startswith("-s"):
            word = "-" + word[2:]  # noqa: PLW2901
            if word == "-":
                continue
        kept.append(word)
    return kept


@dataclass(frozen=True)
class _Told:
    """The report of the trial, secrets hidden: its last step, and the error there."""

    stage: str
    error: str
    where: str
    fatal: bool
    addon: str


def _read_answer(answer: bytes) -> t.Optional[_Told]:
    """Return the answer of the check; None if it ended without an answer."""
    try:
        told = json.loads(answer.decode("utf-8", "replace"))
        return _Told(
            str(told["stage"]),
            redact_text(" ".join(str(told["error"]).split())),
            redact_text(str(told.get("where") or "")),
            bool(told.get("fatal")),
            redact_text(str(told.get("addon") or "")),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def explain(
    answer: bytes,
    said: str,
    executable: str,
    environ: t.Mapping[str, str],
    unit: t.Optional[str],
    *,
    restart: bool = False,
    force: bool = False,
) -> t.Tuple[Problem, ...]:
    """Judge what the rehearsal told. Pure.

    :param restart: it was the rehearsal of a restart, not of a HUP.
    :param force: as for :func:`rehearse`.
    :returns: what was overridden by force.
    :raises Refused: the check did not finish, or found a fault.
    """
    fate = "a restart would not bring the server back" if restart else "a HUP would kill the server"
    last_words = (said.strip().splitlines() or ["no message"])[-1]
    told = _read_answer(answer)
    if told is None:
        raise Refused(codes.TRIAL_ENDED(fate=fate, words=last_words), restart_helps=not restart)
    if told.stage == "done":
        return ()
    reason = last_words if told.error == "SystemExit" else told.error
    if told.where:
        reason += " (%s)" % told.where
    if told.stage == "configuration":
        raise Refused(codes.BAD_CONFIGURATION(fate=fate, error=reason))
    if told.stage == "database" and told.fatal:
        raise Refused(codes.NO_POSTGRESQL(fate=fate, error=reason))
    if told.stage == "database":
        lost = codes.NO_DATABASE(error=reason)
        if force:
            return (lost,)
        raise Refused(lost)
    if told.stage == "code":
        raise Refused(codes.SYNTAX_ERROR(error=reason))
    if told.stage == "addons":
        raise Refused(codes.ADDON_ERROR(addon=told.addon, error=reason))
    # Under its full path the interpreter may find packages that it does not find under its name.
    lacks = told.error.startswith(("ImportError", "ModuleNotFound")) and not restart
    remedy = path_remedy(executable, environ, unit) if lacks else "Install what is missing, then run the task again."
    raise Refused(codes.IMPORT_ERROR(fate=fate, error=reason, remedy=remedy), restart_helps=lacks)
