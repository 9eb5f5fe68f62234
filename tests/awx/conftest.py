# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real AWX, a lab for its jobs, and a site made by awx_setup. `make awx` runs these tests; the gate does not."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import tempfile
import typing as t
from dataclasses import dataclass

import pytest
import yaml
from ansible_collections.fleetops.odoo.tests.awx.api import Api
from ansible_collections.fleetops.odoo.tests.awx.site import Applied, free_port, repository, served, set_up
from ansible_collections.fleetops.odoo.tests.integration.conftest import ROOT, Fleet, lab_up

HERE = ROOT / "tests/awx"
HOSTS = ("a19", "b19")
SHIPPED = yaml.safe_load((ROOT / "roles/awx_setup/files/awx.yml").read_text(encoding="utf-8"))
ROLL: str = SHIPPED["job_templates"]["rolling_restart"]["name"]
PASSWORD = "AWX-SECRET-PASSWORD"
#: As people say it in their file. The image is on this machine, so AWX must not pull it.
IMAGE = "localhost/fleetops-awx:latest"


def _made(script: str) -> str:
    """Run a script that makes something, and return what it made."""
    done = subprocess.run([str(HERE / script)], check=False, stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0, f"tests/awx/{script} failed"
    return done.stdout.strip().splitlines()[-1]


@pytest.fixture(scope="session")
def url() -> t.Iterator[str]:
    """The address of an AWX that is empty but for its administrator.

    While working on a test, FLEETOPS_AWX_URL names one that runs already, and that may have been set up.
    """
    if os.environ.get("FLEETOPS_AWX_URL"):
        yield os.environ["FLEETOPS_AWX_URL"]
        return
    if not os.environ.get("AWX") or not os.environ.get("DAB"):
        pytest.skip("no checkout of AWX: make awx AWX=DIR DAB=DIR (docs/testing.md)")
    if os.geteuid() != 0:
        pytest.skip("AWX, podman and the lab need root here")
    home, image = _made("build"), _made("image")
    assert image == IMAGE
    place = pathlib.Path(tempfile.mkdtemp(prefix="fleetops-awx.", dir="/var/tmp"))
    place.chmod(0o755)
    port = free_port()
    command = [str(HERE / "run"), home, image, str(place), str(port), PASSWORD]
    # The end of the block closes its input, which ends AWX.
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        said = t.cast("t.IO[str]", running.stdout).readline()
        assert said == "ready\n", f"AWX did not start: see {place}/log"
        yield f"http://127.0.0.1:{port}"
    # After a failure of the start the logs stay.
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="session")
def admin(url: str) -> Api:
    """The administrator."""
    return Api(url, "admin", PASSWORD)


@pytest.fixture(scope="session")
def fleet(url: str) -> t.Iterator[Fleet]:
    """Two servers behind HAProxy."""
    assert url
    yield from lab_up(os.environ.get("FLEETOPS_TEST_LAB", "awx"), str(HERE / "fleet.yml"))


@dataclass
class Site:
    """A site that the tests use. ``runs`` are those of awx_setup by name."""

    url: str
    token: str
    override: dict[str, t.Any]
    runs: dict[str, Applied]
    operator: Api


WEBHOOK = {
    "url": "http://127.0.0.1:9/hook",
    "http_method": "POST",
    "headers": {},
    "username": "",
    "password": "",
    "disable_ssl_verification": False,
}


@pytest.fixture(scope="session")
def site(url: str, admin: Api, fleet: Fleet) -> t.Iterator[Site]:
    """The site, set up by awx_setup: with what is taken out later, without it, and once more."""
    # Containers reach the lab by the network of this machine.
    admin.patch("settings/jobs/", DEFAULT_CONTAINER_RUN_OPTIONS=["--network=host", "--ulimit=host"])
    token = admin.post("tokens/", description="awx_setup", application=None, scope="write")["token"]
    with tempfile.TemporaryDirectory() as folder:
        repository(pathlib.Path(folder, "odoo"), fleet, HOSTS)
        with served(pathlib.Path(folder)) as place:
            last = {
                "project": {"scm_url": f"{place}/odoo"},
                "execution_environment": {"name": "Odoo operations", "image": IMAGE, "pull": "never"},
                "ad_hoc_modules": ["fleetops.odoo.master_info", "fleetops.odoo.stack_dump"],
                "ad_hoc_modules_only": True,
            }
            # A part, with fields that the next run takes out.
            chat = {"name": "Chat", "notification_type": "webhook", "notification_configuration": WEBHOOK}
            own = {"limit": "a19", "forks": 7, "notify_error": ["Chat"]}
            nodes = dict.fromkeys(SHIPPED["workflows"]["canary_roll"]["nodes"])
            workflow = {"limit": "a19", "nodes": {**nodes, "look": {"on_success": [], "on_failure": []}}}
            part = {
                **last,
                "notification_templates": {"chat": chat},
                "job_templates": {**dict.fromkeys(SHIPPED["job_templates"]), "fleet_info": own},
                "workflow_defaults": {"notify_approvals": ["Chat"]},
                "workflows": {"canary_roll": workflow},
            }
            if os.environ.get("FLEETOPS_AWX_URL") and admin.get("job_templates/", name=ROLL)["count"]:
                project = f"projects/{admin.named('projects', 'Odoo operations')['id']}/"
                admin.patch(project, scm_url=f"{place}/odoo")
                assert admin.ended(admin.post(f"{project}update/"))["status"] == "successful"
                yield Site(url, token, last, {}, Api(url, "operator", PASSWORD))
                return
            runs = {
                "no repository": set_up(url, token, {**last, "project": {"scm_url": f"{place}/nothing"}}),
                "first": set_up(url, token, part),
            }
            before = admin.named("job_templates", "Odoo - fleet info")
            assert (before["limit"], before["forks"]) == ("a19", 7)
            runs["taken out"] = set_up(url, token, last)
            runs["again"] = set_up(url, token, last)
            yield Site(url, token, last, runs, _people(admin, fleet, url))


def _people(admin: Api, fleet: Fleet, url: str) -> Api:
    """Enter the secret of the hosts, and make an operator; what docs/awx.md has people do in AWX."""
    known = yaml.safe_load(pathlib.Path(fleet.inventory).read_text(encoding="utf-8"))["all"]["vars"]
    key = pathlib.Path(known["ansible_ssh_private_key_file"])
    credential = admin.named("credentials", "Odoo hosts")
    inputs = {"username": "root", "ssh_key_data": key.read_text(encoding="utf-8")}
    admin.patch(f"credentials/{credential['id']}/", inputs=inputs)
    user = admin.post("users/", username="operator", password=PASSWORD)
    for team in ("Odoo operators", "Odoo approvers"):
        admin.post(f"teams/{admin.named('teams', team)['id']}/users/", id=user["id"])
    return Api(url, "operator", PASSWORD)
