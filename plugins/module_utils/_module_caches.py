# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""What the module ``cache_stats`` does with its parameters and its results."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.fleetops.odoo.plugins.module_utils._cache_stats import CacheOrder, ask_all
from ansible_collections.fleetops.odoo.plugins.module_utils._module import choose_masters, find_host, timeout_of
from ansible_collections.fleetops.odoo.plugins.module_utils._secrets import hidden_in, known_secrets
from ansible_collections.fleetops.odoo.plugins.module_utils._tell import REFUSED


def cache_stats(module: AnsibleModule) -> None:
    """What the module does."""
    host = find_host()
    params = module.params
    order = CacheOrder(params["memory"], timeout_of(module), tuple(params["roles"]))
    seen, identities = choose_masters(module, host)
    results = ask_all(host, seen, identities, order, check_mode=module.check_mode)
    secrets = known_secrets(host.proc, seen)
    told = [result.told() for result in results]
    for one in told:
        one["statistics"] = [hidden_in(secrets, found) for found in one["statistics"]]
    for one in told:
        if one["did"] == REFUSED or one["missing"]:
            module.warn("pid %d: %s" % (one["pid"], one["reason"]))
    module.exit_json(changed=False, results=told)
