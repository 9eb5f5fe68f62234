#!/usr/bin/python

# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stack_dump
short_description: Collect stack dumps from the processes of Odoo servers
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - Sends C(QUIT) to the master, the workers and the gevent process of the chosen servers. Each process then writes the
    stacks of its threads to the log and continues. Returns the dumps, as text and parsed.
  - On Python 3.10 and 3.11 the handler of Odoo may end a process that runs Python code at that moment, a worker with
    its request or job, and a master with the whole server (both seen on Odoo 19.0). So there only a process at rest
    gets the signal. At rest means that all its threads have slept for a second. Its other threads are stopped by ptrace
    for the milliseconds that the handler takes, where the kernel allows that (root, or C(kernel.yama.ptrace_scope=0)),
    so that no request begins meanwhile. py-spy reads the other processes if it
    is installed. Otherwise RV(results[].missing) names them, with what their threads wait for.
  - There the module asks the master of a prefork server last and once, for any number of O(samples), unless O(roles) is
    only V(master).
  - A process gets at most one C(QUIT) in a second.
  - The same rules as in M(fleetops.odoo.send_signal) apply. A process that would not survive the signal, such as one
    that boots, does not get it. RV(results[].missing) names it.
  - Before the first signal the module makes sure that it can read the dumps. If the log level hides them, or it cannot
    read the log, it signals no process and returns the reason.
  - The module reads only the new part of a log, in small pieces, so the size of the log does not matter. A rotation
    during the call does no harm.
  - Secrets in a dump, such as a token in a URL, are hidden before anything leaves the host.
extends_documentation_fragment:
  - fleetops.odoo._attributes
  - fleetops.odoo._attributes.INFO
  - fleetops.odoo._choice
attributes:
  check_mode:
    details:
      - It returns the processes that would be asked, and why others would not.
  idempotent:
    support: none
    details:
      - Each call makes the processes write their stacks. These are lines in the log and do not change the processes, so
        the module never reports C(changed).
options:
  samples:
    description:
      - How often every process is asked, from 1 to 100. A thread that is at the same line in each of three samples is
        most likely stuck there.
    type: int
    default: 1
  interval:
    description: Seconds from the beginning of one sample to the beginning of the next.
    type: float
    default: 1.0
  sample_timeout:
    description:
      - Seconds to wait at most for one sample. All servers are asked at the same time. The module asks a process once
        more that has not answered within two seconds, or two fifths of this time.
    type: float
    default: 5.0
  roles:
    description: Which processes are asked. A threaded server has only a C(master). V(other) are workers of an addon.
    type: list
    elements: str
    choices: [master, http, cron, gevent, other]
    default: [master, http, cron, gevent, other]
  backend:
    description:
      - Where the stacks come from.
      - With V(signal) each process writes its own to the log.
      - With V(py-spy) the program of that name reads them. It must be C(/usr/bin/py-spy), C(/usr/local/bin/py-spy), or
        C(/usr/local/lib/fleetops-odoo/py-spy), where the role diagnostics puts it, and only root may be able to change
        it. It sends no signal, stops each process for some milliseconds, and also reads a process that hangs. It does
        not show requests, users, databases and lines of code, and shows one greenlet only.
      - With V(auto) the module uses the signal. If py-spy is installed, it uses py-spy for a server whose log it cannot
        read, and on Python 3.10 and 3.11 for the master and for processes that are not at rest within two seconds.
    type: str
    choices: [auto, signal, py-spy]
    default: auto
  risk:
    description:
      - What happens on Python 3.10 and 3.11 to a process that is not at rest within two seconds and that py-spy does
        not read.
      - With V(refuse) it gets no signal, and RV(results[].missing) names it.
      - With V(accept) it gets the C(QUIT), which may end the whole server. The result has a warning.
    type: str
    choices: [refuse, accept]
    default: refuse
  postgres:
    description:
      - Whether to ask PostgreSQL at the moment of each sample which sessions are at work, and which of them wait for
        which others. RV(results[].postgres) has these sessions.
      - The module runs C(psql) on the host as the user of the server with the settings of the server, in a read-only
        transaction, for two seconds at most. If that is not possible, it returns the reason, and the dumps are complete
        nevertheless.
      - The socket of a session shows its process. Behind a pooler such as pgbouncer the process is not known.
    type: bool
    default: false
  hide_literals:
    description:
      - Whether strings, numbers and comments in queries are hidden.
      - Otherwise they are hidden only in queries that contain the name of a secret, such as C(password).
    type: bool
    default: false
  allow_none:
    description: Whether the task succeeds without results if no master is found. Otherwise it fails.
    type: bool
    default: false
requirements:
  - psutil (on the host; if the interpreter lacks it, the module uses a system interpreter that has it)
  - py-spy, for O(backend=py-spy)
  - psql, for O(postgres), in C(/usr/bin), C(/usr/local/bin) or where the packages of PostgreSQL put it. For a server in
    a container the module uses the psql of the container if it has one
notes:
  - The module reads a log from a file, the journal, the file of a syslog daemon, or the log of a container of podman
    (k8s-file, journald) or docker (json-file, journald). It cannot read a log from a terminal, a pipe of supervisord or
    a pod of Kubernetes.
  - A process that does not answer does not fail the module. RV(results[].missing) names it, and the module warns.
  - All dumps of one call together can have 2 MB. RV(results[].missing) names those that are left out.
  - journald drops lines of a service that writes more than 10000 in 30 seconds, or more than C(RateLimitBurst).
  - Run it as root, or as the user of the server.
seealso:
  - module: fleetops.odoo.evidence
  - module: fleetops.odoo.send_signal
"""

EXAMPLES = r"""
- name: Show what every process of the host does
  fleetops.odoo.stack_dump:
  register: stacks

- name: Show the requests in progress, and their current line of code
  ansible.builtin.debug:
    msg: "{{ item.url }} at {{ item.frames[-1].file }}:{{ item.frames[-1].line }}"
  loop: "{{ stacks.results | map(attribute='dumps') | flatten | map(attribute='threads') | flatten
    | rejectattr('idle') | list }}"
  loop_control:
    label: "{{ item.name }}"

- name: Take three samples of the http workers of one instance, two seconds apart
  fleetops.odoo.stack_dump:
    match:
      unit: odoo.service
    roles: [http]
    samples: 3
    interval: 2
    allow_none: true

- name: Find out which sessions of PostgreSQL wait for the locks of others
  fleetops.odoo.stack_dump:
    postgres: true
    hide_literals: true
  register: stacks

- name: Show the queries that wait
  ansible.builtin.debug:
    msg: "{{ item.query }} waits for {{ item.blocked_by }}"
  loop: "{{ stacks.results | map(attribute='postgres.rows') | flatten | selectattr('blocked_by') | list }}"
  loop_control:
    label: "{{ item.pid }}"
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
  description: The results, an entry for each chosen server.
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
        - V(signalled), V(nothing) if py-spy read the stacks or the server has no process of these roles, or V(refused)
          if no process could be asked.
      type: str
    code:
      description: Stable code of the reason why no process was asked, such as V(dump.level) or V(dump.none_asked). Null
        otherwise.
      type: str
    reason:
      description: The result in words, or why no process was asked.
      type: str
    signals:
      description: Signals that were sent, or would be sent in check mode.
      type: list
      elements: str
    before:
      description: State, mode and number of workers of the server.
      type: dict
    after:
      description: Always null, because the module changes nothing.
      type: dict
    seconds:
      description: Seconds that the call took for this server.
      type: float
    warnings:
      description: Warnings, each with C(code) and C(message).
      type: list
      elements: dict
    backend:
      description:
        - V(py-spy) if py-spy read all stacks, otherwise V(signal). Null if no process was asked. Each dump has its own
          key C(backend).
      type: str
    python:
      description: Version of the Python that the server runs, such as V(3.11). Null if it is not known.
      type: str
    log_source:
      description: Where the dumps were read from. Null if the module cannot read the log.
      type: str
    asked:
      description: Processes that got the signal, or would get it in check mode, or that py-spy read.
      type: list
      elements: dict
      contains:
        pid:
          description: Process ID.
          type: int
        identity:
          description: PID and start of the process.
          type: str
        role:
          description: V(master), V(http), V(cron), V(gevent) or V(other).
          type: str
        signals:
          description: Number of signals that it got, in all samples together.
          type: int
    dumps:
      description: The dumps, an entry for each sample and process.
      type: list
      elements: dict
      contains:
        pid:
          description: Process ID.
          type: int
        log_pid:
          description: The pid in the log. In a container it is not RV(results[].dumps[].pid). Null with py-spy.
          type: int
        role:
          description: Role of the process.
          type: str
        sample:
          description: Number of the sample, from 1 on.
          type: int
        code:
          description:
            - V(dump.not_understood) if the text in C(raw) does not show what the process does, V(dump.cut) if lines are
              missing, for example because journald dropped them, V(dump.unfinished) if its end did not come in time.
              Null otherwise.
          type: str
        backend:
          description: Source of the dump, V(signal) or V(py-spy).
          type: str
        time:
          description: Time of the dump, in UTC.
          type: str
        database:
          description: Database in the first line of the dump. Null without one.
          type: str
        raw:
          description:
            - The dump from the log, byte for byte. Secrets are hidden to the end of their line. Bytes that are not
              UTF-8 are shown as escapes. The journal drops empty lines.
            - With py-spy the same format, made from its output.
          type: str
        threads:
          description: Its threads and greenlets.
          type: list
          elements: dict
          contains:
            name:
              description: Name of the thread.
              type: str
            db:
              description: Database of its request. An idle thread shows the database of its last request.
              type: str
            uid:
              description: Number of the user of its request.
              type: str
            url:
              description: URL of its request.
              type: str
            query_count:
              description: Number of queries. Null if the version does not write it.
              type: int
            query_time:
              description: Seconds of its finished queries. A running query counts in C(python_time).
              type: float
            python_time:
              description: All other seconds of the request.
              type: float
            idle:
              description: Whether it waits for work, according to its frames.
              type: bool
            frames:
              description: Its calls, the innermost last, each with C(file), C(line), C(function) and C(source).
              type: list
              elements: dict
            other:
              description: Lines of it that the module cannot parse.
              type: list
              elements: str
        understood:
          description: Whether each thread has calls and the last thread is complete.
          type: bool
        other:
          description: Lines above its first thread that the module cannot parse.
          type: list
          elements: str
    missing:
      description: Processes without a dump, by sample. For a server that has ended the list contains its master.
      type: list
      elements: dict
      contains:
        pid:
          description: Process ID.
          type: int
        role:
          description: Role of the process, also V(shepherd) and V(unknown).
          type: str
        sample:
          description: Number of the sample.
          type: int
        code:
          description: >-
            Stable name of the reason, such as V(dump.not_written), V(dump.not_at_rest) or V(refused.no_handler).
          type: str
        reason:
          description: Why.
          type: str
        waits:
          description:
            - What each of its threads does, according to the kernel. Only with the C(code) V(dump.not_at_rest).
            - C(thread), C(name), C(state) (C(R) runs, C(S) sleeps), C(call) (the system call in which it waits), C(on)
              (the files, sockets and peers that it waits for), and C(seconds) (for how long it was seen not to run).
          type: list
          elements: dict
    postgres:
      description: The answer of PostgreSQL. Null without O(postgres).
      type: dict
      contains:
        code:
          description: Stable code of the reason why rows are missing. Null if none are missing.
          type: str
        reason:
          description: The reasons in words. C(code) belongs to the first one.
          type: str
        rows:
          description:
            - Sessions that were at work, in a transaction, or blocked others, by sample; at most 100 of each sample.
              They are those of all clients of this PostgreSQL. Of those of other users it shows no state and no query,
              unless the server's user is a member of C(pg_read_all_stats).
          type: list
          elements: dict
          contains:
            sample:
              description: Number of the sample.
              type: int
            time:
              description: Time of the answer by the clock of PostgreSQL, in UTC.
              type: str
            server:
              description: The PostgreSQL server, as its system identifier and the time of its start.
              type: str
            version:
              description: Its version.
              type: str
            worker:
              description: Process ID of the Odoo process that has the session. Null for other clients.
              type: int
            log_pid:
              description: The pid of that process in its log.
              type: int
            role:
              description: The role of that process.
              type: str
            pid:
              description: Process ID of the backend, on the host of PostgreSQL.
              type: int
            started:
              description: When the session began.
              type: str
            database:
              description: Its database.
              type: str
            user:
              description: Its user.
              type: str
            application:
              description: Application name of the client, secrets hidden.
              type: str
            client:
              description: Address of the client. Null with a unix socket.
              type: str
            client_port:
              description: Port of the client. -1 with a unix socket.
              type: int
            type:
              description: Kind of backend, such as C(client backend) or C(autovacuum worker).
              type: str
            state:
              description: Such as C(active) or C(idle in transaction).
              type: str
            wait_type:
              description: Kind of its wait, such as C(Lock).
              type: str
            wait_event:
              description: What it waits for.
              type: str
            blocked_by:
              description: Backends that it waits for. 0 is a prepared transaction.
              type: list
              elements: int
            seconds:
              description: Seconds since its query began, or in its present state if no query runs.
              type: float
            waited:
              description: Seconds since it began to wait for a lock. Null before PostgreSQL 14.
              type: float
            transaction_seconds:
              description: Seconds since its transaction began.
              type: float
            query:
              description: Its query, or its last one, with secrets hidden. At most 1000 characters.
              type: str
  sample:
    - identity: "472:375040"
      pid: 472
      did: signalled
      code:
      reason: every process that was asked has written its stacks
      signals: [QUIT]
      before: {state: running, mode: threaded, workers: {http: 0, cron: 0, gevent: 0}}
      after:
      seconds: 0.21
      warnings: []
      backend: signal
      log_source: /var/log/odoo/odoo-server.log
      asked:
        - {pid: 472, identity: "472:375040", role: master, signals: 1}
      dumps:
        - pid: 472
          log_pid: 472
          role: master
          sample: 1
          code:
          time: "2026-11-24T10:30:22.111Z"
          database: prod
          raw: "2026-11-24 10:30:22,111 472 INFO prod odoo.tools.misc: \n# Thread: ..."
          threads:
            - name: <Thread(odoo.service.http.request.140, started 140)>
              db: prod
              uid: "2"
              url: https://shop.example.com/web
              query_count: 2
              query_time: 0.01
              python_time: 5.58
              idle: false
              frames:
                - {file: /opt/odoo/addons/x/main.py, line: 20, function: sleep, source: time.sleep(seconds)}
      missing: []
      postgres:
        code:
        reason:
        rows:
          - sample: 1
            time: "2026-11-24T10:30:22.120Z"
            server: "7576229214519955483/20261124T090102.123456"
            version: "15.14"
            worker: 472
            log_pid: 472
            role: master
            pid: 812
            started: "2026-11-24T09:02:11.403211Z"
            database: prod
            user: odoo
            application: odoo-472
            client: 192.0.2.11
            client_port: 37894
            type: client backend
            state: active
            wait_type: Lock
            wait_event: transactionid
            blocked_by: [815]
            seconds: 41.203
            waited: 41.202
            transaction_seconds: 41.31
            query: UPDATE "res_partner" SET "active" = true WHERE id IN (7)
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.stack_dump import DumpOrder, DumpResult, dump_all
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.known_secrets import Secrets
from ansible_collections.fleetops.odoo.plugins.module_utils._module.common import (
    CHOICE_SPEC,
    find_host,
    number_of,
    seconds_of,
    start,
    timeout_of,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._module.operate import run_on_masters
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Role
from ansible_collections.fleetops.odoo.plugins.module_utils._signals import send

ROLES = ["master", "http", "cron", "gevent", "other"]

SPEC = {
    "samples": {"type": "int", "default": 1},
    "interval": {"type": "float", "default": 1.0},
    "sample_timeout": {"type": "float", "default": 5.0},
    "roles": {"type": "list", "elements": "str", "choices": ROLES, "default": ROLES},
    "backend": {"type": "str", "choices": ["auto", "signal", "py-spy"], "default": "auto"},
    "risk": {"type": "str", "choices": ["refuse", "accept"], "default": "refuse"},
    "postgres": {"type": "bool", "default": False},
    "hide_literals": {"type": "bool", "default": False},
    "allow_none": {"type": "bool", "default": False},
    **CHOICE_SPEC,
}

#: Samples of one call. Their size is limited too.
_MOST_SAMPLES = 100


def tell(module: AnsibleModule, results: t.Sequence[DumpResult], secrets: Secrets) -> t.Dict[str, t.Any]:
    """Return results without secrets, which may stand anywhere in a dump, also where no name tells that it is one."""
    del module
    return {"changed": False, "results": secrets.hide_all([one.told() for one in results])}


def order_of(module: AnsibleModule) -> DumpOrder:
    """Return what the options ask for; a bad one ends the module."""
    params = module.params
    return DumpOrder(
        number_of(module, "samples", 1, _MOST_SAMPLES),
        seconds_of(module, "interval"),
        timeout_of(module, "sample_timeout"),
        tuple(Role(name) for name in params["roles"]),
        params["backend"],
        params["postgres"],
        params["hide_literals"],
        params["risk"] == "accept",
    )


def main() -> None:
    """Entry point."""
    module = start(SPEC)
    host = find_host(door=send)
    order = order_of(module)
    run_on_masters(
        module,
        host,
        lambda seen, identities: dump_all(host, seen, identities, order, check_mode=module.check_mode),
        tell=tell,
    )


if __name__ == "__main__":
    main()
