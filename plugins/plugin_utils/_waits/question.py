# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Ask a host what a step waits for, through a second connection, while the module of the step holds the first one.

A module returns nothing before its end. A reload cannot return in the midst of its wait, because a second call would
not know what the first one has seen.
"""

from __future__ import annotations

import contextvars
import copy
import threading
import time
import typing as t

from ansible.plugins.action import ActionBase

from ..remote import run_module
from .long_wait import FIRST, NEXT, line
from .tell import tell

Result = dict[str, t.Any]

#: Connections that start a program for each command, so that two of them do not disturb each other.
_CONNECTIONS = frozenset(["ssh", "local"])
#: Seconds that the servers have to show that nothing is missing.
_PATIENCE = 1.0


class Question:
    """Print what servers wait for while the block runs, from its tenth second on."""

    def __init__(self, action: ActionBase, choice: Result, goal: str, variables: t.Mapping[str, t.Any]) -> None:
        """Ask nothing yet.

        :param choice: options that choose servers and their health check.
        :param goal: what the step waits for when nothing is missing.
        """
        self._action, self._goal, self._variables = action, goal, variables
        self._choice = {name: choice[name] for name in ("match", "users") if choice.get(name)}
        self._health = {"health": choice["health"]} if choice.get("health") else {}
        self._ended = threading.Event()

    def __enter__(self) -> None:
        """Begin to count the seconds."""
        if self._action._connection.transport in _CONNECTIONS:  # noqa: SLF001 - only the action has the connection
            # From 2.19 on ansible-core keeps the task in the context of a thread.
            run = contextvars.copy_context().run
            threading.Thread(target=run, args=(self._ask_on, time.monotonic()), daemon=True).start()

    def __exit__(self, *_error: object) -> None:
        """End it. An answer that comes later is not printed."""
        self._ended.set()

    def _ask_on(self, begun: float) -> None:
        pause = FIRST
        while not self._ended.wait(pause):
            pause = NEXT
            waiting = self.ask()
            if not self._ended.is_set():
                tell(line(self._variables, waiting, time.monotonic() - begun), self._variables)

    def ask(self) -> Result:
        """Return what the servers wait for, and the ages of their requests."""
        again = _second(self._action)
        health = self._call(again, "wait_healthy", {**self._choice, **self._health, "timeout": _PATIENCE})
        missing = dict.fromkeys(
            one["reason"].removeprefix("waiting for ") for one in health.get("results") or () if not one["healthy"]
        )
        idle = self._call(again, "wait_idle", {**self._choice, "report_after": 0.001, "allow_none": True})
        ages = (idle.get("waiting") or {}).get("ages", [])
        return {"text": self._goal + (f" ({', '.join(missing)})" if missing else ""), "ages": ages}

    def _call(self, action: ActionBase, module: str, arguments: Result) -> Result:
        try:
            return run_module(action, f"fleetops.odoo.{module}", arguments, self._variables)
        except Exception as exc:  # a question that fails must not touch the step
            return {"msg": str(exc)}


def _second(action: ActionBase) -> ActionBase:
    """Return a copy of an action with a connection and a temporary folder of its own."""
    again = copy.copy(action)
    connection = again._connection = copy.copy(action._connection)  # noqa: SLF001
    connection._shell = copy.copy(connection._shell)  # noqa: SLF001
    connection._shell.tmpdir = None  # noqa: SLF001
    connection.become = copy.copy(connection.become)
    return again
