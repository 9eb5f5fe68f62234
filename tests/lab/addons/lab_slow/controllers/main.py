# SPDX-License-Identifier: GPL-3.0-or-later
"""Slow routes without a login. The same code serves Odoo 14 and 19."""

import os
import time

from odoo import http
from odoo.http import request

LONGEST = 600.0


def _seconds(text):
    return max(0.0, min(float(text), LONGEST))


def _answer(text):
    return request.make_response(f"{text} {os.getpid()}\n", [("Content-Type", "text/plain")])


class LabSlow(http.Controller):
    @http.route("/lab/pid", type="http", auth="none", csrf=False)
    def pid(self):
        return _answer("pid")

    @http.route("/lab/sleep/<string:seconds>", type="http", auth="none", csrf=False)
    def sleep(self, seconds):
        time.sleep(_seconds(seconds))
        return _answer("slept")

    @http.route("/lab/cpu/<string:seconds>", type="http", auth="none", csrf=False)
    def cpu(self, seconds):
        end = time.thread_time() + _seconds(seconds)
        while time.thread_time() < end:
            sum(range(1000))
        return _answer("burnt")

    @http.route("/lab/sql/<string:seconds>", type="http", auth="public", csrf=False)
    def sql(self, seconds):
        request.env.cr.execute("SELECT pg_sleep(%s)", (_seconds(seconds),))
        return _answer("queried")

    @http.route("/lab/lock/<string:seconds>", type="http", auth="public", csrf=False)
    def lock(self, seconds):
        """Two of these at once: the second waits in PostgreSQL for the row that the first holds."""
        request.env["lab.slow"].sudo().hold_row(_seconds(seconds))
        return _answer("locked")
