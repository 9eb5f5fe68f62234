#!/usr/bin/python

# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: recycle_workers
short_description: Replace workers of prefork Odoo servers while the others go on serving
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - Sends an C(INT) to the workers of the chosen servers for which all of the given conditions hold, O(batch) at a time.
    Each of them ends after its request or job, and its master starts another one. The module waits for both, and proves
    it by the new process.
  - At least one of O(rss_above), O(older_than), O(busy_longer_than) and O(pids) must be given.
  - A master that keeps up fewer http workers than there are does not replace one that ends, and nothing shows that
    before. So the first http worker goes alone, and where nobody comes in its place no other is touched.
  - Where a database of the server does not answer, nobody is recycled, since newer versions of Odoo end with all of the
    server when they are to start a worker then. Nothing lifts that.
  - Starts and reloads that are under way are waited for. Of several calls at the same moment one acts at a time.
extends_documentation_fragment:
  - fleetops.odoo._attributes
  - fleetops.odoo._attributes.ACTION
  - fleetops.odoo._choice
  - fleetops.odoo._choice.ACTION
attributes:
  check_mode:
    details:
      - With O(busy_longer_than) it says for whom the other conditions hold, and changes nothing, since asking them
        takes a signal.
  idempotent:
    support: partial
    details:
      - New workers are younger, smaller, have other pids and are at no old work, so a second call finds none. With
        O(older_than=0) each call recycles all.
options:
  roles:
    description: Which workers. The gevent process can be recycled alone. It does not wait for anybody, so its
      websockets are cut and reconnect.
    type: list
    elements: str
    choices: [http, cron, gevent]
    default: [http]
  rss_above:
    description: Only workers that have more resident memory, in bytes or with a unit such as V(900M) or V(1.5G).
    type: str
  older_than:
    description: Only workers that were started longer ago, in seconds. V(0) holds for every worker.
    type: float
  busy_longer_than:
    description:
      - Only workers that have been at one request or job for longer, in seconds, as their stack dumps show.
      - Dumps of Odoo 16 and older do not tell when a request began, and none tells it of a cron job. Such workers are
        watched for this time, and those count that are at the same address, job and database afterwards.
      - A worker that writes no stacks is left alone and named in a warning.
    type: float
  pids:
    description: Only workers with these process IDs. One that no server has is named in a warning.
    type: list
    elements: int
  batch:
    description: How many workers of a server are ended at the same time.
    type: int
    default: 1
  abort:
    description:
      - Whether their requests and jobs are cut off, by an C(XCPU). What is lost is in the result, from a stack dump
        that is taken before.
      - The gevent process gets an C(INT) all the same.
    type: bool
    default: false
  timeout:
    description: Seconds that one server may take in all, waiting for others and for requests included.
    type: float
    default: 300.0
requirements:
  - psutil (on the host; where the interpreter lacks it, a system interpreter that has it is used)
notes:
  - A threaded server is refused.
  - A worker that hangs in code that does not come back to Python takes no signal. It is ended by its master after
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

- name: Cut off requests that have been under way for more than ten minutes
  fleetops.odoo.recycle_workers:
    busy_longer_than: 600
    abort: true

- name: Websockets hang, so have a new gevent process
  fleetops.odoo.recycle_workers:
    roles: [gevent]
    older_than: 0
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
      description: V(signalled), V(nothing) or V(refused).
      type: str
    reason:
      description: For whom the conditions hold, and what came of it.
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
          description: V(http), V(cron) or V(gevent).
          type: str
        rss:
          description: Its resident memory in bytes, before.
          type: int
        age:
          description: For how many seconds it had run.
          type: float
        signal:
          description: V(INT) or V(XCPU).
          type: str
        ended:
          description: Whether it has ended.
          type: bool
        replaced_by:
          description: The worker that has come in its place. Null where none has.
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
            - What O(abort) cut off, with the keys of RV(fleetops.odoo.drain#module:results[].busy). Null where it was
              idle.
          type: dict
        seconds:
          description: How long that took.
          type: float
  sample:
    - identity: "472:375040"
      pid: 472
      did: signalled
      reason: the conditions hold for pid 480 (http); 1 of its workers were replaced
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
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.known_secrets import (
    Secrets,
    hidden_in,
    known_secrets,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.results import StepsResult, printable
from ansible_collections.fleetops.odoo.plugins.module_utils._module.common import (
    ACTION_SPEC,
    choose_masters,
    find_host,
    seconds_of,
    start,
    timeout_of,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._module.operate import told, warn
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Role
from ansible_collections.fleetops.odoo.plugins.module_utils._workers.recycle import RecycleOrder, recycle_all
from ansible_collections.fleetops.odoo.plugins.module_utils._workers.workers import CrewFailed

SPEC = {
    "roles": {"type": "list", "elements": "str", "choices": ["http", "cron", "gevent"], "default": ["http"]},
    "rss_above": {"type": "str"},
    "older_than": {"type": "float"},
    "busy_longer_than": {"type": "float"},
    "pids": {"type": "list", "elements": "int"},
    "batch": {"type": "int", "default": 1},
    "abort": {"type": "bool", "default": False},
    "timeout": {"type": "float", "default": 300.0},
    **ACTION_SPEC,
}


#: One of these must be said to recycle_workers.
_CONDITIONS = ("rss_above", "older_than", "busy_longer_than", "pids")


def recycle_workers(module: AnsibleModule) -> None:
    """What the module ``recycle_workers`` does."""
    host, params = find_host(), module.params
    order = _recycle_order(module)
    seen, identities = choose_masters(module, host)
    secrets = known_secrets(host.proc, seen)
    try:
        results = recycle_all(host, seen, identities, order, check_mode=module.check_mode)
    except CrewFailed as exc:
        warn(module, exc.results, secrets)
        module.fail_json(msg=printable(secrets.hide(str(exc))), **_recycled(module, exc.results, secrets))
    else:
        known = {child.process.pid for one in seen.instances for child in one.children}
        unknown = sorted(set(params["pids"] or []) - known)
        if unknown:
            module.warn("pids: no worker of an Odoo server has pid %s" % ", ".join(map(str, unknown)))
        warn(module, results, secrets)
        module.exit_json(**_recycled(module, results, secrets))


def _recycle_order(module: AnsibleModule) -> RecycleOrder:
    params = module.params
    if all(params[name] is None for name in _CONDITIONS):
        module.fail_json(
            msg="no condition is given, so all workers would be recycled each time; right is at least one of %s"
            " (older_than: 0 holds for every worker)" % ", ".join(_CONDITIONS),
            results=[],
        )
    if params["batch"] < 1:
        module.fail_json(msg="batch: %d; right is a number from 1 on" % params["batch"], results=[])
    if not params["roles"]:
        module.fail_json(msg="roles: no role is named; right is at least one of http, cron and gevent", results=[])
    pids = params["pids"]
    return RecycleOrder(
        timeout_of(module),
        tuple(Role(name) for name in params["roles"]),
        _size_of(module, params["rss_above"]),
        None if params["older_than"] is None else seconds_of(module, "older_than"),
        None if params["busy_longer_than"] is None else seconds_of(module, "busy_longer_than"),
        None if pids is None else frozenset(pids),
        params["batch"],
        params["abort"],
        params["force"],
    )


def _size_of(module: AnsibleModule, text: t.Optional[str]) -> t.Optional[int]:
    if text is None:
        return None
    try:
        size = int(human_to_bytes(text))
    except ValueError:
        size = -1
    if size < 0:
        module.fail_json(
            msg="rss_above: %r is no size; right is a number of bytes, or one with a unit such as 900M or 1.5G" % text,
            results=[],
        )
    return size


def _recycled(module: AnsibleModule, results: t.Sequence[StepsResult], secrets: Secrets) -> t.Dict[str, t.Any]:
    found = told(module, results, secrets)
    for one in found["results"]:
        one["recycled"] = [hidden_in(secrets, worker) for worker in one["recycled"]]
    return {**found, "changed": any(one.signals for one in results)}


def main() -> None:
    """Entry point."""
    recycle_workers(start(SPEC))


if __name__ == "__main__":
    main()
