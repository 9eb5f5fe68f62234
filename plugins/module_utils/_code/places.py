# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Folders of addons that a server loads from, besides those that its configuration names.

``odoo.addons`` is a package in parts: Odoo takes ``odoo/addons`` of every folder on its interpreter's path, such as
those of pip, and of editable installs. (Seen on Odoo 14.0 and 19.0)
"""

from __future__ import annotations

import os
import typing as t

from .._config.python_path import PythonPath
from .._system.files import reached


def addons_in(root: str, path: PythonPath) -> t.List[str]:
    """Return the folders of addons that lie on the path of an interpreter."""
    inner = [folder + "/odoo/addons" for folder in path.folders]
    return [*dict.fromkeys([*(one for one in inner if os.path.isdir(reached(one, root))), *path.addons])]
