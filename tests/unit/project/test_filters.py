# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters of the collection cost a task nothing that does not use them.

In each of its processes Ansible loads all filters of a collection when a task of one of its roles uses any filter.
Their code took 0.4 s of CPU for each task and host (seen on ansible-core 2.19).
"""

from __future__ import annotations

import pathlib
import subprocess
import sys

FILTERS = pathlib.Path(__file__).parents[3] / "plugins/filter"
#: What they may import when they are loaded: how they tell a problem, and how they mark the texts of a host.
LIGHT = {"problems", "untrusted", "names", "_messages.code", "_system.errors"}

PROGRAM = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module("ansible_collections.fleetops.odoo.plugins.filter." + name).FilterModule().filters()
print("\\n".join(name for name in sys.modules if ".plugin_utils." in name or ".module_utils." in name))
"""


def test_loading_all_filters_loads_next_to_none_of_the_collection() -> None:
    names = sorted(path.stem for path in FILTERS.glob("*.py") if path.stem != "__init__")
    assert len(names) > 20
    told = subprocess.run([sys.executable, "-c", PROGRAM, *names], check=True, capture_output=True, text=True).stdout
    loaded = {
        name.split("_utils.", 1)[1] for name in told.split() if name.startswith("ansible_collections.fleetops.odoo.")
    }
    assert {
        name for name in loaded if name not in LIGHT and not any(one.startswith(name + ".") for one in LIGHT)
    } == set()
