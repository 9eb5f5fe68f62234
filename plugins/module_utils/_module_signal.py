# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""What the module ``send_signal`` does."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.fleetops.odoo.plugins.module_utils._module import choose_masters, find_host, timeout_of, told
from ansible_collections.fleetops.odoo.plugins.module_utils._secrets import known_secrets
from ansible_collections.fleetops.odoo.plugins.module_utils._signal import SignalFailed, SignalOrder, signal_all
from ansible_collections.fleetops.odoo.plugins.module_utils._tell import printable


def send_signal(module: AnsibleModule) -> None:
    """What the module ``send_signal`` does."""
    host = find_host()
    params = module.params
    order = SignalOrder(params["signal"], params["role"], params["wait"], timeout_of(module), params["force"])
    seen, identities = choose_masters(module, host)
    secrets = known_secrets(host.proc, seen)
    try:
        results = signal_all(host, seen, identities, order, check_mode=module.check_mode)
    except SignalFailed as exc:
        module.fail_json(msg=printable(secrets.hide(str(exc))), **told(module, exc.results, secrets))
    if not results and not params["allow_none"]:
        module.fail_json(
            msg="no process of role %s was found; right is a role that a chosen server has, or allow_none"
            % params["role"],
            **told(module, results, secrets),
        )
    module.exit_json(**told(module, results, secrets))
