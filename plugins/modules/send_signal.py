#!/usr/bin/python

# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: send_signal
short_description: Send one signal to Odoo processes, if they survive it
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - Sends one signal. Use it for tasks that the other modules do not do. Prefer M(fleetops.odoo.reload) for a reload.
  - Before it sends a signal, the module makes sure that the process is still the same, and applies these rules. The
    process must have a handler for the signal at this moment. Its role and the mode of the server must allow the
    signal. The state of the server must allow it, so no HUP is sent while the server boots, reloads or drains, and no
    second INT.
  - If a rule forbids the signal for one of the processes, no process gets it. The code of the refusal names the rule.
  - Before a HUP the module runs the start-up check of M(fleetops.odoo.reload), unless O(force=true).
  - If a database of the server does not answer, the module refuses signals after which a master starts a worker, unless
    O(force=true). These are C(TTIN), and C(INT) or C(XCPU) to a worker. Newer versions of Odoo end the whole server
    then.
extends_documentation_fragment:
  - fleetops.odoo._attributes
  - fleetops.odoo._attributes.ACTION
  - fleetops.odoo._choice
  - fleetops.odoo._choice.ACTION
attributes:
  idempotent:
    support: none
    details:
      - It sends the signal each time, unless a rule forbids it. V(QUIT), V(USR1) and V(USR2) write to the log and do
        not change the process, so the module does not report C(changed) for them.
options:
  signal:
    description:
      - The signal, without C(SIG).
      - V(HUP), V(TTIN) and V(TTOU) are for masters. V(XCPU) is for workers, which lose their request. V(INT), V(QUIT),
        V(USR1) and V(USR2) are for both, if the process has a handler. Before Odoo 19 V(USR1) may end a process that is
        at work; M(fleetops.odoo.cache_stats) waits until the process is at rest. On Python 3.10 and 3.11 V(QUIT) may
        end a process that is at work, see O(risk).
    type: str
    required: true
    choices: [HUP, INT, QUIT, USR1, USR2, TTIN, TTOU, XCPU]
  roles:
    description: Which processes of the chosen servers get it. V(other) are workers of an addon.
    type: list
    elements: str
    choices: [master, http, cron, gevent, other]
    default: [master]
  wait:
    description:
      - Whether to wait for the effect of the signal. After V(HUP) the master runs its new generation, after V(INT) or
        V(XCPU) the process has ended and was replaced, after V(TTIN) the server has one more worker. The other signals
        have no such effect.
    type: bool
    default: false
  timeout:
    description: Seconds to wait at most for the effect on one process.
    type: float
    default: 180.0
  risk:
    description:
      - Whether to send a V(QUIT) on Python 3.10 and 3.11 to a process that is at work, which may end the process.
      - With V(refuse) a process gets it when all of its threads have slept for a second. If that does not happen within
        five seconds, the process is refused. Earlier processes have got the signal by then.
      - With V(accept) such a process gets it nevertheless, which may end the whole server.
    type: str
    choices: [refuse, accept]
    default: refuse
requirements:
  - psutil (on the host; if the interpreter lacks it, the module uses a system interpreter that has it)
seealso:
  - module: fleetops.odoo.reload
  - module: fleetops.odoo.master_info
"""

EXAMPLES = r"""
- name: Write the stacks of every http worker to the log
  fleetops.odoo.send_signal:
    signal: QUIT
    roles: [http]

- name: Replace the cron workers of one instance, each after its job
  fleetops.odoo.send_signal:
    signal: INT
    roles: [cron]
    wait: true
    match:
      unit: odoo@prod.service
"""

RETURN = r"""
code:
  description: Stable code of the refusal or failure, as in the result of the process.
  returned: failure
  type: str
left_out:
  description:
    - Servers that match but were left out, because no option names their users. See O(users).
  returned: always
  type: list
  elements: dict
  contains:
    code:
      description: Stable code of the reason, V(host.user_without_unit).
      type: str
    pid:
      description: Process ID of the master.
      type: int
    reason:
      description: The reason as a sentence, with its remedy.
      type: str
results:
  description: The results, an entry for each process. Also returned on failure.
  returned: always
  type: list
  elements: dict
  contains:
    identity:
      description: PID and start of the process.
      type: str
    pid:
      description: Process ID.
      type: int
    did:
      description: V(signalled), V(nothing), V(refused), or V(not_reached) if another process was refused.
      type: str
    code:
      description: Stable code of the reason for V(refused), V(not_reached) or a failure, such as V(refused.state).
        Null otherwise.
      type: str
    reason:
      description: Why.
      type: str
    signals:
      description: Signals that were sent, or would be sent in check mode.
      type: list
      elements: str
    before:
      description: Whether it was alive, and the state, mode and workers of its server.
      type: dict
    after:
      description: The same afterwards, with O(wait).
      type: dict
    seconds:
      description: Seconds that the module waited for it.
      type: float
    warnings:
      description: Warnings, for example about a rule that O(force) lifted.
      type: list
      elements: dict
      contains:
        code:
          description: Stable code of the warning.
          type: str
        message:
          description: The warning as a sentence, with its remedy.
          type: str
    steps:
      description: The steps that were done, in order.
      type: list
      elements: dict
      contains:
        seconds:
          description: Seconds since the work on this server began.
          type: float
        what:
          description: The step, in words.
          type: str
  sample:
    - identity: "480:375101"
      pid: 480
      did: signalled
      reason: the signal was requested
      signals: [QUIT]
      before: {alive: true, state: running, mode: prefork, workers: {http: 4, cron: 2, gevent: 1}}
      after:
      seconds: 0.0
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.fleetops.odoo.plugins.module_utils._messages.host import NO_PROCESS
from ansible_collections.fleetops.odoo.plugins.module_utils._module.common import (
    ACTION_SPEC,
    choose_masters,
    fail,
    find_host,
    start,
    timeout_of,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._module.operate import run_on_masters
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Role
from ansible_collections.fleetops.odoo.plugins.module_utils._rehearsal import rehearsal
from ansible_collections.fleetops.odoo.plugins.module_utils._reload.send_signal import SignalOrder, signal_all
from ansible_collections.fleetops.odoo.plugins.module_utils._signals import send

SPEC = {
    "signal": {
        "type": "str",
        "required": True,
        "choices": ["HUP", "INT", "QUIT", "USR1", "USR2", "TTIN", "TTOU", "XCPU"],
    },
    "roles": {
        "type": "list",
        "elements": "str",
        "choices": ["master", "http", "cron", "gevent", "other"],
        "default": ["master"],
    },
    "wait": {"type": "bool", "default": False},
    "timeout": {"type": "float", "default": 180.0},
    "risk": {"type": "str", "choices": ["refuse", "accept"], "default": "refuse"},
    **ACTION_SPEC,
}


def order_of(module: AnsibleModule) -> SignalOrder:
    """Return what the options ask for; a bad one ends the module."""
    params = module.params
    roles = tuple(Role(name) for name in params["roles"])
    return SignalOrder(
        params["signal"], roles, params["wait"], timeout_of(module), params["force"], params["risk"] == "accept"
    )


def main() -> None:
    """Entry point."""
    module = start(SPEC)
    host = find_host(door=send, rehearsal=rehearsal)
    order = order_of(module)
    seen, chosen = choose_masters(module, host)
    instances = [one for one in seen.instances if one.identity in chosen]
    there = any(role in order.roles for one in instances for _process, role in one.everybody)
    if not there and instances and not module.params["allow_none"]:
        fail(module, NO_PROCESS(roles=", ".join(order.roles)), results=[])
    run_on_masters(
        module,
        host,
        lambda seen, chosen: signal_all(host, seen, chosen, order, check_mode=module.check_mode),
        chosen=(seen, chosen),
    )


if __name__ == "__main__":
    main()
