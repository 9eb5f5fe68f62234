# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rulebook by ansible-rulebook, from the collection, against a stand-in for AWX: what it launches, and how often.

`make ee` installs ansible-rulebook, which needs Java 17 or later; the gate does not run this.
"""

from __future__ import annotations

import functools
import json
import os
import pathlib
import shutil
import subprocess
import time
import typing as t

import pytest
import yaml
from ansible_collections.fleetops.odoo.tests.integration.conftest import ROOT
from ansible_collections.fleetops.odoo.tests.integration.fake_awx import FakeAwx, Server

TOKEN = "AWX-SECRET-TOKEN"
RULEBOOK = shutil.which("ansible-rulebook")
TIMEOUT = "2026-11-24 10:00:00,000 33 ERROR prod odoo.service.server: WorkerHTTP (40) timeout after 120s\n"
MEMORY = "2026-11-24 10:00:00,000 40 INFO prod odoo.service.server: Worker (40) virtual memory limit (900) reached.\n"

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(not RULEBOOK or not shutil.which("java"), reason="needs ansible-rulebook and Java"),
]


@pytest.fixture
def awx() -> FakeAwx:
    """An AWX that has the template, as awx_setup makes it."""
    shipped = yaml.safe_load((ROOT / "roles/awx_setup/files/awx.yml").read_text(encoding="utf-8"))
    template = {**shipped["job_template_defaults"], **shipped["job_templates"]["diagnostics"]}
    awx = FakeAwx([template["playbook"]])
    organization = awx.create("organizations", {"name": shipped["organization"]["name"]})["id"]
    project = awx.create(
        "projects",
        {"name": "p", "organization": organization, "scm_type": "git", "scm_url": "https://git.example.com/odoo.git"},
    )["id"]
    inventory = awx.create("inventories", {"name": "i", "organization": organization})["id"]
    # A collection of the same name from another place must not be used.
    other = awx.create("organizations", {"name": "Others"})["id"]
    others = awx.create("projects", {"name": "p", "organization": other, "scm_type": "git", "scm_url": "https://x/"})
    plain = {name: value for name, value in template.items() if name.startswith("ask_") or name in ("name", "playbook")}
    for its in (others["id"], project):
        awx.create("job_templates", {**plain, "project": its, "inventory": inventory})
    return awx


def write(log: pathlib.Path, text: str) -> None:
    """Add to a log."""
    with log.open("a", encoding="utf-8") as end:
        end.write(text)


def eventually(holds: t.Callable[[], bool], running: subprocess.Popen[bytes], log: pathlib.Path, seconds: int) -> None:
    """Wait until something holds, while ansible-rulebook runs."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert running.poll() is None, log.read_text(encoding="utf-8")
        assert time.monotonic() < deadline, log.read_text(encoding="utf-8")
        time.sleep(0.2)


def test_trouble_launches_diagnostics_for_its_host_once(tmp_path: pathlib.Path, awx: FakeAwx) -> None:
    logs = {host: tmp_path / "logs" / host / "odoo-server.log" for host in ("web1", "web2")}
    for log in logs.values():
        log.parent.mkdir(parents=True)
        log.write_text(TIMEOUT, encoding="utf-8")
    inventory = tmp_path / "inventory.yml"
    inventory.write_text("all: {hosts: {web1: {}, web2: {}}}\n", encoding="utf-8")
    variables = tmp_path / "vars.yml"
    variables.write_text(
        json.dumps({"odoo_trouble_logs": [str(tmp_path / "logs/*/odoo-server.log")]}), encoding="utf-8"
    )
    output = tmp_path / "output"
    # As long as it runs, no job of another host may be held up by it.
    awx.status = "running"
    with Server(awx, TOKEN) as server, output.open("wb") as stream:
        running = subprocess.Popen(
            [
                *(str(RULEBOOK), "--rulebook", "fleetops.odoo.odoo_trouble", "--inventory", str(inventory)),
                *("--vars", str(variables), "--controller-url", f"{server.url}/api/", "--verbose"),
            ],
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**os.environ, "EDA_CONTROLLER_TOKEN": TOKEN, "PYTHONPATH": ""},
        )
        try:

            def said(what: str) -> bool:
                return what in output.read_text(encoding="utf-8", errors="replace")

            def launched(number: int, log: pathlib.Path | None = None) -> bool:
                if log:
                    write(log, TIMEOUT + "GET /web/login?password=SECRET\n")
                return len(awx.jobs) >= number

            eventually(lambda: said("Waiting for events"), running, output, 120)
            # Old lines of a log are skipped, and no event shows when it looks first. So lines come until one is seen.
            for number, log in enumerate(logs.values(), 1):
                eventually(functools.partial(launched, number, log), running, output, 60)
            # Another kind of trouble is another question; more of the same, which comes before it, is not.
            write(logs["web1"], TIMEOUT * 5 + MEMORY)
            eventually(lambda: launched(3), running, output, 60)
        finally:
            running.terminate()
            running.wait(60)
    assert [one["limit"] for one in awx.jobs] == ["web1", "web2", "web1"]
    ours = awx.named("organizations", "Odoo operations")["id"]
    assert {awx.records["job_templates"][one["template"]]["organization"] for one in awx.jobs} == {ours}
    # What ansible-rulebook tells of the event, the template does not let in.
    assert [list(one["ignored"]) for one in awx.jobs] == [["extra_vars"]] * 3
    assert [one["extra_vars"] for one in awx.jobs] == [{}] * 3
    assert "SECRET" not in json.dumps(awx.jobs)
