# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test awx_setup with the real modules of awx.awx, against a stand-in for AWX's API."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import typing as t

import pytest
import yaml
from ansible_collections.fleetops.odoo.tests.integration.conftest import ROOT
from ansible_collections.fleetops.odoo.tests.integration.fake_awx import FakeAwx, Server

TOKEN = "AWX-SECRET-TOKEN"
SHIPPED = yaml.safe_load((ROOT / "roles/awx_setup/files/awx.yml").read_text(encoding="utf-8"))
PROJECT = ROOT / "docs/awx-project"
#: As AWX finds them: files with a line that begins like a play. It does not know import_playbook by its full name.
PLAYBOOKS = [
    str(path.relative_to(PROJECT))
    for path in PROJECT.rglob("*.yml")
    if re.search(r"^\s*-?\s*(?:hosts|import_playbook):", path.read_text(encoding="utf-8"), re.MULTILINE)
]
URL = {"project": {"scm_url": "https://git.example.com/odoo.git"}}


def setup(url: str, override: dict[str, t.Any], *options: str) -> tuple[int, str]:
    """Run the playbook; its exit code, and what it printed."""
    done = subprocess.run(
        ["ansible-playbook", "fleetops.odoo.awx_setup", "-e", json.dumps({"awx_setup_override": override}), *options],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        env={
            **os.environ,
            # As people copy it from their browser.
            "CONTROLLER_HOST": f"{url}/",
            "CONTROLLER_OAUTH_TOKEN": TOKEN,
            "ANSIBLE_LOCALHOST_WARNING": "false",
        },
    )
    assert TOKEN not in done.stdout
    return done.returncode, done.stdout


#: As docs/awx.md shows it. AWX refuses a webhook without headers, and fills in the others.
WEBHOOK = {
    "url": "https://chat.example.com/hooks/odoo",
    "http_method": "POST",
    "headers": {},
    "username": "",
    "password": "",
    "disable_ssl_verification": False,
}

MODULES = [f"fleetops.odoo.{name}" for name in ("stack_dump", "master_info", "cache_stats", "haproxy_info")]

#: Each module costs a process, so that the whole of it, twice, takes minutes. `make ee` runs it.
PART = {
    "labels": [],
    "job_templates": {
        **{key: None for key in SHIPPED["job_templates"] if key not in ("fleet_info", "rolling_restart")},
        "fleet_info": {"labels": None},
    },
    "workflows": {
        "canary_roll": {
            "labels": [],
            "nodes": {
                "look": {"on_failure": []},
                "canary": {"on_failure": []},
                "approve": {"on_success": [], "on_failure": []},
                **dict.fromkeys(("rest", "diagnose", "put_right", "not_approved")),
            },
        }
    },
    "teams": {"viewers": None, "approvers": None},
    "roles": {**dict.fromkeys(SHIPPED["roles"]), "operators_launch": {}},
}


@pytest.mark.thorough
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "part", [pytest.param(PART, id="part"), pytest.param({}, id="all", marks=pytest.mark.thorough)]
)
def test_it_is_all_there_and_the_second_time_nothing_changes(part: dict[str, t.Any]) -> None:
    awx = FakeAwx(PLAYBOOKS)
    override = {
        **part,
        **URL,
        "ad_hoc_modules": MODULES,
        "ad_hoc_modules_only": bool(part),
        "notification_templates": {
            "chat": {
                "name": "Chat",
                "notification_type": "webhook",
                "notification_configuration": WEBHOOK,
            }
        },
        "job_templates": {
            **part.get("job_templates", {}),
            "rolling_restart": {"notify_error": ["Chat"], **({"labels": None} if part else {})},
        },
    }
    with Server(awx, TOKEN) as server:
        code, said = setup(server.url, override)
        assert code == 0, said
        assert awx.writes
        awx.writes.clear()
        code, said = setup(server.url, override)
    assert code == 0, said
    assert re.search(r"localhost +: .* changed=0 ", said), said
    assert awx.writes == []
    # What came out of it.
    templates = {one["name"]: one for one in awx.records["job_templates"].values()}
    assert len(templates) == (2 if part else len(SHIPPED["job_templates"]))
    roll = templates["Odoo - rolling restart"]
    assert (roll["allow_simultaneous"], roll["job_slice_count"], roll["ask_job_slice_count_on_launch"]) == (
        False,
        1,
        False,
    )
    assert awx.names("job_templates", "Odoo - rolling restart", "notification_templates_error") == ["Chat"]
    assert awx.names("job_templates", "Odoo - rolling restart", "credentials") == ["Odoo hosts"]
    survey = {one["variable"]: one for one in awx.survey("job_templates", "Odoo - rolling restart")["spec"]}
    assert "default" not in survey["rolling_restart_timeout"]
    assert survey["rolling_restart_hosts"]["default"] == "odoo"
    nodes = "workflow_job_template_nodes"
    assert awx.names(nodes, "canary", "success_nodes") == ["approve"]
    if not part:
        assert awx.names(nodes, "approve", "success_nodes") == ["rest"]
        assert awx.names(nodes, "rest", "failure_nodes") == ["diagnose"]
        assert awx.names(nodes, "diagnose", "always_nodes") == ["put_right"]
        assert awx.named(nodes, "put_right")["extra_data"] == {"rolling_restart_release_fails": "true"}
        assert awx.names("job_templates", "Odoo - drain", "labels") == ["odoo", "odoo-changes"]
    assert awx.named(nodes, "canary")["extra_data"] == {"rolling_restart_stop_after": 1}
    assert awx.named("workflow_approval_templates", "Odoo - roll the rest?")["timeout"] == 86400
    team = awx.named("teams", "Odoo operators")["id"]
    granted = {key[:2] for key, teams in awx.associated.items() if key[2] == "teams" and team in teams}
    assert ("roles/job_templates/execute", roll["id"]) in granted
    state = next(one for one in awx.records["inventory_sources"].values() if one["source"] == "constructed")
    assert json.loads(state["source_vars"])["keyed_groups"][0]["key"].startswith("fleet_info_facts")
    others = [] if part else ["command", "shell", "ping"]
    # In this order at each run, because AWX calls another order a change.
    assert awx.settings["AD_HOC_COMMANDS"] == [*others, *MODULES]
    # A key that stands twice in a file of ours.
    assert "duplicate" not in said
    assert awx.named("credentials", "Odoo hosts")["inputs"] == {}


@pytest.mark.thorough
@pytest.mark.timeout(180)
def test_a_site_leaves_out_what_it_does_not_want() -> None:
    """As with a project that lies on AWX's disk, and an AWX that has one template and no workflow of ours."""
    awx = FakeAwx(PLAYBOOKS)
    override = {
        "project": {"scm_type": "manual", "local_path": "odoo"},
        "inventory_sources": {"fleet": None},
        "constructed_inventories": {"state": None},
        "execution_environment": None,
        "labels": [],
        "job_template_defaults": {"labels": None},
        "teams": {"approvers": None, "operators": None},
        "roles": {**dict.fromkeys(SHIPPED["roles"]), "viewers_read": {}},
        "workflows": {"canary_roll": None},
        "job_templates": {
            "release": {"labels": None},
            **{key: None for key in SHIPPED["job_templates"] if key != "release"},
        },
    }
    with Server(awx, TOKEN) as server:
        code, said = setup(server.url, override)
    assert code == 0, said
    assert [one["name"] for one in awx.records["job_templates"].values()] == ["Odoo - release"]
    assert awx.named("projects", "Odoo operations")["local_path"] == "odoo"
    assert not awx.records["workflow_job_templates"]
    assert not awx.records["inventory_sources"]


@pytest.mark.thorough
@pytest.mark.timeout(600)
def test_a_project_that_could_not_be_synced_is_synced_by_the_next_run() -> None:
    awx = FakeAwx(PLAYBOOKS)
    override = {
        **URL,
        "inventory_sources": {"fleet": None},
        "constructed_inventories": {"state": None},
        "labels": [],
        "teams": dict.fromkeys(("approvers", "operators", "viewers")),
        "roles": dict.fromkeys(SHIPPED["roles"]),
        "workflows": {"canary_roll": None},
        "job_templates": {**dict.fromkeys(SHIPPED["job_templates"]), "fleet_info": {"labels": None}},
    }
    with Server(awx, TOKEN) as server:
        awx.sync_fails = True
        code, said = setup(server.url, override)
        assert (code, awx.records["job_templates"]) == (2, {}), said
        # Why, without the colours of the terminal.
        assert "fatal: unable to access the repository" in said
        assert "[awx.project_update]" in re.sub(r"\s+", " ", said)
        assert "\x1b" not in said
        awx.sync_fails = False
        code, said = setup(server.url, override)
    assert code == 0, said
    assert [one["name"] for one in awx.records["job_templates"].values()] == ["Odoo - fleet info"]


@pytest.mark.thorough
@pytest.mark.timeout(600)
def test_what_is_taken_out_goes_back_to_its_default_and_the_rest_is_named() -> None:
    awx = FakeAwx(PLAYBOOKS)
    small = {
        **URL,
        "inventory_sources": {"fleet": None},
        "constructed_inventories": {"state": None},
        "labels": [],
        "teams": dict.fromkeys(("approvers", "viewers")),
        "roles": {**dict.fromkeys(SHIPPED["roles"]), "operators_launch": {}},
        "job_template_defaults": {"labels": None},
        "workflow_defaults": {"labels": None},
    }
    keys = ("fleet_info", "rolling_restart", "not_approved")
    templates = {
        **{key: None for key in SHIPPED["job_templates"] if key not in keys},
        **{key: {"labels": None} for key in keys},
    }
    nodes: dict[str, t.Any] = {
        "look": {"on_failure": []},
        "canary": {"on_failure": []},
        "rest": {"on_failure": []},
        **dict.fromkeys(("diagnose", "put_right")),
    }
    workflow = {"canary_roll": {"labels": None, "nodes": nodes}}
    own = {"limit": "web1", "notify_error": ["Chat"], "forks": 50}
    first = {
        **small,
        "execution_environment": {"name": "Ours", "image": "registry.example.com/ee:1"},
        "notification_templates": {
            "chat": {"name": "Chat", "notification_type": "webhook", "notification_configuration": WEBHOOK}
        },
        "project": {**URL["project"], "scm_branch": "stable", "default_environment": "Ours"},
        "workflow_defaults": {"labels": None, "notify_approvals": ["Chat"]},
        "job_templates": {**templates, "fleet_info": {"labels": None, **own}},
        "workflows": {"canary_roll": {**workflow["canary_roll"], "limit": "web2"}},
    }
    second = {
        **small,
        "job_templates": {**templates, "fleet_info": {"labels": None}, "rolling_restart": {"labels": None}},
        "workflows": {
            "canary_roll": {
                "labels": None,
                "nodes": {**nodes, "approve": {"on_success": [], "on_failure": []}, "rest": None, "not_approved": None},
            }
        },
    }
    with Server(awx, TOKEN) as server:
        code, said = setup(server.url, first)
        assert code == 0, said
        info = awx.named("job_templates", "Odoo - fleet info")
        assert (info["limit"], info["forks"]) == ("web1", 50)
        assert info["execution_environment"] == awx.named("execution_environments", "Ours")["id"]
        canary = "Odoo - canary, approval, rest"
        assert awx.named("workflow_job_templates", canary)["limit"] == "web2"
        assert awx.names("workflow_job_templates", canary, "notification_templates_approvals") == ["Chat"]
        code, said = setup(server.url, second)
        assert code == 0, said
        told = re.sub(r"\s+", " ", said)
        awx.writes.clear()
        code, said = setup(server.url, second)
        assert (code, awx.writes) == (0, []), said
    info = awx.named("job_templates", "Odoo - fleet info")
    assert (info["limit"], info["forks"], info["execution_environment"]) == ("", 20, None)
    assert awx.names("job_templates", "Odoo - fleet info", "notification_templates_error") == []
    assert awx.named("workflow_job_templates", canary)["limit"] is None
    assert awx.names("workflow_job_templates", canary, "notification_templates_approvals") == []
    project = awx.named("projects", "Odoo operations")
    assert (project["scm_branch"], project["default_environment"]) == ("", None)
    # A node without a link would run at the launch.
    assert {one["identifier"] for one in awx.records["workflow_job_template_nodes"].values()} == {
        "look",
        "canary",
        "approve",
    }
    # Nothing else is deleted.
    assert 'execution environment "Ours": AWX has it' in told
    assert 'notification template "Chat": AWX has it' in told
    assert 'credential "Odoo hosts": awx_setup never changes a credential that exists. It has no secret' in told


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ({}, "[awx.no_project_url]"),
        ({**URL, "job_templates": {"drain": {"job_slice_count": 2}}}, "[awx.sliced]"),
        ({**URL, "jobtemplates": {}}, "[awx.unknown_key]"),
    ],
)
def test_what_awx_would_find_wrong_halfway_is_found_before(override: dict[str, t.Any], message: str) -> None:
    awx = FakeAwx(PLAYBOOKS)
    with Server(awx, TOKEN) as server:
        code, said = setup(server.url, override)
    assert code == 2, said
    assert message in re.sub(r"\s+", " ", said), said
    assert awx.writes == []


def test_both_collections_get_the_same() -> None:
    def tasks(name: str) -> str:
        return (ROOT / "roles/awx_setup/tasks" / name).read_text(encoding="utf-8").partition("- name: ")[2]

    assert tasks("awx.yml").replace("awx.awx.", "ansible.controller.") == tasks("controller.yml")
    assert pathlib.Path(ROOT / "roles/awx_setup/tasks/controller.yml").is_file()
