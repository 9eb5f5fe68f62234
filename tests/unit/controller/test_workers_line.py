# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The line of a host in the summary of workers."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.filter.workers_line import FilterModule


@pytest.mark.parametrize(
    ("results", "check", "said"),
    [
        ([], False, "no Odoo server runs"),
        ([{"signals": [], "reason": "it has 2", "seconds": 0.4}], False, "it has 2"),
        (
            [{"signals": ["TTIN", "TTOU", "TTOU", "INT"], "reason": "that", "seconds": 1.23}],
            False,
            "that (TTIN, 2 TTOU, INT; 1.2 s)",
        ),
        ([{"signals": ["TTIN", "TTIN"], "reason": "that", "seconds": 0}], True, "that (2 TTIN would be sent)"),
    ],
)
def test_one_line_for_a_host(results: list[dict[str, t.Any]], check: bool, said: str) -> None:  # noqa: FBT001
    assert FilterModule().filters()["workers_line"]({"results": results}, check) == said
