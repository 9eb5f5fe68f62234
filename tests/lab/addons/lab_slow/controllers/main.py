# SPDX-License-Identifier: GPL-3.0-or-later
"""Slow routes without a login. The same code serves Odoo 14 and 19."""

import contextlib
import os
import pathlib
import select
import socket
import subprocess
import threading
import time

import requests
from odoo import http
from odoo.http import request

from ..models.lab_slow import walk_syntax_trees

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

    @http.route("/lab/hold/<string:name>", type="http", auth="none", csrf=False)
    def hold(self, name):
        """Wait until a test writes into a pipe: for any time, on any machine."""
        path = pathlib.Path("/tmp", "lab-" + "".join(filter(str.isalnum, name)))
        with contextlib.suppress(FileExistsError):
            os.mkfifo(path)
        pipe = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            select.select([pipe], [], [], LONGEST)
        finally:
            os.close(pipe)
        return _answer("held")

    @http.route("/lab/cpu/<string:seconds>", type="http", auth="none", csrf=False)
    def cpu(self, seconds):
        end = time.thread_time() + _seconds(seconds)
        while time.thread_time() < end:
            sum(range(1000))
        return _answer("burnt")

    @http.route("/lab/walk/<string:seconds>", type="http", auth="none", csrf=False)
    def walk(self, seconds):
        walk_syntax_trees(_seconds(seconds))
        return _answer("walked")

    @http.route("/lab/sql/<string:seconds>", type="http", auth="public", csrf=False)
    def sql(self, seconds):
        request.env.cr.execute("SELECT pg_sleep(%s)", (_seconds(seconds),))
        return _answer("queried")

    @http.route("/lab/foreign/<string:seconds>", type="http", auth="none", csrf=False)
    def foreign(self, seconds):
        """Ask a server that takes the connection and says nothing."""
        with socket.create_server(("127.0.0.1", 0)) as silent, contextlib.suppress(requests.Timeout):
            requests.get(f"http://127.0.0.1:{silent.getsockname()[1]}/", timeout=_seconds(seconds))
        return _answer("asked")

    @http.route("/lab/mutex/<string:seconds>", type="http", auth="none", csrf=False)
    def mutex(self, seconds):
        """Wait for a lock of Python that is never released."""
        lock = threading.Lock()
        lock.acquire()
        lock.acquire(timeout=_seconds(seconds))
        return _answer("waited")

    @http.route("/lab/program/<string:seconds>", type="http", auth="none", csrf=False)
    def program(self, seconds):
        subprocess.run(["sleep", str(_seconds(seconds))], check=True)
        return _answer("ran")

    @http.route("/lab/lock/<string:seconds>", type="http", auth="public", csrf=False)
    def lock(self, seconds):
        """Two of these at once: the second waits in PostgreSQL for the row that the first holds."""
        request.env["lab.slow"].sudo().hold_row(_seconds(seconds))
        return _answer("locked")
