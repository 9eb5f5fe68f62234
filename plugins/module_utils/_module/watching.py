# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The options of modules that wait until servers are healthy, and the wait itself."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule

from .._facts.results import printable
from .._server.host import Host
from .._server.watch import WatchOrder, watch_all
from .._system.errors import OperationFailed
from .common import CHOICE_SPEC, choose_masters, healthy_time_of, timeout_of, told_left_out
from .health_option import HEALTH_SPEC, health_of

WATCH_SPEC: t.Dict[str, t.Any] = {
    "min_healthy_time": {"type": "float", "default": 0.0},
    "timeout": {"type": "float", "default": 60.0},
    **CHOICE_SPEC,
    **HEALTH_SPEC,
}


def order_of(module: AnsibleModule) -> WatchOrder:
    """Return what the options ask for; a bad one ends the module."""
    timeout = timeout_of(module)
    return WatchOrder(health_of(module, module.params["health"]), healthy_time_of(module, timeout), timeout)


def watch(module: AnsibleModule, host: Host, order: WatchOrder) -> t.NoReturn:
    """Wait until the chosen masters are healthy, and end the module with the results of all of them."""
    seen, identities = choose_masters(module, host)
    left_out = told_left_out(module, seen)
    try:
        results = watch_all(host, seen, identities, order)
    except OperationFailed as exc:
        told = [one.told() for one in exc.results]
        module.fail_json(msg=printable(exc.message), code=exc.code, changed=False, results=told, left_out=left_out)
    else:
        module.exit_json(changed=False, results=[one.told() for one in results], left_out=left_out)
    raise AssertionError  # either has left the process
