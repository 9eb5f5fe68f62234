#!/usr/bin/python

# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: reload
short_description: Reload or restart Odoo servers and wait until the new generation serves
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - Sends C(HUP) once to every chosen master and waits on the host until the master has executed itself anew, all
    workers of the new generation are there, nothing of the old one is left, and the server answers its health check.
  - With O(method) it restarts a server through its supervisor instead, always or where a C(HUP) would not do, and waits
    for the new server in the same way.
  - Before a signal is sent, the reload is rehearsed as the server's own user. The interpreter must find itself again
    (a virtualenv that is started by its full path does not), Odoo must be importable, its configuration must parse,
    Python files and manifests that have changed since the load must compile, and PostgreSQL must answer. Otherwise the
    module refuses, says what helps, and the server goes on. A restart is rehearsed as well, with the interpreter by its
    full path, as the supervisor executes it.
  - With a database in its configuration Odoo ends where it cannot connect to PostgreSQL at its start. That is refused,
    and O(force) does not lift it. It is refused as well, unless O(force) is set, where one of its databases does not
    answer or is not there, since Odoo would make an empty one.
  - What is configured is compared with what runs. A C(HUP) that would not apply it, or would end the server because of
    it, is refused, or becomes a restart with O(method=auto). On Odoo 19 in prefork mode these are another
    C(http_port) or C(http_interface), C(workers) to 0, HTTP switched on or off, and any C(HUP) to a server without
    HTTP. A configured port that another process has is refused with every method, with its pid and its program.
  - Afterwards the server is complete only if it listens where it is configured to, in the mode and with the number of
    processes that are configured. A server that does not run as configured needs a reload, whatever O(policy) says.
  - A health check that does not accept what the server answers beforehand (a status from 300 to 499) is refused, since
    it would fail afterwards too. O(force) lifts that.
  - It refuses where there is no room. Before a C(HUP) to Odoo 19 and later in prefork mode, whose generations stand
    side by side for a while, as much memory as the processes of the server use must be free, swap included; and the
    filesystems of its log, of its data directory and of C(/run) must have 16 MiB free. O(force) lifts that.
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
  - fleetops.odoo._health
options:
  policy:
    description:
      - When a server needs a reload.
      - With V(always) it always does, unless a start or a reload is under way, which counts as one.
      - With V(since) it does when it may have loaded its code before O(since).
      - With V(stale) it does when its code or its configuration have changed since it loaded them, or may have. Where
        its unit, its environment files or its interpreter have changed, a C(HUP) would not be enough. It is refused,
        unless O(method) allows a restart.
    type: str
    choices: [always, since, stale]
    default: stale
  since:
    description:
      - Seconds since the epoch, or ISO 8601 with an offset from UTC such as V(2026-11-24T05:00:00Z).
      - Required with O(policy=since), and of use only there.
    type: str
  method:
    description:
      - How a server that needs it is given a new generation.
      - With V(hup) by a C(HUP), and by nothing else.
      - With V(supervisor) by a restart through its supervisor. That is C(systemctl restart), after C(systemctl
        daemon-reload) where the files of its unit have changed, or a request to the supervisord above the server. It
        needs root, or the user of that supervisord.
      - With V(auto) by a C(HUP), unless that cannot work or is not enough and a restart would help. That is so for a
        virtualenv that a C(HUP) would lose, a start with C(-m), an interpreter that has been replaced, a working
        directory that has been removed, a configuration that a C(HUP) would not apply or survive, and a unit,
        environment file or interpreter that has changed since the start. The C(reason) of the result says which it
        was, and the C(code) of a refusal names it.
      - Broken code, a broken configuration and a PostgreSQL that does not answer are refused with every method, since a
        restart would end the server as surely. So are servers in containers and those that nothing would start again.
      - A restart takes the server down, even Odoo 19, and where the unit's C(KillMode) is neither V(mixed) nor
        V(process) it cuts off the requests under way, which a warning says. supervisord kills what has not ended
        after its C(stopwaitsecs), which are 10 unless set.
      - What a changed unit would start is not rehearsed. The C(reason) says so. That systemd has read the unit and that
        its program is there is made sure of before the server is stopped.
    type: str
    choices: [hup, supervisor, auto]
    default: auto
  timeout:
    description:
      - Seconds that the reload of one server may take in all, waiting included. Requests that run when the signal is
        sent are part of it, so it should exceed Odoo's C(limit_time_real).
    type: float
    default: 180.0
requirements:
  - psutil (on the host; where the interpreter lacks it, a system interpreter that has it is used)
notes:
  - A C(HUP) keeps arguments, environment, user and limits. A changed unit file needs a restart by the supervisor.
  - Run it as root, or as the user of the server.
seealso:
  - module: fleetops.odoo.master_info
"""

EXAMPLES = r"""
- name: After a deployment, reload what runs older code than lies on the disk, or restart it where that is needed
  fleetops.odoo.reload:

- name: Reload every Odoo server of the host, whatever it runs
  fleetops.odoo.reload:
    policy: always

- name: Reload what has not been loaded since the deployment
  fleetops.odoo.reload:
    policy: since
    since: "{{ deployed_at }}"
  vars:
    deployed_at: "2026-11-24T05:00:00Z"

- name: Reload what is stale by a HUP, and refuse what would need a restart
  fleetops.odoo.reload:
    method: hup

- name: Reload, and go on where another call is working on the server
  fleetops.odoo.reload:
  register: reloaded
  failed_when: reloaded is failed and reloaded.code | default('') != 'timeout.locked'

- name: Restart through systemd or supervisord what has not been started since the deployment
  fleetops.odoo.reload:
    policy: since
    since: "2026-11-24T05:00:00Z"
    method: supervisor

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
code:
  description: Stable name of what went wrong, as in the result of the server.
  returned: failure
  type: str
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
  description: What was done, by server, in the order in which it was done. Every chosen server has a result, on failure
    too.
  returned: always
  type: list
  elements: dict
  contains:
    identity:
      description: PID and start of the master. A C(HUP) keeps it, a restart does not.
      type: str
    pid:
      description: Process ID of the master.
      type: int
    did:
      description: V(signalled), V(restarted), V(nothing), V(refused), or V(not_reached) where an earlier server was
        refused or failed.
      type: str
    code:
      description: Stable name of why it was refused, failed or not begun, such as V(refused.state). Null otherwise.
      type: str
    reason:
      description: Why, by which way, and what the rehearsal left out.
      type: str
    signals:
      description: Signals that were sent, or that would be in check mode.
      type: list
      elements: str
    before:
      description: State, workers, children, load and health of the instance before.
      type: dict
      contains:
        state:
          description: V(booting), V(running), V(reloading) or V(draining).
          type: str
        mode:
          description: V(prefork) or V(threaded); null while it boots.
          type: str
        version:
          description: Version of the Odoo on the disk.
          type: str
        workers:
          description: How many processes of each kind of worker there are.
          type: dict
          sample: {http: 4, cron: 2, gevent: 1}
        children:
          description: The processes of the master, as RV(fleetops.odoo.master_info#module:masters[].children).
          type: list
          elements: dict
          contains:
            pid:
              description: Process ID.
              type: int
            identity:
              description: PID and start in clock ticks since boot.
              type: str
            role:
              description: V(http), V(cron), V(gevent), V(other), V(shepherd) or V(unknown).
              type: str
            generation:
              description: V(current) or V(old).
              type: str
            rss:
              description: Resident memory in bytes.
              type: int
            cpu_seconds:
              description: CPU time that it has used.
              type: float
        databases:
          description: Databases that its configuration names.
          type: list
          elements: str
        loaded:
          description: Bounds of the moment at which it loaded its code.
          type: dict
          contains:
            not_before:
              description: The earliest moment.
              type: str
            not_after:
              description: The latest moment.
              type: str
            evidence:
              description: V(marker), V(log) or V(process).
              type: str
        health:
          description:
            - V(ok), or what was wrong, as a clause. Null where no request was made, because it is disabled, the server
              has no HTTP, or it was not running.
            - Before anything is done, one request is made, and it takes no longer than two seconds.
          type: str
    after:
      description: The same afterwards, of the new master after a restart. Null in check mode and when it did not end
        well.
      type: dict
    successor:
      description: Identity of the master that has taken the place of the one that is gone, null otherwise.
      type: str
    log:
      description: Up to 200 last lines that the server wrote to its log since the call began, secrets hidden. Empty
        unless it failed.
      type: list
      elements: str
    seconds:
      description: How long it took, waiting included.
      type: float
    warnings:
      description: What to know of it, such as what O(force) overrode.
      type: list
      elements: dict
      contains:
        code:
          description: Stable name of the warning.
          type: str
        message:
          description: The warning as a sentence, with its remedy.
          type: str
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
  sample:
    - identity: "472:375040"
      pid: 472
      did: signalled
      reason: a reload was asked for
      signals: [HUP]
      seconds: 1.31
"""


from ansible_collections.fleetops.odoo.plugins.module_utils._module.common import find_host, start
from ansible_collections.fleetops.odoo.plugins.module_utils._module.operate import run_on_masters
from ansible_collections.fleetops.odoo.plugins.module_utils._module.reload_option import (
    RELOAD_SPEC,
    REQUIRED_IF,
    order_of,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._rehearsal import rehearsal, room
from ansible_collections.fleetops.odoo.plugins.module_utils._reload.reload import reload_all
from ansible_collections.fleetops.odoo.plugins.module_utils._server import health
from ansible_collections.fleetops.odoo.plugins.module_utils._signals import send
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors import restart

SPEC = RELOAD_SPEC


def main() -> None:
    """Entry point."""
    module = start(SPEC, required_if=REQUIRED_IF)
    host = find_host(door=send, rehearsal=rehearsal, room=room, health=health, restarts=restart)
    order = order_of(module, host.clock)
    run_on_masters(
        module, host, lambda seen, chosen: reload_all(host, seen, chosen, order, check_mode=module.check_mode)
    )


if __name__ == "__main__":
    main()
