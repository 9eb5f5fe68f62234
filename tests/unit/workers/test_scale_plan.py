# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The signals that lead to a number of http workers, and the workers that end."""

from __future__ import annotations

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Role
from ansible_collections.fleetops.odoo.plugins.module_utils._workers.scale_plan import foreseen, pick

from .. import build


@pytest.mark.parametrize(
    ("there", "count", "prove", "signals"),
    [
        (2, 2, False, ""),
        (2, 2, True, "TTIN TTOU INT"),
        (1, 3, True, "TTIN TTIN"),
        (4, 2, False, "TTIN TTOU TTOU TTOU INT INT INT"),
    ],
)
def test_what_is_foreseen(there: int, count: int, prove: bool, signals: str) -> None:  # noqa: FBT001
    assert foreseen(there, count, prove=prove) == signals.split()


def test_idle_workers_end_first_and_the_youngest_of_them() -> None:
    children = build.instance(build.prefork(100, workers=4)).having(Role.HTTP)
    assert [c.process.pid for c in pick(children, {104, 102}, 1, wait_busy=False)] == [103]
    assert [c.process.pid for c in pick(children, {104, 102}, 3, wait_busy=False)] == [103, 101]
    assert [c.process.pid for c in pick(children, {104, 102}, 3, wait_busy=True)] == [103, 101, 104]
