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
  - A master keeps up a number of workers that nobody can see. C(TTIN) raises it. C(TTOU) lowers it and ends nobody,
    which others may have done without being noticed. So C(TTIN) is sent until a worker is started, which shows that the
    number and the workers agree, and from there on it is counted. A number that had drifted is put right by that.
  - To scale down, one worker is started for that proof, C(TTOU) is sent as often as is needed, and then C(INT) to http
    workers that are idle, as their stack dumps show. At no time are there fewer than O(count), and at most one more
    than there were.
  - A C(HUP) and a restart set the number to the configuration. See O(persist).
  - Where a database of the server does not answer, nothing is done that would make the master start a worker. Newer
    versions of Odoo end with all of the server then. Nothing lifts that.
  - Starts and reloads that are under way are waited for. Of several calls at the same moment one acts at a time.
extends_documentation_fragment:
  - fleetops.odoo._attributes
  - fleetops.odoo._attributes.ACTION
  - fleetops.odoo._choice
  - fleetops.odoo._choice.ACTION
attributes:
  check_mode:
    details:
      - It returns the signals that would be sent if nobody has moved the number that the master keeps up, and does not
        have Odoo try out a changed odoo.conf.
  diff_mode:
    details:
      - With O(persist) it shows the line of odoo.conf as well.
  idempotent:
    support: full
    details:
      - A server that has O(count) http workers gets no signal, unless O(prove) asks for one.
options:
  count:
    description: How many http workers, from 1 on.
    type: int
    required: true
  wait_busy:
    description:
      - Whether workers that are at work get their C(INT) too, where not enough are idle. They end after their request.
      - Without it the module waits until enough are idle.
    type: bool
    default: false
  persist:
    description:
      - Whether C(workers) is set in odoo.conf too. One line is changed. Before the new file takes the place of the old
        one, Odoo's own parser must have read it, as the server's user. The old one stays beside it.
      - It is written before the first signal. Where the arguments or the environment of the server name a number, it is
        refused, since that wins.
      - Nothing tells that the server has followed this change already, so it counts as stale afterwards, and the next
        M(fleetops.odoo.reload) with C(policy=stale) reloads it.
    type: bool
    default: false
  prove:
    description:
      - Whether a server that has O(count) http workers already is made to prove that its master keeps up that number.
        One worker is started and one ended for it, each time.
      - Without it such a server may have a master that was told by somebody else to keep up fewer, which shows when a
        worker ends and is not replaced.
    type: bool
    default: false
  timeout:
    description: Seconds that one server may take in all, waiting for others, for reloads and for requests included.
    type: float
    default: 150.0
  force:
    description:
      - Lift the rules of role, mode, state and platform, and go on without room in memory for the workers. What was
        overridden is in a warning.
requirements:
  - psutil (on the host; where the interpreter lacks it, a system interpreter that has it is used)
notes:
  - To scale up there must be free memory, swap included, for as many workers as come, each as large as the largest that
    is there, or as C(limit_memory_hard) where that is less. Limits of a cgroup are not looked at.
  - To scale down without O(wait_busy) the log must show stack dumps, as M(fleetops.odoo.stack_dump) says.
  - A threaded server is refused.
  - With fewer workers than its odoo.conf says a server counts as complete for the other modules, until its next reload.
  - Run it as root, or as the user of the server.
seealso:
  - module: fleetops.odoo.recycle_workers
  - module: fleetops.odoo.reload
"""

EXAMPLES = r"""
- name: More workers for the end of the month, until the next reload
  fleetops.odoo.workers:
    count: 6

- name: Back to two, and let those at work finish their requests
  fleetops.odoo.workers:
    count: 2
    wait_busy: true

- name: Four workers of one instance, in its odoo.conf too
  fleetops.odoo.workers:
    match:
      unit: odoo@prod.service
    count: 4
    persist: true
"""

RETURN = r"""
results:
  description: What was done, by server, in the order in which it was done. It is there on failure too.
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
      description: V(signalled), V(written) where only odoo.conf was, V(nothing) or V(refused).
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
      description: Who was at work when their stacks were last asked for, as in M(fleetops.odoo.drain).
      type: list
      elements: dict
    target:
      description: The number that the master keeps up, as was proved. Null where it was not, such as where nothing was
        done.
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
      reason: it had 2 http workers and has 4, which its master keeps up; a HUP or a restart makes it 2 again, as it is
        configured
      signals: [TTIN, TTIN]
      seconds: 1.9
      target: 4
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.known_secrets import (
    Secrets,
    known_secrets,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.results import printable
from ansible_collections.fleetops.odoo.plugins.module_utils._module.common import (
    ACTION_SPEC,
    choose_masters,
    find_host,
    start,
    timeout_of,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._module.operate import told, warn
from ansible_collections.fleetops.odoo.plugins.module_utils._workers.scale import ScaleOrder, ScaleResult, scale_all
from ansible_collections.fleetops.odoo.plugins.module_utils._workers.workers import CrewFailed

SPEC = {
    "count": {"type": "int", "required": True},
    "wait_busy": {"type": "bool", "default": False},
    "persist": {"type": "bool", "default": False},
    "prove": {"type": "bool", "default": False},
    "timeout": {"type": "float", "default": 150.0},
    **ACTION_SPEC,
}


def workers(module: AnsibleModule) -> None:
    """What the module ``workers`` does."""
    host, params = find_host(), module.params
    if params["count"] < 1:
        module.fail_json(
            msg="count: %d; right is a number from 1 on (a server without workers is a threaded one, which a restart"
            " with workers = 0 in odoo.conf makes)" % params["count"],
            results=[],
        )
    order = ScaleOrder(
        params["count"], timeout_of(module), params["wait_busy"], params["persist"], params["prove"], params["force"]
    )
    seen, identities = choose_masters(module, host)
    secrets = known_secrets(host.proc, seen)
    try:
        results = scale_all(host, seen, identities, order, check_mode=module.check_mode)
    except CrewFailed as exc:
        warn(module, exc.results, secrets)
        module.fail_json(
            msg=printable(secrets.hide(str(exc))), **_scaled(module, t.cast(t.List[ScaleResult], exc.results), secrets)
        )
    else:
        warn(module, results, secrets)
        module.exit_json(**_scaled(module, results, secrets))


def _scaled(module: AnsibleModule, results: t.Sequence[ScaleResult], secrets: Secrets) -> t.Dict[str, t.Any]:
    found = told(module, results, secrets)
    found["changed"] = any(one.changed for one in results)
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


def main() -> None:
    """Entry point."""
    workers(start(SPEC))


if __name__ == "__main__":
    main()
