# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Time limits are divided among users, and what does not answer is not asked again at once."""

from __future__ import annotations

import threading
import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.limits import Shares
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.rights import NoAnswer, in_time

from ..build import process


def test_each_user_has_the_same_share_of_the_time() -> None:
    now = [0.0]

    def work() -> str:
        now[0] += 20.0
        return "done"

    shares = Shares(30.0, [1000, 1001, 1000], lambda: now[0])
    assert (shares.left(1000), shares.left(1001)) == (15.0, 15.0)
    assert shares.spend(1000, work) == "done"
    assert (shares.left(1000), shares.left(1001)) == (-5.0, 15.0)


def test_time_counts_also_if_the_work_fails() -> None:
    times = iter([0.0, 9.0])
    shares = Shares(10.0, [5], lambda: next(times))
    with pytest.raises(ZeroDivisionError):
        shares.spend(5, lambda: 1 // 0)
    assert shares.left(5) == 1.0


def test_what_does_not_answer_is_not_asked_again_at_once() -> None:
    over = threading.Event()
    asked: list[int] = []
    proc, one = Proc(), process(pid=7)

    def hang() -> t.Any:
        asked.append(1)
        return over.wait(30)

    for _attempt in range(3):
        begun = time.monotonic()
        with pytest.raises(NoAnswer):
            in_time(proc, one, "a place", hang, 0.1)
    assert time.monotonic() - begun < 0.1
    assert len(asked) == 1
    assert in_time(proc, one, "another place", lambda: in_time(proc, one, "x", lambda: 5)) == 5
    over.set()
