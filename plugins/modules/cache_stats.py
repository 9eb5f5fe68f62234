#!/usr/bin/python

# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cache_stats
short_description: Collect cache statistics from the processes of Odoo servers
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - Sends C(USR1) to the master, the http and the cron workers of the chosen servers, or C(USR2) where the sizes of what
    is cached are wanted and the process has a handler for it. That makes each of them write to the log how often each
    method was found in its cache. Returns what they have written, in one structure for Odoo 14 to 19.
  - It goes through the same door as M(fleetops.odoo.send_signal). A process that would not survive the signal does not
    get it and is named in RV(results[].missing).
  - The gevent process is never asked. C(USR1) ends that of Odoo 19 with some versions of gevent, whatever its handlers
    say.
  - Before Odoo 19 a process counts in the middle of its work, and ends if that uses a cache at this moment. A process
    with more than one thread is asked there in a moment only in which all of its threads sleep. One that is at work
    until O(timeout) has passed is not asked, and named.
  - Before the first signal it makes sure that the answers can be seen. Where the log level hides them, or the log
    cannot be read from the host, it signals no process and returns the reason.
extends_documentation_fragment:
  - fleetops.odoo._attributes
  - fleetops.odoo._attributes.INFO
  - fleetops.odoo._choice
attributes:
  check_mode:
    details:
      - It returns which processes would be asked by which signal, and why the others would not.
  idempotent:
    support: none
    details:
      - It has the statistics written each time. They are lines in the log and leave the processes as they are, so it is
        never C(changed).
options:
  memory:
    description:
      - Ask for the bytes that the entries take, too, where the version tells (19). It costs the server more. A process
        counted 1043 entries in 1 ms without and in 80 to 200 ms with their sizes, and serves slower meanwhile.
    type: bool
    default: false
  timeout:
    description:
      - Seconds to wait at most for the processes of one server. All servers are asked at the same time. A process that
        has not answered when two seconds, or two fifths of it, have passed is asked once more, unless it is seen to
        count.
    type: float
    default: 5.0
  roles:
    description: Which processes are asked. A threaded server has its C(master) and no other.
    type: list
    elements: str
    choices: [master, http, cron]
    default: [master, http, cron]
  allow_none:
    description: Whether to return no results where no master is found. Otherwise that fails.
    type: bool
    default: false
requirements:
  - psutil (on the host; where the interpreter lacks it, a system interpreter that has it is used)
notes:
  - Logs are read as in M(fleetops.odoo.stack_dump).
  - A process that does not answer does not fail the module. RV(results[].missing) names it, and the module warns.
  - Before Odoo 19 a process whose caches are empty writes nothing, which cannot be told from silence.
  - A second signal while a process of Odoo 19 counts makes it stop. So two calls at once may take their answers from
    each other, which RV(results[].missing) tells.
  - Run it as root, or as the user of the server.
seealso:
  - module: fleetops.odoo.stack_dump
  - module: fleetops.odoo.send_signal
  - plugin: fleetops.odoo.merge_caches
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Collect the cache statistics of every server
  fleetops.odoo.cache_stats:
  register: caches

- name: Show the worst of them
  ansible.builtin.debug:
    msg: "{{ ([{'host': inventory_hostname, 'results': caches.results}] | fleetops.odoo.merge_caches).lines }}"

- name: Show what the http workers of one instance keep in memory
  fleetops.odoo.cache_stats:
    match:
      unit: odoo.service
    roles: [http]
    memory: true
    timeout: 20
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
      description: V(signalled), V(nothing) where there is no process of these roles, or V(refused).
      type: str
    code:
      description: Stable name of why no process was asked, such as V(dump.level) or V(dump.none_asked). Null otherwise.
      type: str
    reason:
      description: What came of it, or why no process was asked.
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
    warnings:
      description: What the caller is warned of, each with C(code) and C(message).
      type: list
      elements: dict
    version:
      description: Version of its Odoo. Null where it cannot be told.
      type: str
    log_source:
      description: Where the answers were read from. Null where the log is out of reach.
      type: str
    asked:
      description: Processes that got a signal, or would in check mode.
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
          description: V(master), V(http) or V(cron).
          type: str
        signals:
          description: How many it got.
          type: int
    statistics:
      description: What was written, by process.
      type: list
      elements: dict
      contains:
        pid:
          description: Process ID.
          type: int
        log_pid:
          description: The pid that the log shows, which is another one in a container.
          type: int
        role:
          description: Role of the process.
          type: str
        signal:
          description: By which it was asked.
          type: str
        time:
          description: When it began to write, in UTC.
          type: str
        caches:
          description: A row for each method and database.
          type: list
          elements: dict
          contains:
            database:
              description: The database. Null for none.
              type: str
            model:
              description: The model, such as V(ir.rule). Odoo 19 tells the class instead, such as V(IrRule).
              type: str
            method:
              description: The method.
              type: str
            cache:
              description: Name of the cache that it shares with others. Null before Odoo 17, which has one for all.
              type: str
            entries:
              description: What is in the cache now.
              type: int
            hits:
              description: How often it was found there, since the process began.
              type: int
            misses:
              description: How often it was not, and had to be made.
              type: int
            errors:
              description: How often it could not be looked up.
              type: int
            ratio:
              description: Hits of all lookups in percent, as Odoo rounds it.
              type: float
            memory:
              description: Bytes of its entries. Null where it was not asked for or the version does not tell.
              type: int
            memory_max:
              description: Bytes of the largest entry.
              type: int
            seconds:
              description: What it took to make the values. Null before Odoo 19.
              type: float
            transaction_ratio:
              description: As C(ratio), of the first lookup of a value in each transaction. Null before Odoo 19.
              type: float
            transaction_calls:
              description: Number of such lookups.
              type: int
        usage:
          description:
            - How full the caches are that methods share. Empty before Odoo 19. Odoo 19.0 tells it of one database only,
              which is the one that it counted last.
          type: list
          elements: dict
          contains:
            database:
              description: The database.
              type: str
            cache:
              description: Name of the cache.
              type: str
            entries:
              description: What is in it.
              type: int
            size:
              description: What fits into it.
              type: int
            memory:
              description: Bytes of its entries. Null as above.
              type: int
        other:
          description: Lines that were not understood, at most 20.
          type: list
          elements: str
    missing:
      description: Processes without statistics that should have some.
      type: list
      elements: dict
      contains:
        pid:
          description: Process ID.
          type: int
        role:
          description: Role of the process, V(shepherd) and V(unknown) among them.
          type: str
        code:
          description: Stable name of the reason, such as V(dump.not_written) or V(dump.at_work).
          type: str
        reason:
          description: Why.
          type: str
    left_out:
      description: Processes that are never asked.
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
          description: Stable name of the reason, V(dump.gevent).
          type: str
        reason:
          description: Why.
          type: str
  sample:
    - identity: "472:375040"
      pid: 472
      did: signalled
      code:
      reason: every process that was asked has written its cache statistics
      signals: [USR1]
      before: {state: running, mode: threaded, workers: {http: 0, cron: 0, gevent: 0}}
      after:
      seconds: 0.21
      warnings: []
      version: "19.0"
      log_source: /var/log/odoo/odoo-server.log
      asked:
        - {pid: 472, identity: "472:375040", role: master, signals: 1}
      statistics:
        - pid: 472
          log_pid: 472
          role: master
          signal: USR1
          time: "2026-11-24T18:12:34.101Z"
          caches:
            - database: prod
              model: IrUiView
              method: _get_cached_template_info
              cache: templates
              entries: 14
              hits: 933
              misses: 15
              errors: 0
              ratio: 98.4
              memory:
              memory_max:
              seconds: 0.003
              transaction_ratio: 98.5
              transaction_calls: 931
          usage:
            - {database: prod, cache: templates, entries: 20, size: 1024, memory: }
          other: []
      missing: []
      left_out: []
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.cache_stats import CacheOrder, CacheResult, ask_all
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.known_secrets import Secrets, hidden_in
from ansible_collections.fleetops.odoo.plugins.module_utils._module.common import (
    CHOICE_SPEC,
    find_host,
    start,
    timeout_of,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._module.operate import run_on_masters
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Role
from ansible_collections.fleetops.odoo.plugins.module_utils._signals import send

ROLES = ["master", "http", "cron"]

SPEC = {
    "memory": {"type": "bool", "default": False},
    "timeout": {"type": "float", "default": 5.0},
    "roles": {"type": "list", "elements": "str", "choices": ROLES, "default": ROLES},
    "allow_none": {"type": "bool", "default": False},
    **CHOICE_SPEC,
}


def tell(module: AnsibleModule, results: t.Sequence[CacheResult], secrets: Secrets) -> t.Dict[str, t.Any]:
    """Return results without secrets, which may stand in lines that were not understood."""
    del module
    told = [hidden_in(secrets, one.told()) for one in results]
    for one in told:
        one["statistics"] = [hidden_in(secrets, found) for found in one["statistics"]]
    return {"changed": False, "results": told}


def order_of(module: AnsibleModule) -> CacheOrder:
    """Return what the options ask for; a bad one ends the module."""
    params = module.params
    return CacheOrder(params["memory"], timeout_of(module), tuple(Role(name) for name in params["roles"]))


def main() -> None:
    """Entry point."""
    module = start(SPEC)
    host = find_host(door=send)
    order = order_of(module)
    run_on_masters(
        module,
        host,
        lambda seen, identities: ask_all(host, seen, identities, order, check_mode=module.check_mode),
        tell=tell,
    )


if __name__ == "__main__":
    main()
