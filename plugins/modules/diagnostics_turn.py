#!/usr/bin/python

# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: diagnostics_turn
short_description: Collect stack dumps or cache statistics of a host in the folder of a run of diagnostics
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - The role P(fleetops.odoo.diagnostics#role) uses it. The module runs on the host, and its answers are written to the
    folder of the run on the controller.
attributes:
  check_mode:
    description: Sends no signal. V(dumps) fails, because there is nothing to report.
    support: full
  diff_mode:
    description: With C(--diff), returns the changes.
    support: none
  platform:
    description: Operating systems of the hosts it works on.
    support: full
    platforms: linux
options:
  step:
    description:
      - V(dumps) calls M(fleetops.odoo.stack_dump) and writes C(HOST.log), C(HOST.postgres.json) and
        C(HOST/dumps.json). It fails if no process wrote its stacks.
      - V(caches) calls M(fleetops.odoo.cache_stats) and writes C(HOST/caches.json). It does not fail if no process
        wrote statistics.
    type: str
    choices: [dumps, caches]
    required: true
  run:
    description: Name of the run, as M(fleetops.odoo.bundle_run) returned it. It is in each result, so that results of
      an earlier run do not count.
    type: str
    required: true
  folder:
    description: Folder of the run on the controller.
    type: path
    required: true
  options:
    description: Options of M(fleetops.odoo.stack_dump) or M(fleetops.odoo.cache_stats).
    type: dict
    default: {}
  with_bundle:
    description: Whether to write C(HOST/dumps.json), for O(step=dumps).
    type: bool
    default: true
seealso:
  - module: fleetops.odoo.stack_dump
  - module: fleetops.odoo.cache_stats
"""

EXAMPLES = r"""
- name: Collect stack dumps from the processes
  fleetops.odoo.diagnostics_turn:
    step: dumps
    run: 20261124T174507Z
    folder: /var/tmp/diagnostics/20261124T174507Z
    options:
      samples: 3
  register: dumps
"""

RETURN = r"""
code:
  description: Stable name of what went wrong.
  returned: failure
  type: str
  sample: dump.none_written
run:
  description: O(run).
  returned: always
  type: str
file:
  description: Path of the stacks on the controller.
  returned: success of O(step=dumps)
  type: str
missing:
  description: Processes that wrote no stacks, with reasons, as M(fleetops.odoo.stack_dump) returns them.
  returned: success of O(step=dumps)
  type: list
  elements: dict
reason:
  description: Why there are no cache statistics; empty if there are some.
  returned: O(step=caches)
  type: str
"""
