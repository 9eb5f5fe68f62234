#!/usr/bin/python

# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: workers
short_description: Change the number of http workers of running prefork Odoo servers
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - Brings each chosen server to O(count) http workers, without a reload and without losing a request, and proves the
    number by counting the workers of the present generation.
  - A master has a target, the number of workers that it maintains, and does not show it. C(TTIN) raises the target.
    C(TTOU) lowers it and ends no worker, so a C(TTOU) from another program leaves no trace. So the module sends
    C(TTIN) until the master starts a worker, which proves that the target and the workers agree, and counts from
    there. This also corrects a wrong target.
  - To scale down, the module first starts one worker with C(TTIN), which proves the target. Then it sends C(TTOU) as
    often as needed, and C(INT) to idle http workers. Stack dumps show which workers are idle. The server never has
    fewer workers than O(count), and at most one more than before.
  - A C(HUP) and a restart bring the configured number back. See O(persist).
  - If a database of the server does not answer, the module refuses to make the master start a worker, because newer
    versions of Odoo end the whole server then. O(force) does not lift that.
  - The module waits for a start or a reload in progress. If several calls come at once, they act one after the other.
extends_documentation_fragment:
  - fleetops.odoo._attributes
  - fleetops.odoo._attributes.ACTION
  - fleetops.odoo._choice
  - fleetops.odoo._choice.ACTION
attributes:
  check_mode:
    details:
      - It returns the signals for the case that the target of the master equals its number of workers. It does not
        check a changed odoo.conf with the parser of Odoo.
  diff_mode:
    details:
      - With O(persist) it also shows the line of odoo.conf.
  idempotent:
    support: full
    details:
      - A server that has O(count) http workers gets no signal, unless O(prove) asks for one.
options:
  count:
    description: Number of http workers, from 1 to 1000.
    type: int
    required: true
  wait_busy:
    description:
      - Whether busy workers also get a C(INT) if not enough workers are idle. They end after their request.
      - Otherwise the module waits until enough workers are idle.
    type: bool
    default: false
  persist:
    description:
      - Whether to set C(workers) in odoo.conf too. The module changes one line. Before the new file replaces the old
        one, the parser of Odoo reads it as the user of the server. The old file stays beside it.
      - The module writes the file before the first signal. If the arguments or the environment of the server set the
        number, it refuses, because they override the file.
      - The server counts as stale afterwards, because it is not known whether it runs with the whole file. The next
        M(fleetops.odoo.reload) with C(policy=stale) reloads it.
    type: bool
    default: false
  prove:
    description:
      - Whether to prove the target of a master that already has O(count) http workers. One worker starts and one ends
        for that, each time.
      - Otherwise the target of such a master may be lower, after a C(TTOU) from another program. This shows only when a
        worker ends and the master does not replace it.
    type: bool
    default: false
  timeout:
    description: Seconds for one server, waiting for other calls, for reloads and for requests included.
    type: float
    default: 150.0
  force:
    description:
      - Lift the rules of role, mode, state and platform, and continue without enough memory for the workers. A warning
        names each rule that was lifted.
requirements:
  - psutil (on the host; if the interpreter lacks it, the module uses a system interpreter that has it)
notes:
  - To scale up, the host needs free memory, swap included, for the new workers. Each counts as the largest present
    worker, or as C(limit_memory_hard) if that is less. The module does not look at limits of a cgroup.
  - To scale down without O(wait_busy), the log must show stack dumps, see M(fleetops.odoo.stack_dump).
  - The module refuses a threaded server.
  - A server with fewer workers than its odoo.conf says counts as complete for the other modules, until its next reload.
  - Run it as root, or as the user of the server.
seealso:
  - module: fleetops.odoo.recycle_workers
  - module: fleetops.odoo.reload
"""

EXAMPLES = r"""
- name: Set six workers for the end of the month, until the next reload
  fleetops.odoo.workers:
    count: 6

- name: Set two workers again, and let busy workers finish their requests
  fleetops.odoo.workers:
    count: 2
    wait_busy: true

- name: Set four workers for one instance, also in its odoo.conf
  fleetops.odoo.workers:
    match:
      unit: odoo@prod.service
    count: 4
    persist: true
"""

RETURN = r"""
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
  description: The results, an entry for each chosen server, in the order of work. Also returned on failure.
  returned: always
  type: list
  elements: dict
  contains:
    identity:
      description: PID and start of the master.
      type: str
    pid:
      description: Process ID of the master.
      type: int
    did:
      description:
        - V(signalled), V(written) if only odoo.conf was written, V(nothing), V(refused), or V(not_reached) if an
          earlier server was refused or failed.
      type: str
    code:
      description: Stable code of the reason for V(refused), V(not_reached) or a failure, such as V(refused.threaded).
        Null otherwise.
      type: str
    reason:
      description: The reason, the result, and the number of workers after a C(HUP).
      type: str
    signals:
      description: Signals that were sent, or would be sent in check mode, in order. C(QUIT) is left out, because it
        changes nothing.
      type: list
      elements: str
    before:
      description: State, workers, children with their pids, and load of the server before.
      type: dict
    after:
      description: The same afterwards. Null in check mode, and if the server has ended.
      type: dict
    seconds:
      description: Seconds that the work on the server took, waiting included.
      type: float
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
    busy:
      description: The busy workers at the last stack dump, as in M(fleetops.odoo.drain).
      type: list
      elements: dict
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
    target:
      description: The proved target of the master. Null if it was not proved, for example because
        nothing was done.
      type: int
    persisted:
      description: The change of O(persist), or the planned change in check mode. Null without O(persist).
      type: dict
      contains:
        path:
          description: Path of odoo.conf, as the server sees it.
          type: str
        changed:
          description: Whether it had to be changed.
          type: bool
        before:
          description: The line before. Empty if the file had none.
          type: str
        after:
          description: The line after.
          type: str
        backup:
          description: Path of the old file. Null if the file was not changed.
          type: str
  sample:
    - identity: "472:375040"
      pid: 472
      did: signalled
      code:
      reason: the server had 2 http workers and has 4, which is the target of its master; a HUP or a restart makes it
        2 again, as configured
      signals: [TTIN, TTIN]
      seconds: 1.9
      target: 4
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps import stacks
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.known_secrets import Secrets
from ansible_collections.fleetops.odoo.plugins.module_utils._module.common import (
    ACTION_SPEC,
    find_host,
    number_of,
    start,
    timeout_of,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._module.operate import run_on_masters, told
from ansible_collections.fleetops.odoo.plugins.module_utils._rehearsal import rehearsal, room
from ansible_collections.fleetops.odoo.plugins.module_utils._signals import send
from ansible_collections.fleetops.odoo.plugins.module_utils._workers.scale import ScaleOrder, ScaleResult, scale_all

SPEC = {
    "count": {"type": "int", "required": True},
    "wait_busy": {"type": "bool", "default": False},
    "persist": {"type": "bool", "default": False},
    "prove": {"type": "bool", "default": False},
    "timeout": {"type": "float", "default": 150.0},
    **ACTION_SPEC,
}


def tell(module: AnsibleModule, results: t.Sequence[ScaleResult], secrets: Secrets) -> t.Dict[str, t.Any]:
    """Return results as the module does, with the lines of odoo.conf in the diff."""
    found = told(module, results, secrets)
    written = [one.persisted for one in results if one.persisted and one.persisted["changed"]]
    if "diff" in found:
        found["diff"] += [
            {
                "before_header": one["path"],
                "after_header": one["path"],
                "before": one["before"] + "\n" if one["before"] else "",
                "after": one["after"] + "\n",
            }
            for one in written
        ]
    return found


#: Http workers of one server.
_MOST_WORKERS = 1000


def order_of(module: AnsibleModule) -> ScaleOrder:
    """Return what the options ask for; a bad one ends the module."""
    params = module.params
    return ScaleOrder(
        number_of(module, "count", 1, _MOST_WORKERS),
        timeout_of(module),
        params["wait_busy"],
        params["persist"],
        params["prove"],
        params["force"],
    )


def main() -> None:
    """Entry point."""
    module = start(SPEC)
    host = find_host(door=send, rehearsal=rehearsal, room=room, stacks=stacks)
    order = order_of(module)
    run_on_masters(
        module,
        host,
        lambda seen, chosen: scale_all(host, seen, chosen, order, check_mode=module.check_mode),
        tell=tell,
    )


if __name__ == "__main__":
    main()
