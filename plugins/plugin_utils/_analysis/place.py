# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Find the place of a stack, and what it waits for there, from its frames only. Pure.

A call into C leaves no frame: a query of psycopg2 ends in odoo/sql_db.py, a ``time.sleep`` and a lock in the line that
calls it. Seen: PostgreSQL, sleep, Python and a lock of PostgreSQL on Odoo 14.0 and 19.0. The rest comes from the
sources of the libraries.
"""

from __future__ import annotations

import functools
import re
import typing as t
from dataclasses import dataclass

from ...module_utils._dumps.stack import CRON_WORK, Frame, Stack
from ...module_utils._system.redact import redact_text

POSTGRES, WRITE, LOCK, REMOTE, CLIENT, PROGRAM, SLEEP, MESSAGES, PYTHON = (
    "postgresql",
    "postgresql write",
    "python lock",
    "remote",
    "client",
    "program",
    "sleep",
    "messages",
    "python",
)
#: No stack tells that; rows of pg_stat_activity do.
POSTGRES_LOCK = "postgresql lock"

#: What wrote the dump stands on the stack of the thread that wrote it.
_DUMPER = frozenset(["dumpstacks", "extract_stack"])
#: What lies above these is the server's own and differs between the ways to run it.
_ROOTS = frozenset(["run_wsgi", "run_application", "handle_one_response"])
_CRON_FILE = "/ir_cron.py"

_ADDON = re.compile(r".*/addons/([^/]+)/")
#: A module that lies in no directory of the name addons.
_MODULE = re.compile(r".*/([^/]+)/(?:models|controllers|wizards?|reports?)/[^/]+\.py$")
_LIBRARY = re.compile(r"/(?:dist|site)-packages/|/lib(?:64)?/python3[^/]*/")
_SHORT = re.compile(r".*/(?:addons|dist-packages|site-packages|lib(?:64)?/python3[^/]*)/")
#: Dispatchers of requests and jobs, in each of which half of a fleet stands.
_DISPATCHERS = ("/ir_http.py", _CRON_FILE)
_FRAMEWORK = frozenset(["base", "web", "http_routing"])

_SQL_FILE, _DRIVER = re.compile(r"/sql_db\.py$"), re.compile(r"/psycopg2?/|/psycogreen/")
_SQL_CALL = re.compile(r"\b_?(?:obj|cnx|cursor|connection)\.|psycopg2?\.|\bexecute|\bfetch")
_WRITERS = frozenset(
    [
        "write",
        "_write",
        "_write_multi",
        "flush",
        "flush_all",
        "flush_model",
        "flush_recordset",
        "_flush",
        "create",
        "_create",
        "unlink",
        "try_lock_for_update",
        "lock_for_update",
        "recompute",
    ]
)
_WRITING = re.compile(
    r"(?i)\bfor (?:no key )?update\b|\bupdate\s+\"?\w+\"?\s+set\b|\binsert into\b|\bdelete from\b|\block table\b"
)
_LOCKING = re.compile(r"\.acquire\(|^(?:async )?with [\w.\[\]()]*lock\b", re.IGNORECASE)
_WAITERS = frozenset(["wait", "wait_for", "join", "acquire", "_wait_for_tstate_lock", "__enter__", "get"])
_REMOTE = re.compile(
    r"/(requests|urllib3|httpx|httpcore|aiohttp|zeep|suds|paramiko|ldap3?|botocore|google|grpc|stripe|pysftp|websocket)/"
    r"|/(http/client|xmlrpc/client|urllib/request|smtplib|imaplib|poplib|ftplib|telnetlib)\.py$"
)
_SOCKET = re.compile(r"/(?:socket|ssl|socketserver)\.py$")
_BUS = re.compile(r"/bus/(?:websocket|models/bus)\.py$")
_SLEEP = re.compile(r"\bsleep\(")


@dataclass(frozen=True)
class Place:
    """The place of a thread. ``module`` is the addon of ``frame``; ``entry`` the outermost call of another addon.

    ``frames`` are those below the frames of the server, the innermost last; ``through`` the library of a connection.
    """

    wait: str
    frame: Frame | None
    module: str | None
    entry: str | None
    through: str | None
    frames: tuple[Frame, ...]

    @property
    def name(self) -> str:
        """Module and method with file and line, as people read it."""
        if self.frame is None:
            return "an empty stack"
        where = f"{short(self.frame.file)}:{self.frame.line}"
        return f"{self.module}.{self.frame.function} ({where})" if self.module else f"{self.frame.function} ({where})"

    @property
    def key(self) -> tuple[str, str, str]:
        """A key that is equal for threads with the same work, in any line of it."""
        return self.wait, short(self.frame.file) if self.frame else "", self.frame.function if self.frame else ""


def place_of(stack: Stack, addons: t.Sequence[str] = ()) -> Place:
    """Return the place of a thread.

    :param addons: directories of modules that have no ``addons`` in their path.
    """
    frames = _below_the_server(stack)
    ours = [(frame, module) for frame in frames for module in [module_of(frame.file, tuple(addons))] if module]
    ours = [one for one in ours if not one[0].file.endswith(_DISPATCHERS)] or ours
    frame, module = ours[-1] if ours else (_last_of_odoo(frames), None)
    entries = [f"{name}.{one.function}" for one, name in ours if name not in _FRAMEWORK and name != module]
    wait, through = _wait(frames)
    if wait == POSTGRES and any(_writes(one) for one in frames):
        wait = WRITE
    return Place(wait, frame, module, entries[0] if entries else None, through, frames)


@functools.lru_cache(maxsize=20_000)
def module_of(file: str, addons: tuple[str, ...] = ()) -> str | None:
    """Return the addon of a file; None without one."""
    for directory in addons:
        if file.startswith(directory.rstrip("/") + "/"):
            return file[len(directory.rstrip("/")) + 1 :].partition("/")[0]
    addon = _ADDON.match(file)
    if addon:
        return addon.group(1)
    module = None if _LIBRARY.search(file) else _MODULE.match(file)
    return module.group(1) if module else None


@functools.lru_cache(maxsize=20_000)
def short(file: str) -> str:
    """Return a path from its module or library on, which is the same on hosts with other directories."""
    found = _SHORT.match(file)
    return file[found.end() :] if found else file


@functools.lru_cache(maxsize=20_000)
def shown(frame: Frame) -> str:
    """Return a frame in one line, with secrets in its code hidden."""
    where = f"{short(frame.file)}:{frame.line} {frame.function}"
    return f"{where}: {redact_text(frame.source)}" if frame.source else where


def _below_the_server(stack: Stack) -> tuple[Frame, ...]:
    frames = stack.frames
    while frames and frames[-1].function in _DUMPER:
        frames = frames[:-1]
    begin = 0
    for number, frame in enumerate(frames):
        if frame.function in _ROOTS:
            begin = number + 1
        elif stack.work == CRON_WORK and frame.file.endswith(_CRON_FILE):
            return frames[number:]
    return frames[begin:] or frames


def _last_of_odoo(frames: t.Sequence[Frame]) -> Frame | None:
    """Return the innermost frame outside of libraries, otherwise the innermost frame."""
    return next((f for f in reversed(frames) if "/odoo/" in f.file or not _LIBRARY.search(f.file)), None) or next(
        reversed(frames), None
    )


def _writes(frame: Frame) -> bool:
    if frame.source and _WRITING.search(frame.source):
        return True
    return frame.function in _WRITERS and ("/odoo/" in frame.file or "/openerp/" in frame.file)


def _wait(frames: t.Sequence[Frame]) -> tuple[str, str | None]:
    if not frames:
        return PYTHON, None
    last = frames[-1]
    source = last.source or ""
    if any(_BUS.search(frame.file) for frame in frames[-6:]) and last.function not in ("execute", "<module>"):
        return MESSAGES, None
    green = any(frame.function == "gevent_wait_callback" for frame in frames[-6:])
    if _LOCKING.search(source):
        return LOCK, None
    if green or _DRIVER.search(last.file) or (_SQL_FILE.search(last.file) and (not source or _SQL_CALL.search(source))):
        return POSTGRES, None
    if last.file.endswith(("/threading.py", "/queue.py")) and last.function in _WAITERS:
        return LOCK, None
    if last.file.endswith("/subprocess.py") or "waitpid(" in source:
        return PROGRAM, None
    # The outermost library is the one that the code knows by name, and Python's own come below it.
    libraries = [found for frame in frames[-20:] for found in [_REMOTE.search(frame.file)] if found]
    if libraries:
        return REMOTE, libraries[0].group(1) or libraries[0].group(2).replace("/", ".")
    if _SOCKET.search(last.file) or (last.function == "process_request" and last.file.endswith("/service/server.py")):
        # Below the application a socket is the client's only if the server's library reads or writes it.
        by_werkzeug = any("/werkzeug/" in frame.file or "/http/server.py" in frame.file for frame in frames[-8:])
        return (CLIENT, None) if by_werkzeug or last.file.endswith("/socketserver.py") else (REMOTE, None)
    return (SLEEP, None) if _SLEEP.search(source) else (PYTHON, None)
