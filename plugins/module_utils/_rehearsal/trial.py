# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""A trial of a server's start: its own interpreter imports Odoo, parses odoo.conf and connects to PostgreSQL.

It does so as the server's user, among the server's files and in its network. If it is asked to, it imports the addons
that have changed, too.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import typing as t
from dataclasses import dataclass

from .._messages import rehearsal as codes
from .._processes.proc import Proc
from .._processes.process import Process
from .._processes.run_as import becoming
from .._system import programs
from .._system.errors import Refused
from .._system.namespaces import MOUNTS, NETWORK, differs

#: Seconds that Odoo may take to be imported and to connect (0.4 s seen; a cold disk needs more).
_TIMEOUT = 60
#: Seconds more for the import of changed addons.
_IMPORT_TIMEOUT = 60
#: Seconds for one connection to PostgreSQL, unless the server's own environment says otherwise.
_CONNECT = 10
#: Bytes that the trial may write into one file.
_MOST_WRITTEN = 1 << 20
#: A HUP sets these for the new server only; a trial that kept them would not be one.
_HANDOVER_VARIABLES = ("ODOO_READY_SIGHUP_PID", "ODOO_HTTP_SOCKET_FD", "LISTEN_FDS", "LISTEN_PID")


@dataclass(frozen=True)
class Start:
    """The start of an interpreter: ``name`` is its argv[0]."""

    executable: str
    name: str
    cwd: str
    environ: t.Mapping[str, str]


#: Runs under the server's own interpreter (any Python 3.6 or later), so it is kept as plain as can be.
_CODE = r"""
import sys
# Any user may own the working directory, and -c puts it first.
first = sys.path.pop(0)
sys.dont_write_bytecode = True
import os, json
task = json.load(sys.stdin)
out = os.fdopen(task["fd"], "w")
told = {"prefix": sys.prefix, "stage": "import", "error": None}
sys.path.insert(0, os.path.dirname(os.path.realpath(task["script"])) if task["script"] else first)

def blame(error):
    # The line of odoo.conf in the error. Lines that cannot be parsed may contain a secret: only numbers then.
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

def connect(package):
    # By Odoo's own functions, which are there since 8.0, so that host, user and library are those of the server.
    sql_db, config = (sys.modules[package + "." + name] for name in ("sql_db", "tools"))
    config = config.config
    os.environ.setdefault("PGCONNECT_TIMEOUT", str(task["connect"]))
    names = config["db_name"] or []
    names = names.split(",") if isinstance(names, str) else list(names)
    told["fatal"] = bool(names)
    there, may_create = set(), False
    try:
        if task["database"] == "start":
            if (config.get("db_user") or os.environ.get("PGUSER")) == "postgres":
                told["fatal"] = True
                raise ValueError("it does not start as the database user postgres")
            # Here it looks at its start whether the databases that it is to serve are there, and ends where it cannot.
            cursor = sql_db.db_connect("postgres").cursor()
            try:
                told["fatal"] = False
                cursor.execute("SELECT datname FROM pg_database")
                there = set(row[0] for row in cursor.fetchall())
                cursor.execute("SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user")
                may_create = cursor.fetchall() == [(True,)]
            finally:
                cursor.close()
        for name in names:
            # Who may make no database may go through a pooler that has other names for them.
            if may_create and name not in there and "://" not in name:
                raise LookupError("no database %s exists, and Odoo would create an empty one of that name" % name)
            sql_db.db_connect(name, allow_uri=True).cursor().close()
            sql_db.close_all()
    except Exception as exc:
        message = str(exc)
        for secret in (config.get("db_password"), os.environ.get("PGPASSWORD")):
            if secret:
                message = message.replace(str(secret), "********")
        told["error"] = message or type(exc).__name__
    finally:
        sql_db.close_all()

def read(config, *names):
    # The first of these names of an option that this version has.
    return next((config[name] for name in names if config.get(name) is not None), None)

def listen(package):
    # What Odoo's own parser made of the options that a look from outside can compare, and whether the new server could
    # open its ports. They are let go at once.
    import socket
    config = sys.modules[package + ".tools"].config
    found = {"http_enable": bool(read(config, "http_enable", "xmlrpc"))}
    found["http_interface"] = str(read(config, "http_interface", "xmlrpc_interface") or "")
    for name, old in (
        ("http_port", "xmlrpc_port"), ("gevent_port", "longpolling_port"), ("workers", None),
        ("max_cron_threads", None), ("limit_memory_hard", None),
    ):
        try:
            found[name] = int(read(config, name, old))
        except (TypeError, ValueError):
            continue
    told["configured"] = found
    told["places"] = places = []
    prefork = bool(found.get("workers"))
    interface = found["http_interface"] or "0.0.0.0"
    if not found["http_enable"] or not task["ports"] or "/" in interface:
        return
    server = getattr(sys.modules.get(package + ".service.server"), "PreforkServer", None)
    # Before some version a prefork master opens IPv4 alone.
    names = server.start.__code__.co_names if prefork and server else ("AF_INET6",)
    for option in ("http_port", "gevent_port"):
        port = found.get(option)
        if port is None or (option == "gevent_port" and not prefork) or (option == "http_port" and task["activated"]):
            continue
        six = ":" in interface and (option == "gevent_port" or "AF_INET6" in names)
        family = socket.AF_INET6 if six else socket.AF_INET
        place, number, error = interface, 0, ""
        try:
            with socket.socket(family, socket.SOCK_STREAM) as one:
                place = socket.getaddrinfo(interface, port, family, socket.SOCK_STREAM)[0][4][0]
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                one.bind((interface, port))
        except (OSError, OverflowError) as exc:
            number, error = getattr(exc, "errno", None) or -1, getattr(exc, "strerror", None) or str(exc)
        places.append([option, place, port, number, error])

def addon_of(path):
    # Name and folder of the addon that a file belongs to.
    folder = os.path.dirname(path)
    while folder != os.path.dirname(folder):
        if manifest_of(folder) is not None:
            return os.path.basename(folder), folder
        folder = os.path.dirname(folder)
    return None, None

def manifest_of(folder):
    import ast
    for name in ("__manifest__.py", "__openerp__.py"):
        try:
            with open(os.path.join(folder, name), "rb") as file:
                found = ast.literal_eval(file.read().decode("utf-8").strip())
            return found if isinstance(found, dict) else {}
        except (OSError, ValueError, SyntaxError):
            if os.path.exists(os.path.join(folder, name)):
                return {}
    return None

def import_addons(package):
    # As Odoo does when it loads them: server-wide modules first, and what an addon depends on before it.
    module = __import__(package + ".modules.module", fromlist=["module"])
    module.initialize_sys_path()
    namespace = __import__(package + ".addons", fromlist=["addons"])
    paths = list(namespace.__path__) + [path for path in getattr(module, "ad_paths", ())]

    def folder_of(name):
        return next((p for p in (os.path.join(path, name) for path in paths) if manifest_of(p) is not None), None)

    wanted = set()
    for path in task["changed"]:
        name, folder = addon_of(path)
        there = folder_of(name) if name else None
        # Another folder of the same name may come first.
        if there and os.path.realpath(there) == os.path.realpath(folder):
            if manifest_of(there).get("installable", True):
                wanted.add(name)
    if not wanted:
        return

    def no_database(*args, **kwargs):
        raise RuntimeError("the start-up check gives an addon no database")

    sys.modules[package + ".sql_db"].db_connect = no_database
    wide = sys.modules[package + ".tools"].config["server_wide_modules"] or []
    wide = [name.strip() for name in (wide.split(",") if isinstance(wide, str) else wide)]
    done = set()

    def load(name):
        if name in done:
            return
        done.add(name)
        folder = folder_of(name)
        for other in ((manifest_of(folder) or {}).get("depends") or ["base"]) if folder and name != "base" else ():
            load(other)
        told["addon"] = name
        try:
            __import__(package + ".addons." + name)
        except Exception:
            # Unchanged code has failed before, too; an addon that needs it fails as well.
            if name in wanted:
                raise

    for name in [one for one in wide if one] + sorted(wanted):
        load(name)

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
    for name in task["modules"]:
        __import__(package + "." + name)
    told["stage"] = "configuration"
    sys.modules[package + ".tools"].config._parse_config(task["args"])
    listen(package)
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
    told["stage"] = "database"
    if task["database"]:
        connect(package)
    if not told["error"] and task["imports"]:
        told["stage"] = "addons"
        import_addons(package)
    if not told["error"]:
        told["stage"] = "done"
except BaseException as exc:
    import traceback
    last = traceback.extract_tb(sys.exc_info()[2])[-1]
    told["error"] = "%s: %s" % (type(exc).__name__, exc)
    told["where"] = "%s:%s" % (getattr(exc, "filename", None) or last[0], getattr(exc, "lineno", None) or last[1])
    if told["stage"] == "addons":
        # The last line of the traceback, with the line of the code that raised it.
        told["error"] = traceback.format_exception_only(type(exc), exc)[-1].strip() or told["error"]
        told["where"] = "%s:%s" % (last[0], last[1]) if not isinstance(exc, SyntaxError) else told["where"]
    elif isinstance(exc, SystemExit):
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


def try_out(proc: Proc, master: Process, task: t.Dict[str, t.Any], start: Start) -> t.Tuple[bytes, str]:
    """Run the trial as the server would run; returns what it answered and what it said on stderr.

    Files and not pipes take what it writes: a process that the server's code leaves behind may keep a pipe open.

    :param task: what :data:`_CODE` reads: script, package, modules (those of Odoo that it imports), args, config_file,
        changed, database (which are asked: those of a ``start`` or of a ``spawn`` of workers; None: none), ports
        (whether they are tried), activated (a unit of systemd has opened the port of HTTP) and imports (whether changed
        addons are imported).
    :raises Refused: it took too long, its interpreter cannot be run, or we cannot write.
    """
    # In a network that we may not enter, another PostgreSQL or none would answer.
    reachable = os.geteuid() == 0 or not differs(proc.root, master.pid, NETWORK)
    try:
        with tempfile.TemporaryFile() as order, tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as said:
            out_of_reach = {} if reachable else {"database": None, "ports": False}
            more = {"connect": _CONNECT, "fd": answer.fileno(), **out_of_reach}
            order.write(json.dumps({**task, **more}).encode())
            order.seek(0)
            _run(proc, master, start, (order, answer, said), _TIMEOUT + (_IMPORT_TIMEOUT if task["imports"] else 0))
            answer.seek(0)
            said.seek(0)
            return answer.read(_MOST_WRITTEN), said.read(_MOST_WRITTEN).decode("utf-8", "replace")
    except OSError as exc:
        raise Refused(codes.NO_TRIAL(error=exc.strerror or str(exc))) from None


def _run(
    proc: Proc, master: Process, start: Start, files: t.Tuple[t.IO[bytes], t.IO[bytes], t.IO[bytes]], seconds: int
) -> None:
    order, answer, said = files
    clean = {key: value for key, value in start.environ.items() if key not in _HANDOVER_VARIABLES}
    try:
        with becoming(proc, master, start.cwd, _MOST_WRITTEN, (MOUNTS, NETWORK)) as become:
            program = programs.start(
                [start.name, "-B", "-c", _CODE],
                executable=start.executable,
                env=clean,
                stdin=order,
                stderr=said,
                pass_fds=(answer.fileno(),),
                preexec_fn=become,  # a module has one thread
            )
            programs.finish(program, seconds)
    except subprocess.TimeoutExpired:
        raise Refused(codes.TRIAL_TIMEOUT(seconds=seconds)) from None
    except (OSError, subprocess.SubprocessError) as exc:
        raise Refused(codes.NOT_RUN(path=start.executable, error=str(exc))) from None
