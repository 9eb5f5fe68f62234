# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test what awx_setup creates in AWX: surveys that fit the roles, and errors before AWX is asked."""

from __future__ import annotations

import copy
import json
import pathlib
import re
import typing as t

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.fleetops.odoo.plugins.filter.awx_plan import FilterModule
from ansible_collections.fleetops.odoo.tests.integration.fake_awx_survey import (
    Refused,
    check_survey,
    filled,
    launch,
    wrong,
)

ROOT = pathlib.Path(__file__).resolve().parents[4]
SHIPPED: dict[str, t.Any] = yaml.safe_load((ROOT / "roles/awx_setup/files/awx.yml").read_text(encoding="utf-8"))
SHIPPED["project"]["scm_url"] = "https://git.example.com/odoo.git"
plan = FilterModule().filters()["awx_plan"]

#: Type of an option -> type of the question for it. With choices it is one of them, or several.
QUESTIONS = {"str": "text", "raw": "text", "list": "text", "int": "integer", "float": "float", "bool": "yes_no"}


def read(path: str) -> t.Any:
    """A YAML file of the collection."""
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def options(playbook: str) -> tuple[dict[str, t.Any], str]:
    """Return the variables of the first role of a playbook, and the playbook's text."""
    (task,) = read(playbook)[0]["tasks"]
    role = task["ansible.builtin.import_role"]
    specs = read(f"roles/{role['name'].rpartition('.')[2]}/meta/argument_specs.yml")["argument_specs"]
    return specs[role.get("tasks_from", "main")]["options"], (ROOT / playbook).read_text(encoding="utf-8")


def defaults(playbook: str) -> dict[str, t.Any]:
    """Defaults of the roles of a playbook."""
    found: dict[str, t.Any] = {}
    for play in read(playbook):
        name = play["tasks"][0]["ansible.builtin.import_role"]["name"].rpartition(".")[2]
        found.update(read(f"roles/{name}/defaults/main.yml") or {})
    return found


def asked() -> list[t.Any]:
    """Every question of every template."""
    return [
        pytest.param(template["playbook"], question, id=question["variable"] + "-" + key)
        for key, template in SHIPPED["job_templates"].items()
        for question in template.get("survey", [])
    ]


@pytest.mark.parametrize(("playbook", "question"), asked())
def test_a_question_is_about_what_the_role_takes(playbook: str, question: dict[str, t.Any]) -> None:
    takes, text = options(playbook)
    name = question["variable"]
    assert question.get("help") or question["type"] == "choices"
    if name.endswith("_hosts"):
        default = re.search(rf"{name} \| default\('([^']*)'\)", text)
        # Without a default the hosts must be named.
        assert question["default"] == (default.group(1) if default else "")
        assert question.get("required", False) == (not default)
        assert question["min"] == 1
        return
    option = takes[name]
    several = option["type"] == "list" and "choices" in option
    kind = "choices" if several else "choice" if "choices" in option else QUESTIONS[option["type"]]
    assert question["type"] == kind
    assert question.get("choices", []) == option.get("choices", [])
    if option.get("required"):
        assert question["required"]
        assert not {"default", "otherwise"} & set(question)
        return
    # AWX passes a default as an extra variable, which would beat the inventory.
    assert "default" not in question
    # AWX refuses to launch where a required one is not answered, though it has a default: a launch by API is short.
    assert not question.get("required")
    default = defaults(playbook).get(name, option.get("default"))
    assert default == option.get("default")
    assert comparable(question["otherwise"]) == comparable(default)


def comparable(value: t.Any) -> t.Any:
    """A default in the form in which a survey can hold it."""
    if value is None or value == []:
        return ""
    return value if isinstance(value, list) else json.dumps(value).strip('"').removesuffix(".0")


def test_every_playbook_has_a_template_and_every_template_a_playbook() -> None:
    made = {template["playbook"] for template in SHIPPED["job_templates"].values()}
    there = {f"playbooks/{path.name}" for path in (ROOT / "playbooks").glob("*.yml")}
    # These run where files are, or where AWX is not set up yet.
    assert made == there - {"playbooks/explain_dumps.yml", "playbooks/awx_setup.yml"}
    wrappers = {f"playbooks/{path.name}" for path in (ROOT / "docs/awx-project/playbooks").glob("*.yml")}
    assert wrappers == made
    for name in wrappers:
        stem = pathlib.Path(name).stem
        assert read(f"docs/awx-project/{name}")[0]["import_playbook"] == f"fleetops.odoo.{stem}"


def test_awx_takes_every_survey_and_every_answer_of_a_node() -> None:
    planned = plan(SHIPPED)
    surveys = {one["name"]: one["survey_spec"] for one in [*planned["job_templates"], *planned["workflows"]]}
    for survey in filter(None, surveys.values()):
        sent = copy.deepcopy(survey)
        check_survey(sent)
        # What AWX keeps is what was sent, so that the second run finds no difference.
        assert sent == survey
        for question in survey["spec"]:
            if question.get("default"):
                assert wrong(question, {question["variable"]: question["default"]}) == []
    for node in planned["nodes"]:
        known = {one["variable"]: one for one in surveys[node["template"]].get("spec", [])} if node["template"] else {}
        for name in node["extra_data"]:
            assert wrong(known[name], node["extra_data"]) == []
    # A workflow hands its answers on to all of its nodes' templates, above what the nodes say.
    for workflow in planned["workflows"]:
        own = {one["variable"] for one in workflow["survey_spec"]["spec"]}
        assert not own & {name for node in workflow["nodes"] for name in node["extra_data"]}
        known = {
            one["variable"]: one
            for node in workflow["nodes"]
            if node["template"]
            for one in surveys[node["template"]].get("spec", [])
        }
        for question in workflow["survey_spec"]["spec"]:
            assert question["type"] == known[question["variable"]]["type"]
            assert "default" not in question
            assert question["question_description"] == known[question["variable"]]["question_description"]


def as_awx_has_it(key: str) -> tuple[dict[str, t.Any], list[dict[str, t.Any]]]:
    """A template as AWX has it, and its questions."""
    made = plan(SHIPPED)
    names = {one["name"]: one for one in [*made["job_templates"], *made["workflows"]]}
    found = names[{**SHIPPED["job_templates"], **SHIPPED["workflows"]}[key]["name"]]
    return {**found, "extra_vars": ""}, found["survey_spec"].get("spec", [])


#: What a launch by API must give, where it cannot be short.
NEEDED: dict[str, dict[str, t.Any]] = {
    "drain": {"graceful_drain_hosts": "web1"},
    "scale_workers": {"scale_workers_hosts": "web1", "scale_workers_count": 3},
    "recycle_workers": {"recycle_workers_hosts": "web1"},
}


@pytest.mark.parametrize("key", SHIPPED["job_templates"])
def test_a_launch_by_api_may_be_short(key: str) -> None:
    """Test that a question without an answer is not passed to the roles, so that the inventory decides."""
    template, spec = as_awx_has_it(key)
    needed = NEEDED.get(key, {})
    if needed:
        with pytest.raises(Refused, match="value missing"):
            launch(template, spec, {})
    job, ignored = launch(template, spec, {"extra_vars": needed})
    assert ignored == {}
    hosts = {one["variable"]: "odoo" for one in spec if one["variable"].endswith("_hosts")}
    assert job["extra_vars"] == {**hosts, **needed}


@pytest.mark.parametrize("key", SHIPPED["job_templates"])
def test_an_empty_answer_cannot_hide_the_value_of_the_inventory(key: str) -> None:
    template, spec = as_awx_has_it(key)
    for question in spec:
        if question["type"] != "multiselect":
            with pytest.raises(Refused):
                launch(template, spec, {"extra_vars": {**NEEDED.get(key, {}), question["variable"]: ""}})
        assert (
            question["required"]
            or "default" in question
            or "the value of the inventory" in question["question_description"]
        )


@pytest.mark.parametrize(
    ("key", "given", "said"),
    [
        ("rolling_restart", {"rolling_restart_stop_after": "1"}, "of another type"),
        ("rolling_restart", {"rolling_restart_stop_after": 1.0}, "of another type"),
        ("rolling_restart", {"rolling_restart_stop_after": ""}, "of another type"),
        ("rolling_restart", {"rolling_restart_timeout": 0}, "too small"),
        ("rolling_restart", {"rolling_restart_hosts": ""}, "too small"),
        ("rolling_restart", {"rolling_restart_evidence": True}, "none of the choices"),
        ("rolling_restart", {"rolling_restart_policy": "none"}, "none of the choices"),
        ("recycle_workers", {**NEEDED["recycle_workers"], "recycle_workers_roles": "http"}, "to be a list"),
        ("canary_roll", {"rolling_restart_hosts": "web1"}, "not allowed on launch"),
    ],
)
def test_answers_that_awx_refuses(key: str, given: dict[str, t.Any], said: str) -> None:
    """As docs/awx.md says of launches by API."""
    template, spec = as_awx_has_it(key)
    with pytest.raises(Refused, match=said):
        launch(template, spec, {"extra_vars": given})


def test_what_a_launch_may_set_and_what_it_may_not() -> None:
    template, spec = as_awx_has_it("rolling_restart")
    body = {
        "limit": "web1",
        "job_type": "check",
        "diff_mode": True,
        "extra_vars": {"rolling_restart_timeout": 60, "rolling_restart_reason": "why", "other": 1},
    }
    job, ignored = launch(template, spec, body)
    assert (job["limit"], job["job_type"], job["diff_mode"]) == ("web1", "check", False)
    assert job["extra_vars"]["rolling_restart_timeout"] == 60
    assert ignored == {"diff_mode": True, "extra_vars": {"other": 1}}
    # A node of the workflow gets the workflow's answers above its own.
    template, spec = as_awx_has_it("canary_roll")
    started, _ignored = launch(template, spec, {"extra_vars": {"rolling_restart_policy": "always"}})
    _template, spec = as_awx_has_it("rolling_restart")
    canary = filled(spec, {"rolling_restart_stop_after": 1, **started["extra_vars"]})
    assert (canary["rolling_restart_stop_after"], canary["rolling_restart_policy"]) == (1, "always")


def test_no_secret_is_asked_for_or_sent() -> None:
    text = (ROOT / "roles/awx_setup/files/awx.yml").read_text(encoding="utf-8")
    assert not re.search(r"^\s*(password|token|secret|ssh_key_data|inputs)\w*:", text, re.MULTILINE)
    assert "type: password" not in text


def test_what_takes_the_lock_runs_once_at_a_time_and_nothing_is_sliced() -> None:
    for template in plan(SHIPPED)["job_templates"]:
        assert template["allow_simultaneous"] is ("odoo-reads" in template["labels"])
        assert template["job_slice_count"] == 1
        assert template["ask_job_slice_count_on_launch"] is False


def test_a_job_outlives_what_it_waits_for() -> None:
    """A job that AWX ends leaves locks behind."""
    roll = SHIPPED["job_templates"]["rolling_restart"]
    answers = {one["variable"]: one.get("otherwise") for one in roll["survey"]}
    assert roll["timeout"] > answers["rolling_restart_deadline"] + answers["rolling_restart_timeout"] + 600
    drain = SHIPPED["job_templates"]["drain"]
    assert (
        drain["timeout"] > {one["variable"]: one.get("otherwise") for one in drain["survey"]}["graceful_drain_timeout"]
    )


def changed(**sections: t.Any) -> dict[str, t.Any]:
    """Return the configuration of the collection with these sections merged in."""
    data = copy.deepcopy(SHIPPED)
    for name, value in sections.items():
        both = isinstance(data.get(name), dict) and isinstance(value, dict)
        data[name] = {**data[name], **value} if both else value
    return data


NODE = {"template": "fleet_info"}


@pytest.mark.parametrize(
    ("sections", "code"),
    [
        ({"templates": {}}, "awx.unknown_key"),
        ({"project": {"scm_url": ""}}, "awx.no_project_url"),
        ({"organization": {"name": ""}}, "awx.missing_key"),
        ({"teams": {"x": {"description": "y"}}}, "awx.missing_key"),
        ({"job_templates": {"x": {"name": "x"}}}, "awx.missing_key"),
        ({"job_templates": {"x": {"name": "x", "playbook": "y", "instance_group": ["z"]}}}, "awx.unknown_key"),
        ({"workflow_defaults": {"notify_failure": ["z"]}}, "awx.unknown_key"),
        ({"teams": {"x": {"name": "y", "users": ["z"]}}}, "awx.unknown_key"),
        ({"job_template_defaults": {"ask_job_slice_count_on_launch": True}}, "awx.sliced"),
        ({"workflows": {"x": {"name": "x"}}}, "awx.missing_key"),
        ({"workflows": {"x": {"name": "x", "nodes": {"a": {}}}}}, "awx.template_or_approval"),
        ({"workflows": {"x": {"name": "x", "nodes": {"a": {**NODE, "next": ["b"]}}}}}, "awx.unknown_key"),
        (
            {"workflows": {"x": {"name": "x", "nodes": {"a": {**NODE, "always": ["b"]}}}}},
            "awx.unknown_name",
        ),
        ({"workflows": {"x": {"name": "x", "nodes": {"a": {"template": "y"}}}}}, "awx.unknown_name"),
        ({"job_templates": {"release": None}}, "awx.unknown_name"),
        ({"roles": {"x": {"teams": ["y"]}}}, "awx.missing_key"),
        ({"roles": {"x": {"role": "read"}}}, "awx.no_recipient"),
        (
            {"roles": {"x": {"role": "read", "users": ["u"], "workflows": ["y"]}}},
            "awx.unknown_name",
        ),
    ],
)
def test_mistakes_of_a_site_are_named(sections: dict[str, t.Any], code: str) -> None:
    with pytest.raises(AnsibleFilterError, match=rf"\[{re.escape(code)}\]$"):
        plan(changed(**sections))


def test_a_site_leaves_out_and_overrides() -> None:
    data = changed(
        job_templates={"drain": None, "undrain": {**SHIPPED["job_templates"]["undrain"], "limit": "x", "forks": None}},
        execution_environment=None,
        workflows={"canary_roll": None},
    )
    planned = plan(data)
    names = [one["name"] for one in planned["job_templates"]]
    assert "Odoo - drain" not in names
    undrain = planned["job_templates"][names.index("Odoo - undrain")]
    assert undrain["limit"] == "x"
    # AWX's own default, and not that of job_template_defaults.
    assert undrain["forks"] == 0
    assert undrain["execution_environment"] is None
    assert planned["nodes"] == []
    assert planned["roles"][0]["job_templates"] == names


def test_a_field_that_is_taken_out_has_the_default_of_awx() -> None:
    own = {"limit": "web1", "notify_error": ["Chat"], "instance_groups": ["dmz"], "execution_environment": "Other"}
    with_it = plan(changed(job_templates={"drain": {**SHIPPED["job_templates"]["drain"], **own}}))
    without = plan(SHIPPED)

    def drain(planned: dict[str, t.Any]) -> dict[str, t.Any]:
        (found,) = [one for one in planned["job_templates"] if one["name"] == "Odoo - drain"]
        return {name: found[name] for name in own}

    assert drain(with_it) == own
    assert drain(without) == {
        "limit": "",
        "notify_error": [],
        "instance_groups": [],
        "execution_environment": None,
    }


def test_every_template_runs_in_the_environment_of_the_site() -> None:
    data = changed(execution_environment={"name": "Ours", "image": "registry.example.com/ee:1"})
    data["job_templates"]["drain"] = {**data["job_templates"]["drain"], "execution_environment": None}
    planned = plan(data)
    assert planned["execution_environment"]["pull"] == "missing"
    found = {one["name"]: one["execution_environment"] for one in planned["job_templates"]}
    assert found.pop("Odoo - drain") is None
    assert set(found.values()) == {"Ours"}


def test_workflow_defaults_hold_for_every_workflow() -> None:
    data = changed(workflow_defaults={**SHIPPED["workflow_defaults"], "notify_approvals": ["Chat"]})
    (workflow,) = plan(data)["workflows"]
    assert workflow["notify_approvals"] == ["Chat"]
    assert workflow["notify_error"] == []
    assert plan(SHIPPED)["workflows"][0]["notify_approvals"] == []
