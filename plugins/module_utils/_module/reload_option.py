# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The options of the module ``reload``, which the preflight of a roll has too."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule

from .._facts.results import iso
from .._messages import option
from .._reload.decide import Method, Policy, ReloadWish
from .._reload.reload import ReloadOrder
from .._system.clock import Clock
from .._system.errors import Refused
from .._system.moments import parse_moment
from .common import ACTION_SPEC, fail, timeout_of
from .health_option import HEALTH_SPEC, health_of

#: Seconds by which the clock of the controller may be ahead of the host's.
_CLOCK_TOLERANCE = 5.0

RELOAD_SPEC: t.Dict[str, t.Any] = {
    "policy": {"type": "str", "choices": ["always", "since", "stale"], "default": "stale"},
    "since": {"type": "str"},
    "method": {"type": "str", "choices": ["hup", "supervisor", "auto"], "default": "auto"},
    "rehearse": {"type": "str", "choices": ["compile", "import"], "default": "compile"},
    "timeout": {"type": "float", "default": 180.0},
    **ACTION_SPEC,
    **HEALTH_SPEC,
}
REQUIRED_IF = [("policy", "since", ["since"])]


def order_of(module: AnsibleModule, clock: Clock) -> ReloadOrder:
    """Return what the options ask for; a bad one ends the module."""
    return ReloadOrder(
        _wish_of(module, clock),
        health_of(module, module.params["health"]),
        timeout_of(module),
        module.params["force"],
        module.params["rehearse"] == "import",
    )


def _wish_of(module: AnsibleModule, clock: Clock) -> ReloadWish:
    policy, method = Policy(module.params["policy"]), Method(module.params["method"])
    text = module.params["since"]
    if policy != Policy.SINCE:
        return ReloadWish(policy, method=method)
    try:
        since = parse_moment(text)
    except Refused as exc:
        fail(module, exc.problem)
    ahead = since - clock.time()
    if ahead > _CLOCK_TOLERANCE:
        fail(module, option.IN_FUTURE(option="since", value=text, now=iso(clock.time())))
    if ahead > 0 and not module.check_mode:
        clock.sleep(ahead)
    return ReloadWish(policy, since, method)
