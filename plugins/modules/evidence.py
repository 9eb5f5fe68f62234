#!/usr/bin/python

# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: evidence
short_description: Collect evidence from Odoo servers that misbehave
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - Sends C(QUIT) to every process of the chosen servers, which makes it write its stacks to the log. Returns the end of
    the log, the processes with their memory and CPU time, and the other Odoo processes of the host. Use it after a
    fault, before the server is restarted.
  - The same rules as in M(fleetops.odoo.send_signal) apply. A process that would not survive the signal, such as one
    that boots, does not get it. On Python 3.10 and 3.11 only processes at rest get it, as in
    M(fleetops.odoo.stack_dump).
  - Secrets in arguments and in the log are never returned.
extends_documentation_fragment:
  - fleetops.odoo._attributes
  - fleetops.odoo._attributes.INFO
  - fleetops.odoo._choice
attributes:
  check_mode:
    details:
      - It returns everything but the dumps, and sends no signal.
  idempotent:
    support: none
    details:
      - Each call makes the processes write their stacks. These are lines in the log and do not change the processes, so
        the module never reports C(changed).
options:
  dumps:
    description: Whether the module asks the processes for their stacks.
    type: bool
    default: true
  timeout:
    description:
      - Seconds to wait at most for the dumps of one server to arrive in its log. All servers are asked at the same
        time.
    type: float
    default: 5.0
  lines:
    description:
      - Number of lines of each log from before the signals, at most 10000. The result also has all later lines, such as
        the dumps.
    type: int
    default: 400
  risk:
    description:
      - Whether a process at work also gets the C(QUIT) on Python 3.10 and 3.11.
      - With V(accept) it gets the signal after two seconds, which may end the whole server. The module then warns.
    type: str
    choices: [refuse, accept]
    default: refuse
  allow_none:
    description: Whether the task succeeds if no master is found, and returns the other Odoo processes of the host.
      Otherwise it fails.
    type: bool
    default: false
requirements:
  - psutil (on the host; if the interpreter lacks it, the module uses a system interpreter that has it)
notes:
  - A threaded server under load may write its dump late or not at all.
  - The module does not read the log of a terminal or of supervisord, although the dumps are in it. In the log of a
    container it only looks for dumps, and does not return them. Use M(fleetops.odoo.stack_dump) for that.
  - Run it as root, or as the user of the server.
seealso:
  - module: fleetops.odoo.stack_dump
  - module: fleetops.odoo.send_signal
  - module: fleetops.odoo.master_info
"""

EXAMPLES = r"""
- name: Collect evidence before a restart of the server
  fleetops.odoo.evidence:
  register: evidence

- name: Write it to a file on the controller
  ansible.builtin.copy:
    content: "{{ evidence | to_nice_json }}"
    dest: "/tmp/{{ inventory_hostname }}.json"
    mode: "0600"
  delegate_to: localhost

- name: Collect evidence without a signal
  fleetops.odoo.evidence:
    dumps: false
    lines: 50
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
  description: The evidence, an entry for each server.
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
    state:
      description: State as in M(fleetops.odoo.master_info), before the signals.
      type: str
    processes:
      description:
        - A line for the master and, indented, for each of its processes, with pid, role, the state of the master or the
          generation of the child, memory, CPU time, age, and arguments without secrets.
      type: list
      elements: str
    log:
      description: The end of its log with the dumps, without empty lines. Secrets are hidden, and long lines are cut.
      type: list
      elements: str
    log_source:
      description: Where the lines come from. Null if the module cannot read the log.
      type: str
    dumps:
      description: The effect of the signals.
      type: dict
      contains:
        signalled:
          description: Number of processes that got the signal.
          type: int
        seen:
          description: Number of processes whose dump was seen in the log.
          type: int
        refused:
          description: Processes that did not get the signal.
          type: list
          elements: dict
          contains:
            pid:
              description: Process ID.
              type: int
            role:
              description: Role of the process.
              type: str
            code:
              description: Stable code of the reason, such as V(refused.no_handler).
              type: str
            reason:
              description: Why.
              type: str
        code:
          description: Stable code of the reason why dumps are missing. Null if none is missing.
          type: str
        reason:
          description: The same in words.
          type: str
  sample:
    - identity: "472:375040"
      pid: 472
      state: running
      processes:
        - 472 master running rss=142.3MB cpu=1.90s age=713.2s /usr/bin/python3 /usr/bin/odoo
        - "  480 http current rss=131.0MB cpu=0.42s age=712.0s /usr/bin/python3 /usr/bin/odoo"
      log_source: /var/log/odoo/odoo-server.log
      dumps: {signalled: 2, seen: 2, refused: [], code: null, reason: null}
processes:
  description: A line for every Odoo process of the host, chosen or not, as in RV(results[].processes).
  returned: success
  type: list
  elements: str
one_off:
  description: Odoo commands that are not servers, as in M(fleetops.odoo.master_info).
  returned: success
  type: list
  elements: dict
unseen:
  description: >-
    What the kernel did not show, and the processes that have the arguments of a server but are not one. No module
    signals or chooses such a process.
  returned: success
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
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.fleetops.odoo.plugins.module_utils._bundle.evidence import EvidenceOrder, gather
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.known_secrets import hidden_in, known_secrets
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.process_tree import process_tree
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.results import one_off
from ansible_collections.fleetops.odoo.plugins.module_utils._module.common import (
    CHOICE_SPEC,
    choose_masters,
    find_host,
    lines_of,
    seconds_of,
    start,
    told_left_out,
    told_unseen,
    unseen,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._signals import send

SPEC = {
    "dumps": {"type": "bool", "default": True},
    "timeout": {"type": "float", "default": 5.0},
    "lines": {"type": "int", "default": 400},
    "risk": {"type": "str", "choices": ["refuse", "accept"], "default": "refuse"},
    "allow_none": {"type": "bool", "default": False},
    **CHOICE_SPEC,
}


def order_of(module: AnsibleModule) -> EvidenceOrder:
    """Return what the options ask for; a bad one ends the module."""
    dumps = module.params["dumps"] and not module.check_mode
    risk = module.params["risk"] == "accept"
    return EvidenceOrder(dumps, seconds_of(module, "timeout"), lines_of(module), risk)


def evidence(module: AnsibleModule) -> None:
    """Gather the evidence and return it."""
    host = find_host(door=send)
    order = order_of(module)
    seen, identities = choose_masters(module, host)
    secrets = known_secrets(host.proc, seen)
    found = gather(host, seen, identities, order)
    for problem in [problem for one in found for problem in one.warnings]:
        module.warn(problem.message)
    module.exit_json(
        changed=False,
        results=[hidden_in(secrets, one.told()) for one in found],
        one_off=one_off(seen),
        processes=secrets.hide_all(process_tree(seen, host.proc.uptime_ticks())),
        unseen=told_unseen(unseen(host, seen)),
        left_out=told_left_out(module, seen),
    )


def main() -> None:
    """Entry point."""
    evidence(start(SPEC))


if __name__ == "__main__":
    main()
