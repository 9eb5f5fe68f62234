# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: roll_progress
type: notification
short_description: Show the progress of a rolling restart
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - Prints a line for the plan, for each batch that begins, and for each host that is healthy again or has failed, with
    the seconds of each step, the slowest host and the time that is left. The lines begin with C(ROLL), so that you can
    find them in a long log.
  - The lines go to the standard error, so that the output of callbacks such as C(json) stays valid.
  - The roll does not depend on it. It prints nothing in other playbooks.
requirements:
  - "To be enabled: C(ANSIBLE_CALLBACKS_ENABLED=fleetops.odoo.roll_progress), or C(callbacks_enabled) in ansible.cfg."
"""

import time
import typing as t

from ansible.plugins.callback import CallbackBase
from ansible_collections.fleetops.odoo.plugins.module_utils._system.word import visible
from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll.progress import Progress


class CallbackModule(CallbackBase):
    """Feed what the tasks of the role return to a Progress, and print what that says."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "fleetops.odoo.roll_progress"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *arguments: t.Any, **keywords: t.Any) -> None:
        super().__init__(*arguments, **keywords)
        self._progress = Progress()

    def v2_runner_on_ok(self, result: t.Any) -> None:
        """Take the result of a task that succeeded."""
        self._feed(result)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:  # noqa: FBT001, FBT002
        """Take the result of a task that failed."""
        del ignore_errors
        self._feed(result)

    def _feed(self, result: t.Any) -> None:
        # ansible-core 2.19 gave the results public names.
        values = result.result if hasattr(result, "result") else result._result  # noqa: SLF001
        facts = values.get("ansible_facts") or {}
        if "rolling_restart_roll" in facts:
            lines = self._progress.feed_ledger(dict(facts["rolling_restart_roll"]))
        elif "rolling_restart_host" in facts:
            lines = self._progress.feed_failure(_host(result), facts["rolling_restart_host"])
        elif values.get("roll") and values.get("step") and "started" in values:
            lines = self._progress.feed_step(_host(result), values)
        else:
            return
        for line in lines:
            # Standard output belongs to the callback that writes it, which may be one for programs (json).
            self._display.display(f"ROLL {time.strftime('%H:%M:%S')} {visible(line)}", stderr=True)


def _host(result: t.Any) -> str:
    host = result.host if hasattr(result, "host") else result._host  # noqa: SLF001
    return str(host.get_name())
