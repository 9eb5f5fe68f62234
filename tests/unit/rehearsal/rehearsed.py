# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small server that can be rehearsed: a process that runs a script, and an Odoo of a few files."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._config.cmdline import parse_command
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Instance, Mode, State
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.process import parse_stat
from ansible_collections.fleetops.odoo.plugins.module_utils._rehearsal.rehearsal import (
    Restart,
    rehearse,
    rehearse_restart,
    rehearse_spawn,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused

from .. import build

SECRET = "Q7zX9w"

#: What odoo-bin does here: it is there until its stdin ends.
ODOO_BIN = "import sys; sys.stdin.read()\n"
CONFIG = """
import configparser
class Config(dict):
    def _parse_config(self, args):
        self.update(db_name=False, db_password=False)
        if "-c" in args:
            parser = configparser.RawConfigParser()
            parser.read(args[args.index("-c") + 1])
            self.update(parser.items("options"))
            int(parser.get("options", "workers"))
config = Config()
"""
#: Odoo's connection to its databases, as far as the start-up check uses it: a file names the database server.
SQL_DB = """
import os
from .tools import config
there, down, may_create = ["postgres", "one", "two"], {}, False
opened = []
class Cursor:
    def __init__(self, name):
        if name in down:
            raise OSError(down[name] % os.environ)
        opened.append(name)
    def execute(self, query):
        self.rows = [(name,) for name in there] if query == "SELECT datname FROM pg_database" else [(may_create,)]
    def fetchall(self):
        return self.rows
    def close(self):
        opened.pop()
class Connection:
    def __init__(self, name):
        self.name = name
    def cursor(self):
        return Cursor(self.name)
def db_connect(name, allow_uri=False):
    assert allow_uri or "://" not in name
    return Connection(name)
def close_all():
    assert not opened
"""


class Server:
    """A process that only looks like Odoo, as the user nobody if we are root."""

    #: Python files that the rehearsal is told to compile
    changed: t.Sequence[str] = ()
    #: whether a restart goes on without a database, and whether it asks for one
    force = False
    asks = True
    #: whether the addons of these files are imported
    imports = False

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        for name, text in {
            "odoo-bin": ODOO_BIN,
            "odoo/__init__.py": "from . import tools",
            "odoo/http.py": "",
            "odoo/service/__init__.py": "",
            "odoo/service/server.py": "",
            "odoo/sql_db.py": SQL_DB,
            "odoo/tools/__init__.py": CONFIG,
        }.items():
            self.write(name, text)
        self.write("odoo.conf", "[options]\nworkers = 2\n")
        self.uid = 65534 if os.geteuid() == 0 else os.geteuid()
        self.gid = 65534 if os.geteuid() == 0 else os.getegid()
        self.popen: subprocess.Popen[bytes] | None = None

    def write(self, name: str, text: str) -> None:
        """Write a file of the server."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text)

    def start(self, argv: list[str] | None = None, **keywords: t.Any) -> None:
        """Start it; ``argv`` is the arguments that it shows."""
        shown = argv or ["/usr/bin/python3", str(self.folder / "odoo-bin"), "-c", str(self.folder / "odoo.conf")]

        # Popen takes a user from Python 3.9 on.
        def become() -> None:
            os.setgroups([])
            os.setgid(self.gid)
            os.setuid(self.uid)

        self.popen = subprocess.Popen(
            shown,
            executable=keywords.pop("executable", "/usr/bin/python3"),
            stdin=subprocess.PIPE,
            cwd=keywords.pop("cwd", self.folder),
            env={"PATH": "/usr/bin:/bin", "HOME": "/"},
            preexec_fn=become if os.geteuid() == 0 else None,  # noqa: PLW1509
        )
        # Popen returns when the exec has closed its pipe. The kernel shows the new arguments a moment later.
        deadline = time.monotonic() + 10
        while not Proc().read(self.popen.pid, "cmdline") and self.popen.poll() is None:
            assert time.monotonic() < deadline

    def settle(self) -> None:
        """Wait until it has read its script and waits for its stdin: asleep at several looks, not at one by chance."""
        pid, asleep, deadline = t.cast("subprocess.Popen[bytes]", self.popen).pid, 0, time.monotonic() + 10
        while asleep < 5:
            assert time.monotonic() < deadline
            asleep = asleep + 1 if Proc().text(pid, "stat").rpartition(")")[2].split()[0] == "S" else 0
            time.sleep(0.02)

    def instance(self, **fields: t.Any) -> Instance:
        """The instance that a look would make of it."""
        pid, proc = t.cast("subprocess.Popen[bytes]", self.popen).pid, Proc()
        argv = tuple(proc.read(pid, "cmdline").decode().split("\0")[:-1])
        values = {
            "argv": argv,
            "start": parse_stat(proc.text(pid, "stat")).start,
            "uid": self.uid,
            "gid": self.gid,
            "groups": (),
            "executable": proc.link(pid, "exe"),
            "cwd": proc.link(pid, "cwd"),
            **fields,
        }
        master = build.process(pid, caught=build.THREADED_MASTER, **values)
        command = parse_command(argv)
        assert command
        return Instance(master, command, Mode.THREADED, State.RUNNING, (), None)

    def rehearse(self, **fields: t.Any) -> str:
        """Rehearse; what would fail, empty for nothing."""
        try:
            done = rehearse(
                Proc(),
                self.instance(**fields),
                str(self.folder / "odoo.conf"),
                "odoo.service",
                self.changed,
                force=self.force,
                imports=self.imports,
            )
        except Refused as exc:
            return f"{exc.code}: {exc}"
        return "".join(f"forced: {one.code}: {one}" for one in done.overridden)

    def rehearse_restart(
        self,
        *,
        cwd: str | None = None,
        unit_changed: bool = False,
        **fields: t.Any,
    ) -> str | list[str]:
        """Rehearse a restart; what would fail, else what was not rehearsed and what was overridden."""
        config_file = str(self.folder / "odoo.conf")
        try:
            done = rehearse_restart(
                Proc(),
                self.instance(**fields),
                config_file,
                self.changed,
                Restart(cwd, unit_changed, self.asks),
                force=self.force,
                imports=self.imports,
            )
            return [*done.left_out, *(f"forced: {one.code}: {one}" for one in done.overridden)]
        except Refused as exc:
            return f"{exc.code}: {exc}{' (restart_helps)' if exc.restart_helps else ''}"

    @property
    def pid(self) -> int:
        """Of its process."""
        return t.cast("subprocess.Popen[bytes]", self.popen).pid

    def rehearse_spawn(self, version: str | None = "19.0", **fields: t.Any) -> str | None:
        """Rehearse that its master starts a worker; why that is not known, None for nothing."""
        doubt = rehearse_spawn(Proc(), self.instance(**fields), str(self.folder / "odoo.conf"), version)
        return f"{doubt.code}: {doubt}" if doubt else None

    def restart_helps(self, **fields: t.Any) -> bool:
        """Return whether a restart may avoid the failure of the start-up check of a HUP."""
        with pytest.raises(Refused) as caught:
            rehearse(Proc(), self.instance(**fields), str(self.folder / "odoo.conf"), None, self.changed)
        return caught.value.restart_helps

    def end(self) -> None:
        """Let it end."""
        if self.popen:
            t.cast("t.IO[bytes]", self.popen.stdin).close()
            self.popen.wait()


@pytest.fixture
def server() -> t.Iterator[Server]:
    """A server whose files everybody may read, unlike those below pytest's own folder."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="fleetops-rehearsal-"))
    folder.chmod(0o755)
    made = Server(folder)
    yield made
    made.end()
    shutil.rmtree(folder)
