# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A callback for tests: every result as a line of JSON, as AWX gets it in its events."""

from __future__ import annotations

import json
import os
import typing as t

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: events
type: aggregate
short_description: Every result as a line of JSON
description: For tests. The file is named by FLEETOPS_TEST_EVENTS.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Writes what any callback is told of a task."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "events"
    CALLBACK_NEEDS_ENABLED = True

    def v2_runner_on_ok(self, result: t.Any) -> None:
        """Write the result of a successful task."""
        self._write(result)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:  # noqa: FBT001, FBT002
        """A task failed."""
        del ignore_errors
        self._write(result)

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        """A host is gone."""
        self._write(result)

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        """The end."""
        self._put({"stats": stats.custom})

    def _write(self, result: t.Any) -> None:
        host, task = result._host.get_name(), result._task
        # AWX shows the arguments of a task, unless they are said to be secret.
        arguments = None if task.no_log else str(task.args)
        self._put({"host": host, "task": str(task), "args": arguments, "result": result._result})

    def _put(self, event: t.Any) -> None:
        with open(os.environ["FLEETOPS_TEST_EVENTS"], "a", encoding="utf-8") as file:
            file.write(json.dumps(event, default=str) + "\n")
