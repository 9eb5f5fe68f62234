# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The options and the result of modules that return in the midst of a long wait, so that the controller can tell it."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule

from .._messages.code import Problem
from .._system.clock import Clock, Waiting
from .numbers import bad_span, bad_timeout

LONG_WAIT_SPEC: t.Dict[str, t.Any] = {"report_after": {"type": "float"}, "waited": {"type": "float", "default": 0.0}}
#: Ages that a result names.
_NAMED = 5


def bad_long_wait(module: AnsibleModule) -> t.Optional[Problem]:
    """Return what is wrong with these options; None where nothing is."""
    after, waited = module.params["report_after"], module.params["waited"]
    return bad_span("waited", waited) or (None if after is None else bad_timeout("report_after", after))


def set_clock(module: AnsibleModule, clock: Clock) -> Clock:
    """Give the clock of a module the moment at which it is to return, as its options say."""
    after = module.params["report_after"]
    clock.waited = module.params["waited"]
    clock.report_at = None if after is None else clock.monotonic() + after
    return clock


def told_waiting(waiting: t.Optional[Waiting]) -> t.Dict[str, t.Any]:
    """Return what the wait is for, as modules do; nothing if it has ended."""
    if waiting is None:
        return {}
    return {"waiting": {"text": waiting.text, "ages": [round(age, 1) for age in waiting.ages[:_NAMED]]}}
