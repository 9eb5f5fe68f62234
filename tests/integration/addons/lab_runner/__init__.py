# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One more worker of a prefork server, as addons for queues, MQTT and the like start it.

The file ``kind`` beside this one says what it is like: ``keep`` (it keeps the listening socket), ``close`` (it closes
it), ``plain`` (it sleeps as Odoo's own class does, at the listening socket), or ``replace``, which adds none and starts
http workers of a subclass.
"""

import os
import threading

from odoo.service import server

with open(os.path.join(os.path.dirname(__file__), "kind")) as _file:
    KIND = _file.read().strip()


class WorkerFeeder(server.Worker):
    """A worker that serves no http."""

    def __init__(self, multi):
        super().__init__(multi)
        self.watchdog_timeout = None
        self.ended = threading.Event()

    def start(self):
        super().start()
        if KIND == "close":
            self.multi.socket.close()

    def signal_handler(self, sig, frame):
        super().signal_handler(sig, frame)
        self.ended.set()

    def sleep(self):
        if KIND == "plain":
            super().sleep()

    def process_work(self):
        while KIND != "plain" and not self.ended.wait(1.0):
            pass


class WorkerHTTPCounted(server.WorkerHTTP):
    """An http worker by another name."""


class Server(server.PreforkServer):
    """A prefork server with that worker, or with those."""

    def __init__(self, app):
        super().__init__(app)
        self.feeders = {}

    def process_spawn(self):
        while KIND == "replace" and len(self.workers_http) < self.population:
            self.worker_spawn(WorkerHTTPCounted, self.workers_http)
        super().process_spawn()
        if KIND != "replace" and not self.feeders:
            self.worker_spawn(WorkerFeeder, self.feeders)

    def worker_pop(self, pid):
        super().worker_pop(pid)
        self.feeders.pop(pid, None)


server.PreforkServer = Server
