# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole reload where the supervisor restarts the server, and which of both ways is taken."""

from __future__ import annotations

import os
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import look
from ansible_collections.fleetops.odoo.plugins.module_utils._reload import prepare as _prepare
from ansible_collections.fleetops.odoo.plugins.module_utils._reload.decide import Method, Policy
from ansible_collections.fleetops.odoo.plugins.module_utils._reload.reload import ReloadFailed
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import WouldFail

from ..scene import GONE, PREFORK_19, RESTART_19
from .stage import FRESH, ONE, UNIT, Staged, Walks, stage

__all__ = ["stage"]

TRAP = WouldFail("a HUP would lose its virtualenv", "put it into PATH", restart_helps=True)


def test_a_restart_from_the_stop_to_the_new_server(stage: Staged, monkeypatch: pytest.MonkeyPatch) -> None:
    on = stage("19-prefork", RESTART_19)
    check = on.reload(method=Method.SUPERVISOR, check_mode=True)
    reason = "a reload was asked for; a restart by systemd; it is rude; not rehearsed: its moods"
    assert (check.did, check.signals, check.reason, check.successor) == ("restarted", [], reason, None)
    assert on.restarts == []
    result = on.reload(method=Method.SUPERVISOR)
    assert (on.sent, on.restarts) == ([], ["odoo.service"])
    assert (result.did, result.signals, result.reason) == ("restarted", [], reason)
    assert (result.identity.split(":")[0], t.cast("str", result.successor).split(":")[0]) == ("513", "472")
    after = t.cast("dict[str, t.Any]", result.after)
    assert (after["state"], after["health"], after["loaded"]["evidence"]) == ("running", "ok", "marker")
    # What lies on this machine's disk is no part of the scene.
    Walks(monkeypatch, FRESH)
    again = on.reload(Policy.STALE, method=Method.SUPERVISOR)
    assert (again.did, again.successor) == ("nothing", None)


@pytest.mark.parametrize("method", ["hup", "auto", "supervisor"])
def test_what_a_restart_would_not_help_is_refused(stage: Staged, method: Method) -> None:
    on = stage("19-prefork", RESTART_19)
    on.failing = [WouldFail("its code is broken")]
    with pytest.raises(ReloadFailed, match="its code is broken") as caught:
        on.reload(method=method)
    assert (on.sent, on.restarts, caught.value.results[0].did) == ([], [], "refused")


def test_where_a_hup_would_kill_it(stage: Staged) -> None:
    on = stage("19-prefork", RESTART_19)
    on.failing = [TRAP]
    with pytest.raises(ReloadFailed, match="would lose its virtualenv; put it into PATH"):
        on.reload(method=Method.HUP)
    result = on.reload(method=Method.AUTO)
    assert (result.did, on.restarts) == ("restarted", ["odoo.service"])
    assert "a restart by systemd, since a HUP would lose its virtualenv; it is rude" in result.reason


def test_where_a_hup_works_auto_sends_one(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    result = on.reload(method=Method.AUTO)
    assert (result.did, result.signals, result.successor, on.restarts) == ("signalled", ["HUP"], None, [])


def test_no_way_at_all_tells_of_both(stage: Staged, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_arguments: object) -> t.NoReturn:
        raise WouldFail("nobody would start it again")

    on = stage("19-prefork", RESTART_19)
    on.failing = [TRAP]
    monkeypatch.setattr(_prepare, "plan_restart", nobody)
    with pytest.raises(
        ReloadFailed, match=r"put it into PATH. Nor is a restart a way out: nobody would start it again"
    ):
        on.reload(method=Method.AUTO)


def test_a_server_that_does_not_come_back(stage: Staged) -> None:
    on = stage("19-prefork", [*RESTART_19[:2], GONE])
    on.problem = "systemd says that it is failed"
    with pytest.raises(ReloadFailed, match=r"was restarted by .* and did not come back: systemd says") as caught:
        on.reload(method=Method.SUPERVISOR)
    (result,) = caught.value.results
    assert (result.did, result.after) == ("restarted", None)


def test_a_supervisor_that_starts_nothing_is_a_failure_in_time(stage: Staged) -> None:
    on = stage("19-prefork", [*RESTART_19[:2], GONE])
    with pytest.raises(ReloadFailed, match=r"within 20 s after its restart by .*: still waiting for systemd to start"):
        on.reload(method=Method.SUPERVISOR, timeout=20)


def test_a_supervisor_that_does_nothing_has_restarted_nothing(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19[:1])
    on.problem = "supervisorctl says: no such process"
    with pytest.raises(ReloadFailed, match="no such process") as caught:
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
    assert result.reason == "another call was restarting it when this call came, and that has ended well"
    assert (result.did, t.cast("str", result.successor).split(":")[0]) == ("nothing", "472")


@pytest.mark.parametrize("method", ["auto", "supervisor"])
def test_a_changed_unit(stage: Staged, monkeypatch: pytest.MonkeyPatch, method: Method) -> None:
    on = stage("19-prefork", RESTART_19)
    Walks(monkeypatch, UNIT)
    with pytest.raises(ReloadFailed, match="restart it through its supervisor"):
        on.reload(Policy.STALE)
    result = on.reload(Policy.STALE, method=method)
    assert (result.did, on.restarts, on.sent) == ("restarted", ["odoo.service"], [])
    assert result.reason.startswith("its unit has changed; a restart by systemd")


def test_a_unit_that_changes_during_the_rehearsal_of_a_hup(stage: Staged, monkeypatch: pytest.MonkeyPatch) -> None:
    on = stage("19-prefork", RESTART_19)
    Walks(monkeypatch, ONE, UNIT)
    assert (on.reload(Policy.STALE, method=Method.AUTO).did, on.sent) == ("restarted", [])


@pytest.mark.parametrize(("method", "did"), [("hup", "signalled"), ("supervisor", "restarted")])
def test_without_room_nothing_is_done_unless_forced(
    stage: Staged, monkeypatch: pytest.MonkeyPatch, method: Method, did: str
) -> None:
    on = stage("19-prefork", PREFORK_19 if method == "hup" else RESTART_19)
    monkeypatch.setattr(_prepare, "shortages", lambda _room: ["the disk is full"])
    with pytest.raises(ReloadFailed, match="the disk is full; free some, or set force") as caught:
        on.reload(method=method)
    assert caught.value.results[0].did == "refused"
    forced = on.reload(method=method, force=True)
    assert (forced.did, forced.reason.endswith("; forced against: the disk is full")) == (did, True)


@pytest.mark.parametrize(("method", "did"), [("hup", "signalled"), ("supervisor", "restarted")])
def test_what_force_overrides_in_a_rehearsal_is_told(stage: Staged, method: Method, did: str) -> None:
    on = stage("19-prefork", PREFORK_19 if method == "hup" else RESTART_19)
    on.lost = ("it would be without its database",)
    forced = on.reload(method=method, force=True)
    assert (forced.did, forced.reason.count("; forced against: it would be without its database")) == (did, 1)
