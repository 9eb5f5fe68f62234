# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Launches of the stand-in for AWX: what a job would be started with. No job runs."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.odoo.tests.integration.fake_awx_fields import Record
from ansible_collections.fleetops.odoo.tests.integration.fake_awx_survey import launch


class Launches:
    """Jobs, in the order of their launch."""

    surveys: dict[tuple[str, int], Record]

    def __init__(self) -> None:
        self.jobs: list[Record] = []
        #: What the API says of all jobs.
        self.status = "successful"

    def launched(self, kind: str, template: Record, body: Record) -> Record:
        """POST to a template's ``launch``."""
        spec = self.surveys.get((kind, template["id"]), {}).get("spec", [])
        job, ignored = launch(template, spec, body)
        number = 1001 + len(self.jobs)
        self.jobs.append({**job, "id": number, "template": template["id"], "ignored": ignored})
        return {**self.shown_job(self.jobs[-1]), "job": number, "ignored_fields": ignored, "status": "pending"}

    def shown_job(self, job: Record) -> Record:
        """A job as the API shows it."""
        told = {"status": self.status, "created": "2026-11-25T00:00:00Z", "artifacts": {}}
        return {**job, **told, "url": f"/api/v2/jobs/{job['id']}/"}

    def told_of(self, what: str, query: dict[str, str]) -> tuple[int, t.Any]:
        """GET of ``config`` and ``jobs``."""
        if what == "config":
            return 200, {"version": "24.6.1"}
        wanted = [int(one) for one in query.get("id__in", "").split(",") if one]
        found = [self.shown_job(one) for one in self.jobs if one["id"] in wanted]
        return 200, {"count": len(found), "next": None, "previous": None, "results": found}
