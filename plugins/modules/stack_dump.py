#!/usr/bin/python

# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stack_dump
short_description: Have every process of Odoo servers say what it is doing
version_added: 0.1.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - Sends C(QUIT) to the master, the workers and the gevent process of the chosen servers, which makes each of them
    write the stacks of its threads to the log and go on. Returns what they have written, as text and understood.
  - It goes through the same door as M(fleetops.odoo.send_signal). A process that would not survive the signal, such as
    one that boots, does not get it and is named in RV(results[].missing).
  - Before the first signal it makes sure that the dumps can be seen. Where the log level hides them, or the log cannot
    be read from the host, it says so and signals nobody.
  - Only what comes after the signal is read of a log, and that in small pieces, so its size does not matter. A rotation
    in between does no harm.
  - Secrets that stand in a dump, such as a token in an URL, are hidden before anything leaves the host.
extends_documentation_fragment:
  - fleetops.odoo._attributes
  - fleetops.odoo._attributes.INFO
  - fleetops.odoo._choice
attributes:
  check_mode:
    details:
      - It returns who would be asked, whose dumps could not be seen and whom a rule keeps from the signal.
  idempotent:
    support: none
    details:
      - It has the stacks written each time. They are lines in the log and leave the processes as they are, so it is
        never C(changed).
options:
  samples:
    description:
      - How often every process is asked. A thread that stands at the same line in each of three samples is most likely
        stuck there. At most 100.
    type: int
    default: 1
  interval:
    description: Seconds from the beginning of one sample to the beginning of the next.
    type: float
    default: 1.0
  timeout:
    description:
      - Seconds to wait at most for each sample. A process that has not answered when two seconds, or two fifths of it,
        have passed is asked once more.
    type: float
    default: 5.0
  roles:
    description: Which processes are asked. A threaded server has its C(master) and no other.
    type: list
    elements: str
    choices: [master, http, cron, gevent]
    default: [master, http, cron, gevent]
  backend:
    description:
      - Who tells the stacks.
      - With V(signal) the processes themselves, in their log.
      - With V(py-spy) the program of that name, which must be C(/usr/bin/py-spy) or C(/usr/local/bin/py-spy) and root's
        alone. It sends no signal, stops each process for some milliseconds, and reaches one that hangs too. It knows
        nothing of requests, users and databases, shows one greenlet only, and leaves out the lines of code.
      - With V(auto) the processes, and py-spy where it is installed and nobody could read what they would write.
    type: str
    choices: [auto, signal, py-spy]
    default: auto
  allow_none:
    description: Whether it is all right that no master is found.
    type: bool
    default: false
requirements:
  - psutil (on the host; where the interpreter lacks it, a system interpreter that has it is used)
  - py-spy, for O(backend=py-spy)
notes:
  - A log is read from a file, the journal, or the container's log as podman (k8s-file, journald) and docker (json-file,
    journald) keep it. Not from a terminal, supervisord's pipe or a pod of Kubernetes.
  - A process that does not answer is no failure of the module. It is named in RV(results[].missing), and a warning
    is given.
  - All dumps of one call together may have 2 MB. Those behind them are named as missing.
  - journald drops lines of a service that writes more than 10000 in 30 seconds, or what C(RateLimitBurst) says.
  - Run it as root, or as the user of the server.
seealso:
  - module: fleetops.odoo.evidence
  - module: fleetops.odoo.send_signal
"""

EXAMPLES = r"""
- name: What is every process of the host doing?
  fleetops.odoo.stack_dump:
  register: stacks

- name: Show the requests that are under way, and where they are
  ansible.builtin.debug:
    msg: "{{ item.url }} at {{ item.frames[-1].file }}:{{ item.frames[-1].line }}"
  loop: "{{ stacks.results | map(attribute='dumps') | flatten | map(attribute='threads') | flatten
    | rejectattr('idle') | list }}"
  loop_control:
    label: "{{ item.name }}"

- name: Does anything move? Three looks at the http workers of one instance, two seconds apart
  fleetops.odoo.stack_dump:
    match:
      unit: odoo.service
    roles: [http]
    samples: 3
    interval: 2
    allow_none: true
"""

RETURN = r"""
results:
  description: What came of it, by server.
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
        - V(signalled), V(nothing) where py-spy read the stacks or there is no process of these roles, or V(refused)
          where nobody could be asked.
      type: str
    reason:
      description: What came of it, or why nobody was asked.
      type: str
    signals:
      description: Signals that were sent, or that would be in check mode.
      type: list
      elements: str
    before:
      description: State, mode and number of workers of the server.
      type: dict
    after:
      description: Always null. Nothing is changed.
      type: dict
    seconds:
      description: How long it took.
      type: float
    backend:
      description: V(signal) or V(py-spy). Null where nobody was asked.
      type: str
    log_source:
      description: Where the dumps were read from. Null where the log is out of reach.
      type: str
    asked:
      description: Processes that got the signal, or would in check mode, or that py-spy looked at.
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
          description: V(master), V(http), V(cron) or V(gevent).
          type: str
        signals:
          description: How many it got, in all samples together.
          type: int
    dumps:
      description: What was written, by sample and process.
      type: list
      elements: dict
      contains:
        pid:
          description: Process ID.
          type: int
        log_pid:
          description: The pid that the log shows, which is another one in a container. Null with py-spy.
          type: int
        role:
          description: Role of the process.
          type: str
        sample:
          description: Number of the sample, from 1 on.
          type: int
        time:
          description: When it was written, in UTC.
          type: str
        database:
          description: Database in the first line of the dump. Null where there is none.
          type: str
        raw:
          description:
            - The dump as it stands in the log, byte for byte, but for secrets, which are hidden to the end of a line.
              Bytes that are not UTF-8 are shown as escapes. The journal keeps no empty lines.
            - With py-spy the JSON that it prints.
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
              description: Database of its request. An idle thread shows that of its last one.
              type: str
            uid:
              description: Number of the user of its request.
              type: str
            url:
              description: URL of its request.
              type: str
            query_count:
              description: Number of queries. Null where the version does not tell.
              type: int
            query_time:
              description: Seconds that its queries took. One that still runs counts in C(python_time).
              type: float
            python_time:
              description: Seconds that it took beside them.
              type: float
            idle:
              description: Whether it waits for work. The frames tell that.
              type: bool
            frames:
              description: Its calls, the innermost last, each with C(file), C(line), C(function) and C(source).
              type: list
              elements: dict
            other:
              description: Lines of it that were not understood.
              type: list
              elements: str
        other:
          description: Lines above its first thread that were not understood.
          type: list
          elements: str
    missing:
      description: Processes without a dump, by sample. A server that has ended stands here with its master.
      type: list
      elements: dict
      contains:
        pid:
          description: Process ID.
          type: int
        role:
          description: Role of the process, V(shepherd) and V(unknown) among them.
          type: str
        sample:
          description: Number of the sample.
          type: int
        reason:
          description: Why.
          type: str
  sample:
    - identity: "472:375040"
      pid: 472
      did: signalled
      reason: every process has written its stacks
      signals: [QUIT]
      before: {state: running, mode: threaded, workers: {http: 0, cron: 0, gevent: 0}}
      after:
      seconds: 0.21
      backend: signal
      log_source: /var/log/odoo/odoo-server.log
      asked:
        - {pid: 472, identity: "472:375040", role: master, signals: 1}
      dumps:
        - pid: 472
          log_pid: 472
          role: master
          sample: 1
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
"""

from ansible_collections.fleetops.odoo.plugins.module_utils._module import CHOICE_SPEC, start
from ansible_collections.fleetops.odoo.plugins.module_utils._module_dump import stack_dump

ROLES = ["master", "http", "cron", "gevent"]

SPEC = {
    "samples": {"type": "int", "default": 1},
    "interval": {"type": "float", "default": 1.0},
    "timeout": {"type": "float", "default": 5.0},
    "roles": {"type": "list", "elements": "str", "choices": ROLES, "default": ROLES},
    "backend": {"type": "str", "choices": ["auto", "signal", "py-spy"], "default": "auto"},
    "allow_none": {"type": "bool", "default": False},
    **CHOICE_SPEC,
}


def main() -> None:
    """Entry point."""
    stack_dump(start(SPEC))


if __name__ == "__main__":
    main()
