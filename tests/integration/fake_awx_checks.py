# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refuse and complete data as AWX 24's serializers do."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.fleetops.odoo.tests.integration.fake_awx_fields import CHOICES, KINDS, Record
from ansible_collections.fleetops.odoo.tests.integration.fake_awx_survey import Refused, sort_out

#: Of each kind of notification that the tests use: the fields with their types, and the defaults of some.
_NOTIFICATIONS: dict[str, dict[str, tuple[type, t.Any]]] = {
    "webhook": {
        "url": (str, None),
        "http_method": (str, "POST"),
        "disable_ssl_verification": (bool, False),
        "username": (str, ""),
        "password": (str, ""),
        "headers": (dict, None),
    }
}
_LINKS = ("success_nodes", "failure_nodes", "always_nodes")


def value_of(kind: str, field: str, value: t.Any) -> t.Any:
    """A value as it is kept. Texts lose the blanks around them, so that what is read is not what was sent."""
    default = KINDS[kind].get(field)
    if field in CHOICES and value is not None and value not in CHOICES[field]:
        raise Refused(**{field: [f'"{value}" is not a valid choice.']})
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise Refused(**{field: ["Must be a valid boolean."]})
        return value
    if isinstance(default, int):
        if isinstance(value, bool) or not isinstance(value, int):
            raise Refused(**{field: ["A valid integer is required."]})
        if value < 0 and field != "timeout":
            raise Refused(**{field: ["Ensure this value is greater than or equal to 0."]})
        return value
    if isinstance(default, str):
        if not isinstance(value, str):
            raise Refused(**{field: ["Not a valid string."]})
        if field in ("extra_vars", "variables", "source_vars") and value:
            try:
                if not isinstance(json.loads(value), dict):
                    raise Refused(**{field: ["Cannot be parsed as a dictionary."]})
            except ValueError as exc:
                raise Refused(**{field: ["Cannot be parsed as JSON."]}) from exc
    return value.strip() if isinstance(value, str) else value


class Checks:
    """One method for each kind that has rules of its own."""

    playbooks: list[str]
    records: dict[str, dict[int, Record]]
    surveys: dict[tuple[str, int], Record]
    associated: dict[tuple[str, int, str], list[int]]

    def check_projects(self, record: Record, data: Record) -> None:
        """A project of git, or one on the disk."""
        if record["scm_type"]:
            if not record["scm_url"]:
                raise Refused(scm_url=["SCM URL is required."])
            # AWX makes it up.
            record["local_path"] = f"_{record['id']}__project"
            return
        for field in ("scm_update_on_launch", "scm_delete_on_update", "scm_track_submodules", "scm_clean"):
            if record[field]:
                raise Refused(**{field: ["Update options must be set to false for manual projects."]})
        others = {one["local_path"] for one in self.records["projects"].values() if one["id"] != record["id"]}
        if "local_path" in data and record["local_path"] in others:
            raise Refused(local_path=["This path is already being used by another manual project."])

    def check_inventory_sources(self, record: Record, data: Record) -> None:
        """Only of a project that is synced, and for no constructed inventory."""
        if "inventory" in data and self.records["inventories"][record["inventory"]]["kind"]:
            raise Refused(inventory={"detail": "Cannot create Inventory Source for Smart or Constructed Inventories"})
        if record["source"] == "constructed":
            raise Refused(error="constructed not a valid source for inventory")
        if record["source"] != "scm":
            redundant = [one for one in ("source_project", "source_path", "scm_branch") if record[one]]
            if redundant:
                raise Refused(detail=f"Cannot set {' '.join(redundant)} if not SCM type.")
            return
        project = self.records["projects"].get(record["source_project"] or 0)
        if not project:
            raise Refused(source_project=["Project required for scm type sources."])
        if not project["scm_type"]:
            raise Refused(source_project=["Cannot use manual project for SCM-based inventory."])

    def check_notification_templates(self, record: Record, _data: Record) -> None:
        """Return the record with defaults for missing fields."""
        config = dict(record["notification_configuration"])
        known = _NOTIFICATIONS.get(record["notification_type"], {})
        missing = [field for field, (_type, default) in known.items() if field not in config and default is None]
        if missing:
            raise Refused(notification_configuration=[f"Missing required fields: {missing}."])
        for field, (kind, default) in known.items():
            config.setdefault(field, default)
            if not isinstance(config[field], kind):
                raise Refused(notification_configuration=[f"Configuration field '{field}' incorrect type."])
        if config.get("password"):
            config["password"] = "$encrypted$"
        record["notification_configuration"] = config

    def check_job_templates(self, record: Record, _data: Record) -> None:
        """A template has a project with its playbook."""
        project = self.records["projects"].get(record["project"] or 0)
        if not project:
            raise Refused(project=["Job Templates must have a project assigned."])
        if not record["playbook"]:
            raise Refused(playbook=["Must select playbook for project."])
        if record["playbook"] not in self.playbooks or (project["scm_type"] and not project["scm_revision"]):
            raise Refused(playbook=["Playbook not found for project."])
        if not record["inventory"] and not record["ask_inventory_on_launch"]:
            raise Refused(inventory=["You must either set a default value or ask to prompt on launch."])
        if (record["scm_branch"] or record["ask_scm_branch_on_launch"]) and not project["allow_override"]:
            raise Refused(scm_branch=["Project does not allow overriding branch."])
        # No request sets it.
        record["organization"] = project["organization"]

    def check_workflow_job_template_nodes(self, record: Record, _data: Record) -> None:
        """Check that the template of a node accepts what the node sets."""
        template = self.records["job_templates"].get(record["unified_job_template"] or 0)
        if template is None:
            # Without a template, as before an approval is made, nothing else is kept.
            kept = ("id", "url", "identifier", "workflow_job_template", "unified_job_template")
            record.update({**KINDS["workflow_job_template_nodes"], **{name: record[name] for name in kept}})
            return
        if record["limit"] and not template["ask_limit_on_launch"]:
            raise Refused(limit=["Field is not configured to prompt on launch."])
        spec = self.surveys.get(("job_templates", template["id"]), {}).get("spec", [])
        sort_out(template, spec, record["extra_data"], node=True)

    def check_association(self, key: tuple[str, int, str], other: int) -> None:
        """Links of nodes: none in a circle, none in two ways."""
        kind, own, what = key
        if kind == "organizations" and what == "galaxy_credentials":
            galaxy = self.records["credential_types"][self.records["credentials"][other]["credential_type"]]
            if "Galaxy" not in galaxy["name"]:
                raise Refused(msg=["Credential must be a Galaxy credential."])
        if what == "input_inventories" and self.records["inventories"][other]["kind"] == "constructed":
            raise Refused(error="You cannot add a constructed inventory to another constructed inventory.")
        if what not in _LINKS:
            return
        nodes = self.records["workflow_job_template_nodes"]
        if nodes[own]["workflow_job_template"] != nodes[other]["workflow_job_template"]:
            raise Refused(Error="Nodes are of different workflows.")
        if any(other in self.associated.get((kind, own, one), []) for one in _LINKS if one != what):
            raise Refused(Error="Relationship not allowed.")
        reached, ahead = set(), [other]
        while ahead:
            node = ahead.pop()
            if node == own:
                raise Refused(Error="Cycle detected.")
            if node not in reached:
                reached.add(node)
                ahead += [one for link in _LINKS for one in self.associated.get((kind, node, link), [])]
