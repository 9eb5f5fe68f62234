#!/usr/bin/python

# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bundle_run
short_description: Begin the folder of a run of diagnostics on the controller, and pack it
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - The role C(fleetops.odoo.diagnostics) uses it. It works on the controller, and contacts no host.
  - With O(state=begun) it checks the options and the free space, and returns the name of a new run. With
    O(state=packed) it searches the files in the folder of the run for secrets, writes C(manifest.json), makes an
    archive beside the folder, and removes the oldest runs.
  - Before packing, it removes files that show a secret and names them in RV(unsafe).
attributes:
  check_mode:
    description: Looks and decides as in a normal run, and writes nothing.
    support: full
  diff_mode:
    description: With C(--diff), returns the changes.
    support: none
  platform:
    description: Operating systems of the controller.
    support: full
    platforms: posix
options:
  state:
    description: Whether to begin a run, or to pack it.
    type: str
    choices: [begun, packed]
    required: true
  report_dir:
    description: Folder of all runs, as an absolute path.
    type: path
    required: true
  run:
    description: Name of the run, for O(state=packed).
    type: str
  deliver:
    description:
      - Destination of the archive, V(controller), C(HOST:/FOLDER) or C(http_put:URL). This module only checks it.
    type: str
    default: controller
  min_free:
    description: Megabytes that must be free in O(report_dir) before a run begins.
    type: int
    default: 500
  keep:
    description:
      - Number of runs to keep, this one included. V(0) keeps all. The module removes only folders with the manifest of
        a run of this name, and their archives.
    type: int
    default: 20
  hosts:
    description: The result of each host, for the manifest.
    type: dict
    default: {}
  options:
    description: Further information about the run, for the manifest.
    type: dict
    default: {}
seealso:
  - module: fleetops.odoo.bundle
"""

EXAMPLES = r"""
- name: Begin a run
  fleetops.odoo.bundle_run:
    state: begun
    report_dir: /var/tmp/diagnostics
  register: begun

- name: Make a bundle of the host
  fleetops.odoo.bundle:
    dest: "{{ begun.folder }}/{{ inventory_hostname }}"

- name: Pack the run
  fleetops.odoo.bundle_run:
    state: packed
    report_dir: /var/tmp/diagnostics
    run: "{{ begun.run }}"
"""

RETURN = r"""
run:
  description: Name of the new run.
  returned: with O(state=begun)
  type: str
  sample: 20261124T174507Z
folder:
  description: Its folder, which does not exist yet.
  returned: with O(state=begun)
  type: str
deliver:
  description: Destination of the archive, as C(kind), C(host), C(path), and C(shown), which contains no secret.
  returned: with O(state=begun)
  type: dict
archive:
  description: Path of the archive.
  returned: with O(state=packed)
  type: str
size:
  description: Its size in bytes.
  returned: with O(state=packed)
  type: int
sha256:
  description: Its checksum.
  returned: with O(state=packed)
  type: str
unsafe:
  description: Files that were removed, and the kind of secret that they showed.
  returned: with O(state=packed)
  type: dict
retired:
  description: Older runs that were removed.
  returned: with O(state=packed)
  type: list
  elements: str
"""
