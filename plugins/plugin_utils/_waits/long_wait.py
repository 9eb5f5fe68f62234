# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""A module that waits long returns now and then, its action prints what it waits for, and calls it again."""

from __future__ import annotations

import time
import typing as t

from .tell import tell

Result = dict[str, t.Any]
Call = t.Callable[[str, Result, t.Any], Result]

#: Seconds until the first line, and between two lines after it.
FIRST, NEXT = 10.0, 30.0


def call_and_tell(
    call: Call,
    module: str,
    arguments: Result,
    variables: t.Mapping[str, t.Any],
    clock: t.Callable[[], float] = time.monotonic,
) -> Result:
    """Call a module until it no longer waits, and print what it waits for. Return what one long call would return.

    :param call: runs a module with these options and variables.
    :param variables: of the task; they name the host.
    """
    begun, changed = clock(), False
    first: Result = {}
    while True:
        waited = clock() - begun
        options = {**arguments, "report_after": NEXT if first else FIRST, "waited": waited}
        result = call(module, options, variables)
        waiting = result.pop("waiting", None)
        changed = changed or bool(result.get("changed"))
        first = first or result
        if waiting is None:
            break
        tell(line(variables, waiting, clock() - begun), variables)
        # A server that the first call has taken out is no longer ready.
        arguments = {name: value for name, value in arguments.items() if name != "only_ready"}
    kept = {name: first[name] for name in ("under_way", "diff") if first.get(name) is not None}
    return {**result, **kept, "changed": changed} if "changed" in result else result


def line(variables: t.Mapping[str, t.Any], waiting: t.Mapping[str, t.Any], seconds: float) -> str:
    """Return the line about a wait. Pure."""
    # A connection that is younger may be that of a health check, or of the question itself.
    ages = ", ".join(f"{age:.0f} s" for age in waiting.get("ages") or () if age >= 1)
    text = f"{variables.get('inventory_hostname', 'the host')}: after {seconds:.0f} s waiting for {waiting['text']}"
    return text + (f"; the oldest requests have run for {ages}" if ages else "")
