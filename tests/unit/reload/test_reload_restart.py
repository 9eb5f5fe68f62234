# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole reload where the supervisor restarts the server, and which of both ways is taken."""

from __future__ import annotations

import os
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._messages import rehearsal, supervisor
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import look
from ansible_collections.fleetops.odoo.plugins.module_utils._reload.decide import Method, Policy
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import OperationFailed, Refused

from ..build import failing
from ..scene import GONE, PREFORK_19, RESTART_19
from .stage import FRESH, ONE, UNIT, Staged, stage

__all__ = ["stage"]

TRAP = Refused(
    rehearsal.VIRTUALENV_LOST(
        name="python3", found="/usr/bin/python3", executable="/v/bin/python3", remedy="Set PATH."
    ),
    restart_helps=True,
)


def test_a_restart_from_the_stop_to_the_new_server(stage: Staged) -> None:
    on = stage("19-prefork", RESTART_19)
    check = on.reload(method=Method.SUPERVISOR, check_mode=True)
    reason = "a reload was requested; a restart by systemd; the start-up check did not check its moods"
    assert (check.did, check.signals, check.reason, check.successor) == ("restarted", [], reason, None)
    assert on.restarts == []
    assert [one.code for one in check.warnings] == ["supervisor.other_unit"]
    result = on.reload(method=Method.SUPERVISOR)
    assert (on.sent, on.restarts) == ([], ["odoo.service"])
    assert (result.did, result.signals, result.reason) == ("restarted", [], reason)
    assert (result.identity.split(":")[0], t.cast("str", result.successor).split(":")[0]) == ("513", "472")
    after = t.cast("dict[str, t.Any]", result.after)
    assert (after["state"], after["health"], after["loaded"]["evidence"]) == ("running", "ok", "marker")
    # Files on the disk of this machine do not count here.
    on.host.stale = [FRESH]
    again = on.reload(Policy.STALE, method=Method.SUPERVISOR)
    assert (again.did, again.successor) == ("nothing", None)


@pytest.mark.parametrize("method", ["hup", "auto", "supervisor"])
def test_what_a_restart_would_not_help_is_refused(stage: Staged, method: Method) -> None:
    on = stage("19-prefork", RESTART_19)
    on.failing = [Refused(rehearsal.SYNTAX_ERROR(error="x"))]
    with failing("rehearsal.syntax_error", OperationFailed) as caught:
        on.reload(method=method)
    assert (on.sent, on.restarts, caught.value.results[0].did) == ([], [], "refused")


def test_where_a_hup_would_kill_it(stage: Staged) -> None:
    on = stage("19-prefork", RESTART_19)
    on.failing = [TRAP]
    with failing("rehearsal.virtualenv_lost"):
        on.reload(method=Method.HUP)
    result = on.reload(method=Method.AUTO)
    assert (result.did, on.restarts) == ("restarted", ["odoo.service"])
    assert "a restart by systemd, because a HUP is not possible: " in result.reason


def test_where_a_hup_works_auto_sends_one(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    result = on.reload(method=Method.AUTO)
    assert (result.did, result.signals, result.successor, on.restarts) == ("signalled", ["HUP"], None, [])


def test_no_way_at_all_tells_of_both(stage: Staged) -> None:
    on = stage("19-prefork", RESTART_19)
    on.failing = [TRAP]
    on.no_plan = [Refused(supervisor.NONE())]
    with failing("refused.no_way", OperationFailed) as caught:
        on.reload(method=Method.AUTO)
    assert caught.value.problem.values["restart"] == str(supervisor.NONE())


def test_a_server_that_does_not_come_back(stage: Staged) -> None:
    on = stage("19-prefork", [*RESTART_19[:2], GONE])
    on.problem = supervisor.UNIT_DOWN(unit="odoo.service", state="failed")
    with failing("failed.not_back", OperationFailed) as caught:
        on.reload(method=Method.SUPERVISOR)
    (result,) = caught.value.results
    assert (result.did, result.after) == ("restarted", None)


def test_a_supervisor_that_starts_nothing_is_a_failure_in_time(stage: Staged) -> None:
    on = stage("19-prefork", [*RESTART_19[:2], GONE])
    with failing("timeout.new_server"):
        on.reload(method=Method.SUPERVISOR, timeout=20)


def test_a_supervisor_that_does_nothing_has_restarted_nothing(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19[:1])
    on.problem = supervisor.SUPERVISORD_SAYS(said="no such process")
    with failing("supervisor.supervisord_says", OperationFailed) as caught:
        on.reload(method=Method.SUPERVISOR)
    assert caught.value.results[0].did == "refused"


def test_a_call_that_waited_for_a_restart_goes_on_with_the_new_server(stage: Staged) -> None:
    on = stage("19-prefork", RESTART_19)
    on.store.open()
    lock = on.store.try_lock(look(on.scene).instances[0].master)
    assert lock is not None

    def other_call(_seconds: float) -> None:
        on.scene.go_on()
        if on.scene.moment == "running" and not released:
            released.append(True)
            os.close(lock)

    released: list[bool] = []
    on.clock._on_sleep = other_call
    result = on.reload(method=Method.SUPERVISOR)
    assert on.restarts == []
    assert result.reason == "another call was restarting it when this call began, and that was successful"
    assert (result.did, t.cast("str", result.successor).split(":")[0]) == ("nothing", "472")


@pytest.mark.parametrize("method", ["auto", "supervisor"])
def test_a_changed_unit(stage: Staged, method: Method) -> None:
    on = stage("19-prefork", RESTART_19)
    on.host.stale = [UNIT]
    with failing("refused.needs_restart"):
        on.reload(Policy.STALE)
    result = on.reload(Policy.STALE, method=method)
    assert (result.did, on.restarts, on.sent) == ("restarted", ["odoo.service"], [])
    assert result.reason.startswith("its unit has changed; a restart by systemd")


def test_a_unit_that_changes_during_the_rehearsal_of_a_hup(stage: Staged) -> None:
    on = stage("19-prefork", RESTART_19)
    on.host.stale = [ONE, UNIT]
    assert (on.reload(Policy.STALE, method=Method.AUTO).did, on.sent) == ("restarted", [])


@pytest.mark.parametrize(("method", "did"), [("hup", "signalled"), ("supervisor", "restarted")])
def test_without_room_nothing_is_done_unless_forced(stage: Staged, method: Method, did: str) -> None:
    on = stage("19-prefork", PREFORK_19 if method == "hup" else RESTART_19)
    on.short = ["the disk is full"]
    with failing("rehearsal.little_room", OperationFailed) as caught:
        on.reload(method=method)
    assert caught.value.results[0].did == "refused"
    forced = on.reload(method=method, force=True)
    assert forced.did == did
    assert "rehearsal.little_room" in [one.code for one in forced.warnings]


@pytest.mark.parametrize(("method", "did"), [("hup", "signalled"), ("supervisor", "restarted")])
def test_what_force_overrides_in_a_rehearsal_is_told(stage: Staged, method: Method, did: str) -> None:
    on = stage("19-prefork", PREFORK_19 if method == "hup" else RESTART_19)
    on.lost = (rehearsal.NO_DATABASE(error="no route"),)
    forced = on.reload(method=method, force=True)
    assert forced.did == did
    assert [one.code for one in forced.warnings].count("rehearsal.no_database") == 1
