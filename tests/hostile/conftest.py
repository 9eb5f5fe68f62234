# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host with hostile users: the service user of one server, the service user of another one, and a third user.

The programs of the attackers are ours. They run in the lab only, each in a host of its own.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import subprocess
import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet, lab_up, login

HERE = pathlib.Path(__file__).parent
#: The service users of both servers of the host, and a user who has no rights.
SERVICE, TENANT, THIRD = "odoo", "odootest", "ops"


@pytest.fixture(scope="session")
def fleet() -> t.Iterator[Fleet]:
    """The fleet of the attacks, up for the whole run."""
    yield from lab_up(os.environ.get("FLEETOPS_TEST_LAB", "hostile"), str(HERE / "fleet.yml"))


def send_file(fleet: Fleet, host: str, content: str | bytes, path: str, mode: str = "0755") -> None:
    """Write a file on a host as root."""
    data = content if isinstance(content, bytes) else content.encode()
    fleet.feed(host, f"cat > {path} && chmod {mode} {path}", data)


@contextlib.contextmanager
def attack(fleet: Fleet, host: str, user: str, program: str, *arguments: str) -> t.Iterator[list[int]]:
    """Run a program of this folder on a host as a user while the block runs. It prints pids in one line first."""
    path = f"/tmp/attack-{program}"
    send_file(fleet, host, (HERE / program).read_text(encoding="utf-8"), path)
    words = ["runuser", "-u", user, "--", "/usr/bin/python3", path, *arguments]
    with subprocess.Popen(
        [*login(fleet.inventory, host), " ".join(f"'{word}'" for word in words)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as running:
        pids = [int(word) for word in t.cast("t.IO[str]", running.stdout).readline().split()]
        try:
            assert pids, f"{program} has printed nothing"
            time.sleep(0.3)
            yield pids
        finally:
            fleet.run(host, "kill", "-9", *map(str, pids), check=False)
            running.kill()
