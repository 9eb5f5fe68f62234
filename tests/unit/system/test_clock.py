# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The boot of the machine, and the waiter on a clock that costs no time."""

from __future__ import annotations

import pathlib
import time

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._messages import timeout
from ansible_collections.fleetops.odoo.plugins.module_utils._system import clock as _clock
from ansible_collections.fleetops.odoo.plugins.module_utils._system.clock import Pending, wait_until
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import TimedOut
from hypothesis import given
from hypothesis import strategies as st

from ..build import FakeClock, failing


def test_what_is_there_costs_no_time() -> None:
    clock = FakeClock()
    assert wait_until(lambda: 7, clock, clock.monotonic() + 10) == 7
    assert clock.slept == []


def test_what_is_there_is_seen_even_when_it_is_late() -> None:
    clock = FakeClock()
    assert wait_until(lambda: True, clock, clock.monotonic() - 1) is True


def test_it_waits_until_it_is_there() -> None:
    clock = FakeClock()
    answers = iter([Pending(timeout.LISTENING()), Pending(timeout.OLD_MASTER()), "done"])
    assert wait_until(lambda: next(answers), clock, clock.monotonic() + 10) == "done"
    assert len(clock.slept) == 2
    assert 0 < clock.slept[0] < clock.slept[1] < 0.1


def test_the_last_reason_is_told() -> None:
    clock = FakeClock()
    with failing("timeout.process_ends", TimedOut) as caught:
        wait_until(
            lambda: Pending(timeout.PROCESS_ENDS(pid=int(clock.monotonic() - 1000))), clock, clock.monotonic() + 3
        )
    assert caught.value.problem.values == {"pid": 3}
    assert clock.now == pytest.approx(1003)


def test_what_the_attempt_raises_goes_through() -> None:
    clock = FakeClock()
    with pytest.raises(ZeroDivisionError):
        wait_until(lambda: 1 // 0, clock, clock.monotonic() + 10)


@given(st.floats(-1, 600))
def test_the_deadline_is_met_exactly_and_looked_at_once_more(seconds: float) -> None:
    clock = FakeClock()
    deadline = clock.monotonic() + seconds
    looks: list[float] = []

    def attempt() -> Pending:
        looks.append(clock.monotonic())
        return Pending(timeout.LISTENING())

    with pytest.raises(TimedOut):
        wait_until(attempt, clock, deadline)
    assert looks[-1] >= deadline
    assert looks[-1] - max(deadline, 1000.0) < 1e-6
    assert sum(look >= deadline for look in looks) == 1
    # Neither a busy loop nor a sleepy one.
    assert len(looks) <= 50 + 2 * max(seconds, 0)
    assert all(pause <= 0.5 for pause in clock.slept)
    # What came between two looks is seen soon, measured by the time that it took.
    assert all(pause <= 0.05 + 0.055 * (look - 1000) + 1e-6 for look, pause in zip(looks, clock.slept))


def test_looks_that_cost_nothing_stay_close_together() -> None:
    clock = FakeClock()
    with pytest.raises(TimedOut):
        wait_until(lambda: Pending(timeout.LISTENING()), clock, clock.monotonic() + 60, longest=0.1)
    assert max(clock.slept) == pytest.approx(0.1)


def test_boot_id_is_the_same_at_every_call() -> None:
    assert _clock.boot_id() == _clock.boot_id()
    # Eight, four, four, four and twelve hexadecimal digits.
    assert [len(part) for part in _clock.boot_id().split("-")] in ([8, 4, 4, 4, 12], [0])


def test_boot_id_is_stripped_and_empty_where_the_kernel_has_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "boot_id"
    monkeypatch.setattr(_clock, "_BOOT_ID", str(path))
    assert _clock.boot_id() == ""
    path.write_text("0b3a6f0e-5b5c-4a0e-9d35-1f6f0a3a1f52\n")
    assert _clock.boot_id() == "0b3a6f0e-5b5c-4a0e-9d35-1f6f0a3a1f52"


def test_uptime_never_runs_backwards_and_counts_at_least_what_monotonic_counts() -> None:
    before = time.monotonic()
    first = _clock.uptime()
    assert before <= first <= _clock.uptime()
