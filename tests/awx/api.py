# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The API of a real AWX, as a user of it sees it."""

from __future__ import annotations

import base64
import json
import time
import typing as t
import urllib.error
import urllib.parse
import urllib.request

Record = dict[str, t.Any]

#: In what a job or an update may end.
OVER = ("successful", "failed", "error", "canceled")


class Refused(Exception):
    """AWX answered with an error. ``status`` is that of HTTP, ``answer`` its body."""

    def __init__(self, status: int, answer: t.Any) -> None:
        super().__init__(f"{status}: {answer}")
        self.status, self.answer = status, answer


class Api:
    """Requests as one user."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url
        basic = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/json"}

    def text(self, method: str, path: str, body: Record | None = None, **query: t.Any) -> str:
        """Return the body of an answer."""
        words = f"?{urllib.parse.urlencode(query)}" if query else ""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.url}/api/v2/{path}{words}", data=data, headers=self._headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return t.cast("str", answer.read().decode())
        except urllib.error.HTTPError as error:
            said = error.read().decode()
            try:
                raise Refused(error.code, json.loads(said)) from None
            except ValueError:
                raise Refused(error.code, said[:2000]) from None

    def get(self, path: str, **query: t.Any) -> t.Any:
        """GET."""
        return json.loads(self.text("GET", path, **query))

    def post(self, path: str, **body: t.Any) -> t.Any:
        """POST."""
        return json.loads(self.text("POST", path, body) or "null")

    def patch(self, path: str, **body: t.Any) -> t.Any:
        """PATCH."""
        return json.loads(self.text("PATCH", path, body))

    def named(self, kind: str, name: str) -> Record:
        """Return the only record of this name."""
        (found,) = self.get(f"{kind}/", name=name)["results"]
        return t.cast("Record", found)

    def launch(self, template: str, kind: str = "job_templates", **body: t.Any) -> Record:
        """Launch a template; the body is what AWX's form sends."""
        return t.cast("Record", self.post(f"{kind}/{self.named(kind, template)['id']}/launch/", **body))

    def ended(self, job: Record, seconds: float = 400) -> Record:
        """Wait until a job, an update or a workflow is over, and return it."""
        path = str(job["url"]).removeprefix("/api/v2/")
        deadline = time.monotonic() + seconds
        while True:
            told = t.cast("Record", self.get(path))
            if told["status"] in OVER:
                return told
            assert time.monotonic() < deadline, f"{told['name']} is {told['status']}: {told.get('job_explanation')}"
            time.sleep(1)

    def job(self, template: str, **body: t.Any) -> Record:
        """Launch a job template, and wait for the end of its job. ``output`` has what it printed."""
        return self.shown(self.ended(self.launch(template, **body)))

    def shown(self, job: Record) -> Record:
        """Return a job with its output and its extra variables."""
        path = str(job["url"]).removeprefix("/api/v2/")
        output = self.text("GET", f"{path}stdout/", format="txt")
        return {**self.get(path), "output": output}
