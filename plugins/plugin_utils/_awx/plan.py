# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Check the configuration of a site for AWX, and convert it to lists for the loops of tasks. Pure.

This finds all faults for which the tasks would stop half-way, before AWX is asked.
"""

from __future__ import annotations

import typing as t

from ...module_utils._messages import awx as _codes
from ...module_utils._system.errors import Refused
from . import fields as _fields
from .survey import survey_spec

Data = t.Mapping[str, t.Any]

SECTIONS = frozenset(
    [
        *_fields.NAMED,
        "organization",
        "labels",
        "execution_environment",
        "project",
        "roles",
        "ad_hoc_modules",
        "ad_hoc_modules_only",
        "job_template_defaults",
        "job_templates",
        "workflow_defaults",
        "workflows",
    ]
)
_NODE = frozenset(["template", "approval", "extra_data", "limit", "on_success", "on_failure", "always", "converge"])
_LINKS = {"on_success": "success_nodes", "on_failure": "failure_nodes", "always": "always_nodes"}


def plan(data: Data) -> dict[str, t.Any]:
    """Return the same data without what a site has left out (set to null), with defaults and surveys filled in.

    :raises Refused: a name is missing or unknown, or AWX would refuse a question.
    """
    unknown = sorted(set(data) - SECTIONS)
    if unknown:
        raise Refused(_codes.UNKNOWN_KEY(where="the data", keys=_list(unknown), known=_list(sorted(SECTIONS))))
    project = data.get("project")
    if project and project.get("scm_type") != "manual" and not project.get("scm_url"):
        raise Refused(_codes.NO_PROJECT_URL())
    environment = data.get("execution_environment")
    planned = {name: _named(name, data.get(name) or {}) for name in _fields.NAMED}
    templates = {key: _template(key, one, data) for key, one in _kept(data.get("job_templates"))}
    workflows = {key: _workflow(key, one, data, templates) for key, one in _kept(data.get("workflows"))}
    return {
        **planned,
        "organization": _filled("organization", data.get("organization") or {}, {"description": ""}),
        "labels": list(data.get("labels") or []),
        "execution_environment": (
            _filled("execution_environment", environment, _fields.EXECUTION_ENVIRONMENT) if environment else None
        ),
        "project": _filled("project", project, _fields.PROJECT) if project else None,
        "ad_hoc_modules": list(data.get("ad_hoc_modules") or []),
        "ad_hoc_modules_only": bool(data.get("ad_hoc_modules_only")),
        "job_templates": list(templates.values()),
        "workflows": list(workflows.values()),
        "nodes": [node for one in workflows.values() for node in one["nodes"]],
        "roles": [_role(key, one, templates, workflows) for key, one in _kept(data.get("roles"))],
    }


def _list(names: t.Iterable[str]) -> str:
    return ", ".join(names)


def _kept(entries: t.Optional[Data]) -> list[tuple[str, t.Any]]:
    return [(key, one) for key, one in (entries or {}).items() if one is not None]


def _need(where: str, entry: Data, *keys: str) -> dict[str, t.Any]:
    for key in ("name", *keys):
        if not entry.get(key):
            raise Refused(_codes.MISSING_KEY(where=where, key=key))
    return dict(entry)


def _filled(where: str, entry: Data, defaults: Data, *needed: str) -> dict[str, t.Any]:
    """Return an entry with AWX's default of each field that it does not name, or that it sets to null.

    :raises Refused: it has a key that is not known, or lacks one that it must have.
    """
    section = where.partition(".")[0]
    known = {*defaults, *_fields.OTHERS[section]}
    unknown = sorted(set(entry) - known)
    if unknown:
        raise Refused(_codes.UNKNOWN_KEY(where=where, keys=_list(unknown), known=_list(sorted(known))))
    given = _need(where, {name: one for name, one in entry.items() if one is not None}, *needed)
    return {**defaults, **given}


def _named(section: str, entries: Data) -> list[dict[str, t.Any]]:
    return [_filled(f"{section}.{key}", one, _fields.NAMED[section]) for key, one in _kept(entries)]


def _with_survey(where: str, entry: dict[str, t.Any]) -> dict[str, t.Any]:
    questions = entry.pop("survey", None) or []
    spec = survey_spec(where, questions) if questions else {}
    return {**entry, "survey_enabled": bool(questions), "survey_spec": spec}


def _template(key: str, entry: Data, data: Data) -> dict[str, t.Any]:
    where = f"job_templates.{key}"
    # A value that is null in a template takes the value of job_template_defaults away.
    own = (data.get("execution_environment") or {}).get("name")
    merged = {"execution_environment": own, **(data.get("job_template_defaults") or {}), **entry}
    template = _filled(where, merged, _fields.JOB_TEMPLATE, "playbook")
    if int(template["job_slice_count"]) != 1 or template["ask_job_slice_count_on_launch"]:
        raise Refused(_codes.SLICED(where=where))
    return _with_survey(where, template)


def _workflow(key: str, entry: Data, data: Data, templates: t.Mapping[str, Data]) -> dict[str, t.Any]:
    where = f"workflows.{key}"
    merged = {**(data.get("workflow_defaults") or {}), **entry}
    workflow = _with_survey(where, _filled(where, merged, _fields.WORKFLOW, "nodes"))
    nodes = dict(_kept(entry["nodes"]))
    workflow["nodes"] = [_node(where, name, node, nodes, templates, workflow["name"]) for name, node in nodes.items()]
    return workflow


def _node(
    where: str,
    name: str,
    node: Data,
    nodes: t.Mapping[str, Data],
    templates: t.Mapping[str, Data],
    workflow: str,
) -> dict[str, t.Any]:
    where = f"{where}.nodes.{name}"
    unknown = sorted(set(node) - _NODE)
    if unknown:
        raise Refused(_codes.UNKNOWN_KEY(where=where, keys=_list(unknown), known=_list(sorted(_NODE))))
    if bool(node.get("template")) == bool(node.get("approval")):
        raise Refused(_codes.TEMPLATE_OR_APPROVAL(where=where))
    if node.get("template") and node["template"] not in templates:
        raise Refused(_codes.UNKNOWN_NAME(where=f"{where}.template", names=node["template"], known=_list(templates)))
    links = {}
    for ours, theirs in _LINKS.items():
        strangers = [other for other in node.get(ours) or [] if other not in nodes]
        if strangers:
            raise Refused(_codes.UNKNOWN_NAME(where=f"{where}.{ours}", names=_list(strangers), known=_list(nodes)))
        links[theirs] = list(node.get(ours) or [])
    return {
        "identifier": name,
        "workflow": workflow,
        "template": templates[node["template"]]["name"] if node.get("template") else None,
        "approval": _approval(f"{where}.approval", node["approval"]) if node.get("approval") else None,
        "extra_data": dict(node.get("extra_data") or {}),
        "limit": node.get("limit") or None,
        "converge": bool(node.get("converge", False)),
        "links": links,
    }


def _approval(where: str, entry: Data) -> dict[str, t.Any]:
    return {"description": "", "timeout": 0, **_need(where, entry)}


def _role(key: str, entry: Data, templates: t.Mapping[str, Data], workflows: t.Mapping[str, Data]) -> dict[str, t.Any]:
    where = f"roles.{key}"
    if not entry.get("role"):
        raise Refused(_codes.MISSING_KEY(where=where, key="role"))
    if not entry.get("teams") and not entry.get("users"):
        raise Refused(_codes.NO_RECIPIENT(where=where))
    role = dict(entry)
    for section, known in (("job_templates", templates), ("workflows", workflows)):
        wanted = entry.get(section)
        if wanted is None:
            continue
        keys = list(known) if wanted == "all" else list(wanted)
        strangers = [one for one in keys if one not in known]
        if strangers:
            names = {"names": _list(strangers), "known": _list(["all", *known])}
            raise Refused(_codes.UNKNOWN_NAME(where=f"{where}.{section}", **names))
        role[section] = [known[one]["name"] for one in keys]
    return role
