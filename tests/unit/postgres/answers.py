# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers of PostgreSQL without psql, and a process that has sockets: this one."""

from __future__ import annotations

import functools
import json
import os
import typing as t

from ansible_collections.fleetops.odoo.plugins.module_utils._postgres.connection import NoAnswer
from ansible_collections.fleetops.odoo.plugins.module_utils._postgres.psql import Answer
from ansible_collections.fleetops.odoo.plugins.module_utils._postgres.sessions import Postgres
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.process import Process

from .. import build

SECRET = "LAB-SECRET-pg"
HEAD_LINE = json.dumps(
    {
        "time": "2026-11-24T10:30:22.120Z",
        "server": "20261124T090102.1",
        "version": "15.1",
        "backend": 9,
        "address": "10.0.0.1",
        "port": 5000,
    }
)
ROW = {"pid": 7, "blocked_by": [8], "client": "10.0.0.1", "client_port": 5001, "state": "active", "seconds": 1.5}


def me(**fields: t.Any) -> Process:
    """Return the process of the test, as a server's master."""
    return build.process(os.getpid(), **fields)


def answering(says: Answer | NoAnswer, **ports: t.Any) -> t.Callable[..., Postgres]:
    """Make what asks PostgreSQL: every question is answered so, without settings and without psql."""

    class Told:
        def answer(self, _seconds: float) -> Answer:
            if isinstance(says, NoAnswer):
                raise says
            return says

        def close(self) -> None:
            pass

    return functools.partial(Postgres, begin=lambda *_arguments: (Told(), 5432), **ports)
