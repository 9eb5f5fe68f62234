# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The owner of a roll: its ID, its process, and the locks that it may take over."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import subprocess
import sys
import threading
import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll.owner import (
    holder,
    is_dead,
    job_has_ended,
    may_take,
    owner,
    roll_id,
    workflow,
)


def test_roll_id_workflow_and_owner_come_from_awx_or_the_process() -> None:
    # Two nodes of one workflow may run at the same time.
    assert roll_id({"tower_job_id": 7, "awx_workflow_job_id": 5}, 1) == "awx-job-7"
    assert workflow({"tower_job_id": 7, "awx_workflow_job_id": 5}) == "awx-workflow-job-5"
    assert workflow({"tower_job_id": 7}) == ""
    assert roll_id({}, os.getpid()).split("-")[-2] == str(os.getpid())
    assert roll_id({}, os.getpid()) == roll_id({}, os.getpid()) != roll_id({}, os.getppid())
    assert owner({"awx_user_name": "ann"}) == "ann (AWX)"
    assert " on " in owner({})


def test_only_an_ended_process_of_this_machine_is_dead() -> None:
    assert not is_dead(holder({}, os.getpid()))
    process = subprocess.Popen(["sleep", "60"])
    text = holder({}, process.pid)
    assert not is_dead(text)
    process.kill()
    process.wait()
    assert is_dead(text)
    # The pid is another process's now.
    assert is_dead(holder({}, os.getpid()).rpartition("/")[0] + "/1")
    # On another machine, or already gone: this is not known.
    assert not is_dead("other/" + text.partition("/")[2])
    assert not is_dead("")
    assert not is_dead("a/b/c/d/e")


def test_a_job_of_awx_has_no_process_that_could_be_looked_for() -> None:
    assert holder({"awx_job_id": 7}, os.getpid()) == ""


@contextlib.contextmanager
def awx(jobs: dict[str, t.Any]) -> t.Iterator[str]:
    """Serve the state of these jobs to those who have the token; yield the URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            number = self.path.removeprefix("/api/v2/jobs/").strip("/")
            known = number in jobs and self.headers["Authorization"] == "Bearer secret"
            self.send_response(200 if known else 404)
            self.end_headers()
            self.wfile.write(json.dumps(jobs[number]).encode() if known else b"{}")

        def log_message(self, *_arguments: t.Any) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def test_awx_is_asked_whether_a_job_has_ended() -> None:
    states = {"1": "canceled", "2": "running", "3": "failed", "4": "waiting", "5": "successful"}
    jobs = {**{number: {"status": state} for number, state in states.items()}, "6": ["no job"]}
    with awx(jobs) as url:
        there = {"CONTROLLER_HOST": url, "CONTROLLER_OAUTH_TOKEN": "secret"}
        assert [number for number in "1234567" if job_has_ended(f"awx-job-{number}", there)] == ["1", "3", "5"]
        assert job_has_ended("awx-job-1", {"TOWER_HOST": url + "/", "TOWER_OAUTH_TOKEN": "secret"})
        assert not job_has_ended("awx-job-1", {**there, "CONTROLLER_OAUTH_TOKEN": "other"})
        assert not job_has_ended("awx-job-1", {"CONTROLLER_HOST": url})
        assert not job_has_ended("graceful_drain", there)
    assert not job_has_ended("awx-job-1", there)
    assert not job_has_ended("awx-job-1", {**there, "CONTROLLER_HOST": "127.0.0.1:1"})


@pytest.mark.parametrize(
    ("given", "own", "expected"),
    [
        ([], "", []),
        ("a, b,", "", ["a", "b"]),
        (["a", "*"], "awx-workflow-job-5", ["a", "*"]),
        (["a", "workflow"], "awx-workflow-job-5", ["a", "awx-workflow-job-5"]),
        ("a,workflow", "awx-workflow-job-5", ["a", "awx-workflow-job-5"]),
        # Outside of AWX no lock is taken over.
        ("workflow", "", []),
    ],
)
def test_may_take_names_ids_and_the_own_workflow(given: str | list[str], own: str, expected: list[str]) -> None:
    assert may_take(given, own) == expected


ORPHAN = """
import os, sys, time
from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll.owner import playbook
parent = os.getpid()
if os.fork():
    time.sleep(float(sys.argv[1]))
    os._exit(0)
before = playbook() == parent
while os.getppid() == parent and time.monotonic() < float(sys.argv[2]):
    time.sleep(0.01)
print(before, playbook() == parent, playbook())
"""


@pytest.mark.parametrize(("lives", "expected"), [(0.2, "True False None"), (9, "True True ")])
def test_a_worker_whose_play_has_ended_knows_it(lives: float, expected: str) -> None:
    command = [sys.executable, "-c", ORPHAN, str(lives), str(time.monotonic() + 2)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        assert running.stdout.readline().startswith(expected)
        running.kill()
