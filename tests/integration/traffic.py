# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests that go through a balancer all the time, while tests take hosts out of it and put them back."""

from __future__ import annotations

import contextlib
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import typing as t

from ansible_collections.fleetops.odoo.tests.integration.conftest import ROOT, Fleet, address

#: GET and POST, short ones, and now and then one of 8 s.
PATHS = "/lab/pid=40,POST /lab/pid=40,/lab/sleep/0.3=9,POST /lab/sleep/0.3=8,POST /lab/sleep/8=3"


@contextlib.contextmanager
def traffic(fleet: Fleet, port: int, paths: str = PATHS, rate: float = 5) -> t.Iterator[dict[str, t.Any]]:
    """Send requests to a port of lb while the block runs; the sum of them is there once it has ended."""
    found: dict[str, t.Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        tally = pathlib.Path(folder, "tally.json")
        url = f"http://{address(fleet.inventory, 'lb')}:{port}"
        words = ["--url", url, "--rate", str(rate), "--paths", paths, "--timeout", "60", "--tally", str(tally)]
        load = subprocess.Popen([sys.executable, str(ROOT / "tests/lab/load.py"), *words], stdout=subprocess.DEVNULL)
        try:
            yield found
        finally:
            load.send_signal(signal.SIGTERM)
            load.wait(90)
        found.update(json.loads(tally.read_text(encoding="utf-8")))


def roll(fleet: Fleet, out: str, back: str) -> subprocess.CompletedProcess[str]:
    """Take one host after the other out by these tasks, reload it, and put it back: one call of ansible-playbook."""
    head = "- hosts: odoo\n  serial: 1\n  gather_facts: false\n  tasks:\n    - pause: {seconds: 3}"
    reload = "    - fleetops.odoo.reload: {policy: always, method: hup, timeout: 120}\n"
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "roll.yml")
        path.write_text(head + out + reload + back.lstrip("\n"), encoding="utf-8")
        return fleet.playbook(str(path))
