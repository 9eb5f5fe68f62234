#!/usr/bin/python

# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: roll_look
short_description: Check a host before a rolling restart, and run the start-up check of its reload
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - The role P(fleetops.odoo.rolling_restart#role) calls it once for each host in its preflight, with
    M(fleetops.odoo.roll_turn).
  - It takes the lock of the host as M(fleetops.odoo.roll_lock) does, looks for other Odoo commands, and does what
    M(fleetops.odoo.reload) does in check mode. It waits for a server that starts or reloads. It sends no signal.
extends_documentation_fragment:
  - fleetops.odoo._attributes
  - fleetops.odoo._attributes.ACTION
  - fleetops.odoo._choice
  - fleetops.odoo._choice.ACTION
  - fleetops.odoo._health
  - fleetops.odoo._lock
attributes:
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - It changes nothing but the lock.
  action_group:
    support: none
options:
  policy:
    description: As O(fleetops.odoo.reload#module:policy).
    type: str
    choices: [always, since, stale]
    default: stale
  since:
    description: As O(fleetops.odoo.reload#module:since).
    type: str
  method:
    description: As O(fleetops.odoo.reload#module:method).
    type: str
    choices: [hup, supervisor, auto]
    default: auto
  rehearse:
    description: As O(fleetops.odoo.reload#module:rehearse).
    type: str
    choices: [compile, import]
    default: compile
  timeout:
    description: Seconds to wait for a start or a reload in progress, for one server. It must be greater than 0.
    type: float
    default: 180.0
  one_off:
    description:
      - What to do if other Odoo commands run on the host. V(refuse) fails and V(warn) warns. V(auto) fails while one
        of them installs or updates addons, and warns of others. V(ignore) does not look.
    type: str
    choices: [auto, refuse, warn, ignore]
    default: auto
  masters:
    description: How many masters the host must run. V(0) means at least one.
    type: int
    default: 0
seealso:
  - module: fleetops.odoo.reload
  - module: fleetops.odoo.roll_lock
"""

EXAMPLES = r"""
- name: Look at a host, and rehearse its reload
  fleetops.odoo.roll_look:
    id: by-hand
    policy: stale
"""

RETURN = r"""
code:
  description: Stable code of the failure.
  returned: failure
  type: str
  sample: rehearsal.syntax_error
left_out:
  description: As RV(fleetops.odoo.reload#module:left_out).
  returned: when masters were looked for
  type: list
  elements: dict
one_off:
  description: Other Odoo commands, as RV(fleetops.odoo.master_info#module:one_off).
  returned: when the lock was taken
  type: list
  elements: dict
results:
  description: What a reload would do, as RV(fleetops.odoo.reload#module:results).
  returned: when masters were looked for
  type: list
  elements: dict
settled:
  description: Whether the module has waited for a start or a reload in progress.
  returned: success
  type: bool
taken:
  description: Whether this roll holds the lock of the host.
  returned: when the step asks for the lock
  type: bool
lock:
  description: The present lock, as in RV(fleetops.odoo.roll_lock#module:lock). On failure, the lock of the other
    owner.
  returned: when the step asks for the lock
  type: dict
was:
  description: The lock before the call. Null without one.
  returned: when the step asks for the lock
  type: dict
place:
  description: What tells the host from others. Two names in an inventory that stand for one host have the same place.
  returned: when the lock was taken
  type: str
"""

import typing as t

from ansible_collections.fleetops.odoo.plugins.module_utils._drain.brief import sentence
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.results import ReloadResult, one_off
from ansible_collections.fleetops.odoo.plugins.module_utils._messages import roll
from ansible_collections.fleetops.odoo.plugins.module_utils._module.common import (
    choose_masters,
    fail,
    find_host,
    matching,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._module.drained import drained_here
from ansible_collections.fleetops.odoo.plugins.module_utils._module.operate import run_on_masters
from ansible_collections.fleetops.odoo.plugins.module_utils._module.reload_option import (
    RELOAD_SPEC,
    REQUIRED_IF,
    order_of,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._module.roll_step import RollModule, hold_lock, start_step
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import State
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import Look
from ansible_collections.fleetops.odoo.plugins.module_utils._rehearsal import rehearsal, room
from ansible_collections.fleetops.odoo.plugins.module_utils._reload.reload import ReloadOrder, reload_all
from ansible_collections.fleetops.odoo.plugins.module_utils._roll.one_off import REFUSED, is_refused
from ansible_collections.fleetops.odoo.plugins.module_utils._server import health
from ansible_collections.fleetops.odoo.plugins.module_utils._server.host import Host
from ansible_collections.fleetops.odoo.plugins.module_utils._server.watch import WatchOrder, watch_all
from ansible_collections.fleetops.odoo.plugins.module_utils._signals import send
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors import restart
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import OperationFailed

SPEC = {
    "one_off": {"type": "str", "choices": list(REFUSED), "default": "auto"},
    "masters": {"type": "int", "default": 0},
    **RELOAD_SPEC,
}


def heed_others(module: RollModule, seen: Look) -> None:
    """Put other Odoo commands into the result, and warn of them or end the module."""
    found = one_off(seen) if module.params["one_off"] != "ignore" else []
    module.known = {**module.known, "one_off": found}
    if not found:
        return
    problem = roll.ONE_OFF(commands=", ".join("%s with pid %d" % (one["kind"], one["pid"]) for one in found))
    if any(is_refused(one["kind"], module.params["one_off"]) for one in found):
        fail(module, problem)
    module.warn(problem.message)


def choose(module: RollModule, host: Host) -> t.Tuple[Look, t.List[str]]:
    """Look, and return the identities of the masters of the roll; none ends the module, with a drain if that is why."""
    seen, chosen = matching(module, host)
    drained = drained_here(module, host, seen) if not chosen and not module.params["allow_none"] else []
    if drained:
        fail(module, roll.SERVER_DRAINED(servers="; ".join(map(sentence, drained))), results=[])
    return (seen, chosen) if chosen else choose_masters(module, host)


def rehearse(host: Host, seen: Look, chosen: t.Sequence[str], order: ReloadOrder) -> t.List[ReloadResult]:
    """Return what a reload would do, after a wait for starts and reloads in progress.

    :raises OperationFailed: a reload would be refused, or a server is not healthy.
    """
    results = reload_all(host, seen, chosen, order, check_mode=True)
    answers = {one.pid: _before(one, "health") for one in results if _before(one, "state") == str(State.RUNNING)}
    sick = {pid: answer for pid, answer in answers.items() if answer not in (None, "ok")}
    if sick:
        problem = roll.UNHEALTHY(answers="; ".join("pid %d: %s" % pair for pair in sick.items()))
        raise OperationFailed(problem.message, problem, results)
    if has_to_settle(results):
        try:
            watch_all(host, seen, chosen, WatchOrder(order.health, 0.0, order.timeout))
        except OperationFailed as exc:
            raise OperationFailed(exc.message, exc.problem, results) from exc
    return results


def has_to_settle(results: t.Sequence[ReloadResult]) -> bool:
    """Return whether a server starts or reloads."""
    return any(_before(one, "state") != str(State.RUNNING) for one in results)


def _before(result: ReloadResult, key: str) -> t.Any:
    return (result.before or {}).get(key)


def main() -> None:
    """Entry point."""
    module = start_step(SPEC, required_if=REQUIRED_IF)
    host = find_host(door=send, rehearsal=rehearsal, room=room, health=health, restarts=restart)
    order = order_of(module, host.clock)
    hold_lock(module)
    seen, chosen = choose(module, host)
    heed_others(module, seen)
    expected = module.params["masters"]
    if expected and len(chosen) != expected:
        fail(module, roll.OTHER_MASTERS(found=len(chosen), expected=expected), results=[])

    def run(seen: Look, chosen: t.List[str]) -> t.List[ReloadResult]:
        results = rehearse(host, seen, chosen, order)
        module.known = {**module.known, "settled": has_to_settle(results)}
        return results

    run_on_masters(module, host, run, chosen=(seen, chosen))


if __name__ == "__main__":
    main()
