# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A job that lasts as long as a test wants, and a request that puts it into the queue."""

import contextlib
import os
import select

from odoo import http, models

LONGEST = 300.0


class LabJobs(models.Model):
    """The job."""

    _name = "lab.jobs"
    _description = "Jobs of the lab"

    def hold_for_the_lab(self, name):
        """Wait until a test writes into the pipe of this name. Note what was begun and what ended."""
        pipe = f"/tmp/lab-job-{name}"
        with contextlib.suppress(FileExistsError):
            os.mkfifo(pipe)
        self._note("begun", name)
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        try:
            select.select([reader], [], [], LONGEST)
        finally:
            os.close(reader)
        self._note("ended", name)

    def _note(self, what, name):
        with open("/tmp/lab-jobs", "a", encoding="utf-8") as notes:
            notes.write(f"{what} {name}\n")


class Begin(http.Controller):
    """A request that puts a job into the queue."""

    @http.route("/lab/job/<string:name>", type="http", auth="none", csrf=False)
    def begin(self, name):
        http.request.env(su=True)["lab.jobs"].with_delay().hold_for_the_lab("".join(filter(str.isalnum, name)))
        return "queued"
