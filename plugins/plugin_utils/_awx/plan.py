# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""What a site wants in AWX, as lists that tasks can loop over. Pure.

What the tasks would find wrong half-way is found here, before AWX is asked for anything.
"""

from __future__ import annotations

import typing as t

from ...module_utils._messages import awx as _codes
from ...module_utils._system.errors import Refused
from .survey import survey_spec

Data = t.Mapping[str, t.Any]

#: Whose entries are made one by one, each with a name.
NAMED = (
    "credentials",
    "inventories",
    "inventory_sources",
    "constructed_inventories",
    "notification_templates",
    "teams",
)
SECTIONS = frozenset(
    [
        *NAMED,
        "organization",
        "labels",
        "execution_environment",
        "project",
        "roles",
        "ad_hoc_modules",
        "ad_hoc_modules_only",
        "job_template_defaults",
        "job_templates",
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
    planned = {name: _named(name, data.get(name) or {}) for name in NAMED}
    templates = {key: _template(key, one, data) for key, one in _kept(data.get("job_templates"))}
    workflows = {key: _workflow(key, one, templates) for key, one in _kept(data.get("workflows"))}
    return {
        **planned,
        "organization": _need("organization", data.get("organization") or {}),
        "labels": list(data.get("labels") or []),
        "execution_environment": data.get("execution_environment") or None,
        "project": _need("project", project) if project else None,
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


def _named(section: str, entries: Data) -> list[dict[str, t.Any]]:
    return [_need(f"{section}.{key}", one) for key, one in _kept(entries)]


def _template(key: str, entry: Data, data: Data) -> dict[str, t.Any]:
    where = f"job_templates.{key}"
    # A value that is null in a template takes the default away.
    merged = {
        name: one for name, one in {**(data.get("job_template_defaults") or {}), **entry}.items() if one is not None
    }
    template = _need(where, merged, "playbook")
    if int(template.get("job_slice_count", 1)) != 1 or template.get("ask_job_slice_count_on_launch"):
        raise Refused(_codes.SLICED(where=where))
    if template.get("execution_environment") and not data.get("execution_environment"):
        # Without one of our own, AWX takes that of the project or of the organization.
        template.pop("execution_environment")
    questions = template.pop("survey", None) or []
    template["survey_enabled"] = bool(questions)
    template["survey_spec"] = survey_spec(where, questions) if questions else {}
    return template


def _workflow(key: str, entry: Data, templates: t.Mapping[str, Data]) -> dict[str, t.Any]:
    where = f"workflows.{key}"
    workflow = _need(where, entry, "nodes")
    questions = workflow.pop("survey", None) or []
    workflow["survey_enabled"] = bool(questions)
    workflow["survey_spec"] = survey_spec(where, questions) if questions else {}
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
        "approval": _need(f"{where}.approval", node["approval"]) if node.get("approval") else None,
        "extra_data": dict(node.get("extra_data") or {}),
        "limit": node.get("limit") or None,
        "converge": bool(node.get("converge", False)),
        "links": links,
    }


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
