# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rolling restart under way, so that tests can meddle with it at the right moment."""

from __future__ import annotations

import csv
import json
import os
import pathlib
import re
import subprocess
import threading
import time
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet, no_secrets

#: How the lab's balancer is reached.
HAPROXY = {
    "balancer": "haproxy",
    "balancer_haproxy_hosts": ["lb"],
    "balancer_haproxy_backends": ["odoo"],
}
RELOAD = "Reload the servers, and wait until they are healthy"
#: The first task that touches a host.
LOCK = "Take the lock of each host"


@dataclass
class Ended:
    """The result of a roll. ``outcomes`` are from its report, by host."""

    code: int
    output: str
    report: dict[str, t.Any]
    folder: pathlib.Path

    @property
    def outcomes(self) -> dict[str, str]:
        """Host -> outcome."""
        return {one["host"]: one["outcome"] for one in self.report.get("hosts", [])}

    def reason(self, host: str) -> str:
        """Return the reason of the outcome of a host."""
        return next(str(one["reason"]) for one in self.report["hosts"] if one["host"] == host)

    def code_of(self, host: str) -> str | None:
        """Return the code of what failed on a host."""
        return next((str(one["code"]) for one in self.report["hosts"] if one["host"] == host and one["code"]), None)

    def stop(self) -> tuple[str, str]:
        """Return in a word and by its code why the roll stopped."""
        return self.report["stopped"]["why"], self.report["stopped"]["code"]

    def __str__(self) -> str:
        return self.output


class Roll:
    """``ansible-playbook fleetops.odoo.rolling_restart``, begun."""

    def __init__(
        self, fleet: Fleet, folder: pathlib.Path, *options: str, program: str = "", **variables: t.Any
    ) -> None:
        self.folder = folder
        values = {
            name if name.startswith("balancer") else f"rolling_restart_{name}": variables[name] for name in variables
        }
        values = {"rolling_restart_report_dir": str(folder), "rolling_restart_policy": "always", **HAPROXY, **values}
        # None leaves a variable to the inventory.
        values = {name: value for name, value in values.items() if value is not None}
        self._begun = time.time()
        self.process = subprocess.Popen(
            [
                program or "ansible-playbook",
                *("-i", fleet.inventory, "fleetops.odoo.rolling_restart", "-e", json.dumps(values), *options),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # In a group of its own, as a job of AWX is.
            start_new_session=True,
            env={**os.environ, "ANSIBLE_CALLBACKS_ENABLED": "fleetops.odoo.roll_progress"},
        )
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with t.cast("t.IO[str]", self.process.stdout) as stdout:
            for line in stdout:
                self._lines.append(line)

    @property
    def output(self) -> str:
        """Return the output so far."""
        return "".join(self._lines)

    def wait_for(self, pattern: str, seconds: float = 60) -> None:
        """Wait until it has printed this."""
        deadline = time.monotonic() + seconds
        while not re.search(pattern, self.output):
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.05)

    def wait_for_turn(self, host: str, task: str = RELOAD) -> None:
        """Wait until a task has begun in the batch of this host."""
        self.wait_for(rf"ROLL [\d:]+ batch \d+ of \d+: [^(]*\b{host}\b[\s\S]*TASK \[[^\]]*{re.escape(task)}\]")

    def end(self, seconds: float = 240) -> Ended:
        """Wait until it is over."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(self.output) from None
        self._reader.join(10)
        no_secrets(self.output)
        reports = [path for path in self.folder.glob("*/report.json") if path.stat().st_mtime >= self._begun]
        for path in self.folder.rglob("*"):
            if path.is_file():
                no_secrets(path.read_text(encoding="utf-8"))
        report = json.loads(max(reports).read_text(encoding="utf-8")) if reports else {}
        return Ended(self.process.returncode, self.output, report, max(reports).parent if reports else self.folder)


def balancer(fleet: Fleet) -> dict[str, tuple[str, str]]:
    """Return the state of every host in the load balancer: administrative state and status."""
    answer = fleet.module("lb", "haproxy_info")
    assert answer.code == 0, answer.output
    return {one["server"]: (one["admin"], one["status"]) for one in answer.result["servers"]}


def set_state(fleet: Fleet, host: str, state: str) -> None:
    """Do in the balancer what an administrator does by hand: ready, drain or maint."""
    fleet.run("lb", "sh", "-c", f"echo 'set server odoo/{host} state {state}' | socat - /run/haproxy/admin.sock")


def all_in(fleet: Fleet) -> bool:
    """Return whether every host is in the load balancer and healthy, as HAProxy says: a module takes longer."""
    shown = fleet.run("lb", "sh", "-c", "echo 'show stat' | socat - /run/haproxy/admin.sock").removeprefix("# ")
    servers = [row for row in csv.DictReader(shown.splitlines()) if row["svname"] not in ("FRONTEND", "BACKEND")]
    return {row["status"].partition(" ")[0] for row in servers} == {"UP"}


def locked(fleet: Fleet, host: str) -> t.Any:
    """The lock of a host; None where there is none."""
    return fleet.module(host, "roll_lock", "--check", state="absent", take_over=["*"]).result["was"]
