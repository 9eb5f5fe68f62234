#!/usr/bin/python

# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: recycle_workers
short_description: Replace workers of prefork Odoo servers while the other workers serve
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - Sends an C(INT) to the workers of the chosen servers that meet all of the given conditions, O(batch) at a time. Each
    worker ends after its request or job, and its master starts another one. The module waits for both, and the new
    process is the proof.
  - At least one of O(rss_above), O(older_than), O(busy_longer_than) and O(pids) must be set.
  - If the target of a master is lower than its number of http workers, it does not replace a worker that ends, and
    this is not visible before. So the module first signals one http worker alone. If the master does not replace it, no
    other worker gets a signal.
  - If a database of the server does not answer, the module refuses, because newer versions of Odoo end the whole server
    when they have to start a worker then. O(force) does not lift that.
  - The module waits for a start or a reload in progress. If several calls come at once, they act one after the other.
extends_documentation_fragment:
  - fleetops.odoo._attributes
  - fleetops.odoo._attributes.ACTION
  - fleetops.odoo._choice
  - fleetops.odoo._choice.ACTION
attributes:
  check_mode:
    details:
      - With O(busy_longer_than) it returns the workers that meet the other conditions, and changes nothing, because a
        stack dump needs a signal.
  idempotent:
    support: partial
    details:
      - New workers are younger, smaller, have other pids and no old requests, so a second call finds no worker. With
        O(older_than=0) each call replaces all workers.
options:
  roles:
    description:
      - Which workers. You can also choose the gevent process alone. It does not wait for its websockets. They are cut
        off and reconnect.
      - V(other) are workers of an addon, such as the runner of a job queue.
    type: list
    elements: str
    choices: [http, cron, gevent, other]
    default: [http]
  rss_above:
    description: Only workers with more resident memory, in bytes or with a unit such as V(900M) or V(1.5G).
    type: str
  older_than:
    description: Only workers that started more than this many seconds ago. V(0) matches every worker.
    type: float
  busy_longer_than:
    description:
      - Only workers that have been busy with one request or job for more than this many seconds, according to their
        stack dumps.
      - Dumps of Odoo 16 and older do not show when a request began, and no version shows when a cron job began. The
        module watches such workers for this time, and chooses those with the same address, job and database afterwards.
      - A worker that writes no stacks gets no signal, and a warning names it.
    type: float
  pids:
    description: Only workers with these process IDs. A warning names IDs that no server has.
    type: list
    elements: int
  batch:
    description: Number of workers of a server that end at the same time.
    type: int
    default: 1
  on_timeout:
    description:
      - What happens to requests and jobs of the chosen workers that take too long.
      - With V(fail) a worker ends after its request or job. The module fails if O(timeout) passes before.
      - With V(abort) the chosen workers get an C(XCPU) instead of the C(INT), which cuts off their requests and jobs at
        once. Choose the workers with O(busy_longer_than) to cut off only work that takes too long. The result names the
        work that was cut off, from a stack dump taken before. The gevent process gets an C(INT) in both cases.
    type: str
    choices: [fail, abort]
    default: fail
  timeout:
    description: Seconds for one server, waiting for other calls and for requests included.
    type: float
    default: 300.0
requirements:
  - psutil (on the host; if the interpreter lacks it, the module uses a system interpreter that has it)
notes:
  - The module refuses a threaded server.
  - A worker that hangs in code that does not return to Python reacts to no signal. Its master ends it after
    C(limit_time_real).
  - Run it as root, or as the user of the server.
seealso:
  - module: fleetops.odoo.workers
  - module: fleetops.odoo.stack_dump
"""

EXAMPLES = r"""
- name: Replace http workers that have grown beyond a gigabyte
  fleetops.odoo.recycle_workers:
    rss_above: 1G

- name: Replace every worker that is older than a day, two at a time
  fleetops.odoo.recycle_workers:
    roles: [http, cron]
    older_than: 86400
    batch: 2

- name: Cut off requests that have taken more than ten minutes
  fleetops.odoo.recycle_workers:
    busy_longer_than: 600
    on_timeout: abort

- name: Replace the gevent process, because its websockets hang
  fleetops.odoo.recycle_workers:
    roles: [gevent]
    older_than: 0
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
      description: V(signalled), V(nothing), V(refused), or V(not_reached) if an earlier server was refused or failed.
      type: str
    code:
      description: Stable code of the reason for V(refused), V(not_reached) or a failure. Null otherwise.
      type: str
    reason:
      description: The workers that meet the conditions, and the result.
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
    recycled:
      description: Workers that got a signal, or would in check mode.
      type: list
      elements: dict
      contains:
        pid:
          description: Process ID.
          type: int
        identity:
          description: PID and start of the worker.
          type: str
        role:
          description: V(http), V(cron), V(gevent) or V(other).
          type: str
        rss:
          description: Its resident memory in bytes, before.
          type: int
        age:
          description: Seconds since it was started.
          type: float
        signal:
          description: V(INT) or V(XCPU).
          type: str
        ended:
          description: Whether it has ended.
          type: bool
        replaced_by:
          description: The new worker in its place. Null without one.
          type: dict
          contains:
            pid:
              description: Process ID.
              type: int
            identity:
              description: PID and start of that worker.
              type: str
        lost:
          description:
            - What O(on_timeout=abort) cut off, with the keys of RV(fleetops.odoo.drain#module:results[].busy). Null if
              the worker was idle.
          type: dict
        seconds:
          description: Seconds from its signal until it was replaced.
          type: float
  sample:
    - identity: "472:375040"
      pid: 472
      did: signalled
      code:
      reason: the conditions hold for pid 480 (http); 1 worker replaced
      signals: [INT]
      seconds: 0.9
      recycled:
        - pid: 480
          identity: "480:375101"
          role: http
          rss: 1288490188
          age: 90211.2
          signal: INT
          ended: true
          replaced_by: {pid: 611, identity: "611:9401202"}
          lost:
          seconds: 0.2
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.formatters import human_to_bytes
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps import stacks
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.known_secrets import Secrets, hidden_in
from ansible_collections.fleetops.odoo.plugins.module_utils._messages import option
from ansible_collections.fleetops.odoo.plugins.module_utils._module.common import (
    ACTION_SPEC,
    age_of,
    fail,
    find_host,
    number_of,
    start,
    timeout_of,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._module.operate import run_on_masters, told
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Role
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import Look
from ansible_collections.fleetops.odoo.plugins.module_utils._rehearsal import rehearsal
from ansible_collections.fleetops.odoo.plugins.module_utils._server.operation import OnTimeout
from ansible_collections.fleetops.odoo.plugins.module_utils._signals import send
from ansible_collections.fleetops.odoo.plugins.module_utils._workers.recycle import (
    RecycleOrder,
    RecycleResult,
    recycle_all,
)

SPEC = {
    "roles": {"type": "list", "elements": "str", "choices": ["http", "cron", "gevent", "other"], "default": ["http"]},
    "rss_above": {"type": "str"},
    "older_than": {"type": "float"},
    "busy_longer_than": {"type": "float"},
    "pids": {"type": "list", "elements": "int"},
    "batch": {"type": "int", "default": 1},
    "on_timeout": {"type": "str", "choices": ["fail", "abort"], "default": "fail"},
    "timeout": {"type": "float", "default": 300.0},
    **ACTION_SPEC,
}


#: At least one of these must be given.
_CONDITIONS = ("rss_above", "older_than", "busy_longer_than", "pids")


def order_of(module: AnsibleModule) -> RecycleOrder:
    """Return what the options ask for; a bad one ends the module."""
    params = module.params
    if all(params[name] is None for name in _CONDITIONS):
        fail(module, option.NO_CONDITION(names=", ".join(_CONDITIONS)))
    if not params["roles"]:
        fail(module, option.EMPTY_LIST(option="roles", choices="http, cron, gevent, other"))
    pids = params["pids"]
    return RecycleOrder(
        timeout_of(module),
        tuple(Role(name) for name in params["roles"]),
        _size_of(module, "rss_above"),
        age_of(module, "older_than"),
        age_of(module, "busy_longer_than"),
        None if pids is None else frozenset(pids),
        number_of(module, "batch", 1),
        OnTimeout(params["on_timeout"]),
        params["force"],
    )


def _size_of(module: AnsibleModule, name: str) -> t.Optional[int]:
    """Return an option that is a size, in bytes; a bad one ends the module."""
    text = module.params[name]
    if text is None:
        return None
    try:
        size = int(human_to_bytes(text))
    except (ValueError, OverflowError):
        size = -1
    if size < 0:
        fail(module, option.NOT_A_SIZE(option=name, value=text))
    return size


def tell(module: AnsibleModule, results: t.Sequence[RecycleResult], secrets: Secrets) -> t.Dict[str, t.Any]:
    """Return results as the module does; what was cut off may hold secrets."""
    found = told(module, results, secrets)
    for one in found["results"]:
        one["recycled"] = [hidden_in(secrets, worker) for worker in one["recycled"]]
    return found


def main() -> None:
    """Entry point."""
    module = start(SPEC)
    host = find_host(door=send, rehearsal=rehearsal, stacks=stacks)
    order = order_of(module)

    def run(seen: Look, chosen: t.List[str]) -> t.List[RecycleResult]:
        results = recycle_all(host, seen, chosen, order, check_mode=module.check_mode)
        known = {child.process.pid for one in seen.instances for child in one.children}
        unknown = sorted((order.pids or frozenset()) - known)
        if unknown:
            module.warn(str(option.UNKNOWN_PIDS(pids=", ".join(map(str, unknown)))))
        return results

    run_on_masters(module, host, run, tell=tell)


if __name__ == "__main__":
    main()
