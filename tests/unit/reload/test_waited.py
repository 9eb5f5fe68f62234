# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A reload that finds another one, or a start, in progress, over captured moments."""

from __future__ import annotations

import os

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import look
from ansible_collections.fleetops.odoo.plugins.module_utils._reload.decide import Policy

from ..scene import PREFORK_14, PREFORK_19
from .stage import ONE, UNIT, Staged, stage

__all__ = ["stage"]


@pytest.mark.parametrize("at", range(1, 5))
def test_a_call_during_a_reload_waits_for_it_and_sends_nothing(stage: Staged, at: int) -> None:
    on = stage("19-prefork", PREFORK_19)
    on.scene.go_to(PREFORK_19[at])
    result = on.reload()
    assert on.sent == []
    assert on.rehearsed == 0
    assert on.scene.moment == "hup-19-done"
    assert result.did == "nothing"
    assert result.reason == "the server was reloading when this call began, and that was successful"
    assert on.asked == 1


def test_a_call_during_a_reload_sends_a_hup_if_code_changed_since_that_began(stage: Staged) -> None:
    on = stage("19-prefork", [*PREFORK_19[1:], *PREFORK_19[1:]])
    on.host.stale = [ONE]
    result = on.reload()
    assert [moment for _name, moment in on.sent] == ["hup-19-done"]
    assert (result.did, on.rehearsed) == ("signalled", 1)
    waited = "the server was reloading when this call began, and that was successful"
    assert result.reason == waited + ", but 1 file changed: /a.py"


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_call_while_odoo_14_is_down_waits_for_it(stage: Staged, at: int) -> None:
    on = stage("14-prefork", PREFORK_14)
    on.scene.go_to(PREFORK_14[at])
    assert on.reload().did == "nothing"
    assert on.sent == []
    assert on.scene.moment == "hup-14-done"


def test_a_call_during_a_start_waits_for_it(stage: Staged) -> None:
    on = stage(
        "19-prefork",
        ["booting-handlers-not-installed-first", "booting-handlers-just-installed", PREFORK_19[0], "hup-19-done"],
    )
    result = on.reload()
    assert on.sent == []
    assert result.reason == "the server was booting when this call began, and that was successful"


def test_a_reload_of_another_program_does_not_count_for_since(stage: Staged) -> None:
    on = stage("19-prefork", [*PREFORK_19[1:], *PREFORK_19[1:]])
    # It waits, and since nothing proves when that load was, it sends a HUP of its own.
    assert on.reload(Policy.SINCE, on.clock.time()).did == "signalled"
    assert [moment for _name, moment in on.sent] == ["hup-19-done"]


def test_a_call_that_waited_for_the_lock_sends_nothing(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    on.store.open()
    master = look(on.scene).instances[0].master
    lock = on.store.try_lock(master)
    assert lock is not None

    def other_call(_seconds: float) -> None:
        on.scene.go_on()
        if on.scene.moment == "hup-19-done" and not released:
            released.append(True)
            os.close(lock)

    released: list[bool] = []
    on.clock._on_sleep = other_call
    result = on.reload()
    assert on.sent == []
    assert (result.did, result.reason) == (
        "nothing",
        "another call was reloading it when this call began, and that was successful",
    )


def test_check_mode_during_a_reload_predicts_the_wait(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    on.scene.go_on()
    result = on.reload(check_mode=True)
    assert (result.did, result.signals) == ("nothing", [])
    assert result.reason == "the server was reloading: the module would wait for that and then look again"


def test_a_call_of_always_that_waited_names_what_a_hup_does_not_apply(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19[1:])
    on.host.stale = [UNIT]
    result = on.reload()
    assert on.sent == []
    assert result.reason.endswith("; a HUP does not apply this: its unit has changed")
