# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A time limit for a call that may never return."""

from __future__ import annotations

import pathlib
import threading
import time

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._system.timeout import TooSlow, within


def test_the_result_of_a_fast_call_is_returned() -> None:
    assert within(5.0, lambda: [1, 2]) == [1, 2]
    assert within(5.0, lambda: None) is None


def test_a_call_that_takes_longer_raises_too_slow() -> None:
    with pytest.raises(TooSlow, match=r"no answer within 0.05 s"):
        within(0.05, lambda: time.sleep(1))


def test_the_error_of_a_call_is_raised_again() -> None:
    with pytest.raises(FileNotFoundError):
        within(5.0, pathlib.Path("/nonexistent").read_text)


def test_a_call_that_never_returns_does_not_keep_the_process_alive() -> None:
    started: list[threading.Thread] = []
    hold = threading.Event()

    def hang() -> None:
        started.append(threading.current_thread())
        hold.wait()

    with pytest.raises(TooSlow):
        within(0.05, hang)
    assert started[0].daemon
    hold.set()
