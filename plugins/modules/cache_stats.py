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
  - Sends C(USR1) to the master, the http and the cron workers of the chosen servers. With O(memory) it sends C(USR2) to
    processes that have a handler for it. Each process then writes to the log how often each method was found in its
    cache. Returns these statistics, in one structure for Odoo 14 to 19.
  - The same rules as in M(fleetops.odoo.send_signal) apply. A process that would not survive the signal does not get
    it. RV(results[].missing) names it.
  - The gevent process never gets a signal. With some versions of gevent C(USR1) ends the gevent process of Odoo 19,
    although it has a handler.
  - Before Odoo 19 a process counts its caches while it works, and ends if a thread uses a cache at that moment. So a
    process with more than one thread gets the signal only while all of its threads sleep. If it is at work until
    O(timeout) has passed, it gets no signal, and the result names it.
  - Before the first signal the module makes sure that it can read the answers. If the log level hides them, or it
    cannot read the log, it signals no process and returns the reason.
extends_documentation_fragment:
  - fleetops.odoo._attributes
  - fleetops.odoo._attributes.INFO
  - fleetops.odoo._choice
attributes:
  check_mode:
    details:
      - It returns the processes that would be asked and the signals, and why other processes would not be asked.
  idempotent:
    support: none
    details:
      - Each call makes the processes write their statistics. These are lines in the log and do not change the
        processes, so the module never reports C(changed).
options:
  memory:
    description:
      - Also ask for the size of the entries in bytes, if the version supports it (19). This costs the server more. A
        process counted 1043 entries in 1 ms without and in 80 to 200 ms with their sizes, and serves slower during
        that time.
    type: bool
    default: false
  timeout:
    description:
      - Seconds to wait at most for the processes of one server. All servers are asked at the same time. The module asks
        a process once more that has not answered within two seconds, or two fifths of this time, unless it is already
        counting.
    type: float
    default: 5.0
  roles:
    description: Which processes are asked. A threaded server has only a C(master).
    type: list
    elements: str
    choices: [master, http, cron]
    default: [master, http, cron]
  allow_none:
    description: Whether the task succeeds without results if no master is found. Otherwise it fails.
    type: bool
    default: false
requirements:
  - psutil (on the host; if the interpreter lacks it, the module uses a system interpreter that has it)
notes:
  - Logs are read as in M(fleetops.odoo.stack_dump).
  - A process that does not answer does not fail the module. RV(results[].missing) names it, and the module warns.
  - Before Odoo 19 a process with empty caches writes nothing. The module cannot distinguish that from no answer.
  - A second signal stops a process of Odoo 19 that is counting. So two calls at once may disturb each other.
    RV(results[].missing) then names the process.
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

- name: Show the most costly caches
  ansible.builtin.debug:
    msg: "{{ ([{'host': inventory_hostname, 'results': caches.results}] | fleetops.odoo.merge_caches).lines }}"

- name: Show how much memory the caches of the http workers of one instance use
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
      description: V(signalled), V(nothing) if the server has no process of these roles, or V(refused).
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
    version:
      description: Version of Odoo. Null if it is not known.
      type: str
    log_source:
      description: Where the answers were read from. Null if the module cannot read the log.
      type: str
    asked:
      description: Processes that got a signal, or would get one in check mode.
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
          description: Number of signals that it got.
          type: int
    statistics:
      description: The statistics, an entry for each process.
      type: list
      elements: dict
      contains:
        pid:
          description: Process ID.
          type: int
        log_pid:
          description: The pid in the log. In a container it is not RV(results[].statistics[].pid).
          type: int
        role:
          description: Role of the process.
          type: str
        signal:
          description: The signal that it got.
          type: str
        time:
          description: Time when it began to write, in UTC.
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
              description: The model, such as V(ir.rule). Odoo 19 names the class instead, such as V(IrRule).
              type: str
            method:
              description: The method.
              type: str
            cache:
              description: Name of the cache that it shares with others. Null before Odoo 17, which has one for all.
              type: str
            entries:
              description: Number of entries in the cache now.
              type: int
            hits:
              description: How often a value was found in the cache since the process began.
              type: int
            misses:
              description: How often a value was not found and had to be computed.
              type: int
            errors:
              description: How often the lookup failed.
              type: int
            ratio:
              description: Hits of all lookups in percent, as Odoo rounds it.
              type: float
            memory:
              description: Bytes of its entries. Null without O(memory), or if the version does not write it.
              type: int
            memory_max:
              description: Bytes of the largest entry.
              type: int
            seconds:
              description: Seconds that the values took to compute. Null before Odoo 19.
              type: float
            transaction_ratio:
              description: As C(ratio), for the first lookup of a value in each transaction. Null before Odoo 19.
              type: float
            transaction_calls:
              description: Number of such lookups.
              type: int
        usage:
          description:
            - How full the shared caches are. Empty before Odoo 19. Odoo 19.0 writes it for one database only, the one
              that it counted last.
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
              description: Number of entries in it.
              type: int
            size:
              description: Number of entries that fit into it.
              type: int
            memory:
              description: Bytes of its entries. Null as above.
              type: int
        other:
          description: Lines that the module cannot parse, at most 20.
          type: list
          elements: str
    missing:
      description: Processes that should have written statistics but did not.
      type: list
      elements: dict
      contains:
        pid:
          description: Process ID.
          type: int
        role:
          description: Role of the process, also V(shepherd) and V(unknown).
          type: str
        code:
          description: Stable code of the reason, such as V(dump.not_written) or V(dump.at_work).
          type: str
        reason:
          description: Why.
          type: str
    left_out:
      description: Processes that never get a signal.
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
          description: Stable code of the reason, V(dump.gevent).
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
