#!/usr/bin/python

# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bundle
short_description: Copy information about a host and its Odoo servers to the controller
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - Collects in one call the processes, options, unit files, limits, open files, sockets, memory, cgroups, load, disks
    and the end of the log of the chosen servers, and writes them as small files to a folder on the controller. It sends
    no signal, and writes nothing on the host.
  - Secrets are hidden on the host, before anything leaves it. The module then searches the finished bundle for the
    known secrets of the servers, and for everything that looks like a secret. If it finds one, it fails and sends
    nothing.
  - If one part cannot be collected, the bundle has the others. RV(left_out) has the reason.
extends_documentation_fragment:
  - fleetops.odoo._attributes
  - fleetops.odoo._attributes.INFO
  - fleetops.odoo._choice
attributes:
  check_mode:
    details:
      - Nothing is written on the controller either.
  idempotent:
    support: none
    details:
      - Each call makes a new bundle in the folder. The module never reports C(changed).
options:
  dest:
    description:
      - Folder on the controller for the files. The module creates it with mode C(0700), and also the folders above it.
        It overwrites files of an earlier bundle.
    type: path
    required: true
  lines:
    description: Number of lines from the end of each log. At most 10000.
    type: int
    default: 2000
  max_size:
    description:
      - Size limit in megabytes for all parts of the host together, before packing, from 1 to 4. Logs come last, so they
        are cut first.
    type: int
    default: 4
  hide_literals:
    description: Whether strings and numbers in the queries of the log are hidden.
    type: bool
    default: false
  allow_none:
    description: Whether the module makes a bundle of the host if no master is found. Otherwise it fails.
    type: bool
    default: false
requirements:
  - psutil (on the host; if the interpreter lacks it, the module uses a system interpreter that has it)
notes:
  - Run it as root, or as the user of the server. For other users RV(left_out) names the parts that they must not read.
  - From odoo.conf and environments the module shows only values that are known to be harmless, and the names of all
    others.
  - The module cannot search for a secret that has less than 6 characters, or is also the name of a database or user.
    The manifest names it in C(not_searched_for). It is hidden only after its name.
  - The packed bundle travels as one result. Ansible does not show it at any verbosity.
seealso:
  - module: fleetops.odoo.stack_dump
  - module: fleetops.odoo.evidence
"""

EXAMPLES = r"""
- name: Copy a bundle of this host to the controller
  fleetops.odoo.bundle:
    dest: "/tmp/bundles/{{ inventory_hostname }}"
  register: bundle

- name: Show the missing parts
  ansible.builtin.debug:
    msg: "{{ bundle.left_out }}"
"""

RETURN = r"""
code:
  description: Stable code of the failure, such as V(bundle.secret_left).
  returned: failure
  type: str
  sample: bundle.secret_left
dest:
  description: Where the files are. Null in check mode.
  returned: success
  type: str
packed:
  description: Size of the packed bundle in bytes.
  returned: success
  type: int
sha256:
  description: Checksum of the packed bundle.
  returned: success
  type: str
parts:
  description: The files, without C(manifest.json), which lists them.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Path below RV(dest).
      type: str
    bytes:
      description: Its size.
      type: int
    sha256:
      description: Its checksum.
      type: str
    cut:
      description: Whether it was too long and was cut.
      type: bool
left_out:
  description:
    - Parts that are missing. A server that is left out because of its user is the part C(server-PID) with the code
      V(host.user_without_unit).
  returned: success
  type: list
  elements: dict
  contains:
    part:
      description: Its name.
      type: str
    code:
      description: Stable code of the reason, such as V(bundle.not_permitted) or V(dump.terminal).
      type: str
    reason:
      description: Why.
      type: str
servers:
  description: The servers.
  returned: success
  type: list
  elements: dict
  contains:
    folder:
      description: Folder of its files below RV(dest).
      type: str
    pid:
      description: Process ID of the master.
      type: int
    identity:
      description: PID and start of the master.
      type: str
    odoo:
      description: Version of Odoo. Null if it is not known.
      type: str
    user:
      description: Its user.
      type: str
    mode:
      description: V(prefork) or V(threaded).
      type: str
    state:
      description: State as in M(fleetops.odoo.master_info).
      type: str
  sample:
    - {folder: server-472, pid: 472, identity: "472:375040", odoo: "19.0", user: odoo, mode: prefork, state: running}
"""

import base64
import hashlib

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.fleetops.odoo.plugins.module_utils._bundle.archive import SecretLeft
from ansible_collections.fleetops.odoo.plugins.module_utils._bundle.gather import BundleOrder, make_bundle
from ansible_collections.fleetops.odoo.plugins.module_utils._module.common import (
    CHOICE_SPEC,
    choose_masters,
    fail,
    find_host,
    lines_of,
    number_of,
    start,
    told_left_out,
)

SPEC = {
    "dest": {"type": "path", "required": True},
    "lines": {"type": "int", "default": 2000},
    "max_size": {"type": "int", "default": 4},
    "hide_literals": {"type": "bool", "default": False},
    "allow_none": {"type": "bool", "default": False},
    **CHOICE_SPEC,
}


#: Megabytes: the module stays small, and its result can be carried in one piece.
_LEAST = 1
_MOST = 4


def order_of(module: AnsibleModule) -> BundleOrder:
    """Return what the options ask for; a bad one ends the module."""
    max_size = number_of(module, "max_size", _LEAST, _MOST)
    return BundleOrder(lines_of(module), max_size << 20, module.params["hide_literals"])


def bundle(module: AnsibleModule) -> None:
    """Gather the bundle and return it packed."""
    host = find_host()
    order = order_of(module)
    seen, identities = choose_masters(module, host)
    left_out = told_left_out(module, seen)
    try:
        made = make_bundle(host, seen, identities, order, {"ansible": module.ansible_version})
    except SecretLeft as exc:
        fail(module, exc.problem)
    else:
        module.exit_json(
            changed=False,
            # The action plugin takes it out of the result and writes it down.
            content=base64.b64encode(made.packed).decode(),
            packed=len(made.packed),
            sha256=hashlib.sha256(made.packed).hexdigest(),
            parts=made.parts,
            left_out=[*made.left_out, *({"part": "server-%s" % one.pop("pid"), **one} for one in left_out)],
            servers=made.servers,
        )


def main() -> None:
    """Entry point."""
    bundle(start(SPEC))


if __name__ == "__main__":
    main()
