# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check that a pattern matches at least one host: Ansible skips a play without hosts, with exit code 0."""

from __future__ import annotations

DOCUMENTATION = r"""
name: some_hosts
short_description: Check that a pattern of hosts matches at least one host
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - Returns its pattern, and fails if no host of the inventory, or none within C(--limit), matches it. Ansible itself
    skips a play without hosts and ends with exit code 0, so a job with a typo looks successful.
options:
  _terms:
    description: One pattern, as in C(hosts) of a play.
    type: str
    required: true
  name:
    description: The variable that the pattern comes from, for the message.
    type: str
    default: hosts
"""

EXAMPLES = r"""
- name: Fail the play if the pattern has a typo
  hosts: "{{ lookup('fleetops.odoo.some_hosts', my_hosts | default('odoo'), name='my_hosts') }}"
  tasks:
    - name: Look at the servers
      fleetops.odoo.master_info:
"""

RETURN = r"""
_raw:
  description: The pattern.
  type: list
  elements: str
"""

import contextlib
import typing as t

from ansible import constants, context
from ansible.errors import AnsibleLookupError
from ansible.inventory.manager import InventoryManager
from ansible.plugins.lookup import LookupBase
from ansible_collections.fleetops.odoo.plugins.module_utils._messages import option
from ansible_collections.fleetops.odoo.plugins.plugin_utils.problems import marked


@contextlib.contextmanager
def _without_warnings() -> t.Iterator[None]:
    """Turn off the warning of the inventory: the error says it, and the play warns where a part matches no host."""
    before = constants.HOST_PATTERN_MISMATCH
    constants.HOST_PATTERN_MISMATCH = "ignore"
    try:
        yield
    finally:
        constants.HOST_PATTERN_MISMATCH = before


class LookupModule(LookupBase):
    """Match the pattern against an inventory made of the groups of the play."""

    def run(self, terms: list[t.Any], variables: dict[str, t.Any] | None = None, **options: t.Any) -> list[t.Any]:
        """Run the plugin."""
        if context.CLIARGS.get("syntax"):
            # --syntax-check, and ansible-lint with it, may know no inventory, and need none.
            return [term or "all" for term in terms]
        known = variables or {}
        name = options.get("name", "hosts")
        manager = InventoryManager(self._loader, parse=False)
        for group, hosts in known.get("groups", {}).items():
            manager.add_group(group)
            for host in hosts:
                manager.add_host(host, group=group)
        with _without_warnings():
            for pattern in terms:
                self._check(manager, pattern, known.get("ansible_limit"), name)
        return terms

    @staticmethod
    def _check(manager: InventoryManager, pattern: t.Any, limit: t.Any, name: str) -> None:
        if not pattern or not manager.get_hosts(pattern):
            raise AnsibleLookupError(marked(option.NO_HOSTS(option=name, value=pattern)))
        if limit:
            manager.subset(limit)
            if not manager.get_hosts(pattern):
                raise AnsibleLookupError(marked(option.OUTSIDE_LIMIT(option=name, value=pattern, limit=limit)))
            manager.subset(None)
