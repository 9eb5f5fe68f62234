# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""What the module ``bundle`` does with its parameters and its results."""

from __future__ import annotations

import base64
import hashlib

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.fleetops.odoo.plugins.module_utils._bundle import SecretLeft
from ansible_collections.fleetops.odoo.plugins.module_utils._gather import BundleOrder, make_bundle
from ansible_collections.fleetops.odoo.plugins.module_utils._module import choose_masters, find_host, lines_of

#: Megabytes: the module stays small, and its result can be carried in one piece.
_LEAST, _MOST = 1, 4


def bundle(module: AnsibleModule) -> None:
    """What the module does."""
    host = find_host()
    params = module.params
    lines = lines_of(module)
    if not _LEAST <= params["max_size"] <= _MOST:
        module.fail_json(
            msg="max_size: %d; right is a number of megabytes from %d to %d" % (params["max_size"], _LEAST, _MOST)
        )
    order = BundleOrder(lines, params["max_size"] << 20, params["hide_literals"])
    seen, identities = choose_masters(module, host)
    try:
        made = make_bundle(host, seen, identities, order, {"ansible": module.ansible_version})
    except SecretLeft as exc:
        module.fail_json(msg=str(exc))
    else:
        module.exit_json(
            changed=False,
            # The action plugin takes it out of the result and writes it down.
            content=base64.b64encode(made.packed).decode(),
            packed=len(made.packed),
            sha256=hashlib.sha256(made.packed).hexdigest(),
            parts=made.parts,
            left_out=made.left_out,
            servers=made.servers,
        )
