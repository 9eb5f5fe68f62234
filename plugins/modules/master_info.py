#!/usr/bin/python

# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: master_info
short_description: Find the Odoo servers of a host and tell what they are doing
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - Reads C(/proc) once and returns every Odoo master process with its workers.
  - Masters, workers, the gevent process and the shepherd of a reload are told apart by the signals that they catch, by
    their exec and by their parent, not by their name. Shells, editors, C(grep odoo), wrappers and database connections
    are left out.
  - One-off runs such as C(odoo shell) or C(--stop-after-init) are listed apart.
  - Secrets in arguments and in C(odoo.conf) are never returned.
extends_documentation_fragment:
  - fleetops.odoo._attributes
  - fleetops.odoo._attributes.INFO
  - fleetops.odoo._choice
options:
  staleness:
    description:
      - Compare the code and the configuration on the disk with the moment at which the server loaded them.
      - It walks over the folders of code, once for all servers that share them.
    type: bool
    default: true
  details:
    description: Return the proportional set size (C(pss)) of each process too, which costs more than all the rest.
    type: bool
    default: false
requirements:
  - psutil (on the host; where the interpreter lacks it, a system interpreter that has it is used)
notes:
  - Without root, processes of other users show neither their sockets nor their generation. Such masters have
    RV(masters[].hidden=true).
"""

EXAMPLES = r"""
- name: See what runs
  fleetops.odoo.master_info:
  register: odoo

- name: Name the servers that are not at rest
  ansible.builtin.debug:
    msg: "{{ odoo.masters | rejectattr('state', 'equalto', 'running') | map(attribute='pid') | list }}"

- name: Look at one instance only
  fleetops.odoo.master_info:
    match:
      unit: odoo.service
      mode: prefork

- name: Which servers run code that is older than what lies on the disk?
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
      description: When the process was started. A reload keeps it, see RV(masters[].loaded).
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
      description: V(prefork), V(threaded), or V(gevent) for a gevent process of its own. While a server boots it is
        the one that is configured.
      type: str
    state:
      description:
        - V(booting) while the handlers for signals are not there yet, V(reloading) while an older generation is left,
          V(draining) when it has stopped listening, else V(running).
      type: str
    version:
      description: Version of the Odoo that is installed for this server.
      type: str
      sample: "19.0"
    config_file:
      description: Its configuration file.
      type: str
    config_error:
      description: Why the configuration file could not be read or parsed.
      type: str
    databases:
      description: Databases that it is configured to serve. Empty means all.
      type: list
      elements: str
    options:
      description: Effective options under the names of today, ports and limits in seconds as numbers.
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
          description: V(http), V(cron), V(gevent), V(other) (a worker that an addon has added), V(shepherd) (the old
            master during a reload) or V(unknown).
          type: str
        kind:
          description: Class of a worker with the role V(other), where its title or its log tells it. Null otherwise.
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
      description: Who would start it again.
      type: dict
      contains:
        kind:
          description: V(systemd), V(systemd-user), V(supervisord), V(container) or V(none).
          type: str
        unit:
          description: Unit, program of supervisord, or ID of a container. Null where nothing would.
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
          description: ID of the container. Null where the kernel does not tell it.
          type: str
        pid:
          description: The process ID inside, which is the one in its log.
          type: int
    log:
      description: Where its log goes.
      type: dict
      contains:
        kind:
          description: V(file), V(journal), V(container), V(terminal) or V(none).
          type: str
        path:
          description: Path of a file, as the server sees it. Null for others.
          type: str
        shows_dumps:
          description: Whether the log level lets stack dumps through.
          type: bool
      sample: {kind: file, path: /var/log/odoo/odoo-server.log, shows_dumps: true}
    loaded:
      description: Between which moments the running code was loaded.
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
            - V(marker) (a reload by this collection), V(log) (its log says so) or V(process) (only the start of the
              process is known).
          type: str
      sample:
        not_before: "2026-11-24T05:00:01.210Z"
        not_after: "2026-11-24T05:00:01.210Z"
        evidence: marker
    stale:
      description:
        - Something that the server was loaded from has changed since, or may have, or the server does not run with
          what is configured (see RV(masters[].differences)).
      type: bool
    needs:
      description:
        - What would make it fresh. V(none), V(reload), or V(restart) by its supervisor, where its unit, its environment
          files or its interpreter have changed, since a HUP does not read those again, where a HUP does not apply a
          difference, and where a HUP would end the server.
      type: str
    differences:
      description:
        - Options that the running server has otherwise than its arguments, its environment and its configuration file
          say now, as far as its sockets and its processes show it. Empty unless the server is V(running).
      type: list
      elements: dict
      contains:
        option:
          description: Name of the option.
          type: str
        running:
          description: What the server runs with.
          type: raw
        configured:
          description: What is configured.
          type: raw
        needs:
          description:
            - V(reload) or V(restart), what applies it. V(none) for another number of workers than is configured while
              the configuration is the one that was loaded. Signals made it so, or a worker is being replaced.
          type: str
        hup:
          description: What a HUP does about it. V(applies) or V(ignores); V(ends) where it would end the server.
          type: str
      sample:
        - {option: http_port, running: 8069, configured: 8169, needs: restart, hup: ignores}
    stale_reasons:
      description: Why, in words.
      type: list
      elements: str
    stale_files:
      description: The first ten of the files that have changed.
      type: list
      elements: str
    stale_count:
      description: How many files have changed.
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
      description: V(odoo.sh) on Odoo's own platform, where nothing is signalled unless it is forced. Null elsewhere.
      type: str
    hidden:
      description: The kernel did not let us see all of it.
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
        - V(host.other_rights), the process runs with the rights of another user than the one who started it.
        - V(host.not_python) and V(host.program_unreadable), its program is not a Python interpreter, or cannot be read.
        - V(host.program_hidden), the process runs as root, and the kernel does not show its program.
        - V(host.process_too_large), its arguments, its environment or its open files are far more than a server has.
        - V(host.process_timeout) and V(host.files_timeout), the process or the files that it names could not be read in
          time.
        - V(host.look_timeout), the look reached its time limit before it came to all processes.
        - V(host.more_left_out), more processes are left out than are listed.
        - V(host.hidden_processes) and V(host.hidden_sockets), this user may not see processes of others, or parts of
          them.
      type: str
      sample: host.other_rights
    pid:
      description: Process ID. Null where the entry is about many processes.
      type: int
    reason:
      description: What is not shown or is left out, and what to do.
      type: str
one_off:
  description: Odoo processes that are no servers, such as shells and runs with C(--stop-after-init).
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
        - V(update) where it installs or updates addons (C(-i), C(-u)), otherwise its subcommand, such as V(shell) or
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
        changed=False, masters=chosen_by(module, found), one_off=one_off(seen), unseen=told_unseen(unseen(host, seen))
    )


if __name__ == "__main__":
    main()
