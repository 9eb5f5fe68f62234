# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test what awx_setup resets in AWX after its modules, and what it does not change."""

from __future__ import annotations

import copy
import pathlib
import typing as t

import pytest
import yaml
from ansible_collections.fleetops.odoo.plugins.filter.awx_left import FilterModule
from ansible_collections.fleetops.odoo.plugins.plugin_utils._awx.plan import plan

ROOT = pathlib.Path(__file__).resolve().parents[4]
SHIPPED: dict[str, t.Any] = yaml.safe_load((ROOT / "roles/awx_setup/files/awx.yml").read_text(encoding="utf-8"))
SHIPPED["project"]["scm_url"] = "https://git.example.com/odoo.git"
left = FilterModule().filters()["awx_left"]


def planned(**sections: t.Any) -> dict[str, t.Any]:
    """Return the plan of what is shipped, with these sections in place of the shipped ones."""
    return plan({**copy.deepcopy(SHIPPED), **sections})


def record(kind: str, name: str, **fields: t.Any) -> dict[str, t.Any]:
    """Return a record as the API shows it."""
    return {"name": name, "url": f"/api/v2/{kind}/7/", "summary_fields": {"object_roles": {}}, **fields}


def node(identifier: str, workflow: str = "Odoo - canary, approval, rest", **fields: t.Any) -> dict[str, t.Any]:
    """Return a node of a workflow as the API shows it; it has no name."""
    summary = {"workflow_job_template": {"name": workflow}}
    return {
        "identifier": identifier,
        "url": "/api/v2/workflow_job_template_nodes/7/",
        "summary_fields": summary,
        "limit": None,
        "extra_data": {},
        **fields,
    }


@pytest.mark.parametrize(
    ("kind", "shown", "fields"),
    [
        ("job_templates", record("job_templates", "Odoo - drain", execution_environment=5), ["execution_environment"]),
        ("workflow_job_templates", record("x", "Odoo - canary, approval, rest", limit="a", inventory=3), None),
        ("projects", record("projects", "Odoo operations", credential=4, default_environment=5), None),
        ("inventory_sources", record("x", "Odoo fleet from the project", source_vars='{"a": 1}'), ["source_vars"]),
        ("workflow_job_template_nodes", node("look", limit="web1"), ["limit"]),
        ("workflow_job_template_nodes", node("look", extra_data={"x": 1}), ["extra_data"]),
    ],
)
def test_a_field_that_the_modules_cannot_empty_is_reset(
    kind: str, shown: dict[str, t.Any], fields: list[str] | None
) -> None:
    (reset,) = left(planned(), {kind: [shown]})["reset"]
    assert reset["url"] == shown["url"]
    assert sorted(reset["fields"]) == (fields or sorted(set(shown) - {"name", "url", "summary_fields"}))
    assert not any(reset["fields"].values())


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        # Empty in the forms in which AWX shows it.
        ("job_templates", record("x", "Odoo - drain", execution_environment=None, inventory=3)),
        ("workflow_job_templates", record("x", "Odoo - canary, approval, rest", limit=None)),
        ("inventory_sources", record("x", "Odoo fleet from the project", source_vars="---")),
        # The file says so.
        ("workflow_job_template_nodes", node("canary", extra_data={"rolling_restart_stop_after": 1})),
        # Of another owner.
        ("job_templates", record("x", "Deploy", execution_environment=5)),
        ("workflow_job_template_nodes", node("look", workflow="Deploy", limit="web1")),
    ],
)
def test_other_fields_are_not_reset(kind: str, shown: dict[str, t.Any]) -> None:
    assert left(planned(), {kind: [shown]})["reset"] == []


def test_a_node_that_the_file_does_not_name_is_removed() -> None:
    shown = [node("look"), node("rest"), node("rest", workflow="Deploy")]
    workflows = copy.deepcopy(SHIPPED["workflows"])
    workflows["canary_roll"]["nodes"].update(rest=None, approve={**NODES["approve"], "on_success": []})
    found = left(planned(workflows=workflows), {"workflow_job_template_nodes": shown})
    assert found["remove"] == [{"workflow": "Odoo - canary, approval, rest", "identifier": "rest"}]


NODES = SHIPPED["workflows"]["canary_roll"]["nodes"]


def stays(shown: dict[str, list[dict[str, t.Any]]], **sections: t.Any) -> list[str]:
    """Return the sentences about what stays."""
    found: list[str] = left(planned(**sections), shown)["stays"]
    return found


def test_records_that_the_file_does_not_name_are_named() -> None:
    shown = {
        "job_templates": [record("x", name) for name in ("Odoo - drain", "Deploy", "Backup")],
        "inventories": [record("x", "Odoo fleet by state"), record("x", "Old")],
        # AWX makes it by itself.
        "inventory_sources": [record("x", "Auto-created source for: Odoo fleet by state", source="constructed")],
    }
    template, inventory = sorted(stays(shown), reverse=True)
    assert template.startswith('job template "Backup", "Deploy": AWX has them, ')
    assert inventory.startswith('inventory "Old":')


def test_a_crowd_of_records_is_counted() -> None:
    (said,) = stays({"teams": [record("x", f"Team {number:02}") for number in range(13)]})
    assert '"Team 09" and 3 more: ' in said
    assert "Team 10" not in said


@pytest.mark.parametrize(
    ("inputs", "told"), [({}, "It has no secret"), ({"username": "ops"}, "Its fields have values")]
)
def test_a_credential_that_exists_is_never_changed(inputs: dict[str, str], told: str) -> None:
    (said,) = stays({"credentials": [record("x", "Odoo hosts", inputs=inputs)]})
    assert told in said


def test_variables_of_an_inventory_stay_unless_the_file_has_some() -> None:
    shown = {"inventories": [record("x", "Odoo fleet", variables="ansible_user: ops")]}
    (said,) = stays(shown, inventory_sources={"fleet": None})
    assert "variables" in said
    own = {"fleet": {**SHIPPED["inventories"]["fleet"], "variables": {"ansible_user": "odoo"}}}
    assert stays(shown, inventory_sources={"fleet": None}, inventories=own) == []


def test_variables_of_an_inventory_with_a_source_are_not_named() -> None:
    """The source brings them."""
    assert stays({"inventories": [record("x", "Odoo fleet", variables="ansible_user: ops")]}) == []


def test_messages_of_a_notification_template_stay() -> None:
    chat = {"chat": {"name": "Chat", "notification_type": "webhook", "notification_configuration": {}}}
    shown = {"notification_templates": [record("x", "Chat", messages={"started": {"message": "x"}, "error": None})]}
    (said,) = stays(shown, notification_templates=chat)
    assert "messages" in said
    shown["notification_templates"][0]["messages"] = {"started": None, "error": None}
    assert stays(shown, notification_templates=chat) == []


def test_a_role_that_the_file_does_not_give_is_named() -> None:
    roles = {"execute_role": {"id": 11}, "admin_role": {"id": 12}}
    template = record("x", "Odoo - drain", summary_fields={"object_roles": roles})
    granted = [
        {"id": 11, "name": "Execute", "team": "Odoo operators", "summary_fields": {}},
        {
            "id": 12,
            "name": "Admin",
            "team": "Odoo operators",
            "summary_fields": {"resource_name": "Odoo - drain", "resource_type": "job_template"},
        },
    ]
    (said,) = stays({"job_templates": [template], "team_roles": granted})
    assert '"Odoo operators": it has the role "Admin" of the job template "Odoo - drain"' in said


@pytest.mark.parametrize(
    ("there", "sections", "told"),
    [
        (["shell"], {}, None),
        (["shell", "fleetops.odoo.stack_dump"], {}, "offers fleetops.odoo.stack_dump"),
        (["shell", "fleetops.odoo.stack_dump"], {"ad_hoc_modules": ["fleetops.odoo.stack_dump"]}, None),
        (
            ["fleetops.odoo.stack_dump"],
            {"ad_hoc_modules": ["fleetops.odoo.stack_dump"]},
            "only modules of this collection",
        ),
    ],
)
def test_modules_for_ad_hoc_commands(there: list[str], sections: dict[str, t.Any], told: str | None) -> None:
    said = stays({"settings": [{"AD_HOC_COMMANDS": there}]}, **sections)
    assert len(said) == (told is not None)
    assert told is None or told in said[0]
