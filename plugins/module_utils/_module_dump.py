# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""What the module ``stack_dump`` does with its parameters and its results."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.fleetops.odoo.plugins.module_utils._module import (
    choose_masters,
    find_host,
    seconds_of,
    timeout_of,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._secrets import known_secrets
from ansible_collections.fleetops.odoo.plugins.module_utils._stack_dump import DumpOrder, dump_all
from ansible_collections.fleetops.odoo.plugins.module_utils._tell import REFUSED

#: Samples of one call. Their size is limited too.
_MOST_SAMPLES = 100


def stack_dump(module: AnsibleModule) -> None:
    """What the module does."""
    host = find_host()
    params = module.params
    if not 1 <= params["samples"] <= _MOST_SAMPLES:
        module.fail_json(msg="samples: %d; right is a number from 1 to %d" % (params["samples"], _MOST_SAMPLES))
    order = DumpOrder(
        params["samples"],
        seconds_of(module, "interval"),
        timeout_of(module),
        tuple(params["roles"]),
        params["backend"],
        params["postgres"],
        params["hide_literals"],
    )
    seen, identities = choose_masters(module, host)
    results = dump_all(host, seen, identities, order, check_mode=module.check_mode)
    # What a server is known to have for a password may stand anywhere, also where no name tells that it is one.
    told = known_secrets(host.proc, seen).hide_all([result.told() for result in results])
    for one in told:
        if one["did"] == REFUSED or one["missing"]:
            module.warn("pid %d: %s" % (one["pid"], one["reason"]))
    module.exit_json(changed=False, results=told)
