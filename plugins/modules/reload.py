#!/usr/bin/python

# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: reload
short_description: Reload Odoo servers with one HUP and wait until the new generation serves
version_added: 0.1.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - Sends C(HUP) once to every chosen master and waits on the host until the master has executed itself anew, all
    workers of the new generation are there, nothing of the old one is left, and the server answers its health check.
  - Before a signal is sent, the reload is rehearsed as the server's own user. The interpreter must find itself again
    (a virtualenv that is started by its full path does not), Odoo must be importable, its configuration must parse, and
    Python files and manifests that have changed since the load must compile. Otherwise the module refuses, says what
    helps, and the server goes on.
  - While a start, a reload or a drain is under way, the module waits for it instead of sending a second signal, which
    would kill requests or the server. Of several calls at the same moment, one sends the signal and the others wait.
  - What a reload costs depends on the server. Odoo 19 in prefork mode loses no request. Odoo 14 in prefork mode is down
    until its requests have ended and it has booted, and threaded servers cut off what has not ended after one second.
    Take those out of the load balancer first.
extends_documentation_fragment:
  - fleetops.odoo._attributes
  - fleetops.odoo._attributes.ACTION
  - fleetops.odoo._choice
  - fleetops.odoo._choice.ACTION
options:
  policy:
    description:
      - When a server needs a reload.
      - With V(always) it always does, unless a start or a reload is under way, which counts as one.
      - With V(since) it does when it may have loaded its code before O(since).
      - With V(stale) it does when its code or its configuration have changed since it loaded them, or may have. Where
        its unit, its environment files or its interpreter have changed, a reload would not be enough, and is refused.
    type: str
    choices: [always, since, stale]
    default: always
  since:
    description:
      - Seconds since the epoch, or ISO 8601 with an offset from UTC such as V(2026-11-24T05:00:00Z).
      - Required with O(policy=since), and of use only there.
    type: str
  health:
    description:
      - The request that tells whether the server serves again. It is sent from the host itself.
    type: dict
    default: {}
    suboptions:
      enabled:
        description: Whether a request is made at all.
        type: bool
        default: true
      path:
        description: What to ask for. The default is C(/web/health), and C(/web/login) for Odoo 14 and older.
        type: str
      port:
        description: Port to ask at. The default is the one at which the server listens.
        type: int
      address:
        description: Address to ask at. The default is the one at which the server listens.
        type: str
      host:
        description: Value of the C(Host) header, which may choose a database.
        type: str
        default: localhost
      status:
        description: Status codes that are right.
        type: list
        elements: int
        default: [200]
      timeout:
        description: Seconds that one request may take.
        type: float
        default: 10.0
  timeout:
    description:
      - Seconds that the reload of one server may take in all, waiting included. Requests that run when the signal is
        sent are part of it, so it should exceed Odoo's C(limit_time_real).
    type: float
    default: 180.0
requirements:
  - psutil (on the host; where the interpreter lacks it, a system interpreter that has it is used)
notes:
  - A reload keeps arguments, environment, user and limits. A changed unit file needs a restart by the supervisor.
  - Run it as root, or as the user of the server.
seealso:
  - module: fleetops.odoo.master_info
"""

EXAMPLES = r"""
- name: Reload every Odoo server of the host
  fleetops.odoo.reload:

- name: Reload what has not been loaded since the deployment
  fleetops.odoo.reload:
    policy: since
    since: "{{ deployed_at }}"
  vars:
    deployed_at: "2026-11-24T05:00:00Z"

- name: Reload what runs older code than lies on the disk
  fleetops.odoo.reload:
    policy: stale

- name: Reload one of several instances and ask a page of its own for its health
  fleetops.odoo.reload:
    match:
      unit: odoo@prod.service
    health:
      path: /web/login
      host: shop.example.com
      status: [200, 303]
"""

RETURN = r"""
results:
  description: What was done, by instance, in the order in which it was done. It is there on failure too.
  returned: always
  type: list
  elements: dict
  contains:
    identity:
      description: PID and start of the master. A reload keeps it.
      type: str
    pid:
      description: Process ID of the master.
      type: int
    did:
      description: V(signalled), V(nothing) or V(refused).
      type: str
    reason:
      description: Why.
      type: str
    signals:
      description: Signals that were sent, or that would be in check mode.
      type: list
      elements: str
    before:
      description: State, workers, children and load of the instance before.
      type: dict
    after:
      description: The same afterwards. Null in check mode and when it did not end well.
      type: dict
    seconds:
      description: How long it took, waiting included.
      type: float
  sample:
    - identity: "472:375040"
      pid: 472
      did: signalled
      reason: a reload was asked for
      signals: [HUP]
      seconds: 1.31
"""

from ansible_collections.fleetops.odoo.plugins.module_utils._module import ACTION_SPEC, reload, start

SPEC = {
    "policy": {"type": "str", "choices": ["always", "since", "stale"], "default": "always"},
    "since": {"type": "str"},
    "method": {"type": "str", "choices": ["hup", "supervisor", "auto"], "default": "hup"},
    "health": {
        "type": "dict",
        "default": {},
        "options": {
            "enabled": {"type": "bool", "default": True},
            "path": {"type": "str"},
            "port": {"type": "int"},
            "address": {"type": "str"},
            "host": {"type": "str", "default": "localhost"},
            "status": {"type": "list", "elements": "int", "default": [200]},
            "timeout": {"type": "float", "default": 10.0},
        },
    },
    "timeout": {"type": "float", "default": 180.0},
    **ACTION_SPEC,
}


def main() -> None:
    """Entry point."""
    reload(start(SPEC, required_if=[("policy", "since", ["since"])]))


if __name__ == "__main__":
    main()
