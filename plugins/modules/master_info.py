#!/usr/bin/python

# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: master_info
short_description: Find the Odoo servers of a host and return their state
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - Reads C(/proc) once and returns every Odoo master process with its workers.
  - Recognises masters, workers, the gevent process and the shepherd (the old master during a reload) by the signals
    that they catch, by their exec and by their parent, not by their name. Shells, editors, C(grep odoo), wrappers and
    database connections are left out.
  - One-off commands such as C(odoo shell) or C(--stop-after-init) are in a separate list.
  - Secrets in arguments and in C(odoo.conf) are never returned.
extends_documentation_fragment:
  - fleetops.odoo._attributes
  - fleetops.odoo._attributes.INFO
  - fleetops.odoo._choice
options:
  staleness:
    description:
      - Whether to compare the code and the configuration on the disk with those that the server has loaded.
      - The module walks over the folders of code, once for all servers that share them.
    type: bool
    default: true
  details:
    description: Whether to return the proportional set size (C(pss)) of each process. This costs more than all the
      rest.
    type: bool
    default: false
requirements:
  - psutil (on the host; if the interpreter lacks it, the module uses a system interpreter that has it)
notes:
  - Without root, processes of other users show neither their sockets nor their generation. Such masters have
    RV(masters[].hidden=true).
"""

EXAMPLES = r"""
- name: List the Odoo servers of the host
  fleetops.odoo.master_info:
  register: odoo

- name: Show the servers that boot, reload or drain
  ansible.builtin.debug:
    msg: "{{ odoo.masters | rejectattr('state', 'equalto', 'running') | map(attribute='pid') | list }}"

- name: Look at one instance only
  fleetops.odoo.master_info:
    match:
      unit: odoo.service
      mode: prefork

- name: List the servers that run older code than their disk has
  fleetops.odoo.master_info:
    select: "[?stale]"
  register: stale
"""

RETURN = r"""
masters:
  description: The Odoo servers, by pid.
  returned: always
  type: list
  elements: dict
  contains:
    pid:
      description: Process ID of the master.
      type: int
    identity:
      description: PID and start in clock ticks since boot, which no other process has. A reload keeps it.
      type: str
      sample: "472:375040"
    started:
      description: Time when the process was started. A reload keeps it, see RV(masters[].loaded).
      type: str
      sample: "2026-11-24T05:00:00.000Z"
    user:
      description: Effective user.
      type: str
    cmdline:
      description: Arguments, secrets hidden.
      type: list
      elements: str
    executable:
      description: File of the interpreter.
      type: str
    cwd:
      description: Working directory.
      type: str
    mode:
      description: V(prefork), V(threaded), or V(gevent) for a gevent process without a master. While a server boots it
        is the configured mode.
      type: str
    state:
      description:
        - V(booting) while the server has no handlers for signals, V(reloading) while processes of an older generation
          run, V(draining) when it has closed its port, otherwise V(running).
      type: str
    version:
      description: Version of the Odoo that is installed for this server.
      type: str
      sample: "19.0"
    config_file:
      description: Its configuration file.
      type: str
    config_error:
      description: The reason why the configuration file could not be read or parsed.
      type: str
    databases:
      description: Databases that it is configured to serve. Empty means all.
      type: list
      elements: str
    options:
      description: Effective options under their present names. Ports and limits in seconds are numbers.
      type: dict
      sample:
        http_interface: ""
        http_port: 8069
        gevent_port: 8072
        workers: 4
        max_cron_threads: 2
        logfile: /var/log/odoo/odoo-server.log
        syslog: false
        log_level: info
        limit_time_real: 120
        limit_time_real_cron: -1
        data_dir: /var/lib/odoo
    listening:
      description: Addresses and ports at which the master listens.
      type: list
      elements: dict
      contains:
        address:
          description: Address.
          type: str
          sample: 0.0.0.0
        port:
          description: Port.
          type: int
          sample: 8069
    workers:
      description: Number of its RV(masters[].children) by role.
      type: dict
      sample: {"http": 5, "cron": 2, "gevent": 1, "other": 0}
    children:
      description: Its processes.
      type: list
      elements: dict
      contains:
        pid:
          description: Process ID.
          type: int
        identity:
          description: PID and start in clock ticks since boot.
          type: str
          sample: "480:375101"
        role:
          description: V(http), V(cron), V(gevent), V(other) (a worker of an addon), V(shepherd) (the old master during
            a reload) or V(unknown).
          type: str
        kind:
          description: Class of a worker with the role V(other), if its title or its log shows it. Null otherwise.
          type: str
          sample: WorkerJobRunner
        generation:
          description: V(current), or V(old) when it runs code that was loaded before the last reload.
          type: str
        rss:
          description: Resident memory in bytes.
          type: int
        cpu_seconds:
          description: CPU time that it has used.
          type: float
        pss:
          description: Proportional set size in bytes. The master has it too.
          type: int
          returned: with O(details=true)
    caught:
      description: Signals that the master has a handler for at this moment. Any other would kill it.
      type: list
      elements: str
      sample: ["HUP", "INT", "QUIT", "USR1", "USR2", "TERM", "CHLD", "TTIN", "TTOU"]
    supervisor:
      description: The supervisor that would start it again.
      type: dict
      contains:
        kind:
          description: V(systemd), V(systemd-user), V(supervisord), V(container) or V(none).
          type: str
        unit:
          description: Unit, program of supervisord, or ID of a container. Null without a supervisor.
          type: str
        restart:
          description: The C(Restart=) of a unit of systemd. Null for others.
          type: str
        kill_mode:
          description: The C(KillMode=) of a unit of systemd. Null for others.
          type: str
      sample: {kind: systemd, unit: odoo.service, restart: "no", kill_mode: mixed}
    container:
      description: The container that it runs in. Null for others.
      type: dict
      contains:
        runtime:
          description:
            - V(docker), V(podman), V(cri-o), V(containerd), V(kubernetes), V(lxc), V(nspawn) or V(unknown).
          type: str
        id:
          description: ID of the container. Null if the kernel does not show it.
          type: str
        pid:
          description: The process ID inside the container, as in its log.
          type: int
    log:
      description: Where it writes its log.
      type: dict
      contains:
        kind:
          description: V(file), V(journal), V(container), V(terminal) or V(none).
          type: str
        path:
          description: Path of a file, as the server sees it. Null for others.
          type: str
        shows_dumps:
          description: Whether the log level allows stack dumps.
          type: bool
      sample: {kind: file, path: /var/log/odoo/odoo-server.log, shows_dumps: true}
    loaded:
      description: The times between which the running code was loaded.
      type: dict
      contains:
        not_before:
          description: The earliest moment.
          type: str
        not_after:
          description: The latest moment.
          type: str
        evidence:
          description:
            - V(marker) (a reload by this collection), V(log) (its log) or V(process) (only the start of the process is
              known).
          type: str
      sample:
        not_before: "2026-11-24T05:00:01.210Z"
        not_after: "2026-11-24T05:00:01.210Z"
        evidence: marker
    stale:
      description:
        - Whether the code or the configuration has changed since the server loaded it, or may have, or the server does
          not run as configured (see RV(masters[].differences)).
      type: bool
    needs:
      description:
        - The operation that applies the changes, V(none), V(reload), or V(restart) through its supervisor. A restart is
          needed if its unit, its environment files or its interpreter have changed, because a HUP does not read those
          again, if a HUP does not apply a difference, and if a HUP would end the server.
      type: str
    differences:
      description:
        - Options of the running server that differ from its arguments, its environment and its configuration file, as
          far as its sockets and its processes show them. Empty unless the server is V(running).
      type: list
      elements: dict
      contains:
        option:
          description: Name of the option.
          type: str
        running:
          description: Value of the running server.
          type: raw
        configured:
          description: Configured value.
          type: raw
        needs:
          description:
            - V(reload) or V(restart), the operation that applies it. V(none) if only the number of workers differs and
              the configuration has not changed since the load. Then signals changed the number, or the master is
              replacing a worker.
          type: str
        hup:
          description: Effect of a HUP, V(applies), V(ignores), or V(ends) if it would end the server.
          type: str
      sample:
        - {option: http_port, running: 8069, configured: 8169, needs: restart, hup: ignores}
    stale_reasons:
      description: The reasons, in words.
      type: list
      elements: str
    stale_files:
      description: The first ten of the files that have changed.
      type: list
      elements: str
    stale_count:
      description: Number of files that have changed.
      type: int
    uptime:
      description: Seconds since the process was started.
      type: float
    rss:
      description: Resident memory of the master in bytes. Its children have the same.
      type: int
    cpu_seconds:
      description: CPU time that the master has used. Its children have the same.
      type: float
    platform:
      description: V(odoo.sh) on Odoo's own platform, where modules send no signal without C(force). Null elsewhere.
      type: str
    hidden:
      description: Whether the kernel hides parts of the server from the user of the task.
      type: bool
unseen:
  description: >-
    What the kernel did not show, and the processes that have the arguments of a server but are not one. No module
    signals or chooses such a process.
  returned: always
  type: list
  elements: dict
  contains:
    code:
      description:
        - V(host.other_rights), the process runs with the rights of another user than the user that started it.
        - V(host.not_python) and V(host.program_unreadable), its program is not a Python interpreter, or cannot be read.
        - V(host.program_hidden), the process runs as root, and the kernel does not show its program.
        - V(host.process_too_large), its arguments, its environment or its open files are far more than a server has.
        - V(host.process_timeout) and V(host.files_timeout), the module could not read the process or its files in
          time.
        - V(host.look_timeout), the time limit passed before the module had looked at all processes.
        - V(host.more_left_out), the list does not contain all processes that are left out.
        - V(host.hidden_processes) and V(host.hidden_sockets), the user of the task cannot see processes of others, or
          parts of them.
      type: str
      sample: host.other_rights
    pid:
      description: Process ID. Null if the entry is about several processes.
      type: int
    reason:
      description: What is hidden or left out, and what to do.
      type: str
drained:
  description:
    - Servers that a drain of this user has ended since the boot, and that do not run. No call
      with C(state=undrained) has brought them back. The oldest drain is first.
  returned: always
  type: list
  elements: dict
  contains:
    server:
      description: Its unit, or its C(odoo.conf), or its port.
      type: str
    pid:
      description: Process ID of the master at that time.
      type: int
    at:
      description: When it was seen to be gone.
      type: str
      sample: "2026-11-24T05:00:00Z"
    by:
      description: Owner of the drain. Empty if that is not known.
      type: str
one_off:
  description: Odoo commands that are not servers, such as shells and runs with C(--stop-after-init).
  returned: always
  type: list
  elements: dict
  contains:
    pid:
      description: Process ID.
      type: int
    identity:
      description: PID and start in clock ticks since boot.
      type: str
    user:
      description: Effective user.
      type: str
    cmdline:
      description: Arguments, secrets hidden.
      type: list
      elements: str
    kind:
      description:
        - V(update) if it installs or updates addons (C(-i), C(-u)), otherwise its subcommand, such as V(shell) or
          V(db), or V(run).
      type: str
"""

from ansible_collections.fleetops.odoo.plugins.module_utils._facts.results import one_off
from ansible_collections.fleetops.odoo.plugins.module_utils._messages.code import Problem
from ansible_collections.fleetops.odoo.plugins.module_utils._module.common import (
    CHOICE_SPEC,
    all_masters,
    chosen_by,
    find_host,
    start,
    told_unseen,
    unseen,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._module.drained import drained_here

SPEC = {
    "staleness": {"type": "bool", "default": True},
    "details": {"type": "bool", "default": False},
    **CHOICE_SPEC,
}


def main() -> None:
    """Entry point."""
    module = start(SPEC)
    host = find_host()
    seen = host.look()

    def note(problem: Problem) -> None:
        module.warn(str(problem))

    found = all_masters(host, seen, staleness=module.params["staleness"], details=module.params["details"], warn=note)
    module.exit_json(
        changed=False,
        masters=chosen_by(module, found),
        drained=drained_here(module, host, seen),
        one_off=one_off(seen),
        unseen=told_unseen(unseen(host, seen)),
    )


if __name__ == "__main__":
    main()
