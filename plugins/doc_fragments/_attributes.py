# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The common documentation of all modules that work on hosts of Odoo.

Such a module extends ``fleetops.odoo._attributes`` and one of ``.INFO`` and ``.ACTION``. What differs in one module,
it says under its own ``attributes:``, which win.
"""

from __future__ import annotations


class ModuleDocFragment:
    # What the attributes mean here, and what holds for every module.
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Looks and decides as in a normal run, returns what it would do, and sends no signal.
  diff_mode:
    description: With C(--diff), returns the state of each chosen server before and after.
  idempotent:
    description: The same call again, at once, finds that its goal is reached, sends no signal and says why.
  platform:
    description: Operating systems of the hosts it works on.
    support: full
    platforms: linux
    details:
      - It reads C(/proc) and works on processes, so it runs on the host of Odoo.
  action_group:
    description: Use C(group/fleetops.odoo.all) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - fleetops.odoo.all
"""

    # A module that looks and never acts.
    INFO = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - It changes nothing in either mode.
  diff_mode:
    support: N/A
    details:
      - It changes nothing.
  idempotent:
    support: full
    details:
      - It changes nothing.
"""

    # A module that brings servers to a goal and may send signals on the way.
    ACTION = r"""
options: {}
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - A call that requests a signal in every state, for example with C(policy=always), sends one each time.
      - If an earlier call is still working on the server, a second call waits for it and sends no second signal.
"""
