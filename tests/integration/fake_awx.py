# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for the API of AWX 24, as far as the modules of awx.awx use it. It runs no job.

What it refuses and what it fills in, it does as AWX's serializers do, as read in their source: fields it does not know
are dropped, links must exist, a playbook must be in its project, a survey is checked, and a template's organization is
its project's.
"""

from __future__ import annotations

import http.server
import json
import re
import threading
import typing as t
import urllib.parse

from ansible_collections.fleetops.odoo.tests.integration.fake_awx_checks import Checks, value_of
from ansible_collections.fleetops.odoo.tests.integration.fake_awx_fields import (
    FIXED,
    KINDS,
    LINKS,
    NEEDED,
    ROLES,
    UNIFIED,
    Record,
)
from ansible_collections.fleetops.odoo.tests.integration.fake_awx_launch import Launches
from ansible_collections.fleetops.odoo.tests.integration.fake_awx_survey import Refused, check_survey

#: A task of a project update that failed.
SYNC_FAILURE: Record = {
    "stdout": "fatal: [localhost]: FAILED! => {...}",
    "event_data": {"res": {"msg": "non-zero", "stderr": "\x1b[0;31mfatal: unable to access the repository\x1b[0m\n"}},
}


class FakeAwx(Checks, Launches):
    """Records by kind and id, and an HTTP server over them. ``writes`` are the requests that have changed something."""

    def __init__(self, playbooks: t.Sequence[str]) -> None:
        super().__init__()
        self.playbooks = list(playbooks)
        self.records: dict[str, dict[int, Record]] = {kind: {} for kind in KINDS}
        self.associated: dict[tuple[str, int, str], list[int]] = {}
        self.surveys: dict[tuple[str, int], Record] = {}
        self.roles: dict[int, tuple[str, int, str]] = {}
        self.settings: Record = {"AD_HOC_COMMANDS": ["command", "shell", "ping"]}
        self.writes: list[str] = []
        #: Whether the projects' repository cannot be read.
        self.sync_fails = False
        self._syncing: set[int] = set()
        self._last = 0
        self._lock = threading.Lock()
        for kind in ("Machine", "Source Control", "Ansible Galaxy/Automation Hub API Token"):
            self.create("credential_types", {"name": kind})
        galaxy = self.named("credential_types", "Ansible Galaxy/Automation Hub API Token")["id"]
        self.create("credentials", {"name": "Ansible Galaxy", "credential_type": galaxy})
        self.writes.clear()

    def named(self, kind: str, name: str) -> Record:
        """The record of this name."""
        return next(one for one in self.records[kind].values() if one.get("name", one.get("identifier")) == name)

    def survey(self, kind: str, name: str) -> Record:
        """The survey of this template."""
        return self.surveys.get((kind, self.named(kind, name)["id"]), {})

    def names(self, kind: str, name: str, what: str) -> list[str]:
        """Names of what is associated with a record."""
        own = self.associated.get((kind, self.named(kind, name)["id"], what), [])
        every = {key: one for records in self.records.values() for key, one in records.items()}
        return [every[key].get("name") or every[key]["identifier"] for key in own]

    # What the API does.

    def create(self, kind: str, data: Record) -> Record:
        """POST to a list."""
        for field in NEEDED.get(kind, ["name"]):
            if data.get(field) in (None, ""):
                raise Refused(**{field: ["This field is required."]})
        if kind == "workflow_job_template_nodes" and not data.get("identifier"):
            data = {**data, "identifier": f"uuid-{self._last}"}
        self._last += 1
        record = {**KINDS[kind], "name": data.get("name"), "id": self._last}
        if kind == "workflow_job_template_nodes":
            record.pop("name")
        self._fill(kind, record, data)
        if any(self._key(kind, one) == self._key(kind, record) for one in self.records[kind].values()):
            raise Refused(__all__=[f"{kind} with this name already exists."])
        self.records[kind][record["id"]] = record
        if kind == "projects" and record["scm_type"]:
            self._sync(record)
        for role in ROLES.get(kind, []):
            self._last += 1
            self.roles[self._last] = (kind, record["id"], role)
        if kind == "inventories" and record["kind"] == "constructed":
            self._last += 1
            source = {**KINDS["inventory_sources"], "name": f"Auto-created source for: {record['name']}"}
            source.update(id=self._last, inventory=record["id"], source="constructed", update_on_launch=True)
            source.update(overwrite=True, overwrite_vars=True)
            self.records["inventory_sources"][self._last] = source
        self.writes.append(f"POST {kind} {record.get('name', record.get('identifier'))}")
        return record

    def _key(self, kind: str, record: Record) -> tuple[t.Any, ...]:
        if kind == "workflow_job_template_nodes":
            return record["identifier"], record["workflow_job_template"]
        if kind == "workflow_approval_templates":
            return (record["id"],)
        return record["name"], record.get("organization"), record.get("credential_type"), record.get("inventory")

    def change(self, kind: str, record: Record, data: Record) -> None:
        """PATCH of one record."""
        changed = dict(record)
        self._fill(kind, changed, data)
        if changed != record:
            self.writes.append(f"PATCH {kind} {record.get('name', record.get('identifier'))}")
        record.update(changed)

    def _fill(self, kind: str, record: Record, data: Record) -> None:
        new = "url" not in record
        for field, value in data.items():
            if field not in record or field == "id" or (not new and field in FIXED.get(kind, [])):
                continue
            record[field] = value_of(kind, field, value)
            if field in LINKS and value is not None and value not in self.records[LINKS[field]]:
                raise Refused(**{field: [f'Invalid pk "{value}" - object does not exist.']})
        record["url"] = f"/api/v2/{kind}/{record['id']}/"
        check = getattr(self, f"check_{kind}", None)
        if check:
            check(record, data)

    def _sync(self, project: Record) -> None:
        self._syncing.add(project["id"])
        if not self.sync_fails:
            project["scm_revision"] = "0" * 40

    # What HTTP asks for.

    def handle(self, method: str, path: str, query: dict[str, str], data: Record) -> tuple[int, t.Any]:
        """The status and the body of an answer."""
        parts = path.strip("/").split("/")[2:]
        if parts[0] == "settings":
            if method == "PATCH":
                self.settings.update(data)
                self.writes.append("PATCH settings")
            return 200, self.settings
        if parts[0] == "roles" and len(parts) == 3:
            kind, key, role = self.roles[int(parts[1])]
            return self._associate(method, (f"roles/{kind}/{role}", key, parts[2]), parts[2], data)
        if parts[0] in ("config", "jobs"):
            return self.told_of(parts[0], query)
        if len(parts) == 3 and parts[2] == "launch" and method == "POST":
            return 201, self.launched(parts[0], self.records[parts[0]][int(parts[1])], data)
        if parts[0] == "project_updates":
            return 200, self._update_told(parts[1:], query)
        if parts[0] == "teams" and len(parts) == 3 and parts[2] == "roles":
            return 200, self._page(self._roles_of(int(parts[1])))
        if parts[0] == "constructed_inventories":
            return self._constructed(method, parts[1:], query, data)
        if parts[0] == "unified_job_templates":
            known = {name: value for name, value in query.items() if name != "organization"}
            found = [
                (kind, one)
                for kind in UNIFIED
                for one in self.records[kind].values()
                if _fits(one, known)
                and str(one.get("organization")) == query.get("organization", str(one.get("organization")))
            ]
            return 200, self._page([self.shown(kind, one) for kind, one in found])
        return self._record(method, parts, query, data)

    def _synced(self, project: int) -> Record:
        told = {"status": "failed" if self.sync_fails else "successful", "failed": self.sync_fails}
        revision = self.records["projects"][project]["scm_revision"]
        ended = {"finished": "2026-11-25T00:00:00Z", "scm_revision": revision}
        return {**told, **ended, "id": project, "job_explanation": "", "result_traceback": ""}

    def _update_told(self, parts: list[str], query: dict[str, str]) -> Record:
        """The update of a project has the number of its project."""
        if not parts:
            found = [one["id"] for one in self.records["projects"].values() if one["name"] == query["project__name"]]
            return self._page([self._synced(one) for one in found])
        if parts[1:] == ["events"]:
            return self._page([SYNC_FAILURE] if self.sync_fails else [])
        self._syncing.discard(int(parts[0]))
        return self._synced(int(parts[0]))

    def _roles_of(self, team: int) -> list[Record]:
        granted = [key[:2] for key, teams in self.associated.items() if key[2] == "teams" and team in teams]
        return [
            {
                "id": key,
                "name": role.title(),
                "summary_fields": {"resource_name": self.records[kind][own]["name"], "resource_type": kind[:-1]},
            }
            for key, (kind, own, role) in self.roles.items()
            if (f"roles/{kind}/{role}", own) in granted
        ]

    def _record(self, method: str, parts: list[str], query: dict[str, str], data: Record) -> tuple[int, t.Any]:
        kind = parts[0]
        if kind not in self.records:
            return 404, {"detail": "Not found."}
        if len(parts) == 1:
            if method == "POST":
                return 201, self.shown(kind, self.create(kind, data))
            found_here = [one for one in self.records[kind].values() if _fits(self._spread(one), query)]
            return 200, self._page([self.shown(kind, one) for one in found_here])
        record = self.records[kind].get(int(parts[1]))
        if record is None:
            return 404, {"detail": "Not found."}
        if len(parts) == 2:
            if method == "DELETE":
                return self._delete(kind, record)
            if method == "PATCH":
                self.change(kind, record, data)
            return 200, self.shown(kind, record)
        return self._below(method, kind, record, parts[2], data)

    def _delete(self, kind: str, record: Record) -> tuple[int, t.Any]:
        """Links to a node that is deleted go with it."""
        del self.records[kind][record["id"]]
        for (of, _own, _what), others in self.associated.items():
            if of == kind and record["id"] in others:
                others.remove(record["id"])
        self.writes.append(f"DELETE {kind} {record.get('name', record.get('identifier'))}")
        return 204, None

    def _below(self, method: str, kind: str, record: Record, what: str, data: Record) -> tuple[int, t.Any]:
        if what == "survey_spec":
            if method == "POST":
                check_survey(data)
                self.surveys[kind, record["id"]] = data
                self.writes.append(f"POST survey {record['name']}")
                return 200, {}
            return 200, self.surveys.get((kind, record["id"]), {})
        if what == "update" and kind == "projects":
            self._sync(record)
            return 202, {"id": record["id"], "url": f"/api/v2/project_updates/{record['id']}/"}
        if what == "create_approval_template":
            made = self.create("workflow_approval_templates", data)
            record["unified_job_template"] = made["id"]
            return 201, self.shown("workflow_approval_templates", made)
        others = {
            "credentials": "credentials",
            "galaxy_credentials": "credentials",
            "labels": "labels",
            "instance_groups": "instance_groups",
            "input_inventories": "inventories",
            "success_nodes": "workflow_job_template_nodes",
            "failure_nodes": "workflow_job_template_nodes",
            "always_nodes": "workflow_job_template_nodes",
        }
        other = "notification_templates" if what.startswith("notification_templates_") else others.get(what)
        allowed = {
            "workflow_approval_templates": [],
            "workflow_job_templates": ["labels"],
            "inventories": ["input_inventories"],
        }
        if other is None or (other != "notification_templates" and what not in allowed.get(kind, [what])):
            return 404, {"detail": "Not found."}
        if what == "credentials" and method == "POST" and not data.get("disassociate"):
            types = [
                self.records["credentials"][key]["credential_type"]
                for key in self.associated.get((kind, record["id"], what), [])
            ]
            if self.records["credentials"][data["id"]]["credential_type"] in types:
                raise Refused(error="Cannot assign multiple Machine credentials.")
        return self._associate(method, (kind, record["id"], what), other, data)

    def _associate(self, method: str, key: tuple[str, int, str], other: str, data: Record) -> tuple[int, t.Any]:
        own = self.associated.setdefault(key, [])
        if method == "GET":
            return 200, self._page([self.shown(other, self.records[other][one]) for one in own])
        if data["id"] not in self.records[other]:
            raise Refused(detail="No such object.")
        if not data.get("disassociate"):
            self.check_association(key, data["id"])
        if data.get("disassociate"):
            own.remove(data["id"])
        elif data["id"] not in own:
            own.append(data["id"])
        self.writes.append(f"POST {'/'.join(map(str, key))}")
        return 204, None

    def _constructed(self, method: str, parts: list[str], query: dict[str, str], data: Record) -> tuple[int, t.Any]:
        kept = ("source_vars", "limit", "update_cache_timeout", "verbosity")

        def shown(record: Record) -> Record:
            source = self._source(record)
            return {**self.shown("inventories", record), **{name: source[name] for name in kept}}

        found = [one for one in self.records["inventories"].values() if one["kind"] == "constructed"]
        if not parts:
            return 200, self._page([shown(one) for one in found if _fits(one, query)])
        (record,) = [one for one in found if one["id"] == int(parts[0])]
        if method == "PATCH":
            for name in kept:
                # Null stands for what is not given.
                if data.get(name) is not None:
                    self._source(record)[name] = value_of("inventory_sources", name, data[name])
            self.writes.append(f"PATCH constructed {record['name']}")
        return 200, shown(record)

    def _spread(self, record: Record) -> Record:
        """Return a record with the organization of what it belongs to, by which lists may be filtered."""
        spread = dict(record)
        for field, kind in (("inventory", "inventories"), ("workflow_job_template", "workflow_job_templates")):
            if record.get(field):
                spread[f"{field}__organization"] = self.records[kind][record[field]]["organization"]
        return spread

    def _source(self, inventory: Record) -> Record:
        return next(one for one in self.records["inventory_sources"].values() if one["inventory"] == inventory["id"])

    def shown(self, kind: str, record: Record) -> Record:
        """A record as the API shows it."""
        url = f"/api/v2/{kind}/{record['id']}/"
        related = {"survey_spec": f"{url}survey_spec/", "update": f"{url}update/", "launch": f"{url}launch/"}
        summary: Record = {"current_update": {"id": record["id"]}} if record["id"] in self._syncing else {}
        if record.get("organization"):
            summary["organization"] = {"name": self.records["organizations"][record["organization"]]["name"]}
        if kind == "workflow_job_template_nodes" and record["unified_job_template"]:
            linked = record["unified_job_template"]
            of = next(one for one in [*UNIFIED, "workflow_approval_templates"] if linked in self.records[one])
            related["unified_job_template"] = f"/api/v2/{of}/{linked}/"
        if kind == "workflow_job_template_nodes":
            owner = self.records["workflow_job_templates"][record["workflow_job_template"]]
            summary["workflow_job_template"] = {"name": owner["name"]}
        roles = {
            f"{role}_role": {"id": key}
            for key, (of, own, role) in self.roles.items()
            if (of, own) == (kind, record["id"])
        }
        typed = {**UNIFIED, "workflow_job_template_nodes": "workflow_job_template_node"}.get(kind, kind[:-1])
        summary["object_roles"] = roles
        return {**record, "type": typed, "url": url, "related": related, "summary_fields": summary}

    @staticmethod
    def _page(results: list[Record]) -> Record:
        return {"count": len(results), "next": None, "previous": None, "results": results}


def _fits(record: Record, query: dict[str, str]) -> bool:
    for key, value in query.items():
        if key in ("page_size", "order_by", "page", "type"):
            continue
        name = key.removeprefix("or__")
        if name not in record:
            raise Refused(detail=f"The record has no field named '{name}'.")
        if str(record[name]) != value:
            return False
    return True


class Server:
    """The stand-in behind a port of this machine."""

    def __init__(self, awx: FakeAwx, token: str) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *_arguments: t.Any) -> None:  # noqa: A002
                del format

            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                data = json.loads(self.rfile.read(length) or b"{}")
                url = urllib.parse.urlsplit(self.path)
                body: t.Any
                query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
                if self.headers.get("Authorization") != f"Bearer {token}":
                    status, body = 401, {"detail": "Authentication credentials were not provided."}
                elif not re.fullmatch(r"/api/v2/[\w/]+/", url.path):
                    status, body = 404, {"detail": "Not found."}
                else:
                    with awx._lock:
                        try:
                            status, body = awx.handle(self.command, url.path, query, data)
                        except Refused as exc:
                            status, body = 400, exc.errors
                content = b"" if status == 204 else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.send_header("X-API-Product-Name", "AWX")
                self.send_header("X-API-Product-Version", "24.6.1")
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> t.Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
