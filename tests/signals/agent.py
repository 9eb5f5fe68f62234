# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Send signals to the Odoo of this host, one after the other, and print what each did as a line of JSON.

Runs on a host of the lab, as root, with the host's own Python (3.9 to 3.13) and nothing else. Its argument is a list of
trials as JSON: ``{"role": "master", "state": "running", "signal": "HUP"}``. Before each trial the server is as it was
started: two http workers, one cron worker, gevent, in a unit without a restart.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import typing as t

LOG = "/var/log/odoo/odoo-server.log"
SIGNALS = ("HUP", "INT", "QUIT", "USR1", "USR2", "TERM", "CHLD", "TTIN", "TTOU", "XCPU")
BOOT_SECONDS = 60.0
#: How long a process is watched that shows no effect.
QUIET_SECONDS = 2.0
#: How long, where a signal may end a server or have it execute itself: it waits for its requests first.
PATIENT_SECONDS = 25.0
#: How long the request in flight takes, where there is one.
REQUEST_SECONDS = 4
Row = t.Dict[str, t.Any]


def caught(pid: int) -> t.List[str]:
    """Signals for which a process has a handler; empty when there is no such process."""
    try:
        with open("/proc/%d/status" % pid, encoding="ascii", errors="replace") as file:
            mask = next(int(line.split()[1], 16) for line in file if line.startswith("SigCgt"))
    except (OSError, StopIteration):
        return []
    return [name for name in SIGNALS if mask >> (getattr(signal, "SIG" + name) - 1) & 1]


def stat(pid: int) -> t.List[str]:
    """Fields of /proc/PID/stat from the state on, so that field N of proc(5) is at N - 3; empty without a process."""
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(") ")[2].split()
    except OSError:
        return []


def lives(pid: int) -> bool:
    """A zombie does not."""
    fields = stat(pid)
    return bool(fields) and fields[0] not in ("Z", "X")


def fingerprint(pid: int) -> str:
    """Return the start of the stack: another one after each exec, the same after a fork."""
    fields = stat(pid)
    return fields[25] if fields else ""


def children(master: int) -> t.Dict[str, t.List[int]]:
    """The children of a master by role, the oldest first."""
    found: t.Dict[str, t.List[int]] = {"http": [], "cron": [], "gevent": []}
    for name in os.listdir("/proc"):
        if name.isdigit() and stat(int(name))[1:2] == [str(master)] and lives(int(name)):
            with open("/proc/%s/cmdline" % name, "rb") as file:
                words = file.read().split(b"\0")
            nice = int(stat(int(name))[16])
            found["gevent" if b"gevent" in words else "cron" if nice >= 10 else "http"].append(int(name))
    return {role: sorted(pids) for role, pids in found.items()}


def unit() -> t.Dict[str, str]:
    """Return the properties of the server in systemd."""
    wanted = "MainPID,ActiveState,Result,ExecMainCode,ExecMainStatus"
    text = subprocess.run(
        ["systemctl", "show", "odoo", "--property=" + wanted], capture_output=True, text=True, check=False
    ).stdout
    return dict(line.partition("=")[::2] for line in text.splitlines())


def answers() -> bool:
    """Does the server answer a request that needs its database?"""
    return ask("/lab/pid", 5) == 200


def ask(path: str, seconds: float = 40) -> t.Union[int, str]:
    """The status of a request, or "cut" where no answer came."""
    connection = http.client.HTTPConnection("127.0.0.1", 8069, timeout=seconds)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return "cut"
    finally:
        connection.close()


def until(ready: t.Callable[[], bool], seconds: float) -> bool:
    """Wait for something."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.03)
    return True


class Server:
    """The server of this host, which is started again where a trial left traces."""

    def __init__(self) -> None:
        self.master = 0
        self.crew: t.Dict[str, t.List[int]] = {}
        self.prefork = False
        self.handlers: t.List[str] = []

    def renew(self) -> None:
        """End what is left, and start it."""
        subprocess.run(["systemctl", "kill", "--signal=KILL", "odoo"], check=False, stderr=subprocess.DEVNULL)
        until(lambda: unit()["ActiveState"] != "active", 10)
        subprocess.run(["systemctl", "reset-failed", "odoo"], check=False, stderr=subprocess.DEVNULL)
        subprocess.run(["systemctl", "start", "odoo"], check=True)
        assert until(answers, BOOT_SECONDS), "the server does not come up"
        self.master = int(unit()["MainPID"])
        self.handlers = caught(self.master)
        self.prefork = "TTIN" in self.handlers
        assert until(self._whole, BOOT_SECONDS), children(self.master)
        time.sleep(1)
        self.crew = children(self.master)

    def _whole(self) -> bool:
        crew = children(self.master)
        # A child that was just forked has its master's handlers, and gevent, once it has executed itself, none.
        masks = [caught(pid) for pids in crew.values() for pid in pids]
        rested = all("QUIT" in mask and "TTIN" not in mask for mask in masks)
        return rested and (not self.prefork or [len(crew[role]) for role in ("http", "cron", "gevent")] == [2, 1, 1])

    def is_as_started(self) -> bool:
        """Is all of it as it was started, once those that have ended are replaced?"""
        if not self.master or not lives(self.master) or not answers() or not until(self._whole, 5):
            return False
        self.crew = children(self.master)
        return caught(self.master) == self.handlers

    def boot(self) -> None:
        """Start it, and come back while it has the handler of INT alone."""
        subprocess.run(["systemctl", "kill", "--signal=KILL", "odoo"], check=False, stderr=subprocess.DEVNULL)
        until(lambda: unit()["ActiveState"] != "active", 10)
        subprocess.run(["systemctl", "reset-failed", "odoo"], check=False, stderr=subprocess.DEVNULL)
        subprocess.run(["systemctl", "start", "--no-block", "odoo"], check=True)
        assert until(lambda: unit()["MainPID"] != "0", 10)
        self.master = int(unit()["MainPID"])
        assert until(lambda: caught(self.master) == ["INT"], 10), caught(self.master)


class Flight(threading.Thread):
    """A request under way."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.status: t.Union[int, str, None] = None
        self.start()

    def run(self) -> None:
        """Wait for its answer."""
        self.status = ask("/lab/sleep/%d" % REQUEST_SECONDS)


class Probe(threading.Thread):
    """Measure for how long nothing listens on the port."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.over = False
        self.refused = 0.0
        self.start()

    def run(self) -> None:
        """Connect without a request, every 50 ms."""
        before = time.monotonic()
        while not self.over:
            try:
                socket.create_connection(("127.0.0.1", 8069), timeout=1).close()
            except ConnectionRefusedError:
                self.refused += time.monotonic() - before
            except OSError:
                pass
            before = time.monotonic()
            time.sleep(0.05)


def written(offset: int, pid: int) -> str:
    """Return the new lines of a process in the log, with following lines without a head."""
    with open(LOG, "rb") as file:
        file.seek(offset)
        text = file.read().decode("utf-8", "replace")
    found, ours = [], False
    for line in text.splitlines():
        words = line.split(" ", 4)
        if len(words) > 3 and words[2].isdigit() and words[0][:4].isdigit():
            ours = int(words[2]) == pid
        if ours:
            found.append(line)
    return "\n".join(found)


def busy(master: int) -> int:
    """The http worker that works, by the children's sockets: the one with an open connection to a client."""
    for pid in children(master)["http"]:
        if connections(pid):
            return pid
    return 0


def connections(pid: int) -> int:
    """Established connections of a process to the server's port."""
    inodes = set()
    for name in os.listdir("/proc/%d/fd" % pid):
        try:
            inodes.add(os.readlink("/proc/%d/fd/%s" % (pid, name)))
        except OSError:
            continue
    with open("/proc/net/tcp", encoding="ascii") as file:
        rows = [line.split() for line in file.readlines()[1:]]
    return sum(r[1].endswith(":1F85") and r[3] == "01" and "socket:[%s]" % r[9] in inodes for r in rows)


def effect(server: Server, pid: int, before: str, name: str) -> str:
    """Return the visible effect of a signal so far; empty without one."""
    fields = stat(server.master)
    if not lives(server.master):
        state = unit()
        if state["ActiveState"] == "active":
            return ""
        # ExecMainCode: 1 exited, 2 killed by a signal, 3 the same with a core.
        return "killed" if state["ExecMainCode"] in ("2", "3") else "ended:" + state["ExecMainStatus"]
    if not fields or fields[0] in ("Z", "X"):
        return ""
    if pid == server.master and fingerprint(pid) not in (before, "", "0"):
        return "executes itself"
    if "T" in (fields[0], *stat(pid)[:1]):
        return "stopped"
    if pid != server.master and not lives(pid):
        return "gone"
    now = children(server.master)["http"]
    # Not after other signals: for a moment a shepherd, or a child that ends, looks like a worker.
    if name == "TTIN" and pid == server.master and server.crew and set(now) > set(server.crew["http"]):
        return "one more"
    return ""


def told(text: str) -> str:
    """Return what a process wrote: its stacks, or statistics of its caches."""
    if "# Thread:" in text or "\nThread:" in text:
        return "stacks and greenlets" if "# Greenlet" in text else "stacks"
    return "statistics" if " odoo.tools.cache: " in text else ""


def trial(server: Server, wanted: Row) -> Row:
    """Send one signal, and watch until its effect is over."""
    number = getattr(signal, "SIG" + wanted["signal"])
    state, role = wanted["state"], wanted["role"]
    if state == "booting":
        server.boot()
        server.crew = {}
    elif not server.is_as_started():
        server.renew()
    flight = None
    if state in ("serving", "at work", "stopping"):
        flight = Flight()
        time.sleep(0.7)
    pid = server.master
    if role != "master":
        pid = busy(server.master) if state == "at work" else server.crew[role][0]
    if state == "stopping":
        os.kill(pid, signal.SIGINT)
        time.sleep(0.7)
    had, offset, before = caught(pid), os.path.getsize(LOG), fingerprint(pid)
    row = {**wanted, "caught": had, "effect": "nothing"}
    if not had and not lives(pid):
        return {**row, "effect": "not tried: it has ended before"}
    probe = Probe() if role == "master" and state != "booting" else None
    sent = time.monotonic()
    os.kill(pid, number)
    seen = watch(server, pid, offset, before, wanted)
    row["effect"] = seen or "nothing"
    row["seconds"] = round(time.monotonic() - sent, 1)
    if flight:
        flight.join(45)
        row["request"] = flight.status
    if seen.endswith("gone"):
        first = len(server.crew[role])
        row["replaced"] = until(lambda: len(children(server.master)[role]) >= first, 15)
    if seen == "executes itself":
        row["serves again"] = until(answers, BOOT_SECONDS)
    if probe:
        probe.over = True
        probe.join(5)
        row["closed"] = round(probe.refused, 1)
    if seen in ("nothing", "") and state == "booting":
        row["comes up"] = until(answers, BOOT_SECONDS)
    return row


def watch(server: Server, pid: int, offset: int, before: str, row: Row) -> str:
    """Wait for an effect, and return what was seen; empty when nothing happens for long enough."""
    began = time.monotonic()
    ends = (
        row["state"] == "stopping"
        or row["signal"] in ("INT", "TERM")
        or (row["role"], row["signal"]) == ("master", "HUP")
    )
    # An idle worker takes note of an INT at its next beat, up to four seconds later; XCPU is an INT to some.
    patience = PATIENT_SECONDS if ends or row["signal"] == "XCPU" else QUIET_SECONDS
    patience = QUIET_SECONDS if row["state"] == "booting" else patience
    wrote = ""
    while True:
        seen = effect(server, pid, before, row["signal"])
        # What it wrote comes first: a process may end of its own writing.
        wrote = wrote or told(written(offset, pid))
        if seen:
            return "%s, then %s" % (wrote, seen) if wrote else seen
        if time.monotonic() - began > patience:
            return wrote
        time.sleep(0.05)


def main() -> None:
    """Run the trials."""
    server = Server()
    for wanted in json.loads(sys.argv[1]):
        row: Row = {}
        for number in (1, 2, 3):
            try:
                row = trial(server, wanted) if number == 1 else {**trial(server, wanted), "try": number}
            except (AssertionError, OSError) as error:
                # A process that was to get the signal has ended before, or the server did not come up in time.
                row = {**wanted, "failed": "%s: %s" % (type(error).__name__, error)}
            # A busy process may run a handler late, or not at all.
            silent = row.get("effect") == "nothing" and wanted["signal"] in row["caught"] and wanted["signal"] != "TTOU"
            if not silent and "failed" not in row:
                break
            server.master = 0
        print(json.dumps(row), flush=True)
        # TTOU leaves nothing to be seen but a lower target.
        if wanted["role"] == "master" and (wanted["signal"] in ("TTIN", "TTOU") or wanted["state"] != "serving"):
            server.master = 0
    server.renew()


if __name__ == "__main__":
    main()
