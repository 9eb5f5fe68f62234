# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real queue_job of PyPI: its runner is known, and a job under way ends while each module works.

The lab's images have neither mail nor base_sparse_field, so small stubs take their place.
"""

from __future__ import annotations

import io
import pathlib
import subprocess
import sys
import tarfile
import time
import typing as t
import urllib.request
import zipfile

import pytest

from .conftest import Fleet, address, lab_up, side_by_side

STUBS = pathlib.Path(__file__).parent / "addons" / "queue"
PACKAGES = {"q19": "odoo-addon-queue-job==19.0.2.4.0.1", "q14": "odoo14-addon-queue-job==14.0.3.15.1"}
HOSTS = tuple(PACKAGES)
FLEET = """name: queue
defaults: {version: 19, mode: prefork, workers: 2, max_cron_threads: 1}
hosts:
  - {name: q19}
  - {name: q14, version: 14}
"""
CONF = "/etc/odoo/odoo.conf"
RUNNER = "other WorkerJobRunner"

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("queue")
    place = folder / "queue.yml"
    place.write_text(FLEET, encoding="utf-8")
    for made in lab_up("queue", str(place)):
        for host in HOSTS:
            install(made, host, folder)
        yield made


def install(fleet: Fleet, host: str, folder: pathlib.Path) -> None:
    """Make a host load queue_job, with a job of the lab."""
    wheels = folder / host
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "-qq", "--no-deps", "-d", str(wheels), PACKAGES[host]], check=True
    )
    with zipfile.ZipFile(next(wheels.iterdir())) as wheel:
        wheel.extractall(wheels)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(wheels / "odoo" / "addons" / "queue_job", "queue_job")
        for stub in STUBS.iterdir():
            archive.add(stub, stub.name, filter=lambda one: None if "__pycache__" in one.name else one)
    fleet.feed(host, "tar -C /opt/lab/addons -xzf -", packed.getvalue())
    fleet.run(
        host,
        "sh",
        "-ec",
        # What of mail cannot be stubbed, and a library that only a migration uses.
        "sed -i '/<chatter *\\/>/d' /opt/lab/addons/queue_job/views/*.xml;"
        " sed -i 's/, \"openupgradelib\"//' /opt/lab/addons/queue_job/__manifest__.py;"
        f" sed -i 's/^\\[options\\]/[options]\\nserver_wide_modules = base,web,queue_job/' {CONF};"
        " systemctl stop odoo;"
        f" runuser -u odoo -- odoo -c {CONF} -d {host} -i lab_jobs --stop-after-init --no-http --workers 0;"
        " systemctl start odoo",
        seconds=300,
    )
    fleet.settle(host, seconds=120)


def begin(fleet: Fleet, name: str, *, wait: bool = True) -> None:
    """Put a job of this name into the queue of each host, and wait until it is under way."""
    for host in HOSTS:
        with urllib.request.urlopen(f"http://{address(fleet.inventory, host)}:8069/lab/job/{name}", timeout=60) as said:
            assert said.read() == b"queued"
    if wait:
        for host in HOSTS:
            until_noted(fleet, host, f"begun {name}")


def let_end(fleet: Fleet, name: str) -> None:
    """Let the job end on each host, and hold that it was begun once."""
    for host in HOSTS:
        fleet.run(host, "sh", "-c", f"echo > /tmp/lab-job-{name}")
        until_noted(fleet, host, f"ended {name}")
        assert notes(fleet, host, name) == ["begun", "ended"]


def notes(fleet: Fleet, host: str, name: str) -> list[str]:
    """Return what became of a job, in order."""
    lines = fleet.run(host, "sh", "-c", "cat /tmp/lab-jobs || true").split("\n")
    return [line.split()[0] for line in lines if line.endswith(f" {name}")]


def until_noted(fleet: Fleet, host: str, line: str, seconds: float = 60) -> None:
    """Wait until a job has written this."""
    deadline = time.monotonic() + seconds
    while line not in fleet.run(host, "sh", "-c", "cat /tmp/lab-jobs || true").split("\n"):
        assert time.monotonic() < deadline, f"{host}: {line!r} is missing"
        time.sleep(0.5)


AT_FIRST = ["cron", "gevent", "http", "http", RUNNER]


def test_the_number_of_workers_changes_while_a_job_is_under_way(fleet: Fleet) -> None:
    assert [fleet.roles(host) for host in HOSTS] == [AT_FIRST, AT_FIRST]
    begin(fleet, "scaled")
    for count in (4, 2, 3):
        for host, answer in side_by_side(fleet, HOSTS, "workers", count=count).items():
            assert (answer.code, fleet.master(host)["workers"]["http"]) == (0, count), answer.output
    # One worker is left, and that one may be at work: the call waits for the job.
    calls = {host: fleet.begin(host, "workers", count=1) for host in HOSTS}
    time.sleep(3)
    let_end(fleet, "scaled")
    for call in calls.values():
        assert call().code == 0
    for answer in side_by_side(fleet, HOSTS, "workers", count=2).values():
        assert answer.code == 0, answer.output
    assert [fleet.roles(host) for host in HOSTS] == [AT_FIRST, AT_FIRST]


def test_workers_are_recycled_while_a_job_is_under_way(fleet: Fleet) -> None:
    begin(fleet, "recycled")
    calls = {
        host: fleet.begin(host, "recycle_workers", roles=["http", "cron", "other"], older_than=0, timeout=120)
        for host in HOSTS
    }
    time.sleep(5)
    let_end(fleet, "recycled")
    for call in calls.values():
        answer = call()
        assert answer.code == 0, answer.output
        assert sorted(one["role"] for one in answer.only["recycled"]) == ["cron", "http", "http", "other"]
    # The new runner gives the server jobs.
    begin(fleet, "afterwards")
    let_end(fleet, "afterwards")


def test_a_dump_names_the_job(fleet: Fleet) -> None:
    begin(fleet, "dumped")
    try:
        for answer in side_by_side(fleet, HOSTS, "stack_dump", roles=["http", "other"]).values():
            assert answer.code == 0, answer.output
            assert "hold_for_the_lab" in str(answer.only["dumps"])
            assert "/queue_job/runjob" in str(answer.only["dumps"])
            assert {one["role"] for one in [*answer.only["asked"], *answer.only["missing"]]} == {"http", "other"}
    finally:
        let_end(fleet, "dumped")


def test_a_reload_lets_the_job_end(fleet: Fleet) -> None:
    begin(fleet, "reloaded")
    calls = {host: fleet.begin(host, "reload", policy="always", timeout=120) for host in HOSTS}
    time.sleep(5)
    let_end(fleet, "reloaded")
    for host, call in calls.items():
        answer = call()
        assert answer.code == 0, answer.output
        assert fleet.roles(host) == AT_FIRST


def test_a_drain_lets_the_job_end_and_begins_none(fleet: Fleet) -> None:
    begin(fleet, "drained")
    # One job at a time: this one waits for the end of the other.
    begin(fleet, "later", wait=False)
    calls = {host: fleet.begin(host, "drain", timeout=120) for host in HOSTS}
    for host in HOSTS:
        fleet.settle(host, "draining", seconds=60)
    let_end(fleet, "drained")
    for host, call in calls.items():
        answer = call()
        assert (answer.code, answer.only["after"]["state"]) == (0, "gone"), answer.output
        assert notes(fleet, host, "later") == []
    for answer in side_by_side(fleet, HOSTS, "drain", state="undrained").values():
        assert answer.code == 0, answer.output
    for host in HOSTS:
        until_noted(fleet, host, "begun later", seconds=90)
        assert fleet.roles(host) == AT_FIRST
    let_end(fleet, "later")
