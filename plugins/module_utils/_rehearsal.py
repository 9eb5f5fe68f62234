# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""Before a HUP: would the server that re-executes itself find its interpreter, its packages and a sane odoo.conf?

Odoo executes ``basename(sys.executable)``, so the new Python looks itself up in PATH. Under a unit that starts a
virtualenv by its full path, that is the system's Python, which lacks Odoo's packages: the HUP kills the server (seen on
15.0, 17.0, 18.0 and 19.0). The rehearsal does what the HUP would do, as the service's own user, with its environment,
working directory and mount namespace, up to the point where a server would start; it writes nothing.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import tempfile
import typing as t

from ansible_collections.fleetops.odoo.plugins.module_utils._cmdline import Command
from ansible_collections.fleetops.odoo.plugins.module_utils._instances import Instance
from ansible_collections.fleetops.odoo.plugins.module_utils._namespaces import (
    MOUNTS,
    differs,
    enter,
    forbid_new_privileges,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._proc import Gone, Proc, root_of
from ansible_collections.fleetops.odoo.plugins.module_utils._process import Process, parse_environ
from ansible_collections.fleetops.odoo.plugins.module_utils._redact import redact_text

#: Seconds that Odoo may take to be imported (0.4 s seen; a cold disk needs more).
_TIMEOUT = 60
#: Bytes that the rehearsal may write into one file.
_MOST_WRITTEN = 1 << 20
#: A HUP sets these for the new server only; a rehearsal that kept them would not be one.
_HANDOVER_VARIABLES = ("ODOO_READY_SIGHUP_PID", "ODOO_HTTP_SOCKET_FD", "LISTEN_FDS", "LISTEN_PID")


class WouldFail(Exception):
    """The HUP would kill the server; the message says why and what helps."""


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
    try:
        environ = parse_environ(proc.read(master.pid, "environ"))
        # The pid may have passed to a stranger by now, and this would be the stranger's environment.
        same = proc.lives(master.pid, master.start)
    except Gone:
        same = False
    except PermissionError:
        raise WouldFail(
            "the environment of process %d cannot be read, so nothing proves that it would survive a HUP; "
            "run as root or as the server's user" % master.pid
        ) from None
    if not same:
        raise WouldFail("process %d has ended since it was looked at" % master.pid)
    root = root_of(proc.root, master)
    executable = interpreter_path(command, environ, master.cwd, lambda path: os.access(root + path, os.X_OK))
    if executable is None:
        raise WouldFail("its interpreter %s is not found in its PATH, so the HUP would kill it" % command.interpreter)
    if command.package or (command.script or "").endswith("/__main__.py"):
        # Seen on 19.0: it executes odoo/__main__.py by its path, which then is no part of its package.
        raise WouldFail(
            "it was started with -m, and a HUP makes it execute its __main__.py as a script, which cannot import its "
            "own package; start it by its script (odoo-bin), or restart it through its supervisor instead"
        )
    _check_files(root, "%s/%d/exe" % (proc.root, master.pid), master, command, executable)
    trap = path_trap(executable, environ, lambda path: os.path.exists(root + path))
    if trap:
        raise WouldFail(trap + "; " + _remedy(executable, environ, unit))
    if master.uid == 0:
        # Its code would run as root, and root may not own it: the checks above are all that we do.
        return
    task = {
        "script": command.script and os.path.join(master.cwd or "/", command.script),
        "package": command.package,
        "args": server_arguments(command.args),
        "config_file": config_file,
        "changed": list(changed),
    }
    answer, said = _import_as_server(proc, master, task, executable, environ)
    explain(answer, redact_text(said), executable, environ, unit)


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
    if (master.executable or "").endswith(" (deleted)"):
        raise WouldFail(
            "its interpreter %s has been replaced or removed since it started; restart it through its supervisor"
            % t.cast(str, master.executable)[: -len(" (deleted)")]
        )
    try:
        named, running = os.stat(root + executable), os.stat(exe)
    except OSError:
        raise WouldFail(
            "its interpreter %s is gone; restart it through its supervisor once it is back" % executable
        ) from None
    # argv is what its starter chose to write there. Only the program that really runs may be run in its name.
    if (named.st_dev, named.st_ino) != (running.st_dev, running.st_ino):
        raise WouldFail("its arguments name %s, which is not the interpreter that it runs" % executable)
    relative = not (command.script or "").startswith("/")
    if relative and (master.cwd or "").endswith(" (deleted)"):
        raise WouldFail(
            "its working directory %s has been removed, and its script is found from there; "
            "restart it through its supervisor" % t.cast(str, master.cwd)[: -len(" (deleted)")]
        )
    if command.script and not os.path.exists(root + os.path.join(master.cwd or "/", command.script)):
        raise WouldFail("its script %s is gone; restart it through its supervisor once it is back" % command.script)


#: Runs under the server's own interpreter (any Python 3.6 or later), so it is kept as plain as can be.
_REHEARSAL = r"""
import sys
# The working directory may be anybody's, and -c puts it first.
first = sys.path.pop(0)
sys.dont_write_bytecode = True
import os, json
task = json.load(sys.stdin)
out = os.fdopen(task["fd"], "w")
told = {"prefix": sys.prefix, "stage": "import", "error": None}
sys.path.insert(0, os.path.dirname(os.path.realpath(task["script"])) if task["script"] else first)

def blame(error):
    # The line of odoo.conf that the error speaks of. Lines that cannot be parsed may hold a secret: only numbers then.
    import configparser
    path = task["config_file"]
    if isinstance(error, configparser.Error):
        numbers = [n for n, line in getattr(error, "errors", [])] or [getattr(error, "lineno", None)]
        if not isinstance(error, (configparser.DuplicateOptionError, configparser.DuplicateSectionError)):
            told["error"] = type(error).__name__ + ": it is not of the form key = value under [options]"
        if numbers[0]:
            told["where"] = "%s:%s" % (path, numbers[0])
        return
    with open(path, errors="replace") as file:
        for number, line in enumerate(file, 1):
            key, equals, value = line.partition("=")
            if equals and value.strip() and repr(value.strip()) in str(error):
                told["where"] = "%s:%d, %s" % (path, number, key.strip())

try:
    package = task["package"]
    try:
        root = __import__(package or "odoo")
    except ImportError as exc:
        if package or getattr(exc, "name", None) != "odoo":
            raise
        package = "openerp"
        root = __import__(package)
    package = package or "odoo"
    for name in ("service.server", "http"):
        __import__(package + "." + name)
    told["stage"] = "configuration"
    sys.modules[package + ".tools"].config._parse_config(task["args"])
    told["stage"] = "code"
    import ast
    for path in task["changed"]:
        if not os.path.exists(path):
            continue
        told["path"] = path
        with open(path, "rb") as file:
            text = file.read()
        if os.path.basename(path) in ("__manifest__.py", "__openerp__.py"):
            ast.literal_eval(text.decode("utf-8").strip())
        else:
            compile(text, path, "exec", dont_inherit=True)
    told["stage"] = "done"
except BaseException as exc:
    import traceback
    last = traceback.extract_tb(sys.exc_info()[2])[-1]
    told["error"] = "%s: %s" % (type(exc).__name__, exc)
    told["where"] = "%s:%s" % (getattr(exc, "filename", None) or last[0], getattr(exc, "lineno", None) or last[1])
    if isinstance(exc, SystemExit):
        # optparse has said why on stderr.
        told["error"] = "SystemExit"
        told["where"] = None
    elif told["stage"] == "import" and type(exc).__module__ == "configparser":
        # With ODOO_RC it is parsed when Odoo is imported.
        told["stage"] = "configuration"
        blame(exc)
    elif told["stage"] == "code":
        line = getattr(exc, "lineno", None)
        told["where"] = told["path"] + (":%s" % line if line else "")
    elif told["stage"] == "configuration" and task["config_file"]:
        try:
            blame(exc)
        except OSError:
            pass
out.write(json.dumps(told))
out.close()
os._exit(0)
"""


def _import_as_server(
    proc: Proc, master: Process, task: t.Dict[str, t.Any], executable: str, environ: t.Mapping[str, str]
) -> t.Tuple[bytes, str]:
    """Run the rehearsal as the server would run; returns what it answered and what it said on stderr.

    Files and not pipes take what it writes: a process that the server's code leaves behind may keep a pipe open.
    """
    clean = {key: value for key, value in environ.items() if key not in _HANDOVER_VARIABLES}
    with tempfile.TemporaryFile() as order, tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as said:
        order.write(json.dumps({**task, "fd": answer.fileno()}).encode())
        order.seek(0)
        try:
            subprocess.run(  # pylint: disable=ansible-bad-function  # run_command cannot become a user
                [os.path.basename(executable), "-B", "-c", _REHEARSAL],
                executable=executable,
                env=clean,
                stdin=order,
                stdout=subprocess.DEVNULL,
                stderr=said,
                pass_fds=(answer.fileno(),),
                # Without our terminal, and in a group of its own.
                start_new_session=True,
                preexec_fn=_become(proc, master),  # a module has one thread
                timeout=_TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise WouldFail(
                "its code could not be imported within %d s, so nothing proves that it would survive" % _TIMEOUT
            ) from None
        except (OSError, subprocess.SubprocessError) as exc:
            raise WouldFail("its interpreter %s cannot be run as its user: %s" % (executable, exc)) from None
        answer.seek(0)
        said.seek(0)
        return answer.read(_MOST_WRITTEN), said.read(_MOST_WRITTEN).decode("utf-8", "replace")


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


def explain(answer: bytes, said: str, executable: str, environ: t.Mapping[str, str], unit: t.Optional[str]) -> None:
    """Judge what the rehearsal told. Pure.

    :raises WouldFail: unless it came to its end.
    """
    last_words = (said.strip().splitlines() or ["no message"])[-1]
    try:
        told = json.loads(answer.decode("utf-8", "replace"))
        stage, error, where = str(told["stage"]), str(told["error"]), told.get("where")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise WouldFail(
            "a HUP would kill it: its interpreter ended before it could tell why (%s)" % last_words
        ) from None
    if stage == "done":
        return
    reason = last_words if error == "SystemExit" else redact_text(" ".join(error.split()))
    if where:
        reason += " (%s)" % redact_text(str(where))
    if stage == "configuration":
        raise WouldFail("a HUP would kill it, since Odoo cannot parse its configuration: %s" % reason)
    if stage == "code":
        raise WouldFail("a file that has changed since it was loaded is broken: %s" % reason)
    if error.startswith(("ImportError", "ModuleNotFound")):
        reason += "; " + _remedy(executable, environ, unit)
    raise WouldFail("a HUP would kill it, since Odoo cannot be imported: %s" % reason)


def _become(proc: Proc, master: Process) -> t.Callable[[], None]:
    """What the child does between fork and exec: enter the server's mounts, its directory and its user."""
    privileged = os.geteuid() == 0
    cwd = master.cwd or "/"
    foreign = privileged and differs(proc.root, master.pid, MOUNTS)

    def become() -> None:
        if foreign:
            enter("%s/%d/ns/%s" % (proc.root, master.pid, MOUNTS))
        resource.setrlimit(resource.RLIMIT_FSIZE, (_MOST_WRITTEN, _MOST_WRITTEN))
        os.chdir("/" if cwd.endswith(" (deleted)") else cwd)
        if privileged:
            os.setgroups(master.groups)
            os.setgid(master.gid)
            os.setuid(master.uid)
        # What the server may not gain, its code may not gain here: no setuid program helps it.
        forbid_new_privileges()

    return become
