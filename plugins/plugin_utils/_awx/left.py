# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Compare what AWX has with what a site wants: what must still be set back, and what stays as it is. Pure.

The modules of awx.awx send no null, and they never look at records that they are not told of. So the records of the
organization are read after the modules have run.
"""

from __future__ import annotations

import json
import typing as t

from ..names import some_of

Record = t.Mapping[str, t.Any]

#: Fields that the modules cannot empty, with what AWX has in an empty one.
_EMPTY: dict[str, dict[str, t.Any]] = {
    "projects": {"credential": None, "default_environment": None},
    "execution_environments": {"description": "", "credential": None},
    "inventory_sources": {"credential": None, "source_vars": ""},
    "job_templates": {"inventory": None, "execution_environment": None},
    "workflow_job_templates": {"inventory": None, "limit": None},
    "workflow_job_template_nodes": {"limit": None, "extra_data": {}},
}
#: Kind in the API: the section of the plan, and what people call a record.
_KINDS: dict[str, tuple[str, str]] = {
    "projects": ("project", "project"),
    "execution_environments": ("execution_environment", "execution environment"),
    "credentials": ("credentials", "credential"),
    "inventories": ("inventories", "inventory"),
    "inventory_sources": ("inventory_sources", "inventory source"),
    "notification_templates": ("notification_templates", "notification template"),
    "teams": ("teams", "team"),
    "job_templates": ("job_templates", "job template"),
    "workflow_job_templates": ("workflows", "workflow"),
}
#: More names of one kind are counted only: an organization may have hundreds that are not ours.
_NAMES = 10


def left(plan: Record, shown: t.Mapping[str, t.Sequence[Record]]) -> dict[str, t.Any]:
    """Return ``reset``, ``remove`` and ``stays``.

    :param plan: what ``plan`` has made of the file.
    :param shown: the records of the organization by their kind in the API; ``team_roles`` has the roles of its teams,
        each with ``team``, and ``settings`` has the settings of jobs, or nothing where they may not be read.
    """
    return {"reset": _resets(plan, shown), "remove": _removed(plan, shown), "stays": _stays(plan, shown)}


def _wanted(plan: Record, kind: str) -> dict[str, Record]:
    """Return the entries of the plan that are records of this kind, by name."""
    entries = plan.get(_KINDS[kind][0]) or []
    if isinstance(entries, t.Mapping):
        entries = [entries]
    if kind == "inventories":
        entries = [*entries, *plan["constructed_inventories"]]
    return {one["name"]: one for one in entries}


def _is_empty(value: t.Any) -> bool:
    if isinstance(value, str):
        value = value.strip()
        return value in ("", "---", "{}")
    return value is None or value == {}


def _resets(plan: Record, shown: t.Mapping[str, t.Sequence[Record]]) -> list[dict[str, t.Any]]:
    found = []
    for kind, fields in _EMPTY.items():
        wanted: dict[t.Any, Record]
        if kind == "workflow_job_template_nodes":
            wanted = {(one["workflow"], one["identifier"]): one for one in plan["nodes"]}
        else:
            wanted = dict(_wanted(plan, kind))
        for record in shown.get(kind) or []:
            entry = wanted.get(_node_key(record) if kind == "workflow_job_template_nodes" else record["name"])
            if entry is None:
                continue
            empty = {
                name: value
                for name, value in fields.items()
                if _is_empty(entry.get(name)) and not _is_empty(record.get(name))
            }
            if empty:
                name = record.get("name") or record["identifier"]
                found.append({"url": record["url"], "name": name, "fields": empty})
    return found


def _node_key(node: Record) -> tuple[str, str]:
    return node["summary_fields"]["workflow_job_template"]["name"], node["identifier"]


def _removed(plan: Record, shown: t.Mapping[str, t.Sequence[Record]]) -> list[dict[str, str]]:
    """Return the nodes of workflows of the plan that the plan does not have.

    A node to which no link leads is run at the launch of its workflow, so no such node may stay.
    """
    wanted = {(one["workflow"], one["identifier"]) for one in plan["nodes"]}
    workflows = {one["name"] for one in plan["workflows"]}
    there = [_node_key(one) for one in shown.get("workflow_job_template_nodes") or []]
    return [
        {"workflow": workflow, "identifier": identifier}
        for workflow, identifier in there
        if workflow in workflows and (workflow, identifier) not in wanted
    ]


def _stays(plan: Record, shown: t.Mapping[str, t.Sequence[Record]]) -> list[str]:
    said = []
    for kind, (_section, called) in _KINDS.items():
        wanted = _wanted(plan, kind)
        others = sorted(
            one["name"]
            for one in shown.get(kind) or []
            if one["name"] not in wanted and one.get("source") != "constructed"
        )
        if others:
            names = some_of([f'"{one}"' for one in others], _NAMES)
            them = "them" if len(others) > 1 else "it"
            said.append(f"{called} {names}: AWX has {them}, but the file does not name {them}. awx_setup keeps {them}.")
    return [*said, *_kept_values(plan, shown), *_granted(plan, shown), *_modules(plan, shown)]


def _named(kind: str, record: Record) -> str:
    return f'{kind} "{record["name"]}"'


def _kept_values(plan: Record, shown: t.Mapping[str, t.Sequence[Record]]) -> list[str]:
    said = []
    credentials = _wanted(plan, "credentials")
    for one in shown.get("credentials") or []:
        if one["name"] in credentials:
            empty = not one.get("inputs")
            what = "It has no secret: enter it in AWX." if empty else "Its fields have values."
            said.append(f"{_named('credential', one)}: awx_setup never changes a credential that exists. {what}")
    # Variables of an inventory with a source come from that.
    fed = {one["inventory"] for one in plan["inventory_sources"]}
    inventories = {one["name"]: one for one in plan["inventories"] if one["name"] not in fed}
    for one in shown.get("inventories") or []:
        entry = inventories.get(one["name"])
        if entry is not None and not entry["variables"] and not _is_empty(one.get("variables")):
            said.append(
                f"{_named('inventory', one)}: AWX has variables for it, but the file has none. awx_setup keeps them."
            )
    notifications = _wanted(plan, "notification_templates")
    for one in shown.get("notification_templates") or []:
        own = notifications.get(one["name"])
        if own is not None and not own.get("messages") and any((one.get("messages") or {}).values()):
            said.append(
                f"{_named('notification template', one)}: AWX has messages for it, but the file has none."
                " awx_setup keeps them."
            )
    return said


def _granted(plan: Record, shown: t.Mapping[str, t.Sequence[Record]]) -> list[str]:
    """Return what teams of the organization may do although the file does not say so."""
    wanted = set()
    kinds = {
        "job_templates": "job_templates",
        "workflows": "workflow_job_templates",
        "inventories": "inventories",
        "projects": "projects",
        "credentials": "credentials",
    }
    for role in plan["roles"]:
        for section, kind in kinds.items():
            for one in shown.get(kind) or []:
                if one["name"] in (role.get(section) or []):
                    found = one["summary_fields"]["object_roles"].get(f"{role['role']}_role")
                    wanted |= {(team, found["id"]) for team in (role.get("teams") or []) if found}
    said = []
    for one in shown.get("team_roles") or []:
        if (one["team"], one["id"]) not in wanted:
            fields = one.get("summary_fields") or {}
            kind = fields.get("resource_type", "organization").replace("_", " ")
            what = f'{kind} "{fields.get("resource_name", "")}"'
            said.append(
                f'team "{one["team"]}": it has the role "{one["name"]}" of the {what}, which the file does not give it.'
                " awx_setup removes no role."
            )
    return said


def _modules(plan: Record, shown: t.Mapping[str, t.Sequence[Record]]) -> list[str]:
    wanted = plan["ad_hoc_modules"]
    for settings in shown.get("settings") or []:
        value = settings.get("AD_HOC_COMMANDS") or []
        there = json.loads(value) if isinstance(value, str) else value
        ours = [one for one in there if one.startswith("fleetops.odoo.")]
        others = ", ".join(one for one in ours if one not in wanted)
        if others:
            return [f"setting AD_HOC_COMMANDS: AWX offers {others} for ad hoc commands, but the file does not name it."]
        if ours == there and there and not plan["ad_hoc_modules_only"]:
            what = "AWX offers only modules of this collection for ad hoc commands, but the file does not require that"
            return [f"setting AD_HOC_COMMANDS: {what}. To change that, add AWX's own modules in Settings, Jobs."]
    return []
