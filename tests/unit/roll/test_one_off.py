# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test which other Odoo commands stop a roll or a drain."""

from __future__ import annotations

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._roll.one_off import REFUSED, is_refused


@pytest.mark.parametrize(
    ("option", "refused"), [("auto", ["update"]), ("refuse", ["update", "shell"]), ("warn", []), ("ignore", [])]
)
def test_each_value_refuses_its_kinds(option: str, refused: list[str]) -> None:
    assert [kind for kind in ("update", "shell") if is_refused(kind, option)] == refused


def test_no_value_is_left_out() -> None:
    assert set(REFUSED) == {"auto", "refuse", "warn", "ignore"}
