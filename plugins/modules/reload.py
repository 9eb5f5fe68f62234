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
  - Sends C(HUP) once to every chosen master and waits on the host until the master has executed itself again, all
    workers of the new generation run, no process of the old generation is left, and the server answers its health
    check.
  - With O(method) it restarts a server through its supervisor instead, always or only if a C(HUP) is not enough, and
    waits for the new server in the same way.
  - The wait ends early if the server cannot become healthy. If the health check fails for 5 s and the log shows that
    the new processes cannot load their code, the message has the last line of the traceback (V(failed.load)). If the
    server has all its processes and answers 500 for 10 s, the code is V(failed.unhealthy). A traceback alone does not
    end the wait. If PostgreSQL does not answer, the module waits for it until O(timeout).
  - Before a signal the module runs a start-up check as the user of the server. The check makes sure that the server
    finds its interpreter again (a virtualenv that was started by its full path does not), that Odoo can be imported,
    that its configuration can be parsed, that changed Python files and manifests compile, and that PostgreSQL answers.
    With O(rehearse=import) the changed addons must be importable, too.
    Otherwise the module refuses, names the remedy, and the server continues to run. Before a restart it runs the same
    check, with the full path of the interpreter, as the supervisor executes it.
  - With a database in its configuration Odoo ends if it cannot connect to PostgreSQL at its start. The module refuses
    that, and O(force) does not lift it. Unless O(force) is set, it also refuses if one of the databases does not answer
    or does not exist, because Odoo would create an empty one.
  - The module compares the configuration with the running server. It refuses a C(HUP) that would not apply the
    configuration, or would end the server because of it. With O(method=auto) it restarts the server instead. On Odoo 19
    in prefork mode this happens for another C(http_port) or C(http_interface), C(workers) to 0, HTTP switched on or
    off, and any C(HUP) to a server without HTTP. If another process has a configured port, the module refuses with
    every method, and names the pid and the program.
  - Afterwards the server counts as complete only if it listens on the configured addresses, in the configured mode,
    with the configured number of processes. A server that does not run as configured needs a reload with every
    O(policy).
  - The module refuses if the health check does not accept the answer of the server before the reload (a status from 300
    to 499), because the check would fail after the reload too. O(force) lifts that.
  - The module refuses if there is not enough room. Before a C(HUP) to Odoo 19 and later in prefork mode, whose
    generations run side by side for a while, as much memory as the processes of the server use must be free, swap
    included. The filesystems of its log, of its data directory and of C(/run) must have 16 MiB free. O(force) lifts
    that.
  - While a start, a reload or a drain is in progress, the module waits for it. It sends no second signal, which would
    cut off requests or kill the server. If several calls come at once, one sends the signal and the others wait. If
    files have changed meanwhile, the next of them sends a signal of its own.
  - The cost of a reload depends on the server. Odoo 19 in prefork mode loses no request. Odoo 14 in prefork mode is
    down until its requests have ended and it has booted. Threaded servers cut off requests that have not ended after
    one second. Take such servers out of the load balancer first.
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
      - With V(always) every server does. If a start or a reload is in progress, the module waits for it, and then a
        server does only if files have changed since that load began, or may have, as with V(stale).
      - With V(since) a server does if it may have loaded its code before O(since).
      - With V(stale) a server does if its code or its configuration have changed since it loaded them, or may have. If
        its unit, its environment files or its interpreter have changed, a C(HUP) is not enough. The module then
        refuses, unless O(method) allows a restart.
    type: str
    choices: [always, since, stale]
    default: stale
  since:
    description:
      - Seconds since the epoch, or ISO 8601 with an offset from UTC such as V(2026-11-24T05:00:00Z).
      - Required with O(policy=since), and used only there.
    type: str
  method:
    description:
      - How the module reloads a server.
      - With V(hup) it sends a C(HUP) and does nothing else.
      - With V(supervisor) it restarts the server through its supervisor with C(systemctl restart), after C(systemctl
        daemon-reload) if the files of its unit have changed, or with a request to the supervisord above the server.
        This needs root, or the user of that supervisord.
      - With V(auto) it sends a C(HUP), unless a HUP cannot work or is not enough and a restart helps. Examples are a
        virtualenv that a C(HUP) would leave, a start with C(-m), an interpreter that was replaced, a working directory
        that was removed, a configuration that a C(HUP) would not apply or survive, and a unit, environment file or
        interpreter that changed after the start. The C(reason) of the result and the C(code) of a refusal name the
        case.
      - With every method the module refuses broken code, a broken configuration and a PostgreSQL that does not answer,
        because a restart would also end the server. It also refuses to restart servers in containers and servers
        without a supervisor.
      - A restart takes the server down, even Odoo 19. If the C(KillMode) of the unit is neither V(mixed) nor
        V(process), a restart cuts off the requests in progress, and a warning says so. supervisord kills processes that
        have not ended after its C(stopwaitsecs) (10 unless set).
      - The start-up check does not check what a changed unit would start. The C(reason) says so. Before the server
        stops, the module makes sure that systemd has read the unit and that its program exists.
    type: str
    choices: [hup, supervisor, auto]
    default: auto
  rehearse:
    description:
      - What the start-up check does with the code that has changed since the server loaded it. V(compile) compiles the
        changed Python files.
      - V(import) also imports the addons that have changed Python files, each after the addons it depends on. This
        finds most addons that compile and cannot be loaded, for example because a Python package is missing. It runs
        code of these addons, in a process of its own, with the interpreter and the rights of the server, without a
        database. It may take a minute longer than V(compile).
      - V(import) cannot tell whether a database has an addon, so it refuses the reload for an addon that is not
        installed, too. Errors that need a database, such as an unknown field, show after the signal only.
      - For a server that runs as root the start-up check runs no code, and both values check the same.
    type: str
    choices: [compile, import]
    default: compile
  timeout:
    description:
      - Seconds that the reload of one server may take in all, waiting included. Requests that run when the signal is
        sent are part of it, so it should exceed Odoo's C(limit_time_real).
    type: float
    default: 180.0
requirements:
  - psutil (on the host; if the interpreter lacks it, the module uses a system interpreter that has it)
notes:
  - A C(HUP) keeps arguments, environment, user and limits. A changed unit file needs a restart through the supervisor.
  - Run it as root, or as the user of the server.
seealso:
  - module: fleetops.odoo.master_info
"""

EXAMPLES = r"""
- name: After a deployment, reload servers with old code, or restart them if needed
  fleetops.odoo.reload:

- name: Reload every Odoo server of the host
  fleetops.odoo.reload:
    policy: always

- name: Reload servers that have not loaded their code since the deployment
  fleetops.odoo.reload:
    policy: since
    since: "{{ deployed_at }}"
  vars:
    deployed_at: "2026-11-24T05:00:00Z"

- name: Reload stale servers by a HUP, and refuse those that need a restart
  fleetops.odoo.reload:
    method: hup

- name: Reload servers with old code, and refuse it if a changed addon cannot be imported
  fleetops.odoo.reload:
    rehearse: import

- name: Reload, and continue if another call is working on the server
  fleetops.odoo.reload:
  register: reloaded
  failed_when: reloaded is failed and reloaded.code | default('') != 'timeout.locked'

- name: Restart through systemd or supervisord all servers that have not started since the deployment
  fleetops.odoo.reload:
    policy: since
    since: "2026-11-24T05:00:00Z"
    method: supervisor

- name: Reload one of several instances and check its health with its own page
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
  description: Stable code of the refusal or failure, as in the result of the server.
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
      description: V(signalled), V(restarted), V(nothing), V(refused), or V(not_reached) if an earlier server was
        refused or failed.
      type: str
    code:
      description: Stable code of the reason why the server was refused, failed or not begun, such as V(refused.state).
        Null otherwise.
      type: str
    reason:
      description: The reason, the method, and what the start-up check did not check.
      type: str
    signals:
      description: Signals that were sent, or would be sent in check mode.
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
            - V(ok), or the fault as a clause. Null if no request was made, because it is disabled, the server has no
              HTTP, or it was not running.
            - Before it does anything, the module makes one request, which takes at most two seconds.
          type: str
    after:
      description: The same afterwards, for the new master after a restart. Null in check mode and after a failure.
      type: dict
    successor:
      description: Identity of the new master after a restart, null otherwise.
      type: str
    log:
      description: Up to 200 last lines that the server wrote to its log since the call began, secrets hidden. Empty
        unless the operation failed.
      type: list
      elements: str
    seconds:
      description: Seconds that the work on the server took, waiting included.
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
    - identity: "472:375040"
      pid: 472
      did: signalled
      reason: a reload was requested
      signals: [HUP]
      seconds: 1.31
"""


from ansible_collections.fleetops.odoo.plugins.module_utils._log import follow
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
    host = find_host(door=send, rehearsal=rehearsal, room=room, health=health, logs=follow, restarts=restart)
    order = order_of(module, host.clock)
    run_on_masters(
        module, host, lambda seen, chosen: reload_all(host, seen, chosen, order, check_mode=module.check_mode)
    )


if __name__ == "__main__":
    main()
