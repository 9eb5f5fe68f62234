# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""What the module ``evidence`` does."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.fleetops.odoo.plugins.module_utils._evidence import EvidenceOrder, gather, process_tree
from ansible_collections.fleetops.odoo.plugins.module_utils._module import (
    choose_masters,
    find_host,
    lines_of,
    seconds_of,
    unseen,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._secrets import hidden_in, known_secrets
from ansible_collections.fleetops.odoo.plugins.module_utils._tell import one_off


def evidence(module: AnsibleModule) -> None:
    """What the module ``evidence`` does."""
    host = find_host()
    params = module.params
    lines = lines_of(module)
    order = EvidenceOrder(params["dumps"] and not module.check_mode, seconds_of(module, "wait"), lines)
    seen, identities = choose_masters(module, host)
    secrets = known_secrets(host.proc, seen)
    found = gather(host, seen, identities, order)
    module.exit_json(
        changed=False,
        results=[hidden_in(secrets, one.told()) for one in found],
        one_off=one_off(seen),
        processes=secrets.hide_all(process_tree(seen, host.proc.uptime_ticks())),
        unseen=unseen(host, seen),
    )
