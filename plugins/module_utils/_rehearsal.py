# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""Before a HUP or a restart: would the server find its interpreter, its packages and a sane odoo.conf?

Odoo executes ``basename(sys.executable)``, so after a HUP the new Python looks itself up in PATH. Under a unit that
starts a virtualenv by its full path, that is the system's Python, which lacks Odoo's packages: the HUP kills the server
(seen on 15.0, 17.0, 18.0 and 19.0). A supervisor starts it by its full path again. The rehearsal does what the HUP or
the supervisor would do, as the service's own user, with its environment, working directory and mount namespace, up to
the point where a server would start; it writes nothing.
"""

from __future__ import annotations

import json
import os
import typing as t

from ansible_collections.fleetops.odoo.plugins.module_utils._cmdline import PYTHON, Command
from ansible_collections.fleetops.odoo.plugins.module_utils._files import reached
from ansible_collections.fleetops.odoo.plugins.module_utils._instances import Instance
from ansible_collections.fleetops.odoo.plugins.module_utils._proc import Gone, Proc, root_of
from ansible_collections.fleetops.odoo.plugins.module_utils._process import DELETED, Process, parse_environ
from ansible_collections.fleetops.odoo.plugins.module_utils._redact import redact_text
from ansible_collections.fleetops.odoo.plugins.module_utils._trial import NoTrial, Start, try_out

_STRANGER = "its arguments name %s, which is not the interpreter that it runs"


class WouldFail(Exception):
    """The HUP or the restart would not leave a running server behind.

    :ivar reason: why, as a clause.
    :ivar restart_helps: a restart through the supervisor may get round it, and is worth a rehearsal of its own.
    """

    def __init__(self, reason: str, remedy: str = "", *, restart_helps: bool = False) -> None:
        super().__init__("%s; %s" % (reason, remedy) if remedy else reason)
        self.reason = reason
        self.restart_helps = restart_helps


def rehearse(
    proc: Proc,
    instance: Instance,
    config_file: t.Optional[str],
    unit: t.Optional[str],
    changed: t.Sequence[str] = (),
) -> None:
    """Go through what a HUP would make this server do, without a signal.

    :param changed: Python files that have changed since the load, manifests included: each must compile.
    :param config_file: path of its odoo.conf, in whose lines a fault is looked for.
    :param unit: systemd unit of the server, named in the remedy.
    :raises WouldFail: with the reason and the remedy.
    """
    master, command = instance.master, instance.command
    environ = _environment(proc, master, "a HUP")
    root = root_of(proc.root, master)
    executable = interpreter_path(command, environ, master.cwd, lambda path: os.access(reached(path, root), os.X_OK))
    if executable is None:
        raise WouldFail(
            "its interpreter %s is not found in its PATH, so a HUP would kill it" % command.interpreter,
            restart_helps=True,
        )
    if command.package or (command.script or "").endswith("/__main__.py"):
        # Seen on 19.0: it executes odoo/__main__.py by its path, which then is no part of its package.
        raise WouldFail(
            "it was started with -m, and a HUP makes it execute its __main__.py as a script, which cannot import its "
            "own package",
            "start it by its script (odoo-bin), or restart it through its supervisor instead",
            restart_helps=True,
        )
    _check_files(root, "%s/%d/exe" % (proc.root, master.pid), master, command, executable)
    trap = path_trap(executable, environ, lambda path: os.path.exists(reached(path, root)))
    if trap:
        raise WouldFail(trap, _remedy(executable, environ, unit), restart_helps=True)
    if master.uid == 0:
        # Its code would run as root, and root may not own it: the checks above are all that we do.
        return
    cwd = master.cwd or "/"
    start = Start(executable, os.path.basename(executable), "/" if cwd.endswith(DELETED) else cwd, environ)
    script = command.script and os.path.join(cwd, command.script)
    try:
        answer, said = try_out(proc, master, _task(command, script, config_file, changed), start)
    except NoTrial as exc:
        raise WouldFail(str(exc)) from None
    explain(answer, redact_text(said), executable, environ, unit)


def rehearse_restart(
    proc: Proc,
    instance: Instance,
    config_file: t.Optional[str],
    changed: t.Sequence[str],
    cwd: t.Optional[str],
    *,
    unit_changed: bool,
) -> t.List[str]:
    """Go through what a start by the supervisor would do, as far as the running process tells it.

    The interpreter is executed by its full path, as a supervisor does: neither the PATH nor ``-m`` matter then, and an
    interpreter that has been replaced is the new one.

    :param config_file: and ``changed``: as for :func:`rehearse`.
    :param cwd: the working directory that the supervisor gives it; None: that of the running process.
    :param unit_changed: what the supervisor will start may be something else than what runs.
    :returns: what was not rehearsed, as noun phrases.
    :raises WouldFail: with the reason.
    """
    master, command = instance.master, instance.command
    environ = _environment(proc, master, "a restart")
    root = root_of(proc.root, master)
    home = cwd or master.working_directory
    executable = interpreter_path(command, environ, home, lambda path: os.access(reached(path, root), os.X_OK))
    script = command.script and os.path.join(home, command.script)
    lost = _lost(root, command, home, executable, script)
    if lost or executable is None:
        if unit_changed:
            return ["anything, since %s is gone and its unit has changed" % lost]
        raise WouldFail("%s is gone, and a restart would not find it either" % lost)
    if not _runs(root, "%s/%d/exe" % (proc.root, master.pid), executable) and not _is_plain_python(proc, master):
        raise WouldFail(_STRANGER % executable)
    left_out = ["what has changed in its unit"] if unit_changed else []
    if master.uid == 0:
        return [*left_out, "its code, since it runs as root"]
    try:
        start = Start(executable, executable, home, environ)
        answer, said = try_out(proc, master, _task(command, script, config_file, changed), start)
    except NoTrial as exc:
        raise WouldFail(str(exc)) from None
    explain(answer, redact_text(said), executable, environ, None, restart=True)
    return left_out


def _environment(proc: Proc, master: Process, ordeal: str) -> t.Dict[str, str]:
    try:
        environ = parse_environ(proc.read(master.pid, "environ"))
        # The pid may have passed to a stranger by now, and this would be the stranger's environment.
        same = proc.lives(master.pid, master.start)
    except Gone:
        same = False
    except PermissionError:
        raise WouldFail(
            "the environment of process %d cannot be read, so nothing proves that it would survive %s; "
            "run as root or as the server's user" % (master.pid, ordeal)
        ) from None
    if not same:
        raise WouldFail("process %d has ended since it was looked at" % master.pid)
    return environ


def _task(
    command: Command, script: t.Optional[str], config_file: t.Optional[str], changed: t.Sequence[str]
) -> t.Dict[str, t.Any]:
    return {
        "script": script,
        "package": command.package,
        "args": server_arguments(command.args),
        "config_file": config_file,
        "changed": list(changed),
    }


def _lost(
    root: str, command: Command, home: str, executable: t.Optional[str], script: t.Optional[str]
) -> t.Optional[str]:
    """What a start needs and what is not there, as a noun phrase."""
    if not os.path.isdir(reached(home, root)):
        return "its working directory %s" % home
    if executable is None or not os.access(reached(executable, root), os.X_OK):
        return "its interpreter %s" % (executable or command.interpreter)
    if script and not os.path.exists(reached(script, root)):
        return "its script %s" % script
    return None


def _runs(root: str, exe: str, executable: str) -> bool:
    """Whether this path names the very program that the process runs."""
    try:
        named, running = os.stat(reached(executable, root)), os.stat(exe)
    except OSError:
        return False
    return (named.st_dev, named.st_ino) == (running.st_dev, running.st_ino)


def _is_plain_python(proc: Proc, master: Process) -> bool:
    """Whether a process is a Python that runs with nothing but its own user's rights.

    Where its program has been replaced, nothing ties the path in its arguments to what it runs. Its user could execute
    that path itself then, so we give nothing away; a setgid program that lies about its arguments is none of these.
    """
    name = os.path.basename((master.executable or "").replace(DELETED, ""))
    try:
        lines = proc.text(master.pid, "status").splitlines()
    except Gone:
        return False
    ids = [line.split()[1:] for line in lines if line.startswith(("Uid:", "Gid:"))]
    return bool(PYTHON.match(name)) and len(ids) == 2 and all(len(set(one)) == 1 for one in ids)


def interpreter_path(
    command: Command,
    environ: t.Mapping[str, str],
    cwd: t.Optional[str],
    exists: t.Callable[[str], bool],
) -> t.Optional[str]:
    """``sys.executable`` of the running server: the path it was started by, or argv[0] looked up in its PATH. Pure."""
    if "/" in command.interpreter:
        return os.path.join(cwd or "/", command.interpreter)
    return _in_path(command.interpreter, environ, exists)


def path_trap(executable: str, environ: t.Mapping[str, str], exists: t.Callable[[str], bool]) -> t.Optional[str]:
    """How a virtualenv's interpreter would be lost by the re-exec, as a clause; None when it would not. Pure."""
    folder, name = os.path.split(executable)
    if not exists(os.path.join(os.path.dirname(folder), "pyvenv.cfg")):
        return None
    found = _in_path(name, environ, exists)
    if found is not None and os.path.normpath(os.path.dirname(found)) == os.path.normpath(folder):
        return None
    return "a HUP makes it execute itself as %s, which its PATH resolves to %s and not to its virtualenv's %s" % (
        name,
        found or "nothing",
        executable,
    )


def _in_path(name: str, environ: t.Mapping[str, str], exists: t.Callable[[str], bool]) -> t.Optional[str]:
    for folder in environ.get("PATH", "").split(":"):
        if folder and exists(os.path.join(folder, name)):
            return os.path.join(folder, name)
    return None


def _remedy(executable: str, environ: t.Mapping[str, str], unit: t.Optional[str]) -> str:
    path = os.path.dirname(executable) + ":" + (environ.get("PATH") or "/usr/local/bin:/usr/bin:/bin")
    if unit:
        return "put Environment=PATH=%s into the unit %s and restart it once, or restart it through systemd instead" % (
            path,
            unit,
        )
    return "start it with PATH=%s, or restart it through its supervisor instead" % path


def _check_files(root: str, exe: str, master: Process, command: Command, executable: str) -> None:
    if (master.executable or "").endswith(DELETED):
        raise WouldFail(
            "its interpreter %s has been replaced or removed since it started"
            % t.cast(str, master.executable)[: -len(DELETED)],
            "restart it through its supervisor",
            restart_helps=True,
        )
    if not os.path.exists(reached(executable, root)):
        raise WouldFail(
            "its interpreter %s is gone" % executable,
            "restart it through its supervisor once it is back",
            restart_helps=True,
        )
    # argv is what its starter chose to write there. Only the program that really runs may be run in its name.
    if not _runs(root, exe, executable):
        raise WouldFail(_STRANGER % executable, restart_helps=True)
    relative = not (command.script or "").startswith("/")
    if relative and (master.cwd or "").endswith(DELETED):
        raise WouldFail(
            "its working directory %s has been removed, and its script is found from there"
            % t.cast(str, master.cwd)[: -len(DELETED)],
            "restart it through its supervisor",
            restart_helps=True,
        )
    if command.script and not os.path.exists(reached(os.path.join(master.cwd or "/", command.script), root)):
        raise WouldFail(
            "its script %s is gone" % command.script,
            "restart it through its supervisor once it is back",
            restart_helps=True,
        )


def server_arguments(args: t.Sequence[str]) -> t.List[str]:
    """What Odoo's own parser gets of the arguments; never --save, which would write odoo.conf. Pure."""
    words = list(args)
    at = 1 if len(words) > 1 and words[0].startswith("--addons-path=") and words[1] == "server" else 0
    if words[at : at + 1] == ["server"]:
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


def explain(
    answer: bytes,
    said: str,
    executable: str,
    environ: t.Mapping[str, str],
    unit: t.Optional[str],
    *,
    restart: bool = False,
) -> None:
    """Judge what the rehearsal told. Pure.

    :param restart: it was the rehearsal of a restart, not of a HUP.
    :raises WouldFail: unless it came to its end.
    """
    fate = "a restart would not bring it back" if restart else "a HUP would kill it"
    last_words = (said.strip().splitlines() or ["no message"])[-1]
    try:
        told = json.loads(answer.decode("utf-8", "replace"))
        stage, error, where = str(told["stage"]), str(told["error"]), told.get("where")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise WouldFail(
            "%s: its interpreter ended before it could tell why (%s)" % (fate, last_words), restart_helps=not restart
        ) from None
    if stage == "done":
        return
    reason = last_words if error == "SystemExit" else redact_text(" ".join(error.split()))
    if where:
        reason += " (%s)" % redact_text(str(where))
    if stage == "configuration":
        raise WouldFail("%s, since Odoo cannot parse its configuration: %s" % (fate, reason))
    if stage == "code":
        raise WouldFail("a file that has changed since it was loaded is broken: %s" % reason)
    # Under its full path the interpreter may find packages that it does not find under its name.
    lacks = error.startswith(("ImportError", "ModuleNotFound")) and not restart
    raise WouldFail(
        "%s, since Odoo cannot be imported: %s" % (fate, reason),
        _remedy(executable, environ, unit) if lacks else "",
        restart_helps=lacks,
    )
