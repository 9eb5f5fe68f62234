# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the folders of addons that Odoo finds without configuration."""

from __future__ import annotations

import pathlib

from ansible_collections.fleetops.odoo.plugins.module_utils._code.places import addons_in
from ansible_collections.fleetops.odoo.plugins.module_utils._config.python_path import PythonPath


def test_addons_in_parts_of_the_package_and_those_that_are_named_alone(tmp_path: pathlib.Path) -> None:
    (tmp_path / "site/odoo/addons").mkdir(parents=True)
    (tmp_path / "other/odoo").mkdir(parents=True)
    path = PythonPath(("/site", "/other", "/site"), ("/src/mine",), ("/src/library",))
    assert addons_in(str(tmp_path), path) == ["/site/odoo/addons", "/src/mine"]
