# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs as AWX runs them, in the execution environment: each in a container of its own."""

from __future__ import annotations

import pathlib
import re
import shutil
import typing as t

import ansible_runner
import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import ROOT, Fleet, free, request
from ansible_collections.fleetops.odoo.tests.integration.jobs import Awx, answers, eventually
from ansible_collections.fleetops.odoo.tests.integration.rolls import HAPROXY, RELOAD, all_in, locked

pytestmark = pytest.mark.timeout(900)


def isolated(image: str, fleet: Fleet | None = None, name: str = "job") -> dict[str, t.Any]:
    """Return how ansible-runner runs a job in a container. The lab's key is mounted at the path of the inventory.

    :param name: the container's host name, a new one for each job.
    """
    lab = [f"/var/lib/fleetops-lab/{fleet.name}", f"/run/fleetops-lab/{fleet.name}"] if fleet else []
    return {
        "process_isolation": True,
        "process_isolation_executable": "podman",
        "container_image": image,
        "container_options": [
            "--network=host",
            "--ulimit=host",
            "--user=root",
            "--pull=never",
            "--uts=private",
            f"--hostname={name}",
        ],
        "container_volume_mounts": [f"{one}:{one}" for one in lab],
    }


def test_every_plugin_loads_in_its_python(image: str, tmp_path: pathlib.Path) -> None:
    (tmp_path / "project").mkdir()
    shutil.copy2(ROOT / "tests/ee/plugins.yml", tmp_path / "project")
    runner = ansible_runner.run(
        private_data_dir=str(tmp_path),
        playbook="plugins.yml",
        quiet=True,
        envvars={"PYTHONPATH": ""},
        **isolated(image),
    )
    with runner.stdout as stream:
        output = stream.read()
    assert (runner.status, runner.rc) == ("successful", 0), output
    assert re.search(r"\d+ files of fleetops\.odoo .* on 2\.16\.\d+", re.sub(r"\s+", " ", output)), output


@pytest.fixture(scope="module")
def awx(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Awx:
    """The private data directory of all jobs here."""
    return Awx(tmp_path_factory.mktemp("awx"), fleet)


def test_a_roll_in_it(image: str, awx: Awx, fleet: Fleet) -> None:
    before = fleet.processes("p19")
    given = answers("rolling_restart", rolling_restart_hosts="p19:t14", rolling_restart_policy="always")
    done = awx.job(45, "rolling_restart", given, **isolated(image, fleet))
    assert (done.status, done.code) == ("successful", 0), done.output
    assert done.told["rolling_restart"]["hosts"] == {"reloaded": ["p19", "t14"]}
    assert fleet.processes("p19") != before
    assert locked(fleet, "p19") is None


def test_the_lock_of_a_cancelled_job_is_refused_without_its_name(image: str, awx: Awx, fleet: Fleet) -> None:
    """Each job is in a container of its own, so that nothing tells whether another is dead."""
    given = {**HAPROXY, **answers("rolling_restart", rolling_restart_hosts="p19", rolling_restart_policy="always")}
    with request(fleet, "p19", "/lab/hold/ee"):
        done = awx.job(46, "rolling_restart", given, RELOAD, **isolated(image, fleet, "first"))
        free(fleet, "p19", "ee")
    assert done.status == "canceled", done.output
    mark = locked(fleet, "p19")
    assert (mark["id"], mark["out"], mark["owner"]) == ("awx-job-46", True, "operator (AWX)")
    fleet.settle("p19")
    refused = awx.job(47, "rolling_restart", given, **isolated(image, fleet, "second"))
    assert (refused.status, refused.code) == ("failed", 2), refused.output
    assert "awx-job-46" in refused.output
    assert refused.told["rolling_restart"]["outcome"] != "done"
    answer = answers("release", rolling_restart_hosts="p19", rolling_restart_take_over="awx-job-46")
    released = awx.job(48, "release", {**HAPROXY, **answer}, **isolated(image, fleet, "third"))
    assert (released.status, released.code) == ("successful", 0), released.output
    assert released.told["release"] == {"released": ["p19"], "failed": []}
    eventually(lambda: all_in(fleet))
