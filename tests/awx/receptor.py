# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for receptor, which no package registry has: one node that runs ``ansible-runner worker`` for AWX.

It speaks what receptorctl needs on a unix socket. A unit of work is a process with a file for its input and one for its
output. Work that is cancelled gets TERM, and KILL ten seconds later, as receptor does it.

    receptor.py SOCKET NODE FOLDER ANSIBLE-RUNNER
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import pathlib
import shlex
import shutil
import signal
import socketserver
import subprocess
import sys
import threading
import time
import typing as t
import uuid

#: Seconds between TERM and KILL.
GRACE = 10
STATES = {0: "Pending", 1: "Running", 2: "Succeeded", 3: "Failed"}
PENDING, RUNNING, SUCCEEDED, FAILED = STATES


class Unit:
    """A unit of work."""

    def __init__(self, folder: pathlib.Path, runner: str, worktype: str, params: str) -> None:
        folder.mkdir(parents=True)
        self.folder, self.worktype, self.params = folder, worktype, params
        self.state, self.detail = PENDING, ""
        self._command = [runner, "worker", *shlex.split(params)]
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "stdout").touch()

    def start(self) -> None:
        """Start the worker, and a thread that waits for its end."""
        with (self.folder / "stdin").open("rb") as given, (self.folder / "stdout").open("wb") as told:
            self._process = subprocess.Popen(
                self._command, stdin=given, stdout=told, stderr=subprocess.STDOUT, start_new_session=True
            )
        self.state = RUNNING
        threading.Thread(target=self._wait, args=(self._process,), daemon=True).start()

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        code = process.wait()
        self.detail = f"exit status {code}"
        self.state = FAILED if code else SUCCEEDED

    def cancel(self) -> None:
        """End the worker, which ends its container."""
        if self._process is None or self.state != RUNNING:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE)
                return

    @property
    def told(self) -> dict[str, t.Any]:
        """Return the answer to ``work status``."""
        return {
            "State": self.state,
            "StateName": STATES[self.state],
            "Detail": self.detail,
            "StdoutSize": (self.folder / "stdout").stat().st_size,
            "WorkType": self.worktype,
            "ExtraData": {
                "RemoteNode": "",
                "RemoteWorkType": self.worktype,
                "RemoteParams": {"params": self.params},
            },
        }


class Node:
    """All units of this node."""

    def __init__(self, name: str, folder: pathlib.Path, runner: str) -> None:
        self.name, self._folder, self._runner = name, folder, runner
        self.units: dict[str, Unit] = {}

    def status(self) -> dict[str, t.Any]:
        """Return the answer to ``status``."""
        now = datetime.datetime.now(datetime.UTC).isoformat()
        kinds = [{"WorkType": kind, "Secure": False} for kind in ("local", "ansible-runner")]
        own = {"NodeID": self.name, "Service": "control", "Time": now, "ConnType": 1, "Tags": None}
        return {
            "NodeID": self.name,
            "Version": "stand-in",
            "SystemCPUCount": os.cpu_count(),
            "Advertisements": [{**own, "WorkCommands": kinds}],
            "KnownConnectionCosts": {self.name: {}},
            "RoutingTable": {},
            "Connections": [],
        }

    def make(self, asked: dict[str, t.Any]) -> tuple[str, Unit]:
        """Make a unit that has not begun, and return it with its key."""
        key = uuid.uuid4().hex[:8]
        unit = Unit(self._folder / key, self._runner, asked["worktype"], asked.get("params", ""))
        self.units[key] = unit
        return key, unit

    def of(self, what: str, key: str) -> tuple[str, Unit]:
        """Return a unit with its key."""
        if key not in self.units:
            prefix = {"results": "Failed to get results: ", "cancel": "error cancelling remote unit:  "}.get(what, "")
            raise KeyError(f"{prefix}unknown work unit {key}")
        return key, self.units[key]

    def work(self, what: str, *words: str) -> dict[str, t.Any]:
        """Answer a command ``work ...`` that is answered at once."""
        if what == "list":
            return {key: unit.told for key, unit in self.units.items()}
        key, unit = self.of(what, words[0])
        if what == "status":
            return unit.told
        if what not in ("cancel", "release", "force-release"):
            raise KeyError(f"unknown work command {what}")
        unit.cancel()
        if what == "cancel":
            return {"cancelled": key}
        del self.units[key]
        shutil.rmtree(unit.folder, ignore_errors=True)
        return {"released": key}


class Control(socketserver.StreamRequestHandler):
    """One connection of receptorctl."""

    def handle(self) -> None:
        """Answer commands until the other side hangs up."""
        node: Node = self.server.node  # type: ignore[attr-defined]
        self._say(f"Receptor Control, node {node.name}")
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while line := self.rfile.readline().decode().strip():
                try:
                    if not self._answer(node, line):
                        return
                except KeyError as error:
                    self._say(f"ERROR: {error.args[0]}")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\n".encode())
        self.wfile.flush()

    def _answer(self, node: Node, line: str) -> bool:
        """Answer one command, and return whether another may follow."""
        if line.startswith("{"):
            key, unit = node.make(json.loads(line))
            self._say(f"Work unit created with ID {key}. Send stdin data and EOF.")
            with (unit.folder / "stdin").open("wb") as kept:
                shutil.copyfileobj(self.rfile, kept)
            unit.start()
            self._say(json.dumps({"result": "Job Started", "unitid": key}))
            return False
        words = line.split()
        if words == ["status"]:
            self._say(json.dumps(node.status()))
        elif words == ["reload"]:
            self._say(json.dumps({"Success": True}))
        elif words[:2] == ["work", "results"]:
            self._stream(*node.of("results", words[2]), int(words[3]) if len(words) > 3 else 0)
            return False
        elif words[0] == "work" and len(words) > 1:
            self._say(json.dumps(node.work(*words[1:])))
        else:
            raise KeyError(f"unknown command {line}")
        return True

    def _stream(self, key: str, unit: Unit, start: int) -> None:
        self._say(f"Streaming results for work unit {key}")
        with (unit.folder / "stdout").open("rb") as told:
            told.seek(start)
            while True:
                # First the state: what is written before the end is read afterwards.
                over = unit.state in (SUCCEEDED, FAILED)
                while piece := told.read(1 << 16):
                    self.wfile.write(piece)
                self.wfile.flush()
                if over:
                    return
                time.sleep(0.05)


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """A thread for each connection."""

    daemon_threads = True


def main(socket: str, name: str, folder: str, runner: str) -> None:
    """Serve until the end."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(socket)
    with Server(socket, Control) as server:
        server.node = Node(name, pathlib.Path(folder), runner)  # type: ignore[attr-defined]
        server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
