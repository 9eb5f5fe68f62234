#!/usr/bin/python

# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: workers
short_description: Give prefork Odoo servers another number of http workers while they serve
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - Brings each chosen server to O(count) http workers, without a reload and without losing a request, and proves it by
    counting those of the present generation.
  - A master keeps up a number of workers that it does not show. C(TTIN) raises it. C(TTOU) lowers it and ends no
    worker, so a C(TTOU) from elsewhere leaves no trace. So the module sends C(TTIN) until the master starts a worker,
    which shows that the number and the workers agree, and counts from there on. That corrects a number that had
    drifted.
  - To scale down, the module has one worker started for that proof, sends C(TTOU) as often as needed, and then C(INT)
    to http workers that are idle, as their stack dumps show. There are never fewer than O(count), and at most one more
    than before.
  - A C(HUP) and a restart set the number to the configuration. See O(persist).
  - Where a database of the server does not answer, the module refuses what would make the master start a worker,
    because newer versions of Odoo end the whole server then. O(force) does not lift that.
  - The module waits for a start or a reload that is in progress. Of several calls at the same moment one acts at a
    time.
extends_documentation_fragment:
  - fleetops.odoo._attributes
  - fleetops.odoo._attributes.ACTION
  - fleetops.odoo._choice
  - fleetops.odoo._choice.ACTION
attributes:
  check_mode:
    details:
      - It returns the signals that would be sent if the master keeps up as many workers as there are, and does not have
        Odoo parse a changed odoo.conf.
  diff_mode:
    details:
      - With O(persist) it shows the line of odoo.conf as well.
  idempotent:
    support: full
    details:
      - A server that has O(count) http workers gets no signal, unless O(prove) asks for one.
options:
  count:
    description: How many http workers, from 1 to 1000.
    type: int
    required: true
  wait_busy:
    description:
      - Whether busy workers get their C(INT) too, where not enough are idle. They end after their request.
      - Without it the module waits until enough workers are idle.
    type: bool
    default: false
  persist:
    description:
      - Whether to set C(workers) in odoo.conf too. One line is changed. Before the new file replaces the old one, the
        parser of Odoo must have read it, as the user of the server. The old file stays beside it.
      - The file is written before the first signal. Where the arguments or the environment of the server set the
        number, the module refuses, because they override the file.
      - The server counts as stale afterwards, because nothing shows that it has followed this change already. The next
        M(fleetops.odoo.reload) with C(policy=stale) reloads it.
    type: bool
    default: false
  prove:
    description:
      - Whether a server that has O(count) http workers already must prove that its master keeps up that number. One
        worker is started and one ended for it, each time.
      - Without it the master of such a server may keep up fewer, after a C(TTOU) from elsewhere. That shows when a
        worker ends and is not replaced.
    type: bool
    default: false
  timeout:
    description: Seconds for one server, waiting for other calls, for reloads and for requests included.
    type: float
    default: 150.0
  force:
    description:
      - Lift the rules of role, mode, state and platform, and go on without enough memory for the workers. A warning
        names what was overridden.
requirements:
  - psutil (on the host; where the interpreter lacks it, a system interpreter that has it is used)
notes:
  - To scale up there must be free memory, swap included, for the new workers, each as large as the largest that is
    there, or as C(limit_memory_hard) where that is less. The module does not look at limits of a cgroup.
  - To scale down without O(wait_busy) the log must show stack dumps, as M(fleetops.odoo.stack_dump) says.
  - The module refuses a threaded server.
  - A server with fewer workers than its odoo.conf says counts as complete for the other modules, until its next reload.
  - Run it as root, or as the user of the server.
seealso:
  - module: fleetops.odoo.recycle_workers
  - module: fleetops.odoo.reload
"""

EXAMPLES = r"""
- name: More workers for the end of the month, until the next reload
  fleetops.odoo.workers:
    count: 6

- name: Back to two, and let busy workers finish their requests
  fleetops.odoo.workers:
    count: 2
    wait_busy: true

- name: Four workers for one instance, in its odoo.conf too
  fleetops.odoo.workers:
    match:
      unit: odoo@prod.service
    count: 4
    persist: true
"""

RETURN = r"""
left_out:
  description:
    - Servers that match and that the module did not work on, because nobody named their users. See O(users).
  returned: always
  type: list
  elements: dict
  contains:
    code:
      description: Stable name of the reason, V(host.user_without_unit).
      type: str
    pid:
      description: Process ID of the master.
      type: int
    reason:
      description: The reason as a sentence, with its remedy.
      type: str
results:
  description: What was done, an entry for each chosen server, in the order in which it was done. It is there on failure
    too.
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
        - V(signalled), V(written) where only odoo.conf was written, V(nothing), V(refused), or V(not_reached) where an
          earlier server was refused or failed.
      type: str
    code:
      description: Why the server was refused, failed or was not begun, such as V(refused.threaded). Null otherwise.
      type: str
    reason:
      description: Why, what came of it, and what a C(HUP) makes of it.
      type: str
    signals:
      description: Signals that were sent, or that would be in check mode, in order. C(QUIT), which changes nothing, is
        left out.
      type: list
      elements: str
    before:
      description: State, workers, children with their pids, and load of the server before.
      type: dict
    after:
      description: The same afterwards. Null in check mode, and where the server has ended.
      type: dict
    seconds:
      description: How long it took, waiting included.
      type: float
    steps:
      description: What was done, in order.
      type: list
      elements: dict
      contains:
        seconds:
          description: When, in seconds since the work on this server began.
          type: float
        what:
          description: The step, as a clause.
          type: str
    busy:
      description: The busy workers at the last stack dump, as in M(fleetops.odoo.drain).
      type: list
      elements: dict
    warnings:
      description: What the caller has to know, such as what O(force) overrode.
      type: list
      elements: dict
      contains:
        code:
          description: The stable name of the warning.
          type: str
        message:
          description: The warning for a person.
          type: str
    target:
      description: The number that the master keeps up, as was proved. Null where it was not proved, such as where
        nothing was done.
      type: int
    persisted:
      description: What O(persist) did, or would do in check mode. Null without it.
      type: dict
      contains:
        path:
          description: Path of odoo.conf, as the server sees it.
          type: str
        changed:
          description: Whether it had to be changed.
          type: bool
        before:
          description: The line before. Empty where there was none.
          type: str
        after:
          description: The line after.
          type: str
        backup:
          description: Path of the old file. Null where it was not changed.
          type: str
  sample:
    - identity: "472:375040"
      pid: 472
      did: signalled
      code:
      reason: the server had 2 http workers and has 4, and its master keeps up that number; a HUP or a restart makes it
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
