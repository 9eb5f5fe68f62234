# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""AnsibleModule for HAProxy, whose host has neither Odoo nor psutil: parameters in, its servers out."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.fleetops.odoo.plugins.module_utils._haproxy import NoAnswer, server_states


def haproxy_info(spec: t.Dict[str, t.Any]) -> None:
    """What the module ``haproxy_info`` does."""
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    backends, servers = module.params["backends"], module.params["servers"]
    try:
        found = server_states(module.params["socket"])
    except NoAnswer as exc:
        module.fail_json(msg="%s." % exc)
    else:
        chosen = [
            one
            for one in found
            if (not backends or one["backend"] in backends) and (not servers or one["server"] in servers)
        ]
        module.exit_json(changed=False, servers=chosen)
