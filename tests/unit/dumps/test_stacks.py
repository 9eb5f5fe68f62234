# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test what the workers of a server do: the kernel is asked first. (test_ask.py tests what they write.)"""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.stacks import Stacks
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.work import find_busy
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Role
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.process import Process

from ..scene import PREFORK_19
from .stage import Stage


class Kernel:
    """Says that http workers are idle or at work, and nothing of the others."""

    def __init__(self, known: dict[int, bool]) -> None:
        self._known = known

    def knows(self, process: Process, role: Role) -> bool | None:
        """Return what it knows of a worker."""
        del role
        return self._known.get(process.pid)


@pytest.mark.parametrize(
    ("names", "asked"),
    [
        # Both of the others are asked what they do, or only the one of which nothing is known.
        (True, [536, 540]),
        (False, [540]),
    ],
)
def test_who_is_known_to_be_idle_gets_no_signal(tmp_path: pathlib.Path, names: t.Any, asked: list[int]) -> None:
    on = Stage(PREFORK_19[-1], tmp_path)
    kernel = Kernel({535: True, 536: False})
    stacks = Stacks(on.host, on.host.place, None, lambda _proc, _instance: kernel)
    dumps, lines = stacks.take(on.instance, {535, 536, 540}, names=names)
    assert on.sent == asked
    assert sorted(dumps) == sorted([535, *asked])
    busy = {one.pid for one in find_busy(on.instance, dumps, lines, 0.0, leaving=False)}
    assert busy & {535, 536, 540} == {536, 540}


def test_a_worker_that_is_never_at_rest_counts_as_idle_once_the_kernel_says_so(tmp_path: pathlib.Path) -> None:
    on = Stage(PREFORK_19[-1], tmp_path)
    on.python, on.restless = "311", {535}
    known = {535: False}
    on.clock._on_sleep = lambda _seconds: known.update({535: on.clock.now > 1001.0})
    stacks = Stacks(on.host, on.host.place, None, lambda _proc, _instance: Kernel(known))
    dumps, _lines = stacks.take(on.instance, {535})
    assert (list(dumps), on.sent) == ([535], [])
