# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the set-up and the templates in a real AWX: through its API, as people and their scripts use it."""

from __future__ import annotations

import datetime
import json
import re
import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.tests.awx.api import Api, Record, Refused
from ansible_collections.fleetops.odoo.tests.awx.conftest import HOSTS, ROLL, SHIPPED, Site
from ansible_collections.fleetops.odoo.tests.awx.site import Applied
from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet, address, held, no_secrets
from ansible_collections.fleetops.odoo.tests.integration.jobs import eventually
from ansible_collections.fleetops.odoo.tests.integration.rolls import HAPROXY, all_in, balancer, locked

pytestmark = pytest.mark.timeout(1800)

TEMPLATES: dict[str, Record] = SHIPPED["job_templates"]
RELEASE: str = TEMPLATES["release"]["name"]
WORKFLOW: str = SHIPPED["workflows"]["canary_roll"]["name"]


def said(job: Record) -> str:
    """Return what a job printed, in one line."""
    no_secrets(job["output"])
    return re.sub(r"\s+", " ", job["output"])


def given(job: Record) -> Record:
    """Return the extra variables of a job, without AWX's own."""
    return t.cast("Record", json.loads(job["extra_vars"]))


# The set-up.


def run(site: Site, name: str) -> Applied:
    """Return a run of awx_setup."""
    if not site.runs:
        pytest.skip("this AWX was set up before")
    return site.runs[name]


def test_it_is_this_awx(admin: Api) -> None:
    told = admin.get("ping/")
    assert told["version"] == "24.6.1"
    assert [one["node_type"] for one in told["instances"]] == ["hybrid"]


def test_a_project_that_awx_cannot_update_says_why(site: Site) -> None:
    done = run(site, "no repository")
    assert done.code == 2
    assert "[awx.project_update]" in done.output, done.output
    assert re.search(r"repository not exported|access denied|does not appear to be a git repository", done.output), (
        done.output
    )


def test_the_set_up_changes_nothing_the_second_time(site: Site) -> None:
    for name in ("first", "taken out", "again"):
        assert run(site, name).code == 0, run(site, name).output
    assert run(site, "first").changed > 0
    assert run(site, "again").changed == 0, run(site, "again").output
    assert "duplicate" not in run(site, "first").output


def test_what_is_taken_out_goes_back_to_its_default_and_the_rest_is_named(site: Site, admin: Api) -> None:
    template = admin.named("job_templates", "Odoo - fleet info")
    assert (template["limit"], template["forks"]) == ("", SHIPPED["job_template_defaults"]["forks"])
    kinds = [("job_templates", template["id"], "notification_templates_error")]
    workflow = admin.named("workflow_job_templates", WORKFLOW)
    assert not workflow["limit"]
    kinds.append(("workflow_job_templates", workflow["id"], "notification_templates_approvals"))
    for kind, key, what in kinds:
        assert admin.get(f"{kind}/{key}/{what}/")["count"] == 0
    assert 'notification template "Chat": AWX has it' in run(site, "again").output
    assert 'credential "Odoo hosts": awx_setup never changes a credential that exists' in run(site, "again").output


# Surveys.


def closed() -> str:
    """Return a window of an hour on a day that is neither today nor next to it."""
    day = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=3)
    return f"{day:%a} 03:00-03:30"


#: Variables of the inventory. None of them is the default of a role.
DECIDED: Record = {
    **HAPROXY,
    "ansible_python_interpreter": "/usr/bin/python3",
    "rolling_restart_policy": "always",
    "rolling_restart_reason": "from the inventory",
    "graceful_drain_reason": "from the inventory",
    "graceful_drain_start_timeout": 200.0,
    "diagnostics_deliver": "a19:/tmp/delivered",
    "diagnostics_samples": 2,
    "diagnostics_interval": 0.5,
    "cache_report_top": 2,
    "recycle_workers_rss_above": "900G",
    "scale_workers_timeout": 120.0,
}


@pytest.fixture(scope="module")
def inventory(site: Site, admin: Api, fleet: Fleet) -> int:
    """An inventory that decides more than the project's: a window that is closed, and options of other templates."""
    assert site.token
    organization = admin.named("organizations", "Odoo operations")["id"]
    name = f"Odoo fleet that decides, {time.time():.0f}"
    made = admin.post("inventories/", name=name, organization=organization)
    decided = {**DECIDED, "rolling_restart_window": closed()}
    admin.patch(f"inventories/{made['id']}/", variables=json.dumps(decided))
    groups = {name: admin.post(f"inventories/{made['id']}/groups/", name=name)["id"] for name in ("odoo", "balancer")}
    for host in (*HOSTS, "lb"):
        where = {"ansible_host": address(fleet.inventory, host)}
        group = groups["balancer" if host == "lb" else "odoo"]
        admin.post(f"groups/{group}/hosts/", name=host, variables=json.dumps(where), inventory=made["id"])
    team = admin.named("teams", "Odoo operators")["id"]
    role = made["summary_fields"]["object_roles"]["use_role"]["id"]
    admin.post(f"roles/{role}/teams/", id=team)
    return int(made["id"])


#: Template -> the answers that it requires.
REQUIRED: dict[str, Record] = {
    "drain": {"graceful_drain_hosts": "b19"},
    "scale_workers": {"scale_workers_hosts": "b19", "scale_workers_count": 2},
    "recycle_workers": {"recycle_workers_hosts": "b19"},
}


@pytest.mark.parametrize(
    "key",
    [
        "fleet_info",
        "doctor",
        "balancer_info",
        "release",
        "drain",
        "undrain",
        "diagnostics",
        "scale_workers",
        "recycle_workers",
        "cache_report",
    ],
)
def test_a_launch_without_answers_leaves_all_to_the_inventory(
    key: str, inventory: int, site: Site, fleet: Fleet
) -> None:
    template = TEMPLATES[key]
    answers = REQUIRED.get(key, {})
    job = site.operator.job(template["name"], inventory=inventory, extra_vars=answers)
    assert job["status"] == "successful", job["output"]
    hosts = {one["variable"]: one["default"] for one in template["survey"] if one.get("default")}
    assert given(job) == {**hosts, **answers}
    if key == "diagnostics":
        assert ".tar.gz" in fleet.run("a19", "ls", "/tmp/delivered")
    if key == "cache_report":
        assert len(job["artifacts"]["cache_report"]["caches"]) == 2


def test_the_window_of_the_inventory_holds(inventory: int, site: Site, fleet: Fleet) -> None:
    before = {host: fleet.processes(host) for host in HOSTS}
    job = site.operator.job(ROLL, inventory=inventory)
    assert given(job) == {"rolling_restart_hosts": "odoo"}
    assert job["artifacts"]["rolling_restart"]["remaining"] == list(HOSTS), job["output"]
    assert "window" in said(job)
    assert {host: fleet.processes(host) for host in HOSTS} == before
    assert [locked(fleet, host) for host in HOSTS] == [None, None]


def test_awx_refuses_an_empty_answer(site: Site) -> None:
    with pytest.raises(Refused) as refused:
        site.operator.launch(ROLL, extra_vars={"rolling_restart_hosts": ""})
    assert refused.value.status == 400


def test_a_pattern_that_matches_no_host_is_told_once(site: Site) -> None:
    job = site.operator.job(ROLL, extra_vars={"rolling_restart_hosts": "typo"})
    assert job["status"] in ("failed", "error")
    assert said(job).count("[option.no_hosts]") == 1, job["output"]


# A roll that is cancelled.


def cancelled(site: Site, fleet: Fleet, host: str) -> Record:
    """Cancel a roll while its host is out of the load balancer, and return the job."""
    with held(fleet, host, "cancelled"):
        job = site.operator.launch(ROLL, extra_vars={"rolling_restart_hosts": host, "rolling_restart_policy": "always"})
        eventually(lambda: balancer(fleet)[host][0] != "ready" and bool((locked(fleet, host) or {}).get("out")), 180)
        site.operator.post(f"jobs/{job['id']}/cancel/")
        over = site.operator.ended(job)
    assert over["status"] == "canceled"
    assert balancer(fleet)[host][0] != "ready"
    output = said(site.operator.shown(over))
    assert f"launch the template {RELEASE} with awx-job-{job['id']} in the question Locks to take over" in output
    mark = locked(fleet, host)
    assert (mark["id"], mark["out"], mark["owner"]) == (f"awx-job-{job['id']}", True, "operator (AWX)")
    fleet.settle(host)
    return over


def launched_by(output: str, operator: Api) -> tuple[str, Record]:
    """Return the template that a job's output names, and the answer that it says."""
    words = re.sub(r"\s+", " ", output)
    template = re.search(r"in AWX the template (Odoo - [a-z ]+)\)", words)
    answer = re.search(r"=(\S+) \(in AWX the question ([^)]+)\)", words)
    assert template, words
    assert answer, words
    survey = operator.get(f"job_templates/{operator.named('job_templates', template[1])['id']}/survey_spec/")
    (variable,) = [one["variable"] for one in survey["spec"] if one["question_name"] == answer[2]]
    return template[1], {variable: answer[1]}


def test_a_cancelled_roll_is_corrected_by_what_the_next_job_says(site: Site, fleet: Fleet) -> None:
    answers = {"rolling_restart_hosts": "a19", "rolling_restart_policy": "always"}
    job = cancelled(site, fleet, "a19")
    refused = site.operator.job(ROLL, extra_vars=answers)
    assert refused["status"] == "failed", refused["output"]
    assert f"awx-job-{job['id']}" in said(refused)
    assert refused["artifacts"]["rolling_restart"]["out_of_balancer"] == ["a19"], refused["artifacts"]

    # Without a name nothing of a roll that may live is touched.
    template, answer = launched_by(refused["output"], site.operator)
    assert (template, answer) == (RELEASE, {"rolling_restart_take_over": f"awx-job-{job['id']}"})
    released = site.operator.job(template, extra_vars=answer)
    assert released["status"] == "successful", released["output"]
    assert released["artifacts"]["release"]["released"] == ["a19"]
    eventually(lambda: all_in(fleet))
    assert locked(fleet, "a19") is None
    again = site.operator.job(ROLL, extra_vars=answers)
    assert again["status"] == "successful", again["output"]


def test_with_a_token_awx_says_that_the_job_is_over(site: Site, admin: Api, fleet: Fleet) -> None:
    kind = admin.named("credential_types", "Red Hat Ansible Automation Platform")["id"]
    organization = admin.named("organizations", "Odoo operations")["id"]
    token = admin.post("tokens/", description="jobs", application=None, scope="read")["token"]
    inputs = {"host": site.url, "oauth_token": token, "verify_ssl": False}
    credential = admin.post(
        "credentials/", name="This AWX", credential_type=kind, organization=organization, inputs=inputs
    )
    path = f"job_templates/{admin.named('job_templates', RELEASE)['id']}/credentials/"
    admin.post(path, id=credential["id"])
    try:
        cancelled(site, fleet, "b19")
        released = site.operator.job(RELEASE)
    finally:
        admin.post(path, id=credential["id"], disassociate=True)
        admin.text("DELETE", f"credentials/{credential['id']}/")
    assert released["status"] == "successful", released["output"]
    assert released["artifacts"]["release"]["released"] == ["b19"]
    assert token not in released["output"]
    eventually(lambda: all_in(fleet))


def test_a_slice_is_refused(site: Site, admin: Api, fleet: Fleet) -> None:
    before = fleet.processes("a19")
    path = f"job_templates/{admin.named('job_templates', ROLL)['id']}/"
    admin.patch(path, job_slice_count=2)
    try:
        over = site.operator.ended(site.operator.launch(ROLL, extra_vars={"rolling_restart_policy": "always"}))
        assert over["type"] == "workflow_job"
        nodes = site.operator.get(f"workflow_jobs/{over['id']}/workflow_nodes/")["results"]
        for node in nodes:
            job = site.operator.shown({"url": f"/api/v2/jobs/{node['summary_fields']['job']['id']}/"})
            assert job["status"] == "failed"
            assert "[roll.sliced]" in said(job)
    finally:
        admin.patch(path, job_slice_count=1)
    assert fleet.processes("a19") == before


# The workflow.


def approval(api: Api, workflow: Record) -> Record:
    """Wait for the approval of a workflow."""
    deadline = time.monotonic() + 600
    while True:
        nodes = api.get(f"workflow_jobs/{workflow['id']}/workflow_nodes/", page_size=50)["results"]
        for node in nodes:
            job = node["summary_fields"].get("job") or {}
            if job.get("type") == "workflow_approval" and job["status"] == "pending":
                return t.cast("Record", job)
        told = api.get(f"workflow_jobs/{workflow['id']}/")
        assert told["status"] in ("new", "pending", "waiting", "running"), nodes
        assert time.monotonic() < deadline, nodes
        time.sleep(1)


def jobs_of(api: Api, workflow: Record) -> dict[str, Record]:
    """Return the jobs of a workflow by the names of its nodes."""
    nodes = api.get(f"workflow_jobs/{workflow['id']}/workflow_nodes/", page_size=50)["results"]
    return {
        node["identifier"]: api.shown({"url": f"/api/v2/jobs/{node['summary_fields']['job']['id']}/"})
        for node in nodes
        if (node["summary_fields"].get("job") or {}).get("type") == "job"
    }


def test_an_approved_workflow_rolls_the_rest(site: Site, fleet: Fleet) -> None:
    before = {host: fleet.processes(host) for host in HOSTS}
    begun = site.operator.launch(WORKFLOW, "workflow_job_templates", extra_vars={"rolling_restart_policy": "always"})
    asked = approval(site.operator, begun)
    assert fleet.processes("a19") != before["a19"]
    assert fleet.processes("b19") == before["b19"]
    site.operator.post(f"workflow_approvals/{asked['id']}/approve/")
    assert site.operator.ended(begun)["status"] == "successful"
    jobs = jobs_of(site.operator, begun)
    assert set(jobs) == {"look", "canary", "rest"}
    assert fleet.processes("b19") != before["b19"]
    eventually(lambda: all_in(fleet))
    assert [locked(fleet, host) for host in HOSTS] == [None, None]


def test_a_denied_workflow_ends_with_what_is_done_and_what_is_not(site: Site, fleet: Fleet) -> None:
    before = fleet.processes("b19")
    begun = site.operator.launch(WORKFLOW, "workflow_job_templates", extra_vars={"rolling_restart_policy": "always"})
    asked = approval(site.operator, begun)
    site.operator.post(f"workflow_approvals/{asked['id']}/deny/")
    assert site.operator.ended(begun)["status"] == "failed"
    jobs = jobs_of(site.operator, begun)
    assert set(jobs) == {"look", "canary", "not_approved"}
    assert "denied or timed out. Done: a19. Not done: b19." in said(jobs["not_approved"])
    assert fleet.processes("b19") == before
    assert [locked(fleet, host) for host in HOSTS] == [None, None]


# Ad hoc.


def test_an_operator_runs_only_the_modules_of_the_file(site: Site, admin: Api) -> None:
    credential = admin.named("credentials", "Odoo hosts")
    role = credential["summary_fields"]["object_roles"]["use_role"]["id"]
    admin.post(f"roles/{role}/teams/", id=admin.named("teams", "Odoo operators")["id"])
    environment = admin.named("execution_environments", "Odoo operations")["id"]
    command = {
        "inventory": admin.named("inventories", "Odoo fleet")["id"],
        "credential": credential["id"],
        "execution_environment": environment,
        "limit": "a19",
    }
    with pytest.raises(Refused) as refused:
        site.operator.post("ad_hoc_commands/", **command, module_name="shell", module_args="id")
    assert "module_name" in refused.value.answer
    begun = site.operator.post("ad_hoc_commands/", **command, module_name="fleetops.odoo.master_info")
    told = site.operator.shown(site.operator.ended(begun))
    assert told["status"] == "successful", told["output"]
    assert re.search(r"\"mode\": \"prefork\"|mode: prefork", said(told)), told["output"]
