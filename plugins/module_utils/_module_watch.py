# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""What the module ``wait_healthy`` does."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.fleetops.odoo.plugins.module_utils._module import (
    choose_masters,
    find_host,
    seconds_of,
    timeout_of,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._module_health import health_of
from ansible_collections.fleetops.odoo.plugins.module_utils._tell import printable
from ansible_collections.fleetops.odoo.plugins.module_utils._watch import WatchFailed, WatchOrder, watch_all


def wait_healthy(module: AnsibleModule) -> None:
    """What the module ``wait_healthy`` does."""
    host = find_host()
    order = WatchOrder(health_of(module, module.params["health"]), seconds_of(module, "duration"), timeout_of(module))
    if order.duration >= order.timeout:
        module.fail_json(
            msg="duration: %g s do not fit into a timeout of %g s; right is less, or a longer timeout"
            % (order.duration, order.timeout)
        )
    seen, identities = choose_masters(module, host)
    try:
        results = watch_all(host, seen, identities, order)
    except WatchFailed as exc:
        module.fail_json(msg=printable(str(exc)), changed=False, results=[one.told() for one in exc.results])
    else:
        module.exit_json(changed=False, results=[one.told() for one in results])
