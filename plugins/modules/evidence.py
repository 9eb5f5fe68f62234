#!/usr/bin/python

# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: evidence
short_description: Gather what is worth keeping of Odoo servers that misbehave
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - Has every process of the chosen servers write its stacks to the log, by a C(QUIT) through the same door as
    M(fleetops.odoo.send_signal), and returns the end of the log, the processes with their memory and CPU time, and what
    else of Odoo runs on the host. It is meant for the moment after something went wrong, before somebody restarts it.
  - A process that would not survive the signal, such as one that boots, does not get it. On Python 3.10 and 3.11 it
    goes to processes at rest only, as in M(fleetops.odoo.stack_dump).
  - Secrets in arguments and in the log are never returned.
extends_documentation_fragment:
  - fleetops.odoo._attributes
  - fleetops.odoo._attributes.INFO
  - fleetops.odoo._choice
attributes:
  check_mode:
    details:
      - It returns all but the dumps, and sends no signal.
  idempotent:
    support: none
    details:
      - It has the stacks written each time. They are lines in the log and leave the processes as they are, so it is
        never C(changed).
options:
  dumps:
    description: Whether the processes are made to write their stacks.
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
      - How many lines of each log are returned from before the signals. What has come since, such as the dumps, is
        returned too. At most 10000.
    type: int
    default: 400
  risk:
    description:
      - Whether C(QUIT) also goes to a process on Python 3.10 or 3.11 that is at work.
      - With V(accept) it does after two seconds, which may end the whole server. The module warns of it.
    type: str
    choices: [refuse, accept]
    default: refuse
  allow_none:
    description: Whether to return what else of Odoo runs on the host where no master is found. Otherwise that fails.
    type: bool
    default: false
requirements:
  - psutil (on the host; where the interpreter lacks it, a system interpreter that has it is used)
notes:
  - A threaded server under load may write its dump late or not at all.
  - The log of a terminal or of supervisord is not read. The dumps are in it all the same. That of a container is only
    looked at for dumps and not returned; M(fleetops.odoo.stack_dump) returns them.
  - Run it as root, or as the user of the server.
seealso:
  - module: fleetops.odoo.stack_dump
  - module: fleetops.odoo.send_signal
  - module: fleetops.odoo.master_info
"""

EXAMPLES = r"""
- name: Keep what there is to know before the server is restarted
  fleetops.odoo.evidence:
  register: evidence

- name: Write it to a file on the controller
  ansible.builtin.copy:
    content: "{{ evidence | to_nice_json }}"
    dest: "/tmp/{{ inventory_hostname }}.json"
    mode: "0600"
  delegate_to: localhost

- name: Only look
  fleetops.odoo.evidence:
    dumps: false
    lines: 50
"""

RETURN = r"""
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
  description: What was gathered, by instance.
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
      description: State as M(fleetops.odoo.master_info) tells it, before the signals.
      type: str
    processes:
      description:
        - A line for the master and, indented, for each of its processes, with pid, role, the state of the master or the
          generation of the child, memory, CPU time, age, and arguments without secrets.
      type: list
      elements: str
    log:
      description: The end of its log with the dumps, without empty lines. Secrets are hidden, and long lines cut.
      type: list
      elements: str
    log_source:
      description: Where they come from. Null when the log is out of reach.
      type: str
    dumps:
      description: What came of the signals.
      type: dict
      contains:
        signalled:
          description: Number of processes that got one.
          type: int
        seen:
          description: Number of processes whose dump was seen in the log.
          type: int
        refused:
          description: Processes that got none.
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
              description: Stable name of the reason, such as V(refused.no_handler).
              type: str
            reason:
              description: Why.
              type: str
        code:
          description: Stable name of why fewer were seen than processes signalled. Null when all were.
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
  description: Odoo processes that are no servers, as in M(fleetops.odoo.master_info).
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
